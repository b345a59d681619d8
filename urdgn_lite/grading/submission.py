"""Reading what students hand in: nothing is executed here, and nothing is trusted.

A submission is found to be a notebook or not, and its author and assignment are recognised.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

LARGEST = 30 * 2**20  # bytes of a notebook
MOST_CODE = 2**17  # characters of code: reading it costs the grader time that nothing limits


class SubmissionError(ValueError):
    """A file cannot be graded; the message says why, in words for its author."""


@dataclass(frozen=True)
class Part:
    """A function to write: its name, the check that judges it, the most points for it."""

    id: str
    check: str
    points: float


@dataclass(frozen=True)
class Assignment:
    """What is asked: functions that are graded here, and texts that the teacher grades."""

    id: str
    title: str
    parts: tuple[Part, ...]
    written: dict[str, float]

    @property
    def automatic(self) -> float:
        """The most points that can be had without the teacher."""
        return sum(p.points for p in self.parts)


def assignments() -> dict[str, Assignment]:
    """All assignments, as `tools/book/assignments.py` wrote them down."""
    path = resources.files("urdgn_lite") / "data" / "assignments.json"
    return {
        a["id"]: Assignment(
            a["id"], a["title"], tuple(Part(**p) for p in a["parts"]), dict(a["written"])
        )
        for a in json.loads(path.read_text(encoding="utf-8"))
    }


@dataclass
class Submission:
    """One file as it was handed in."""

    student: str
    file: str
    assignment: str = ""
    cells: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""


def read(path: Path, folder: Path, known: dict[str, Assignment]) -> Submission:
    """Read one file. Whatever is wrong with it is noted in `problem`, never raised."""
    inside = path.relative_to(folder)
    # macOS writes ü as u and ¨: two names for one student
    shown = unicodedata.normalize("NFC", inside.as_posix())
    found = Submission(_student(Path(shown), known), shown)
    try:
        notebook = _notebook(path)
        found.cells = _cells(notebook)
        found.assignment = _recognise(notebook, found.cells, inside, known)
    except SubmissionError as error:
        found.problem = str(error)
        found.assignment = found.assignment or _named(inside.as_posix(), known)
    return found


def _student(inside: Path, known: dict[str, Assignment]) -> str:
    """The first folder that is no assignment's, or else the file's name without the assignment."""
    for folder in inside.parts[:-1]:
        if folder.lower() not in known:
            return folder
    names = "|".join(map(re.escape, known))
    cut = re.sub(rf"(?i)[- ]*\b({names})(?![a-z0-9]).*$", "", inside.stem.replace("_", " "))
    return cut.strip(" -_") or inside.stem


def _named(name: str, known: dict[str, Assignment]) -> str:
    found = re.findall(rf"(?i)(?<![a-z0-9])({'|'.join(known)})(?![a-z0-9])", name)
    return found[-1].lower() if found else ""


def _notebook(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or not path.is_file():
            raise SubmissionError("not a plain file")
        if path.stat().st_size > LARGEST:
            raise SubmissionError(f"larger than {LARGEST // 2**20} MB: clear its outputs")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SubmissionError(f"the file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SubmissionError("not a notebook: it is not text") from None
    if not text.strip():
        raise SubmissionError("the file is empty")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise SubmissionError("not a notebook: hand in the downloaded .ipynb file") from None
    if not isinstance(notebook, dict):
        raise SubmissionError("not a notebook: the file holds something else")
    return notebook


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # format 3
        sheets = [w for w in notebook["worksheets"] if isinstance(w, dict)]
        cells = [c for w in sheets for c in w.get("cells") or []]
    if not isinstance(cells, list):
        raise SubmissionError("not a notebook: it has no cells")
    good: list[dict[str, Any]] = []
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        lines = source if isinstance(source, list) else [source]
        metadata = cell.get("metadata")
        good.append({
            "code": cell.get("cell_type") == "code",
            "source": "".join(line for line in lines if isinstance(line, str)),
            "ids": _ids(cell, metadata if isinstance(metadata, dict) else {}),
        })  # fmt: skip
    if not good:
        raise SubmissionError("the notebook has no cells")
    if sum(len(c["source"]) for c in good if c["code"]) > MOST_CODE:
        raise SubmissionError(f"more than {MOST_CODE // 1024} KB of code")
    return good


def _ids(cell: dict[str, Any], metadata: dict[str, Any]) -> set[str]:
    ours, nbgrader = metadata.get("urdgn_lite"), metadata.get("nbgrader")
    ids = [cell.get("id")]
    ids.append(ours.get("id") if isinstance(ours, dict) else None)
    ids.append(nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None)
    return {i for i in ids if isinstance(i, str)}


def _recognise(
    notebook: dict[str, Any], cells: list[dict[str, Any]], inside: Path,
    known: dict[str, Assignment],
) -> str:  # fmt: skip
    metadata = notebook.get("metadata")
    ours = metadata.get("urdgn_lite") if isinstance(metadata, dict) else None
    named = ours.get("assignment") if isinstance(ours, dict) else None
    if isinstance(named, str) and named in known:
        return named
    if by_name := _named(inside.as_posix(), known):
        return by_name
    text = "\n".join(c["source"] for c in cells if c["code"])
    for assignment in known.values():
        if any(re.search(rf"def\s+{p.id}\b", text) for p in assignment.parts):
            return assignment.id
    raise SubmissionError("none of the assignments was recognised in it")
