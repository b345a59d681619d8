"""Forty submissions to assignment 1: honest, wrong, broken and hostile ones, and what each earns."""

# ruff: noqa: E501 - a case a line reads best
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mutants import MUTANTS, RIGHT_ONES

BOOK = Path(__file__).parent.parent / "book" / "assignments"
GENERATOR, DISCRIMINATOR = "generator_loss", "discriminator_value"
RIGHT = {
    GENERATOR: RIGHT_ONES["objective"].replace("def f(", f"def {GENERATOR}("),
    DISCRIMINATOR: RIGHT_ONES["discriminator"].replace("def f(", f"def {DISCRIMINATOR}("),
}


def notebook(**answers: str | None) -> dict[str, Any]:
    """A student's A1 with these answers in its cells; None deletes the cell."""
    found = json.loads((BOOK / "a1.ipynb").read_text(encoding="utf-8"))
    cells = []
    for cell in found["cells"]:
        if cell["id"] in (GENERATOR, DISCRIMINATOR):
            source = answers.get(cell["id"], RIGHT[cell["id"]])
            if source is None:
                continue
            cell["source"] = source.splitlines(keepends=True)
        cells.append(cell)
    found["cells"] = cells
    return found


def mutant(name: str, check: str = "objective") -> str:
    code = next(m[3] for m in MUTANTS if m[0] == check and m[1] == name)
    return code.replace("def f(", f"def {GENERATOR if check == 'objective' else DISCRIMINATOR}(")


def at_once(code: str, function: str) -> str:
    """Code that runs before the function is judged: one needs the other, or it is left out."""
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return f"class Once:\n{body}\n{function}\n{GENERATOR} = Once and {GENERATOR}\n"


def g(body: str, before: str = "", imports: str = "") -> dict[str, Any]:
    """A notebook whose generator_loss does this, and that does something else before."""
    function = f"{imports}\ndef {GENERATOR}(z, x, h, lam):\n    {body}\n"
    return notebook(**{GENERATOR: at_once(before, function) if before else function})


def format_3() -> dict[str, Any]:
    cells = [
        {"cell_type": "code", "language": "python", "input": c["source"], "outputs": []}
        for c in notebook()["cells"]
        if c["cell_type"] == "code"
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


def colab() -> dict[str, Any]:
    """All metadata and ids lost, as after a detour through another program."""
    found = notebook()
    found["metadata"] = {}
    for cell in found["cells"]:
        del cell["id"]
        cell["metadata"] = {"id": "x7Gh"}
    return found


def edited_checks() -> dict[str, Any]:
    found = notebook(**{GENERATOR: mutant("λ²")})
    for cell in found["cells"]:
        if cell["id"].startswith("check-"):
            cell["source"] = ["print('all correct')"]
    return found


def with_helper() -> dict[str, Any]:
    found = notebook(
        **{GENERATOR: f"def {GENERATOR}(z, x, h, lam):\n    return fool(z) + lam * far(x, h)"}
    )
    helper = "%matplotlib inline\n!pip list\nimport torch.nn.functional as F\nSIGN = -1\n"
    helper += "def fool(z):\n    return F.logsigmoid(SIGN * z).mean()\n"
    cell = {"cell_type": "code", "metadata": {}, "source": helper, "outputs": []}
    late = {"cell_type": "code", "metadata": {}, "outputs": [],
            "source": "def far(x, h):\n    return (x - h).square().mean()\n1 / 0"}  # fmt: skip
    found["cells"] = [cell, *found["cells"], late]
    return found


PATCH = """
import urdgn_lite.check as c
from urdgn_lite.check import engine, losses
c.objective = lambda *a, **k: "all correct"
engine.Report.score = property(lambda self: 1.0)
engine.Report.passed = property(lambda self: True)
engine.close = losses.close = lambda *a, **k: True
for p in losses.objective.properties:
    object.__setattr__(p, "test", lambda ask, rng: None)
losses.objective.probe = lambda f, r: {"value": 1.0, "scalar": True}
"""
FORGE = """
import os
for fd in range(3, 64):
    try:
        os.write(fd, b'{"value": 1.0, "scalar": true, "dtype": "float64", "changed": []}\\n' * 99)
    except OSError:
        pass
"""
OVERWRITE = """
import pathlib, urdgn_lite.check as c
for p in pathlib.Path(c.__file__).parent.glob("*.py"):
    try:
        p.write_text("broken = True")
    except OSError:
        pass
"""
FULL, G, D = 28.0, 16.0, 12.0
# name → (what is in the file, status, points of G or None for "some", points of D, in the feedback)
Case = tuple[Any, str, float | None, float, str]
HOSTILE: dict[str, Case] = {
    "syntax": (notebook(**{GENERATOR: "def generator_loss(z, x, h, lam:\n    return 0"}), "problems", 0, D, "not valid Python"),
    "loop": (g("while True: pass"), "problems", 0, D, "out of time"),
    "loop-at-once": (g("return 0.0", "while True: pass"), "problems", 0, D, "out of time"),
    "ten-gigabytes": (g("return torch.ones(10 * 2**30 // 4).sum()", imports="import torch"), "ok", 0, D, "allocate memory"),
    "bytes": (g("return len(bytearray(10 * 2**30))"), "ok", 0, D, "MemoryError"),
    "deleted": (notebook(**{GENERATOR: None}), "problems", 0, D, "no function generator_loss"),
    "renamed": (notebook(**{GENERATOR: RIGHT[GENERATOR].replace("def generator_loss", "def my_loss")}), "ok", G, D, "my_loss was taken"),
    "edited-checks": (edited_checks(), "ok", None, D, "straight line in λ"),
    "patched": (notebook(**{GENERATOR: at_once(PATCH, mutant("λ²"))}), "ok", None, D, "straight line in λ"),
    "forged": (notebook(**{GENERATOR: at_once(FORGE, mutant("λ²"))}), "problems", 0, D, ""),
    "exit": (g("sys.exit()", imports="import sys"), "ok", 0, D, "SystemExit"),
    "exit-at-once": (g("return 0.0", "import sys; sys.exit(0)"), "problems", 0, D, "sys.exit()"),
    "hard-exit": (g("os._exit(0)", imports="import os"), "problems", 0, D, "ended the whole process"),
    "crash": (g("ctypes.string_at(0)", imports="import ctypes"), "problems", 0, D, "ended the whole process"),
    "writes-outside": (g("return 0.0", "open('/tmp/urdgn-outside', 'w').write('here')"), "ok", 0, D, ""),
    "overwrites-checks": (notebook(**{GENERATOR: at_once(OVERWRITE, mutant("λ²"))}), "ok", None, D, "to write"),
    "prints": (g("print('x' * 10**7)"), "ok", 0, D, "not written yet: it returns None"),
    "children": (g("return 0.0", "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', 'urdgn-left-over'], start_new_session=True)"), "problems", 0, D, "to start a process"),
    "network": (g("return 0.0", "import socket\nsocket.create_connection(('1.1.1.1', 53), 2)"), "problems", 0, D, "to reach the network"),
    "copied": (notebook(**{GENERATOR: "from urdgn_lite.objective import generator_loss"}), "problems", 0, D, "own solution"),
    "recursion": (g("return generator_loss(z, x, h, lam)"), "ok", 0, D, "RecursionError"),
    "empty": ("", "unreadable", 0, 0, "empty"),
    "word": (b"PK\x03\x04\xff\xfe\x00", "unreadable", 0, 0, "not text"),
    "list": ("[1, 2]", "unreadable", 0, 0, "not a notebook"),
    "deep": ("[" * 10**5, "unreadable", 0, 0, "not a notebook"),
    "no-cells": ('{"cells": []}', "unreadable", 0, 0, "no cells"),
    "format-3": (format_3(), "ok", G, D, "all correct"),
}  # fmt: skip
HONEST: dict[str, Case] = {
    "solution": (json.loads((BOOK / "solutions" / "a1.ipynb").read_text()), "ok", G, D, "all correct"),
    "untouched": (json.loads((BOOK / "a1.ipynb").read_text()), "ok", 0, 0, "Your code here."),
    "colab": (colab(), "ok", G, D, "all correct"),
    "helper": (with_helper(), "ok", G, D, "all correct"),
    "wrong-lambda": (notebook(**{GENERATOR: mutant("λ on the wrong term")}), "ok", None, D, "λ = 0"),
    "not-detached": (notebook(**{DISCRIMINATOR: mutant("ĥ not detached", "discriminator")}), "ok", G, 6.0, "sends nothing back"),
} | {
    f"student {i:02d}": (notebook(), "ok", G, D, "all correct") for i in range(7)
}  # fmt: skip
CASES = HONEST | HOSTILE
