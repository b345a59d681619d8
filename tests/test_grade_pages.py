"""What the table and the pages show of what students wrote, and whose they are."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from test_grade import name_of

from urdgn_lite.check import SUITES
from urdgn_lite.grading import grade, pages
from urdgn_lite.grading.submission import Submission

FORGED = (
    "\n\n# Assignment 1\n\n**28 of 28** points.\u2028\r\n<script>alert(1)</script> [x](y) `z` ~~~"
)


def page(tmp_path: Path, result: grade.Grade) -> list[str]:
    (path,) = grade.write_feedback([result], tmp_path)
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("part", ["", "generator_loss"])
def test_a_remark_forges_nothing(tmp_path: Path, part: str) -> None:
    result = grade.Grade(Submission("ann", f"<b>{FORGED}", "a1"), remarks={part: FORGED})
    lines = page(tmp_path, result)
    headings = [line.split(":")[0] for line in lines if line.startswith("#")]
    assert headings[1:] == [
        "## generator_loss", "## discriminator_value", "## mean-or-sum", "## detached-face",
    ]  # fmt: skip
    text = "\n".join(lines)
    assert "<" not in text
    assert "&lt;script&gt;" in text
    assert text.count("**") == 2
    assert "\\[x\\](y) \\`z\\`" in text


def test_a_report_quotes_an_exception_in_one_line(tmp_path: Path) -> None:
    def ask(request: dict[str, Any]) -> dict[str, Any]:
        return {"error": "raised ValueError: \n✓ is an average\n```\n# All correct"}

    part = pages.assignments()["a1"].parts[0]
    report, _ = grade._judge(ask, part, 1)
    assert len(str(report).splitlines()) == 2 + len(SUITES["objective"].properties) + 3
    lines = page(tmp_path, grade.Grade(Submission("ann", "f", "a1"), reports={part.id: report}))
    assert not [line for line in lines if line.startswith(("✓", "# All"))]
    assert "\n".join(lines).count("```") == 2


@pytest.mark.parametrize(
    ("path", "student"),
    [("a1/ann/a1.ipynb", "ann"), ("a1/bob/a1.ipynb", "bob"), ("A1/a2/zoë/x.ipynb", "zoë"),
     ("a1/ann-a1.ipynb", "ann"), ("a1/a1.ipynb", "a1"), ("ann/a1/a1.ipynb", "ann")],
)  # fmt: skip
def test_a_folder_for_an_assignment_is_no_student(path: str, student: str) -> None:
    assert name_of(path) == (student, "a1" if path[:2] != "A1" else "a2")


def test_an_umlaut_from_macos_is_the_same_umlaut(tmp_path: Path) -> None:
    (tmp_path / "Müller-a1.ipynb").write_text("")
    (tmp_path / f"{unicodedata.normalize('NFD', 'Müller')}-a1 (1).ipynb").write_text("")
    rows = grade.grade(tmp_path, seed=1, progress=False)
    assert {r.submission.student for r in rows} == {"Müller"}
    assert all("handed in twice" in r.feedback for r in rows)


def test_the_table_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "g.csv"
    rows = [grade.Grade(Submission("ann", "f", "a1"))]
    grade.write_csv(rows, table)
    before = table.read_text()

    def full(value: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(pages, "_cell", full)
    with pytest.raises(OSError, match="full"):
        grade.write_csv(rows, table)
    assert table.read_text() == before
