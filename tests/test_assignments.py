"""The assignments: up to date, nothing given away, solutions that earn every point."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import assignments as tool
import nbformat
import pytest
from nbclient import NotebookClient

from urdgn_lite import check
from urdgn_lite.grading import grade
from urdgn_lite.grading.sandbox import missing
from urdgn_lite.grading.submission import assignments

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "book" / "assignments"
NAMES = sorted(p.stem for p in (FOLDER / "source").glob("*.py"))
KNOWN = assignments()
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}


def text_of(path: Path) -> str:
    cells = nbformat.read(path, 4).cells
    return "\n".join(cell.source for cell in cells)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Call the tool with these words: its exit code."""

    def call(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["assignments.py", *words])
        return tool.main()

    return call


def test_generated_files_are_up_to_date(make: Callable[..., int]) -> None:
    assert make("--check") == 0


def test_check_fails_when_a_source_has_changed(
    make: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("book/assignments", "urdgn_lite/data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.gz"))
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "SOURCES", tmp_path / "book" / "assignments" / "source")
    source = tool.SOURCES / "a1.py"
    source.write_text(source.read_text().replace("# ## 1. What G", "# ## 1. Whatever G"))
    assert make("--check") == 1
    assert capsys.readouterr().out.count("stale: ") == 3
    assert make() == 0
    assert make("--check") == 0


def test_next_years_set_has_other_hidden_inputs(make: Callable[..., int], tmp_path: Path) -> None:
    assert make("--seed", "4711", "--out", str(tmp_path)) == 0
    hidden = text_of(tmp_path / "nbgrader" / "source" / "a1" / "a1.ipynb")
    assert "seed=4711" in hidden
    assert (tmp_path / "a1.ipynb").read_text() == (FOLDER / "a1.ipynb").read_text()


def test_there_are_four_with_points_and_a_rubric() -> None:
    assert len(NAMES) >= 4
    assert list(KNOWN) == NAMES
    for name, assignment in KNOWN.items():
        assert assignment.automatic + sum(assignment.written.values()) == 40
        assert {p.check for p in assignment.parts} <= set(check.SUITES)
        student = text_of(FOLDER / f"{name}.ipynb")
        for written, points in assignment.written.items():
            _, _, after = student.partition("| points | for |")
            assert after, f"{name}: {written} has no rubric"
            assert points > 0
        rubrics = re.findall(r"(?m)^\| (\d+) \| ", student)
        assert sum(map(int, rubrics)) == sum(assignment.written.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_students_version_gives_nothing_away(name: str) -> None:
    raw = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    for word in ("SOLUTION", "HIDDEN", "seed=2026"):
        assert word not in raw
    student = text_of(FOLDER / f"{name}.ipynb")
    source = (FOLDER / "source" / f"{name}.py").read_text(encoding="utf-8")
    secrets = re.findall(r"(?s)### BEGIN SOLUTION\n(.*?)### END SOLUTION", source)
    assert len(secrets) == len(KNOWN[name].parts) + len(KNOWN[name].written)
    for secret in secrets:
        for line in secret.splitlines():
            line = line.strip(" #")
            if len(line) > 12:
                assert line not in student
    assert student.count('raise NotImplementedError("Your code here.")') == len(KNOWN[name].parts)
    assert not any(c.get("outputs") for c in nbformat.read(FOLDER / f"{name}.ipynb", 4).cells)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [".", "solutions", "nbgrader/source/{}"])
def test_notebooks_are_valid_and_begin_with_the_set_up_cell(name: str, kind: str) -> None:
    notebook = nbformat.read(FOLDER / kind.format(name) / f"{name}.ipynb", 4)
    nbformat.validate(notebook)
    first = next(c for c in notebook.cells if c.cell_type == "code")
    assert first.source.startswith("# Set-up: in Colab this installs the package")
    assert notebook.metadata["urdgn_lite"]["assignment"] == name


def test_solutions_earn_every_point(tmp_path: Path) -> None:
    for name in NAMES:
        shutil.copy(FOLDER / "solutions" / f"{name}.ipynb", tmp_path / f"teacher-{name}.ipynb")
    for row in grade.grade(tmp_path, seed=99, unsafe=bool(missing())):
        assert row.feedback == "all correct"
        assert row.checks == row.of == KNOWN[row.submission.assignment].automatic


SMALLER = {
    "STEPS = 150": "STEPS = 2", "LAMBDAS = [0.0, 10.0, 100.0, 1000.0, math.inf]":
    "LAMBDAS = [10.0, math.inf]", "limit=400": "limit=8", "limit=40)": "limit=4)",
    "limit=60": "limit=8", "STEPS, NOISE = 0.01, 400": "STEPS, NOISE = 0.01, 80",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_runs_from_top_to_bottom(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in ENVIRONMENT.items():
        monkeypatch.setenv(key, value)
    notebook = nbformat.read(FOLDER / "solutions" / f"{name}.ipynb", 4)
    for cell in notebook.cells:
        for long, short in SMALLER.items():
            cell.source = cell.source.replace(long, short)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}})
    client.execute()
    shown = "\n".join(
        str(output.get("text") or output.get("data", {}).get("text/plain"))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "✗" not in shown
    if promised := re.search(r"a difference of ([\d.]+)", text_of(FOLDER / f"{name}.ipynb")):
        measured = float(re.findall(r"difference ([\d.]+)", shown)[-1])
        assert measured == pytest.approx(float(promised[1]), rel=0.02)
    assert shown.count(" hold.") == len(KNOWN[name].parts)


def test_nbgrader_makes_collects_grades_and_exports(tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(FOLDER / "nbgrader", course)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic
    environment = ENVIRONMENT | {"PATH": path}

    def nbgrader(*words: str) -> None:
        call = [sys.executable, "-m", "nbgrader", *words]
        done = subprocess.run(call, cwd=course, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]

    nbgrader("generate_assignment", "a3")
    release = course / "release" / "a3" / "a3.ipynb"
    released = text_of(release)
    assert "SOLUTION" not in released
    assert "HIDDEN" not in released
    assert "seed=" not in released
    answers = {
        "ann": text_of_cell(FOLDER / "solutions" / "a3.ipynb", "rmsprop_step"),
        "bob": text_of_cell(FOLDER / "solutions" / "a3.ipynb", "rmsprop_step").replace(
            "alpha * delta + (1 - alpha)", "(1 - alpha) * delta + alpha"
        ),
        "cem": "def rmsprop_step(:",
    }
    archive = course / "downloaded" / "a3" / "archive"
    archive.mkdir(parents=True)
    for student, answer in answers.items():
        notebook = json.loads(release.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["id"] == "rmsprop_step":
                cell["source"] = answer
        (archive / f"{student}_a3.ipynb").write_text(json.dumps(notebook))
    nbgrader("zip_collect", "a3", "--force")
    nbgrader("autograde", "a3", "--create")
    nbgrader("generate_feedback", "a3")
    nbgrader("export", "--to", "grades.csv")
    with (course / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores["ann"] == 20
    assert 0 < scores["bob"] < 20
    assert scores["cem"] == 0
    assert (course / "feedback" / "ann" / "a3" / "a3.html").exists()


def text_of_cell(path: Path, name: str) -> str:
    return next(c.source for c in nbformat.read(path, 4).cells if c.id == name)
