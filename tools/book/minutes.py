"""How long a notebook takes: to read from its words, to run from `results/minutes.json`.

`tools/book/execute.py` records there what it measured; `tools/book/sync.py` writes it into
*You need* and, all together, into the first page.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

from urdgn_lite.provenance import circumstances

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "results" / "minutes.json"
BOOK = ROOT / "book"
WORDS_A_MINUTE = 150  # of prose and code: a text with equations to think about
NEEDS = "## You need"


def source(cell: dict[str, Any]) -> str:
    """What a cell says: a list of lines in a file, a string in nbformat's hands."""
    return "".join(cell["source"])


def code(notebook: dict[str, Any]) -> str:
    """A short hash of what is executed, without the set-up cell: that one follows the URL."""
    cells = [source(c) for c in notebook["cells"] if c["cell_type"] == "code"][1:]
    return hashlib.sha256("\0".join(cells).encode()).hexdigest()[:16]


def to_read(notebook: dict[str, Any]) -> int:
    """Minutes to read prose and code, rounded up to five."""
    words = sum(len(source(c).split()) for c in notebook["cells"] if NEEDS not in source(c))
    return 5 * math.ceil(words / WORDS_A_MINUTE / 5)


def measured() -> dict[str, dict[str, dict[str, Any]]]:
    """What was recorded: of each notebook, for `cpu` and `gpu`, seconds, hardware and code."""
    return json.loads(STORED.read_text()) if STORED.exists() else {}


def record(name: str, notebook: dict[str, Any], seconds: float, longest_cell: float) -> None:
    """Keep one execution; those of other notebooks, and of the other kind of device, stay."""
    everything, hardware = measured(), circumstances()["hardware"]
    everything.setdefault(name, {})["cpu" if " CPU, " in hardware else "gpu"] = {
        "seconds": round(seconds, 1),
        "longest_cell": round(longest_cell, 1),
        "hardware": hardware,
        "code": code(notebook),
    }
    STORED.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")


def in_minutes(n: int) -> str:
    """`1 minute`, `2 minutes`."""
    return f"{n} minute{'s' * (n != 1)}"


def to_run(name: str, device: str, notebook: dict[str, Any]) -> str:
    """Whole minutes on `cpu` or `gpu`, rounded up; or that nobody has measured it."""
    entry = measured().get(name, {}).get(device)
    if entry:
        return in_minutes(math.ceil(entry["seconds"] / 60))
    if device == "cpu":
        return "not measured"
    asks = any("cuda.is_available" in source(c) for c in notebook["cells"])
    return "not measured; " + ("the runs are longer there" if asks else "nothing here needs one")


def with_needs(text: str, name: str) -> str:
    """A chapter's text with the minutes in *You need* renewed."""
    notebook = json.loads(text)
    (cell,) = [c for c in notebook["cells"] if NEEDS in source(c)]
    lines = {
        "to read": in_minutes(to_read(notebook)),
        "on a CPU": to_run(name, "cpu", notebook),
        "on a GPU": to_run(name, "gpu", notebook),
    }
    needs = source(cell)
    for label, new in lines.items():
        needs, found = re.subn(rf"(?m)^\| {label} \| .*\|$", f"| {label} | {new} |", needs)
        if found != 1:
            raise SystemExit(f"{name}: You need wants one line `| {label} | … |`")
    cell["source"] = needs.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def together() -> str:
    """Hours to read and minutes to run all of the book, for the first page."""
    names = sorted(path.stem for path in BOOK.glob("*.ipynb"))
    reading = sum(to_read(json.loads((BOOK / f"{name}.ipynb").read_text())) for name in names)
    entries = [e["cpu"] for name, e in measured().items() if name in names and "cpu" in e]
    running = sum(entry["seconds"] for entry in entries)
    hardware = " or ".join(sorted({entry["hardware"] for entry in entries}))
    return (
        f"All together it is {reading / 60:.0f} hours of reading, at {WORDS_A_MINUTE} words a "
        f"minute, code included, and {running / 60:.0f} minutes of running, "
        f"solutions and all ({hardware})."
    )
