"""How long a notebook takes: to read from its words, to run from `results/minutes.json`.

`tools/book/execute.py` records there what it measured; `tools/book/sync.py` writes it into
*You need* and into the table on the first page.
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


def pages() -> list[str]:
    """The notebooks in the order of the contents."""
    listed = re.findall(r"(?m)file: (\S+)$", (BOOK / "_toc.yml").read_text())
    return [name for name in listed if (BOOK / f"{name}.ipynb").exists()]


def table() -> str:
    """Minutes and seconds of every notebook, for the first page."""
    lines = [
        "| | minutes to read | seconds on a CPU | its longest cell | seconds on a GPU |",
        "|---|---|---|---|---|",
    ]
    everything, reading, running = measured(), 0, 0.0
    for name in pages():
        notebook = json.loads((BOOK / f"{name}.ipynb").read_text())
        cpu, gpu = (everything.get(name, {}).get(device) for device in ("cpu", "gpu"))
        reading += to_read(notebook)
        running += cpu["seconds"] if cpu else 0
        cells = [f"{cpu['seconds']:.0f}", f"{cpu['longest_cell']:.0f}"] if cpu else ["–", "–"]
        cells.append(f"{gpu['seconds']:.0f}" if gpu else "–")
        lines.append(f"| {{doc}}`{name}` | {to_read(notebook)} | {' | '.join(cells)} |")
    hardware = sorted({e["hardware"] for entry in everything.values() for e in entry.values()})
    lines.append(
        f"\nTogether {reading / 60:.1f} hours to read and {running / 60:.1f} minutes to run. "
        f"Measured on: {'; '.join(hardware)}. A dash: nobody has measured it."
    )
    return "\n".join(lines)
