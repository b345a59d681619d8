"""A class of forty: good, wrong, broken and hostile submissions, graded in one go."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from submissions import CASES, DISCRIMINATOR, FULL, GENERATOR, HOSTILE, D, G, edited_checks
from typer.testing import CliRunner

from urdgn_lite.check.engine import Unreachable
from urdgn_lite.cli import app
from urdgn_lite.grading import grade, submission
from urdgn_lite.grading.confine import landlock_version
from urdgn_lite.grading.sandbox import Limits, Sandbox, isolation, namespaces

LIMITS = Limits(seconds=5, wall=60, memory=2**30, output=2**18)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """All forty through the command line, once; student → row of the csv."""
    room = tmp_path_factory.mktemp("class")
    handed_in = room / "handed-in"
    handed_in.mkdir()
    for name, (content, *_) in CASES.items():
        text = json.dumps(content) if isinstance(content, dict) else content
        raw = text if isinstance(text, bytes) else text.encode()
        (handed_in / f"{name}_a1.ipynb").write_bytes(raw)
    sources = {p: p.read_bytes() for p in grade.PACKAGE.rglob("*.py")}
    began = time.monotonic()
    call = ["grade", str(handed_in), "--out", str(room / "grades.csv"), "--seed", "11",
            "--feedback", str(room / "feedback"), "--seconds", "3", "--memory", "1"]  # fmt: skip
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output
    print(f"{len(CASES)} submissions in {time.monotonic() - began:.0f} s\n{result.output}")
    assert {p: p.read_bytes() for p in sources} == sources
    with (room / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        page = room / "feedback" / f"{name.replace(' ', '-')}-a1.md"
        row["page"] = page.read_text(encoding="utf-8")
    return rows


def test_there_are_forty_and_a_quarter_is_hostile() -> None:
    assert len(CASES) == 40
    assert len(HOSTILE) >= 10


@pytest.mark.parametrize("name", CASES)
def test_each_gets_the_grade_it_earned(graded: dict[str, dict[str, str]], name: str) -> None:
    row = graded[name]
    _, status, points, of_d, feedback = CASES[name]
    if not landlock_version():  # then it can write, and what it broke is put back
        status = {"writes-outside": "ok"}.get(name, status)
    assert row["status"] == status, row["page"]
    assert feedback in row["feedback"] + row["page"], row
    assert float(row[DISCRIMINATOR]) == of_d, row["page"]
    if points is None:
        assert 0 < float(row[GENERATOR]) < G
    else:
        assert float(row[GENERATOR]) == points, row
    assert float(row["total"]) == float(row[GENERATOR]) + float(row[DISCRIMINATOR])
    assert float(row["of"]) == FULL
    assert row["manual"] == ""
    assert "\n" not in row["feedback"]
    for secret in ("logsigmoid", ".detach()"):
        assert secret not in row["page"]


def test_nothing_is_left_behind(graded: dict[str, dict[str, str]]) -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        assert b"urdgn-left-over" not in command
    outside = Path("/tmp/urdgn-outside")
    if landlock_version():
        assert not outside.exists()
    outside.unlink(missing_ok=True)


def test_the_command_says_what_isolation_there_is() -> None:
    said = isolation()
    assert ("no network" in said) == namespaces()
    assert ("Landlock" in said) == bool(landlock_version())


def test_without_namespaces_it_survives_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urdgn_lite.grading.sandbox.namespaces", lambda: False)
    assert "disabled in Python only" in isolation()
    for name in ("children", "network", "hard-exit"):
        (tmp_path / f"{name}-a1.ipynb").write_text(json.dumps(HOSTILE[name][0]))
    rows = grade.grade(tmp_path, seed=1, limits=LIMITS, progress=False)
    assert [r.total for r in rows] == [D, D, D]
    assert (
        "no network while grading"
        in next(r for r in rows if "network" in r.submission.file).feedback
    )
    test_nothing_is_left_behind({})


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "ann-a1.ipynb").write_text(json.dumps(edited_checks()))
    one, two = (grade.grade(tmp_path, seed=7, progress=False)[0] for _ in range(2))
    assert one.feedback == two.feedback
    assert one.total == two.total


def sandboxed(code: str, limits: Limits = LIMITS) -> tuple[Sandbox, str]:
    sandbox = Sandbox(limits, 1).__enter__()
    return sandbox, sandbox.load("objective", [code], "f")[0]


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("while True: pass", Limits(seconds=1)),
        ("import time; time.sleep(600)", Limits(wall=1)),
        (
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            Limits(seconds=1, wall=30),
        ),
    ],
)
def test_the_sandbox_ends_what_lasts_too_long(code: str, limits: Limits) -> None:
    sandbox = Sandbox(limits, 1)
    with sandbox, pytest.raises(Unreachable, match=r"out of time|ended the whole"):
        sandbox.load("objective", [code], "f")
    assert not sandbox.home.exists()
    assert sandbox.process.poll() is not None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts processes in /proc")
def test_a_sandbox_sees_a_bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SECRET", "42")
    code = "import os\nassert 'COURSE_SECRET' not in os.environ\n"
    code += "assert os.getcwd() == os.environ['HOME']\nf = print"
    sandbox, problem = sandboxed(code)
    sandbox.close()
    assert problem == ""


def name_of(path: str) -> tuple[str, str]:
    known = submission.assignments()
    return submission._student(Path(path), known), submission._named(path, known)


@pytest.mark.parametrize(
    ("path", "student", "assignment"),
    [
        ("ann-a1.ipynb", "ann", "a1"), ("Ann Lee_A2 (1).ipynb", "Ann Lee", "a2"),
        ("bob/a3.ipynb", "bob", "a3"), ("bob/a3/solution.ipynb", "bob", "a3"),
        ("a4/carl.ipynb", "carl", "a4"), ("a1.ipynb", "a1", "a1"), ("zoë.ipynb", "zoë", ""),
    ],
)  # fmt: skip
def test_who_and_what_is_read_from_the_path(path: str, student: str, assignment: str) -> None:
    assert name_of(path) == (student, assignment)


def test_a_spreadsheet_gets_no_formula(tmp_path: Path) -> None:
    (tmp_path / "=1+1-a1.ipynb").write_text("")
    rows = grade.grade(tmp_path, seed=1, progress=False)
    grade.write_csv(rows, tmp_path / "g.csv")
    assert "'=1+1" in (tmp_path / "g.csv").read_text(encoding="utf-8-sig")


def test_handed_in_twice_is_noted(tmp_path: Path) -> None:
    for name in ("ann-a1.ipynb", "ann_a1 (1).ipynb"):
        (tmp_path / name).write_text("")
    rows = grade.grade(tmp_path, seed=1, progress=False)
    assert all("handed in twice" in r.feedback for r in rows)


def test_links_and_hidden_files_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_text("x")
    os.symlink("/etc/hostname", tmp_path / "eve-a1.ipynb")
    (row,) = grade.grade(tmp_path, seed=1, progress=False)
    assert row.feedback == "not a plain file"


def test_an_empty_folder_is_an_error_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["grade", str(tmp_path)])
    assert result.exit_code == 1


def test_a_failure_of_the_grader_costs_one_row_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann-a1.ipynb", "bob-a1.ipynb"):
        (tmp_path / name).write_text("")
    real: Callable[..., grade.Grade] = grade._grade

    def sometimes(found: submission.Submission, *rest: Any) -> grade.Grade:
        if found.student == "ann":
            raise OSError("disk full")
        return real(found, *rest)

    monkeypatch.setattr(grade, "_grade", sometimes)
    rows = grade.grade(tmp_path, seed=1, progress=False)
    assert [r.status for r in rows] == ["error", "unreadable"]


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_is_blamed_for_what_another_one_may_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    (tmp_path / "ann-a1.ipynb").write_text("")
    monkeypatch.setattr(grade.Guard, "restore", lambda self: ["check.py"])
    (row,) = grade.grade(tmp_path, seed=1, workers=workers, progress=False)
    assert row.remarks["files"].startswith("check.py had changed and was put back")
    assert ("another one" in row.remarks["files"]) == (workers > 1)
    assert (row.status == "problems") == (workers == 1)


def test_changed_code_of_the_package_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "assignments.json").write_text("[]")
    (tmp_path / "check.py").write_text("right = 1")
    monkeypatch.setattr(grade, "PACKAGE", tmp_path)
    guard = grade.Guard()
    assert guard.restore() == []
    (tmp_path / "check.py").write_text("right = 0")
    assert guard.restore() == ["check.py"]
    assert (tmp_path / "check.py").read_text() == "right = 1"
