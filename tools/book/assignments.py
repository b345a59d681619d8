"""Make the assignments: from each source a student's notebook, a solution, and one for nbgrader.

`python tools/book/assignments.py` writes; `--check` only says what is out of date, and fails if
anything is. `--seed N --out FOLDER` writes next year's set elsewhere, with other hidden inputs
for nbgrader.

A source is Python with cells: `# %% [markdown]` or `# %%`, then `key=value`:
`role=answer` (a function to write; what stands between BEGIN and END SOLUTION is taken out),
`role=check` (`for=` the function, `check=` its check, `points=`), `role=written` (for the teacher).
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))
from sync import SETUP  # noqa: E402 - the set-up cell has one source

SOURCES = ROOT / "book" / "assignments" / "source"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = 'raise NotImplementedError("Your code here.")'
SEED = 2026
Cell = dict[str, Any]


def parse(text: str) -> tuple[str, list[Cell]]:
    """Title and cells of a source."""
    title = ast.get_docstring(ast.parse(text)) or ""
    cells: list[Cell] = []
    for number, block in enumerate(re.split(r"(?m)^# %%", text)[1:]):
        head, _, body = block.partition("\n")
        keys = dict(word.split("=") for word in head.split() if "=" in word)
        markdown = "[markdown]" in head
        if markdown:
            body = re.sub(r"(?m)^# ?", "", body)
        defaults = {"id": f"cell-{number}", "role": "text" if markdown else "code"}
        cells.append(defaults | keys | {"markdown": markdown, "source": body.strip()})
    setup = {"id": "setup", "role": "code", "markdown": False, "source": SETUP}
    return title, [cells[0], setup, *cells[1:]]


def without_solution(cell: Cell) -> str:
    """What a student sees of a cell."""
    pattern = re.compile(rf"(?ms)^([ ]*){BEGIN}\n.*?{END}$")
    stub = "" if cell["markdown"] else STUB
    return pattern.sub(lambda m: f"{m[1]}{stub}".rstrip(), cell["source"]).strip()


def solution(cell: Cell, keep_marks: bool = False) -> str:
    """What a teacher sees of a cell."""
    source: str = cell["source"]
    if cell["markdown"]:
        found = re.search(rf"(?ms){BEGIN}\n(.*?)\n{END}", source)
        return found[1] if found else source
    if keep_marks:
        return source
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def hidden(cell: Cell, seed: int) -> str:
    """A check cell for nbgrader: the visible check, and points for hidden inputs."""
    call = f"check.{cell['check']}({cell['for']}, seed={seed}).points({cell['points']})"
    return f"{cell['source']}\n### BEGIN HIDDEN TESTS\n{call}\n### END HIDDEN TESTS"


def nbgrader_metadata(cell: Cell) -> dict[str, Any]:
    """What nbgrader must know of a cell."""
    role = cell["role"]
    graded = role in ("check", "written")
    data = {
        "grade": graded, "grade_id": cell["id"], "locked": role == "check",
        "schema_version": 3, "solution": role in ("answer", "written"), "task": False,
    }  # fmt: skip
    return data | ({"points": float(cell["points"])} if graded else {})


def notebook(name: str, cells: list[Cell], kind: str, seed: int) -> str:
    """One of the three notebooks as text."""
    made = []
    for cell in cells:
        source = without_solution(cell) if kind == "student" else solution(cell, kind == "nbgrader")
        metadata: dict[str, Any] = {}
        if cell["role"] in ("answer", "check", "written"):
            metadata["urdgn_lite"] = {"id": cell["id"], "role": cell["role"]}
            if kind == "nbgrader":
                metadata["nbgrader"] = nbgrader_metadata(cell)
                source = hidden(cell, seed) if cell["role"] == "check" else source
        one: dict[str, Any] = {
            "cell_type": "markdown" if cell["markdown"] else "code",
            "id": cell["id"],
            "metadata": metadata,
            "source": source.splitlines(keepends=True),
        }
        if not cell["markdown"]:
            one |= {"execution_count": None, "outputs": []}
        made.append(one)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": made,
        "metadata": {
            "kernelspec": kernel,
            "language_info": {"name": "python"},
            "urdgn_lite": {"assignment": name, "kind": kind},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def index(name: str, title: str, cells: list[Cell]) -> dict[str, Any]:
    """What the grader must know of an assignment."""
    parts = [
        {"id": c["for"], "check": c["check"], "points": float(c["points"])}
        for c in cells
        if c["role"] == "check"
    ]
    written, rubrics = {}, {}
    for above, c in pairwise(cells):  # the rubric stands right above the answer
        if c["role"] == "written":
            written[c["id"]] = float(c["points"])
            rows = re.findall(r"(?m)^\| (\d+) \| (.+) \|$", above["source"])
            rubrics[c["id"]] = [[float(points), text] for points, text in rows]
    return {"id": name, "title": title, "parts": parts, "written": written, "rubrics": rubrics}


def wanted(folder: Path, seed: int) -> dict[Path, str]:
    """Every file that is made, with its text."""
    files, known = {}, []
    for path in sorted(SOURCES.glob("*.py")):
        title, cells = parse(path.read_text(encoding="utf-8"))
        name = path.stem
        for kind, place in (
            ("student", folder / f"{name}.ipynb"),
            ("solution", folder / "solutions" / f"{name}.ipynb"),
            ("nbgrader", folder / "nbgrader" / "source" / name / f"{name}.ipynb"),
        ):
            files[place] = notebook(name, cells, kind, seed)
        known.append(index(name, title, cells))
    data = ROOT / "urdgn_lite" / "data" if folder == SOURCES.parent else folder
    files[data / "assignments.json"] = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
    return files


def main() -> int:
    """Write the files, or only compare them."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument("--check", action="store_true", help="only say what is out of date")
    options.add_argument("--out", type=Path, default=SOURCES.parent, help="where to write")
    options.add_argument("--seed", type=int, default=SEED, help="of nbgrader's hidden inputs")
    chosen = options.parse_args()
    files = wanted(chosen.out, chosen.seed)
    stale = {p: t for p, t in files.items() if not p.exists() or p.read_text("utf-8") != t}
    for path, text in stale.items():
        print(f"{'stale' if chosen.check else 'wrote'}: {path}")
        if not chosen.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(chosen.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
