"""Which code of a notebook answers a part: nothing is executed here, and nothing is trusted.

An answer is looked up by the id of its cell, and where that was lost, by the function's name. Of
its cell, as of all others, only what the function needs is run (`statements`).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from urdgn_lite.grading.statements import binds, calls, complaint, is_stub, needed, parse
from urdgn_lite.grading.submission import Assignment, Part, SubmissionError

WELL_KNOWN = ("urdgn_lite.objective", "urdgn_lite.optimiser", "urdgn_lite.train")
BY_EYE = {  # what reaches around the sandbox's own rules; each has honest uses too
    "importlib": r"\bimportlib\b",
    "sys.modules": r"\bsys\.modules\b|\bfrom sys import\b.*\bmodules\b",
    "__import__": r"\b__import__\b",
    "sys._getframe": r"\b_getframe\b",
    "exec": r"(?<![\w.])exec\b",
    "eval": r"(?<![\w.])eval\b",  # but not `model.eval()`
    "urdgn_lite.check": r"\burdgn_lite\.check\b|(?<![\w.])check\.\w",
}


@dataclass
class Answer:
    """The code that answers one part: the statements to run, and the name that they define.

    Attributes
    ----------
    notes : how it was found, and what a teacher should look at: remarks in any case.
    missing : what it needs and was not run: remarks if something does not hold.
    """

    statements: list[str] = field(default_factory=list)
    name: str = ""
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def answer(cells: list[dict[str, Any]], part: Part, assignment: Assignment) -> Answer:
    """Find the code that answers a part.

    Raises
    ------
    SubmissionError : there is none, or it is not Python.
    """
    code = [c for c in cells if c["code"]]
    bodies = [parse(c["source"]) for c in code]
    asked = {p.id for p in assignment.parts}
    own = [i for i, c in enumerate(code) if part.id in c["ids"]]
    written = [i for i, body in enumerate(bodies) if _writes(body, part.id, asked)]
    broken = [i for i, body in enumerate(bodies)
              if body is None and re.search(rf"def\s+{part.id}\b", code[i]["source"])]  # fmt: skip
    stubs = [i for i, body in enumerate(bodies) if part.id in _functions(body)]
    name, notes = part.id, []
    if written or (stubs and not broken):
        found = written or stubs  # a stub that was left standing is no answer if there is another
        where = ([i for i in found if i in own] or found)[-1]
        notes = ["found in another cell"] if own and where not in own else []
    elif broken or any(bodies[i] is None for i in own):
        where = (broken or own)[-1]
        raise SubmissionError(f"the cell is not valid Python ({complaint(code[where]['source'])})")
    elif renamed := [(i, f) for i in own for f in _functions(bodies[i]) if f not in asked]:
        where, name = renamed[-1]
        notes = [f"renamed: {name} was taken for {part.id}"]
    elif own and code[own[-1]]["source"].strip():
        where = own[-1]  # perhaps an import: running it will tell
    else:
        raise SubmissionError(f"no function {part.id} in the notebook")
    others = [node for i, body in enumerate(bodies) if body and i != where for node in body]
    needs = needed(others, bodies[where] or [], name, asked | {name})
    notes += _remarks("\n".join(needs.statements))
    missing = [f"{one} was left out: {why}" for one, why in needs.missing.items()]
    return Answer(needs.statements, name, notes, missing)


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
    found = [m for m in WELL_KNOWN if m in text]
    names = {m.rpartition(".")[2] for m in WELL_KNOWN}
    for imported in re.findall(r"from\s+urdgn_lite\s+import\s+\(?([\w\s,]+)", text):
        found += [f"urdgn_lite.{n}" for n in re.split(r"[\s,]+", imported) if n in names]
    return sorted(set(found))
