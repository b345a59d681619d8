"""Reading what students hand in as Jupyter does: cells, code, texts; nothing is executed here.

It runs in the sandbox, before any student's code: nothing that a file holds reaches the grader.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

MOST_CODE = 2**18  # characters of code
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
PROMPT = re.compile(r"\s*In \[\d+\]: ")  # what follows is Python as it stands, and does nothing
# These run their body, or their line; a module that is written is as good as written here
PYTHON_MAGICS = ("time", "timeit", "capture", "prun", "writefile")


class SubmissionError(ValueError):
    """A file cannot be graded; the message says why, in words for its author."""


@dataclass(frozen=True)
class Cell:
    """One cell: its place from 1, its kind ("code", "markdown", "raw"), what it holds.

    `body` is the code as statements: None where it is no Python, and `fault` says why.
    """

    place: int
    kind: str
    source: str
    ids: frozenset[str]
    body: list[ast.stmt] | None = None
    fault: str = ""


def notebook(raw: bytes) -> dict[str, Any]:
    """A file as a notebook.

    Raises
    ------
    SubmissionError : it is none.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SubmissionError("not a notebook: it is not text") from None
    if not text.strip():
        raise SubmissionError("the file is empty")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise SubmissionError("not a notebook: hand in the downloaded .ipynb file") from None
    if not isinstance(found, dict):
        raise SubmissionError("not a notebook: the file holds something else")
    return found


def cells(found: dict[str, Any]) -> list[Cell]:
    """The cells without their outputs, in order."""
    listed = found.get("cells")
    if listed is None and isinstance(found.get("worksheets"), list):  # format 3
        sheets = [w for w in found["worksheets"] if isinstance(w, dict)]
        listed = [c for w in sheets for c in w.get("cells") or []]
    if not isinstance(listed, list):
        raise SubmissionError("not a notebook: it has no cells")
    good: list[Cell] = []
    for place, cell in enumerate((c for c in listed if isinstance(c, dict)), 1):
        source = cell.get("source", cell.get("input", ""))
        lines = source if isinstance(source, list) else [source]
        text = "".join(line for line in lines if isinstance(line, str))
        kind = str(cell.get("cell_type"))
        body, fault = parse(text) if kind == "code" else (None, "")
        good.append(Cell(place, kind, text, _ids(cell), body, fault))
    if not good:
        raise SubmissionError("the notebook has no cells")
    if sum(len(c.source) for c in good if c.kind == "code") > MOST_CODE:
        raise SubmissionError(f"more than {MOST_CODE // 1024} KB of code")
    return good


def _ids(cell: dict[str, Any]) -> frozenset[str]:
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    ours, nbgrader = metadata.get("urdgn_lite"), metadata.get("nbgrader")
    ids = [cell.get("id"), ours.get("id") if isinstance(ours, dict) else None,
           nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None]  # fmt: skip
    return frozenset(i for i in ids if isinstance(i, str))


def parse(source: str) -> tuple[list[ast.stmt] | None, str]:
    """The statements of a cell, or what is wrong with it.

    It is tried as it is, so that strings stay what they are; then as Jupyter would read it:
    prompts, indentation, `%magic`, `x = !command`, `name?`.
    """
    if len(source) > MOST_CODE:
        return None, "too long"
    fault = ""
    if not PROMPT.match(source):
        try:
            return _python(source), ""
        except UNREADABLE as error:
            fault = _fault(error)
    try:
        return _without_magics(_python(TransformerManager().transform_cell(source))), ""
    except UNREADABLE as error:
        return None, fault or _fault(error)


def _fault(error: BaseException) -> str:
    return f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else repr(error)


def _python(source: str) -> list[ast.stmt]:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return compile(source, "<cell>", "exec", flags, dont_inherit=True).body


def _without_magics(body: list[ast.stmt]) -> list[ast.stmt]:
    """What `%%time` and `%time` measure stands in the cell itself."""
    made = []
    for node in body:
        match node:
            case ast.Expr(
                ast.Call(
                    ast.Attribute(attr="run_cell_magic" | "run_line_magic"),
                    [ast.Constant(name), *_, ast.Constant(str(measured))],
                )
            ) if name in PYTHON_MAGICS:
                made += parse(re.sub(r"^(\s*-\w+ *\d*)+", "", measured))[0] or []
            case _:
                made.append(node)
    return made
