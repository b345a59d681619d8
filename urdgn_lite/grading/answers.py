"""Which code of a notebook answers a part, and what its author wrote: nothing is executed here.

An answer is a definition of the function that was asked for, wherever it stands; the last one
counts. Of the other cells only what the function needs is run (`statements`).
"""

from __future__ import annotations

import ast
import re
from typing import Any

from urdgn_lite.grading import SOLUTIONS
from urdgn_lite.grading.reading import Cell, SubmissionError, cells, notebook, parse
from urdgn_lite.grading.statements import binds, calls, is_stub, needed

BY_EYE = {  # what reaches around the sandbox's own rules; each has honest uses too
    "importlib": r"\bimportlib\b",
    "sys.modules": r"\bsys\.modules\b|\bfrom sys import\b[^\n]{0,200}\bmodules\b",
    "__import__": r"\b__import__\b",
    "__main__": r"\b(?:import|from) +__main__\b",
    "sys._getframe": r"\b_getframe\b",
    "exec": r"(?<![\w.])exec\b",
    "eval": r"(?<![\w.])eval\b",  # but not `model.eval()`
    "compile": r"(?<![\w.])compile\b",
    "runpy": r"\brunpy\b",
    "gc": r"\bgc\b",
    "inspect": r"\binspect\b",
    "ctypes": r"\bctypes\b",
    "closures": r"\bcell_contents\b|__closure__|\bFunctionType\b|\bCodeType\b|__code__",
    "frames": r"\btb_frame\b|\b[fg]i?_(?:back|locals|globals|frame)\b|\bset(?:trace|profile)\b",
    "marshal": r"\bmarshal\b",
    "a library's own names": r"(?m)^\s*(?:torch|np|numpy|math|json|urdgn_lite)"
    r"\.(?!backends)[\w.]+ = |\bsetattr\b"
    r"|__globals__|__subclasses__|__builtins__|\bgetattr\(\s*urdgn_lite\b",
    "urdgn_lite.check": r"\burdgn_lite\.check\b|(?<![\w.])check\.\w",
}
Reading = dict[str, Any]


def read(raw: bytes, known: list[dict[str, Any]], name: str) -> Reading:
    """All that the grader wants to know of a file, as plain data.

    Parameters
    ----------
    raw : the file.
    known : the assignments (`data/assignments.json`).
    name : assignment that the file's name speaks of, or nothing.

    Returns
    -------
    "assignment"; "parts": function → its answer, or {"problem"}; "written": id → text;
    "unreadable": cells that are no Python, in words. Or {"problem"}.
    """
    try:
        found = notebook(raw)
        listed = cells(found)
        asked = _recognise(found, listed, known, name)
    except SubmissionError as error:
        return {"problem": str(error), "assignment": name}
    parts: dict[str, Any] = {}
    for part in asked["parts"]:
        try:
            parts[part["id"]] = answer(listed, part["id"], {p["id"] for p in asked["parts"]})
        except SubmissionError as error:
            parts[part["id"]] = {"problem": str(error)}
    written = {i: "\n\n".join(c.source for c in listed if i in c.ids) for i in asked["written"]}
    broken = [f"cell {c.place} is not valid Python ({c.fault})" for c in listed if c.fault]
    return {"assignment": asked["id"], "parts": parts, "written": written, "unreadable": broken}


def _recognise(
    found: dict[str, Any], listed: list[Cell], known: list[dict[str, Any]], name: str
) -> dict[str, Any]:
    """By the functions that it defines; else by its metadata, then by the name of the file."""
    text = "\n".join(c.source for c in listed)
    defined = {a["id"]: sum(f"def {p['id']}(" in text for p in a["parts"]) for a in known}
    best = max(defined.values())
    likely = [a for a in known if best and defined[a["id"]] == best]
    if len(likely) == 1:
        return likely[0]
    metadata = found.get("metadata")
    ours = metadata.get("urdgn_lite") if isinstance(metadata, dict) else None
    said = ours.get("assignment") if isinstance(ours, dict) else None
    for one in (said, name):
        if chosen := [a for a in likely or known if a["id"] == one]:
            return chosen[0]
    raise SubmissionError("none of the assignments was recognised in it")


def answer(listed: list[Cell], name: str, asked: set[str]) -> dict[str, Any]:
    """The code that answers one part.

    Returns
    -------
    "statements" to run, the "name" that they define, "notes" (how it was found, what to look at
    by eye), "missing" (what it needs and was not run).

    Raises
    ------
    SubmissionError : there is none, or it is not Python.
    """
    notes = []
    code = [c for c in listed if c.kind == "code"]
    own = [c for c in listed if name in c.ids]
    full = [c for c in code if _writes(c.body, name, asked)]
    if not full:  # a changed cell type, or a text
        full = [t for c in listed if c.kind != "code" for t in [_as_code(c, name)] if t]
        notes += [f"found in a {full[-1].kind} cell"] if full else []
        code = sorted([*code, *full[-1:]], key=lambda c: c.place)
    stubs = [c for c in code if name in _functions(c.body)]
    broken = [c for c in code if c.body is None and (
        re.search(rf"def\s+{name}\b", c.source) or c in own)]  # fmt: skip
    if full and not (broken and broken[-1].place > full[-1].place and broken[-1] in own):
        chosen = full[-1]
        if len(full) > 1:
            places = ", ".join(str(c.place) for c in full)
            notes.append(f"defined in cells {places}: the last one was taken")
        elif own and chosen.place not in [c.place for c in own]:
            notes.append("found in another cell")
    elif broken:
        raise SubmissionError(f"cell {broken[-1].place} is not valid Python ({broken[-1].fault})")
    elif stubs:
        chosen = stubs[-1]
    elif renamed := [(c, f) for c in own for f in _functions(c.body) if f not in asked]:
        chosen, name = renamed[-1]
        notes.append(f"renamed: {name} was taken for what was asked")
    elif own and own[-1].source.strip() and own[-1].body:
        chosen = own[-1]  # perhaps an import: running it will tell
    else:
        raise SubmissionError(f"no function {name} in the notebook")
    checked = [c.place for c in listed if f"check-{name}" in c.ids and c.place > chosen.place]
    end = checked[0] if checked else chosen.place
    ranges = (0, chosen.place), (chosen.place - 1, end + 1), (end, 10**9)
    before, around, later = (
        [n for c in code if c.body and low < c.place < high for n in c.body] for low, high in ranges
    )
    needs = needed(before, around, later, name, asked | {name})
    return {
        "statements": needs.statements, "name": name,
        "notes": notes + _remarks("\n".join(needs.statements)),
        "missing": [f"{one} was left out: {why}" for one, why in needs.missing.items()],
    }  # fmt: skip


def _as_code(cell: Cell, name: str) -> Cell | None:
    """A Markdown or raw cell that holds the function, read as code."""
    if not re.search(rf"(?m)^\s*(async )?def\s+{name}\b", cell.source):
        return None
    fenced = re.search(r"(?ms)^```\w*\n(.*?)^```", cell.source)
    source = fenced[1] if fenced else cell.source
    body, fault = parse(source)
    return Cell(cell.place, cell.kind, source, cell.ids, body, fault) if body else None


def _functions(body: list[ast.stmt] | None) -> list[str]:
    return [n.name for n in body or () if isinstance(n, ast.FunctionDef)]


def _writes(body: list[ast.stmt] | None, name: str, asked: set[str]) -> bool:
    """Whether a cell gives the name a meaning of its own: no stub, import or try-out."""
    idle = (ast.Import, ast.ImportFrom)
    return any(
        name in binds(n) and not (isinstance(n, idle) or is_stub(n) or calls(n, asked))
        for n in body or ()
    )


def _remarks(text: str) -> list[str]:
    found = [f"mentions {', '.join(m)}: look whether it is copied" for m in [copies(text)] if m]
    seen = [name for name, pattern in BY_EYE.items() if re.search(pattern, text)]
    return found + [f"mentions {', '.join(seen)}: look at it by eye"] * bool(seen)


def copies(text: str) -> list[str]:
    """Modules of this package that hold a solution and stand in a text of code."""
    found = {m for m in SOLUTIONS if f"urdgn_lite.{m}" in text}
    for imported in re.findall(r"from\s+urdgn_lite\s+import\s+\(?([\w\s,]+)", text):
        found |= set(re.split(r"[\s,]+", imported)) & set(SOLUTIONS)
    return sorted(f"urdgn_lite.{m}" for m in found)
