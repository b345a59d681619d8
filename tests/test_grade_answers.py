"""Which code of a notebook is run to judge an answer: read, and some of it graded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from submissions import BOOK, FULL, GENERATOR, RIGHT, D, G, notebook

from urdgn_lite.grading import grade
from urdgn_lite.grading.answers import Answer, answer
from urdgn_lite.grading.sandbox import Limits
from urdgn_lite.grading.submission import SubmissionError, assignments

A1 = assignments()["a1"]
STUB = f'def {GENERATOR}(z, x, h, lam):\n    """G."""\n    raise NotImplementedError("…")\n'
IMPORTS = (
    "import torch\nfrom urdgn_lite import check, faces\nfrom urdgn_lite.optimiser import RMSprop\n"
)
PIXEL = "lam * (x - h).square().mean()"


def uses(term: str) -> str:
    return f"def {GENERATOR}(z, x, h, lam):\n    return {term} + {PIXEL}\n"


def found(*cells: str | tuple[str, str]) -> Answer:
    """The answer to A1's first part; a cell with an id is a pair."""
    pairs = [("", c) if isinstance(c, str) else c for c in cells]
    read = [{"code": True, "source": source, "ids": {i} - {""}} for i, source in pairs]
    return answer(read, A1.parts[0], A1)


def lines(*cells: str | tuple[str, str]) -> list[str]:
    """The first line of each statement that is run."""
    return [s.partition("\n")[0] for s in found(*cells).statements]


HEAD = f"def {GENERATOR}(z, x, h, lam):"


@pytest.mark.parametrize(
    "helper",
    [
        "bce = torch.nn.BCEWithLogitsLoss()", "bce = lambda z: -torch.nn.functional.softplus(z)",
        "bce: float = 1.0", "bce = 0\nbce += 1", "bce = {}\nbce['a'] = 1",
        "for bce in (1, 2):\n    pass", "with torch.no_grad():\n    bce = torch.ones(1)",
        "class bce:\n    pass",
    ],
)  # fmt: skip
def test_whatever_gives_a_needed_name_its_meaning_is_run(helper: str) -> None:
    own = (GENERATOR, uses("bce"))
    heads = [s.partition("\n")[0] for s in helper.replace("\n    ", "\0").split("\n")]
    imports = ["import torch"] if "torch" in helper else []
    assert lines(IMPORTS, helper, own) == [*imports, *(h.split("\0")[0] for h in heads), HEAD]


def test_an_import_that_is_tried_is_run_whole() -> None:
    tried = "try:\n    import nowhere as F\nexcept ImportError:\n    import torch as F"
    assert found(tried, (GENERATOR, uses("F.a(z)"))).statements[0] == tried


def test_what_the_function_does_not_need_is_not_run() -> None:
    play = "x = torch.load('x')\nbce = torch.ones(3)\nprint(bce)\nrows = [z for z in range(3)]"
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
    for body in ("pass", "...", '"""Later."""', "raise NotImplementedError"):
        stub = f"{HEAD}\n    {body}"
        assert RIGHT[GENERATOR].partition("return")[2].strip() in "".join(
            found((GENERATOR, stub), RIGHT[GENERATOR]).statements[-1]
        )
        assert found((GENERATOR, stub)).statements == [stub]  # or else it is judged: 0 points


def test_the_own_cell_is_preferred_and_a_broken_one_is_told() -> None:
    assert found(uses("1"), (GENERATOR, uses("2"))).statements == [uses("2").strip()]
    with pytest.raises(SubmissionError, match="line 1"):
        found((GENERATOR, STUB), f"def {GENERATOR}(z:")


def test_reading_takes_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        chain = "\n".join(f"x{i} = x{i + 1}" for i in range(count))
        began = time.process_time()
        assert len(found(chain, (GENERATOR, uses("x0"))).statements) == count + 1
        return time.process_time() - began

    assert seconds(4000) < 8 * seconds(1000) + 1  # it was 64 times, and a minute


def test_code_without_end_is_not_read_at_all(tmp_path: Path) -> None:
    (tmp_path / "ann-a1.ipynb").write_text(json.dumps(notebook(**{GENERATOR: "x = 1\n" * 10**5})))
    (row,) = grade.grade(tmp_path, seed=1, progress=False)
    assert (row.status, row.feedback) == ("unreadable", "more than 128 KB of code")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import importlib", "importlib"), ("import sys\nsys.modules.pop('a')", "sys.modules"),
        ("__import__('os')", "__import__"), ("import sys\nsys._getframe(1)", "sys._getframe"),
        ("exec('x')", "exec"), ("eval('x')", "eval"),
        ("import urdgn_lite.check.robustness as r", "urdgn_lite.check"),
        ("from urdgn_lite.check import engine", "urdgn_lite.check"),
        ("from urdgn_lite import check\ncheck.engine.close = print", "urdgn_lite.check"),
    ],
)  # fmt: skip
def test_what_reaches_around_the_rules_is_for_the_teachers_eye(code: str, named: str) -> None:
    inside = "".join(f"    {line}\n" for line in code.splitlines())
    source = f"{HEAD}\n{inside}    return {PIXEL}"
    (note,) = found((GENERATOR, source)).notes
    assert note.startswith("mentions ")
    assert named in note
    assert note.endswith("look at it by eye")


def test_an_honest_answer_is_not_suspected() -> None:
    setup = 'import sys\nif "google.colab" in sys.modules:\n    %pip install urdgn_lite\n'
    used = "model = torch.nn.Linear(1, 1).eval()\nlist(model.modules())\nfaces.load\nmodel"
    body = "".join(f"    {line}\n" for line in used.splitlines())
    tried = f"check.objective({GENERATOR})"
    source = f"{HEAD}\n{body}    return {PIXEL}\n{tried}"
    answered = found(setup, IMPORTS, (GENERATOR, source), tried)
    assert answered.notes == []
    assert answered.statements[0] == "import torch"


def with_cell(found: dict[str, Any], source: str, last: bool = False) -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    found["cells"] = [*found["cells"], cell] if last else [cell, *found["cells"]]
    return found


LOGSIGMOID = "torch.nn.functional.logsigmoid"
HONEST = {
    "new-cell": with_cell(notebook(**{GENERATOR: STUB}), RIGHT[GENERATOR], last=True),
    "module": with_cell(
        notebook(**{GENERATOR: uses("-bce(z, torch.zeros_like(z))")}),
        f"{IMPORTS}bce = torch.nn.BCEWithLogitsLoss()\nW: float = 1.0",
    ),
    "lambda": with_cell(
        notebook(**{GENERATOR: uses("W * log1m(z).mean()")}),
        f"{IMPORTS}log1m = lambda z: {LOGSIGMOID}(-z)\nW: float = 1.0",
    ),
    "merged": notebook(**{GENERATOR: IMPORTS + RIGHT[GENERATOR]}),
    "try-out": notebook(**{GENERATOR: f"{RIGHT[GENERATOR]}\nprint({GENERATOR}(z_try, 1, 1, 1))"}),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, grade.Grade]:
    room = tmp_path_factory.mktemp("honest")
    suspect = f"import urdgn_lite.check.engine\n{RIGHT[GENERATOR]}"
    dropped = notebook(**{GENERATOR: uses("rows")}, discriminator_value=None)
    copied = "import urdgn_lite.objective as o\n" + uses("o.generator_loss(z, x, h, lam)")
    others = {
        "dropped": with_cell(dropped, f"rows = {GENERATOR}(1, 2, 3, 4)", last=True),
        "failing": notebook(**{GENERATOR: "k = 1 / 0\n" + uses("k")}, discriminator_value=None),
        "through": notebook(**{GENERATOR: copied}, discriminator_value=None),
        "idle": notebook(**{GENERATOR: suspect}),
    }
    for name, content in (HONEST | others).items():
        (room / f"{name}-a1.ipynb").write_text(json.dumps(content))
    limits = Limits(seconds=10, wall=120)
    return {
        g.submission.student: g for g in grade.grade(room, seed=3, limits=limits, progress=False)
    }


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_detour_costs_nothing(graded: dict[str, grade.Grade], name: str) -> None:
    row = graded[name]
    assert row.points == {GENERATOR: G, "discriminator_value": D}, row.feedback
    assert row.status == "ok"
    found_elsewhere = f"{GENERATOR}: found in another cell"
    assert row.feedback == (found_elsewhere if name == "new-cell" else "all correct")


def test_a_needed_line_that_was_left_out_or_failed_is_told(graded: dict[str, grade.Grade]) -> None:
    assert f"rows was left out: its line calls {GENERATOR}" in graded["dropped"].feedback
    assert "k = 1 / 0: raised ZeroDivisionError" in graded["failing"].feedback
    assert "imports the package's own solution" in graded["through"].feedback
    assert [graded[n].total for n in ("dropped", "failing", "through")] == [0, 0, 0]


def test_an_import_that_nothing_needs_is_no_offence(graded: dict[str, grade.Grade]) -> None:
    assert graded["idle"].total == FULL


@pytest.mark.parametrize("name", ["a2", "a4"])
def test_solutions_with_merged_cells_and_try_outs_are_still_right(name: str) -> None:
    cells = json.loads((BOOK / "solutions" / f"{name}.ipynb").read_text())["cells"]
    code = [("".join(c["source"]), c["id"]) for c in cells if c["cell_type"] == "code"]
    asked = assignments()[name]
    read = [{"code": True, "source": source, "ids": {i}} for source, i in code]
    for part in asked.parts:
        plain = answer(read, part, asked)
        more = [c | {"source": f"{c['source']}\nmine = {part.id}(1)"} for c in read]
        assert answer(more, part, asked) == plain
        assert plain.statements[-1].startswith(f"def {part.id}(")
