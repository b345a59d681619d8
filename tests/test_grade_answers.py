"""Which code of a notebook is run to judge an answer: read as Jupyter reads it, not executed."""

# ruff: noqa: E501 - a case a line reads best

from __future__ import annotations

import json
import os
import time
from types import SimpleNamespace
from typing import Any

import pytest
from submissions import BOOK, GENERATOR, RIGHT

from urdgn_lite.grading import confine
from urdgn_lite.grading.answers import answer, read
from urdgn_lite.grading.reading import Cell, SubmissionError, parse
from urdgn_lite.grading.submission import assignments, listed

STUB = f'def {GENERATOR}(z, x, h, lam):\n    """G."""\n    raise NotImplementedError("…")\n'
IMPORTS = (
    "import torch\nfrom urdgn_lite import check, faces\nfrom urdgn_lite.optimiser import RMSprop\n"
)
PIXEL = "lam * (x - h).square().mean()"
HEAD = f"def {GENERATOR}(z, x, h, lam):"
ASKED = {p.id for p in assignments()["a1"].parts}


def uses(term: str) -> str:
    return f"{HEAD}\n    return {term} + {PIXEL}\n"


def found(*cells: str | tuple[str, ...]) -> SimpleNamespace:
    """The answer to A1's first part; a cell with an id is a pair, with a kind as well a triple."""
    made = []
    for place, one in enumerate(cells, 1):
        name, source, kind = ("", one, "code") if isinstance(one, str) else (*one, "code")[:3]
        body, fault = parse(source) if kind == "code" else (None, "")
        made.append(Cell(place, kind, source, frozenset({name} - {""}), body, fault))
    return SimpleNamespace(**answer(made, GENERATOR, ASKED))


def lines(*cells: str | tuple[str, ...]) -> list[str]:
    """The first line of each statement that is run."""
    return [s.partition("\n")[0] for s in found(*cells).statements]


@pytest.mark.parametrize(
    ("source", "means"),
    [
        ("%matplotlib inline\nx = 1", "x = 1"), ("x = !nvidia-smi", "getoutput"),
        ("import torch\ntorch.relu?\ny = 2", "y = 2"), ("    x = 1\n    y = 2", "y = 2"),
        (">>> x = 1\n>>> y = 2", "y = 2"), ("In [1]: y = 2", "y = 2"), ("%%time\nx = 1", "x = 1"), ("%time x = f(1)", "x = f(1)"),
        ("%%writefile loss.py\ndef f(z):\n    return 1", "def f(z)"),
        ("!pip install x\nz = [1,\n  %d % 2]".replace("%d", "3"), "z = [1, 3 % 2]"),
        ("x = '''\n%matplotlib\n!ls\n'''", "'\\n%matplotlib\\n!ls\\n'"), ("await f()", "await f()"),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_jupyter_reads_it(source: str, means: str) -> None:
    import ast

    body, fault = parse(source)
    assert not fault
    assert means in "\n".join(map(ast.unparse, body or []))


def test_a_cell_that_cannot_be_read_is_named() -> None:
    notebook = {"cells": [
        {"cell_type": "code", "source": "def helper(:", "metadata": {}},
        {"cell_type": "code", "source": RIGHT[GENERATOR], "metadata": {}},
    ]}  # fmt: skip
    got = read(json.dumps(notebook).encode(), listed(), "")
    assert got["assignment"] == "a1"
    (told,) = got["unreadable"]
    assert told.startswith("cell 1 is not valid Python (line 1")


@pytest.mark.parametrize(
    "helper",
    [
        "bce = torch.nn.BCEWithLogitsLoss()", "bce = lambda z: -torch.nn.functional.softplus(z)",
        "bce: float = 1.0", "bce = 0\nbce += 1", "bce = {}\nbce['a'] = 1",
        "for bce in (1, 2):\n    pass", "with torch.no_grad():\n    bce = torch.ones(1)",
        "class bce:\n    pass", "bce = {}\nbce.update(a=1)",
    ],
)  # fmt: skip
def test_whatever_gives_a_needed_name_its_meaning_is_run(helper: str) -> None:
    own = (GENERATOR, uses("bce"))
    heads = [s.partition("\n")[0] for s in helper.replace("\n    ", "\0").split("\n")]
    imports = ["import torch"] if "torch" in helper else []
    assert lines(IMPORTS, helper, own) == [*imports, *(h.split("\0")[0] for h in heads), HEAD]
    assert lines(own, IMPORTS, helper)[-1] == HEAD  # a helper may stand below


def test_what_a_later_cell_makes_of_a_name_changes_nothing_that_was_checked() -> None:
    check = (f"check-{GENERATOR}", f"check.objective({GENERATOR})")
    own = (GENERATOR, f"SIGN = -1\n{uses('SIGN * z')}")
    assert lines(own, check, "SIGN = 1") == ["SIGN = -1", HEAD]
    assert lines(own, "SIGN = 2", check) == ["SIGN = -1", HEAD, "SIGN = 2"]  # before the check


def test_the_last_definition_counts_with_a_remark() -> None:
    answered = found((GENERATOR, uses("1")), "1 + 1", uses("2"))
    assert answered.statements == [uses("2").strip()]
    assert answered.notes == ["defined in cells 1, 3: the last one was taken"]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("fence", ["{}", "Here it is:\n```python\n{}```\n"])
def test_an_answer_in_a_text_cell_is_found(kind: str, fence: str) -> None:
    answered = found("import torch", (GENERATOR, fence.format(uses("z")), kind))
    assert answered.notes == [f"found in a {kind} cell"]
    assert answered.statements == [uses("z").strip()]


def test_an_import_that_is_tried_is_run_whole() -> None:
    tried = "try:\n    import nowhere as F\nexcept ImportError:\n    import torch as F"
    assert found(tried, (GENERATOR, uses("F.a(z)"))).statements[0] == tried


def test_what_the_function_does_not_need_is_not_run() -> None:
    play = "torch.manual_seed(0)\nx = torch.load('x')\nbce = torch.ones(3)\nprint(bce)\nrows = [z for z in range(3)]"
    function = f"{HEAD}\n    bce = z\n    return bce + {PIXEL}"
    tried = f"print({GENERATOR}(z_try, h_try, h_try, 1.0))\nhalf = 1 / 0"
    assert lines(play, (GENERATOR, f"{IMPORTS}\n{function}\n{tried}")) == [HEAD]


def test_a_try_out_is_never_a_helper_and_the_author_is_told() -> None:
    answered = found(f"rows = {GENERATOR}(1, 2, 3, 4)", (GENERATOR, uses("rows")))
    assert len(answered.statements) == 1
    assert answered.missing == [f"rows was left out: its line calls {GENERATOR}"]


def test_a_stub_that_was_left_standing_is_no_answer_if_there_is_another() -> None:
    for new in (RIGHT[GENERATOR], f"{GENERATOR} = lambda z, x, h, lam: 0"):
        answered = found((GENERATOR, STUB), new)
        assert answered.notes == ["found in another cell"]
        assert "NotImplementedError" not in "\n".join(answered.statements)
    assert "NotImplementedError" in found((GENERATOR, STUB)).statements[-1]  # judged: 0 points


def test_a_broken_or_missing_answer_is_told() -> None:
    with pytest.raises(SubmissionError, match=r"cell 2 is not valid Python \(line 1"):
        found((GENERATOR, STUB), f"def {GENERATOR}(z:")
    with pytest.raises(SubmissionError, match="no function"):
        found("x = 1")
    assert found((GENERATOR, uses("z").replace(GENERATOR, "mine"))).name == "mine"


def test_reading_takes_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        chain = "\n".join(f"x{i} = x{i + 1}" for i in range(count))
        began = time.process_time()
        assert len(found(chain, (GENERATOR, uses("x0"))).statements) == count + 1
        return time.process_time() - began

    assert seconds(4000) < 8 * seconds(1000) + 1  # it was 64 times, and a minute


def test_outputs_do_not_count_and_code_without_end_is_not_read() -> None:
    cell = {"cell_type": "code", "source": RIGHT[GENERATOR], "metadata": {}}
    large = json.dumps({"cells": [cell | {"outputs": [{"text": "x" * 2**20}]}]})
    assert "problem" not in read(large.encode(), listed(), "a1")
    endless = json.dumps({"cells": [cell | {"source": "x = 1\n" * 10**5}]})
    assert read(endless.encode(), listed(), "a1")["problem"] == "more than 256 KB of code"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import importlib", "importlib"), ("import sys\nsys.modules.pop('a')", "sys.modules"),
        ("__import__('os')", "__import__"), ("import __main__", "__main__"), ("import sys\nsys._getframe(1)", "sys._getframe"),
        ("exec('x')", "exec"), ("eval('x')", "eval"), ("compile('x', '', 'exec')", "compile"),
        ("import runpy", "runpy"), ("import gc", "gc"), ("import inspect", "inspect"),
        ("import ctypes", "ctypes"), ("f.__closure__[0].cell_contents", "closures"),
        ("import urdgn_lite.check.robustness as r", "urdgn_lite.check"),
        ("from urdgn_lite.check import engine", "urdgn_lite.check"),
        ("from urdgn_lite import check\ncheck.engine.close = print", "urdgn_lite.check"),
    ],
)  # fmt: skip
def test_what_reaches_around_the_rules_is_for_the_teachers_eye(code: str, named: str) -> None:
    inside = "".join(f"    {line}\n" for line in code.splitlines())
    (note,) = found((GENERATOR, f"{HEAD}\n{inside}    return {PIXEL}")).notes
    assert note.startswith("mentions ")
    assert named in note


def test_honest_code_is_not_suspected() -> None:
    setup = f"{IMPORTS}import sys\nif 'google.colab' in sys.modules:\n    pass"
    used = "model = torch.nn.Linear(1, 1).eval()\nlist(model.modules())\nfaces.load\nmodel"
    body = "".join(f"    {line}\n" for line in used.splitlines())
    tried = f"check.objective({GENERATOR})"
    answered = found(
        setup, IMPORTS, (GENERATOR, f"{HEAD}\n{body}    return {PIXEL}\n{tried}"), tried
    )
    assert answered.notes == []
    assert answered.statements[0] == "import torch"


def test_nothing_that_a_text_holds_takes_long() -> None:
    """What once held the grader up; now it is read in the sandbox as well."""
    for text in ("x = '" + "from sys import x " * 7000 + "'", "x=x;" * 8000, "[" * 10**4):
        began = time.process_time()
        parse(text)
        answer_of = {"cells": [{"cell_type": "code", "source": f"{text}\n{RIGHT[GENERATOR]}"}]}
        read(json.dumps(answer_of).encode(), listed(), "a1")
        assert time.process_time() - began < 30


def test_the_package_is_nobodys_own_even_below_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "PACKAGE", "/tmp/x/urdgn_lite")
    watcher = confine.Watcher()
    watcher.on = True
    for path in ("/tmp/notes", "/content/rows.csv", "/tmp/x/urdgn_lite/cli.py"):
        watcher("open", (path, "w", os.O_WRONLY))
    assert list(watcher.tried) == ["to write /tmp/x/urdgn_lite/cli.py"]


def recognised(metadata: str, *defines: str, name: str = "") -> str:
    source = "\n".join(f"def {d}(): return 1" for d in defines)
    notebook: dict[str, Any] = {"metadata": {"urdgn_lite": {"assignment": metadata}}, "cells": [
        {"cell_type": "code", "source": source}]}  # fmt: skip
    return read(json.dumps(notebook).encode(), listed(), name)["assignment"]


def test_what_a_notebook_defines_tells_more_than_its_metadata_and_its_name() -> None:
    assert recognised("a3", GENERATOR, "discriminator_value", name="a2") == "a1"
    assert recognised("a3", name="a2") == "a3"
    assert recognised("", name="a2") == "a2"


@pytest.mark.parametrize("name", ["a2", "a4"])
def test_solutions_with_merged_cells_and_try_outs_are_still_right(name: str) -> None:
    notebook = json.loads((BOOK / "solutions" / f"{name}.ipynb").read_text())
    plain = read(json.dumps(notebook).encode(), listed(), name)["parts"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["id"] in plain:
            cell["source"] += f"\nmine = {cell['id']}(1)"
    assert read(json.dumps(notebook).encode(), listed(), name)["parts"] == plain
