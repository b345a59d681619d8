"""Reading what students hand in: nothing is executed here, and nothing is trusted.

A submission is found to be a notebook or not, its assignment is recognised, and the answers are
looked up in it: by the id of their cells, and where that was lost, by the function's name.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

LARGEST = 30 * 2**20  # bytes of a notebook
MAGIC = re.compile(r"^\s*[%!?]")
WELL_KNOWN = ("urdgn_lite.objective", "urdgn_lite.optimiser", "urdgn_lite.train")


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
    """All assignments, as `tools/assignments.py` wrote them down."""
    path = resources.files("urdgn_lite") / "data" / "assignments.json"
    return {
        a["id"]: Assignment(
            a["id"], a["title"], tuple(Part(**p) for p in a["parts"]), dict(a["written"])
        )
        for a in json.loads(path.read_text(encoding="utf-8"))
    }


@dataclass
class Answer:
    """The code that answers one part: what to run first, then the answer, then which name."""

    helpers: list[str] = field(default_factory=list)
    code: str = ""
    name: str = ""
    note: str = ""


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
    found = Submission(_student(inside, known), inside.as_posix())
    try:
        notebook = _notebook(path)
        found.cells = _cells(notebook)
        found.assignment = _recognise(notebook, found.cells, inside, known)
    except SubmissionError as error:
        found.problem = str(error)
        found.assignment = found.assignment or _named(inside.as_posix(), known)
    return found


def _student(inside: Path, known: dict[str, Assignment]) -> str:
    """The enclosing folder's name, or else the file's without the assignment's."""
    if len(inside.parts) > 1 and inside.parts[0].lower() not in known:
        return inside.parts[0]
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
    good = []
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


def without_magics(source: str) -> str:
    """Notebook code as Python: lines such as `%matplotlib inline` and `!pip …` become `pass`."""
    lines = []
    for line in source.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}pass" if MAGIC.match(line) else line)
    return "\n".join(lines)


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _functions(tree: ast.Module | None) -> list[str]:
    return [n.name for n in tree.body if isinstance(n, ast.FunctionDef)] if tree else []


def answer(cells: list[dict[str, Any]], part: Part, assignment: Assignment) -> Answer:
    """Find the code that answers a part.

    Raises
    ------
    SubmissionError : there is none, or it is not Python.
    """
    code = [c for c in cells if c["code"]]
    trees = [_parse(c["source"]) for c in code]
    own = [i for i, c in enumerate(code) if part.id in c["ids"]]
    defining = [i for i, t in enumerate(trees) if part.id in _functions(t)]
    broken = [i for i, t in enumerate(trees)
              if t is None and re.search(rf"def\s+{part.id}\b", code[i]["source"])]  # fmt: skip
    asked = {p.id for p in assignment.parts}
    name, note = part.id, ""
    if chosen := [i for i in own if i in defining] or defining:
        where = chosen[-1]
        note = "" if where in own or not own else "found in another cell"
    elif broken or any(trees[i] is None for i in own):
        where = (broken or own)[-1]
        raise SubmissionError(f"the cell is not valid Python ({_complaint(code[where]['source'])})")
    elif renamed := [(i, f) for i in own for f in _functions(trees[i]) if f not in asked]:
        where, name = renamed[-1]
        note = f"renamed: {name} was taken for {part.id}"
    elif own and code[own[-1]]["source"].strip():
        where = own[-1]  # perhaps a lambda or an import: running it will tell
    else:
        raise SubmissionError(f"no function {part.id} in the notebook")
    others = [tree for i, tree in enumerate(trees) if tree and i != where]
    wanted = _names(trees[where]) if trees[where] else set()
    return Answer(_helpers(others, wanted), without_magics(code[where]["source"]), name, note)


def _complaint(source: str) -> str:
    try:
        ast.parse(without_magics(source))
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return type(error).__name__
    return "unknown"


def _names(tree: ast.AST | None) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} if tree else set()


def _binds(node: ast.stmt) -> set[str]:
    """Names that a statement gives a meaning; none if it is a kind that might compute."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(a.asname or a.name).split(".")[0] for a in node.names}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(node)):
        return {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return set()


def _helpers(trees: list[ast.Module], wanted: set[str]) -> list[str]:
    """Imports, functions, classes and constants of the other cells that the answer needs."""
    nodes = [(node, _binds(node)) for tree in trees for node in tree.body]
    kept: set[int] = set()
    growing = True
    while growing:
        more = {i for i, (_, names) in enumerate(nodes) if names & (wanted | {"*"})} - kept
        wanted = wanted.union(*(_names(nodes[i][0]) for i in more))
        growing, kept = bool(more), kept | more
    return [ast.unparse(nodes[i][0]) for i in sorted(kept)]


def copies(answer: Answer) -> list[str]:
    """Modules of this package that hold a solution and stand in the answer's code."""
    text = "\n".join([*answer.helpers, answer.code])
    found = [m for m in WELL_KNOWN if m in text]
    names = {m.rpartition(".")[2] for m in WELL_KNOWN}
    for imported in re.findall(r"from\s+urdgn_lite\s+import\s+\(?([\w\s,]+)", answer.code):
        found += [f"urdgn_lite.{n}" for n in re.split(r"[\s,]+", imported) if n in names]
    return sorted(set(found))
