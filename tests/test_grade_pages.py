"""The table and the pages: whose is what; a teacher's words stay, a student's are text alone."""

# ruff: noqa: E501 - a case a line reads best

from __future__ import annotations

import csv
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from urdgn_lite.check import SUITES
from urdgn_lite.grading import course, grade, pages, similar, submission, table
from urdgn_lite.grading.grade import Grade
from urdgn_lite.grading.submission import Submission, assignments

KNOWN = assignments()
FORGED = "\n\n# Assignment 1\n\n**28 of 28**\u2028\r\n<script>alert(1)</script> </pre> \u202e"


def named(path: str) -> Submission:
    return submission.submission(Path("/in") / path, Path("/in"), KNOWN)


@pytest.mark.parametrize(
    ("path", "student", "assignment", "number", "late"),
    [
        ("ann-a1.ipynb", "ann", "a1", "", False), ("ann_a1.ipynb", "ann", "a1", "", False),
        ("Ann Lee_A2 (1).ipynb", "Ann Lee", "a2", "", False), ("Ann (a2).ipynb", "Ann", "a2", "", False), ("bob/a3.ipynb", "bob", "a3", "", False),
        ("bob/a3/solution.ipynb", "bob", "a3", "", False), ("a4/carl.ipynb", "carl", "a4", "", False),
        ("a1.ipynb", "a1", "a1", "", False), ("zoë.ipynb", "zoë", "", "", False),
        ("A1/a2/zoë/x.ipynb", "zoë", "a2", "", False),
        ("Team-A1-a3.ipynb", "Team-A1", "a3", "", False), ("Team-A2-a3.ipynb", "Team-A2", "a3", "", False),
        ("Copy of ann-a1.ipynb", "ann", "a1", "", False),
        ("muellerann_LATE_123456_9876543_a1.ipynb", "muellerann", "a1", "123456", True),
        ("muellerann_123456_9876543_Copy of a1-2.ipynb", "muellerann", "a1", "123456", False),
        ("Ann Müller_1234567_assignsubmission_file_/a1.ipynb", "Ann Müller", "a1", "1234567", False),
        ("Ann Müller_1234567_assignsubmission_file_my_a2.ipynb", "Ann Müller", "a2", "1234567", False),
    ],
)  # fmt: skip
def test_who_and_what_is_read_from_the_path(
    path: str, student: str, assignment: str, number: str, late: bool
) -> None:
    s = named(path)
    assert (s.student, s.assignment, s.number, s.late) == (student, assignment, number, late)


def test_an_online_text_is_told() -> None:
    assert "online text" in named("Ann_12_assignsubmission_onlinetext_/onlinetext.html").problem


def test_every_file_has_a_row_and_none_is_followed(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / ".a1.ipynb").write_text("")
    (tmp_path / ".DS_Store").write_text("x")
    (tmp_path / "eve-a1.ipynb").symlink_to("/etc/hostname")
    (tmp_path / "folder-a1").symlink_to("/etc")
    rows = grade.grade(tmp_path, seed=1, unsafe=True)
    assert [r.submission.file for r in rows] == ["eve-a1.ipynb", "folder-a1", "ann/.a1.ipynb"]
    assert all("link" in r.feedback for r in rows[:2])


def test_an_umlaut_from_macos_is_the_same_umlaut() -> None:
    two = ["Müller-a1.ipynb", unicodedata.normalize("NFD", "Müller-a1 (1).ipynb")]
    assert {named(f).student for f in two} == {"Müller"}


def graded(name: str, points: float = 28, file: str = "", **more: Any) -> Grade:
    s = named(file or f"{name}-a1.ipynb")
    return Grade(s, {"generator_loss": points}, of=28, **more)


def saved(path: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    table.write_table(rows, path)
    return table.read_table(path)


def test_what_the_teacher_wrote_stays_when_graded_again(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    first = saved(path, table.rows([graded("ann"), graded("bob", 3)], {}, []))
    first[0] |= {"manual": "11,5", "comment": "well argued"}
    table.write_table(first, path)
    again = table.rows([graded("ann", 20)], {}, table.read_table(path))  # --only ann
    assert [(r["student"], r["checks"], r["manual"], r["total"], r["comment"]) for r in again] == [
        ("ann", "20", "11,5", "31.5", "well argued"),
        ("bob", "3", "", "3", ""),
    ]
    assert list(again[0]) == table.COLUMNS or set(again[0]) <= set(table.COLUMNS)


def test_rows_of_those_who_are_missing_stay_until_they_hand_in(tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text(MOODLE)
    students = submission.class_list(tmp_path / "class.csv")
    ann = [graded("", 21, "Ann Müller_123_assignsubmission_file_/a1.ipynb")]
    first = table.rows([*ann, *table.absent(ann, students, [])], {}, [])
    first[1] |= {"comment": "is ill"}
    again = table.rows([*ann, *table.absent(ann, students, first)], {}, first)  # --only
    assert [(r["student"], r["status"], r["comment"]) for r in again] == [
        ("Ann Müller", "ok", ""), ("Zoë Ng", "missing", "is ill")]  # fmt: skip
    assert table.rows(ann, {}, first)[1]["comment"] == "is ill"  # and without the class list
    late = [graded("Zoe Ng", 5)]
    rows = table.rows([*late, *table.absent(late, students, again)], {}, again)
    assert [(r["student"], r["status"], r["comment"]) for r in rows] == [
        ("Ann Müller", "ok", ""), ("Zoë Ng", "ok", "is ill")]  # fmt: skip


def test_a_class_list_that_comes_later_changes_nobodys_letters(tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text(MOODLE)
    ann = graded("Ann Mueller")
    before = table.anonymous(ann)
    table.absent([ann], submission.class_list(tmp_path / "class.csv"), [])
    assert (ann.submission.student, ann.submission.number) == ("Ann Müller", "123")
    assert table.anonymous(ann) == before
    assert re.fullmatch("[a-p]{6}", before)


def test_a_table_that_german_excel_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text(
        "student;assignment;file;manual\nann;a1;ann-a1.ipynb;2,5\n", encoding="utf-8-sig"
    )
    (row,) = table.rows([graded("ann")], {}, table.read_table(path))
    assert row["total"] == "30.5"


@pytest.mark.parametrize(
    "name", ["=1+1", "＝1+1", "@x", "+1", "-1", "x;=1+1;y", "\t=1+1", "a\u202eb"]
)
def test_a_spreadsheet_gets_no_formula(tmp_path: Path, name: str) -> None:
    (row,) = saved(tmp_path / "g.csv", table.rows([graded(name)], {}, []))
    assert not row["student"].startswith(table.FORMULA)
    assert ";" not in row["student"]
    assert "\u202e" not in row["student"]


def full() -> Iterator[dict[str, str]]:
    yield {}
    raise OSError("disk full")


def test_the_table_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    table.write_table(table.rows([graded("ann")], {}, []), path)
    before = path.read_text()
    with pytest.raises(OSError, match="full"):
        table.write_table(full(), path)
    assert path.read_text() == before


ANSWER = "The λ is 100 / 49152, since the sum has so many terms; faces get smooth."


def test_written_answers_stand_side_by_side_and_their_points_enter_the_total(
    tmp_path: Path,
) -> None:
    texts = {"ann": ANSWER, "bob": "*Your answer: write here.*", "cem": "Because it is so much larger.",
             "dora": ANSWER}  # fmt: skip
    all_of = [
        graded(n, written={"mean-or-sum": t, "detached-face": "<b>x</b>"}) for n, t in texts.items()
    ]
    made = pages.write_questions(all_of, tmp_path)
    assert [p.name for p in made] == ["a1-mean-or-sum.html", "a1-detached-face.html"]
    page = made[0].read_text()
    assert "<mark>empty</mark>" in page
    assert "<mark>no number</mark>" in page
    assert page.count("2 times the same text") == 2
    assert page.count('type="checkbox"') == 4 * 3  # the rubric's rows
    assert not any(name in page for name in texts)
    assert "<b>x" not in made[1].read_text()
    path = tmp_path / "a1-mean-or-sum.csv"
    lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    ann = table.anonymous(all_of[0])
    for line in lines:
        line |= {"points": "5", "comment": "yes"} if line["id"] == ann else {}
    lines[-1] |= {"comment": "look again"}
    german = "\r\n".join(";".join(line.values()) for line in lines)
    path.write_text(f"id;points;comment\r\n{german}\r\n", "utf-8-sig")
    pages.write_questions(all_of[:2], tmp_path)  # again, for two of them
    marks = pages.marks(tmp_path)
    assert marks[ann, "a1"]["mean-or-sum"]["comment"] == "yes"
    assert marks[lines[-1]["id"], "a1"]["mean-or-sum"]["comment"] == "look again"
    assert list(pages.sums(marks)) == [(ann, "a1")]
    (row,) = table.rows(all_of[:1], pages.sums(marks), [])
    assert (row["written"], row["total"], row["of"]) == ("5", "33", "40")


CANVAS = "Student,ID,SIS Login ID,Section,Assignment 1: The objective (77)\n"
CANVAS += "    Points Possible,,,,40\nMüller, Ann,123,am,S,\n".replace(
    "Müller, Ann", '"Müller, Ann"'
)
MOODLE = "Identifier,Full name,Email address,Grade,Feedback comments\n"
MOODLE += "Participant 123,Ann Müller,a@b,,\nParticipant 9,Zoë Ng,z@b,,\n"


IMPORT = "urdgn_lite-canvas-a1"


def test_a_class_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "class.xlsx").write_bytes(b"PK\x03\x04\x89\xff")
    with pytest.raises(ValueError, match=r"class\.xlsx is no table: save it as \.csv"):
        submission.class_list(tmp_path / "class.xlsx")


@pytest.mark.parametrize("kind", ["canvas", "moodle"])
def test_the_class_list_says_who_is_missing_and_is_filled_for_import(
    tmp_path: Path, kind: str
) -> None:
    text = CANVAS + '"Ng, Zoë",9,zn,S,\n' if kind == "canvas" else MOODLE
    (tmp_path / "class.csv").write_text(text, encoding="utf-8")
    students = submission.class_list(tmp_path / "class.csv")
    grades = [graded("", n, f"muellerann_123_{n}_a1.ipynb") for n in (8, 21, 9)]
    absent = table.absent(grades, students, [])
    assert [(g.submission.student.replace(",", ""), g.status) for g in absent] == [
        ("Ng Zoë" if kind == "canvas" else "Zoë Ng", "missing")
    ]
    (path,) = table.for_import(table.rows(grades + absent, {}, []), students, tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    column = "Assignment 1: The objective (77)" if kind == "canvas" else "Grade"
    assert [r[column] for r in rows] == ["21", "0"]
    assert [r["ID" if kind == "canvas" else "Identifier"] for r in rows] == [
        s.row["ID" if kind == "canvas" else "Identifier"] for s in students
    ]


def test_names_are_the_same_in_any_order_and_spelling() -> None:
    ann = submission.Student("Müller, Ann", "", {})
    assert submission.same(ann, named("Ann Mueller-a1.ipynb"))
    assert submission.same(ann, named("muellerann_1_2_a1.ipynb"))
    assert not submission.same(ann, named("Anne Mueller-a1.ipynb"))


@pytest.mark.parametrize("part", ["", "generator_loss", "cells"])
def test_a_remark_forges_nothing(tmp_path: Path, part: str) -> None:
    result = graded("ann", file="<b>ann-a1.ipynb", remarks={part: FORGED})
    (path,) = pages.write_feedback([result], [], tmp_path / "feedback")
    text = path.read_text(encoding="utf-8")
    assert text.count("<h1>") == 1
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "all correct" not in text


def test_a_report_quotes_an_exception_in_one_line() -> None:
    def ask(request: dict[str, Any]) -> dict[str, Any]:
        return {"error": "raised ValueError: \n✓ is an average\n# All correct"}

    report, _ = grade._judge(ask, KNOWN["a1"].parts[0], 1)
    assert len(str(report).splitlines()) == 2 + len(SUITES["objective"].properties) + 3


def test_feedback_is_zipped_by_student_and_a_page_changed_by_hand_is_kept(tmp_path: Path) -> None:
    moodle = "Ann Müller_123_assignsubmission_file_/a1.ipynb"
    grades = [graded("", 28, moodle), graded("../x")]
    for g in grades:
        g.reports, g.remarks = {}, {}
    rows = table.rows(grades, {}, [])
    rows[0]["comment"] = rows[1]["comment"] = "come and see me"
    (ann, _) = pages.write_feedback(grades, rows, tmp_path / "feedback")
    assert "come and see me" in ann.read_text()
    names = zipfile.ZipFile(tmp_path / "feedback.zip").namelist()
    assert names[0].startswith("Ann Müller_123_assignsubmission_file_/")
    assert not any(".." in n.split("/") for n in names)
    ann.write_text(ann.read_text().replace("come and see me", "by hand"))
    (new, _) = pages.write_feedback(grades, rows, tmp_path / "feedback")
    assert new.stem.endswith("-new")
    assert "by hand" in ann.read_text()


def test_what_code_printed_is_on_no_page() -> None:
    assert "printed" not in set(Grade.__dataclass_fields__)


def test_two_who_share_their_own_words_are_shown_and_the_obvious_answer_is_not() -> None:
    obvious = ["def f(z):\n    return torch.nn.functional.logsigmoid(-z).mean() + lam * far"]
    own = " ".join(f"word{i} leads to word{i + 1}" for i in range(40))
    others = [
        graded(f"s{i}", code=obvious, written={"a": f"{i} my own words {i} about it {i} and more"})
        for i in range(8)
    ]
    pair = [graded(n, code=obvious, written={"a": own + n}) for n in ("ann", "bob")]
    (found,) = similar.similar(others + pair)
    assert {found["one"], found["other"]} == {"ann-a1.ipynb", "bob-a1.ipynb"}
    assert int(re.sub(r"\D", "", found["shared"])) > 90


def test_a_course_is_written_down_even_if_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(folder: Path, done: Any, **how: Any) -> None:
        done([graded("ann"), graded("bob")])
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "grade", two)
    with (
        pytest.warns(UserWarning, match="stopped: the 2 that were graded"),
        pytest.raises(KeyboardInterrupt),
    ):
        course.grade_course(tmp_path, tmp_path / "g.csv", tmp_path / "feedback")
    assert len(table.read_table(tmp_path / "g.csv")) == 2
    assert {p.name for p in (tmp_path / "feedback").iterdir()} == {"ann-a1.html", "bob-a1.html"}


@pytest.mark.parametrize("name", ["g.csv", "similar.csv", "feedback.zip", f"{IMPORT}.csv"])
def test_a_file_of_somebody_else_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text = CANVAS if IMPORT in name else "name,grade\nann,1\n"
    (tmp_path / name).write_text(text)
    students = tmp_path / (name if IMPORT in name else "class.csv")
    students.write_text(CANVAS)
    monkeypatch.setattr(course, "grade", lambda folder, done, **how: done([graded("ann")]))
    with pytest.raises(FileExistsError, match=r"exists, and urdgn_lite did not|class list itself"):
        course.grade_course(tmp_path, tmp_path / "g.csv", tmp_path / "feedback", students)
    assert (tmp_path / name).read_text() == text
    assert (tmp_path / "g.csv").exists() == (name == "g.csv" or IMPORT in name)


def test_a_page_of_somebody_else_stays_and_what_was_written_here_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = graded("ann", written={"mean-or-sum": ANSWER, "detached-face": ""})
    monkeypatch.setattr(course, "grade", lambda folder, done, **how: done([ann]))
    theirs = tmp_path / "written" / "a1-mean-or-sum.html"
    theirs.parent.mkdir()
    theirs.write_text("notes")
    for _ in range(2):
        made = course.grade_course(tmp_path, tmp_path / "g.csv", tmp_path / "feedback")
    assert theirs.read_text() == "notes"
    assert [p.stem for p in made.questions] == ["a1-mean-or-sum-new", "a1-detached-face"]
    assert [p.name for p in made.feedback] == ["ann-a1.html"]
