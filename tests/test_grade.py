"""A class of forty, honest, wrong, broken and hostile, graded in one go; and what is shut in."""

# ruff: noqa: E501 - an attack a line reads best
from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from submissions import CASES, DISCRIMINATOR, FULL, GENERATOR, HOSTILE, G, notebook
from typer.testing import CliRunner

from urdgn_lite.check import SUITES, Unreachable
from urdgn_lite.check.engine import Plain
from urdgn_lite.cli import app
from urdgn_lite.grading import grade
from urdgn_lite.grading.sandbox import PACKAGE, Limits, Sandbox, Stopped, isolation, missing
from urdgn_lite.grading.submission import assignments, submission
from urdgn_lite.objective import generator_loss

TOOLS = PACKAGE.parent / "tools" / "grading"
LIMITS = Limits(seconds=20, wall=120, memory=2**30)
shut_in = pytest.mark.skipif(bool(missing()), reason=f"nothing is shut in here: {missing()}")


@pytest.mark.skipif("URDGN_ISOLATION" not in os.environ, reason="nobody promised it here")
def test_where_ci_promises_it_submissions_are_shut_in() -> None:
    assert not missing()


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
    sources = {p: p.read_bytes() for p in PACKAGE.rglob("*.py")}
    began = time.monotonic()
    call = ["grade", str(handed_in), "--out", str(room / "grades.csv"), "--seed", "11",
            "--feedback", str(room / "feedback"), "--seconds", "5", "--memory", "1"]  # fmt: skip
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output
    print(f"{len(CASES)} submissions in {time.monotonic() - began:.0f} s\n{result.output}")
    assert {p: p.read_bytes() for p in sources} == sources
    with (room / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    for name, row in rows.items():
        page = room / "feedback" / f"{name.replace(' ', '-')}_a1.html"
        row["page"] = page.read_text(encoding="utf-8")
    return rows


def test_there_are_forty_and_a_quarter_is_hostile() -> None:
    assert len(CASES) == 40
    assert len(HOSTILE) >= 10


@shut_in
@pytest.mark.parametrize("name", CASES)
def test_each_gets_the_grade_it_earned(graded: dict[str, dict[str, str]], name: str) -> None:
    row = graded[name]
    _, status, points, of_d, feedback = CASES[name]
    assert row["status"] == status, row["page"]
    assert feedback in row["feedback"] + row["page"], row
    assert float(row[DISCRIMINATOR]) == of_d, row["page"]
    if points is None:
        assert 0 < float(row[GENERATOR]) < G
    else:
        assert float(row[GENERATOR]) == points, row
    assert float(row["total"]) == float(row[GENERATOR]) + float(row[DISCRIMINATOR])
    assert float(row["of"]) == 40
    for secret in ("logsigmoid", ".detach()"):
        assert secret not in row["page"]


@shut_in
def test_no_process_is_left(graded: dict[str, dict[str, str]]) -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        assert b"urdgn-left-over" not in command
    assert not Path("/tmp/urdgn-outside").exists()


def test_the_command_refuses_where_nothing_is_shut_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ann-a1.ipynb").write_text("")
    monkeypatch.setattr(grade, "missing", lambda: "bubblewrap is not installed")
    result = CliRunner().invoke(app, ["grade", str(tmp_path), "--out", str(tmp_path / "g.csv")])
    assert result.exit_code == 1
    assert "--unsafe" in result.output
    assert not (tmp_path / "g.csv").exists()
    assert "none but limits" in isolation(unsafe=True)


def test_unsafe_grades_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "ann-a1.ipynb").write_text(json.dumps(notebook()))
    (row,) = grade.grade(tmp_path, seed=1, unsafe=True)
    assert (row.checks, row.feedback) == (FULL, "all correct")


@shut_in
def test_a_package_that_lies_below_tmp_is_not_hidden(tmp_path: Path) -> None:
    """As in a clone of a few minutes, or on Colab: /tmp and /content are the student's own."""
    shutil.copytree(PACKAGE, tmp_path / "urdgn_lite")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann-a1.ipynb").write_text(json.dumps(notebook()))
    call = [sys.executable, "-c", "from urdgn_lite.cli import main; main()"]
    call += ["grade", "in", "--out", "g.csv", "--seed", "1"]
    subprocess.run(call, cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert "all correct" in (tmp_path / "g.csv").read_text()


@pytest.fixture(scope="module")
def inside() -> Iterator[Callable[[str], str]]:
    """Run code in one sandbox; what it puts into `said`."""
    if missing():
        pytest.skip(missing())
    with Sandbox(LIMITS) as sandbox:
        sandbox.begin(100)

        def run(code: str) -> str:
            body = "".join(f"    {line}\n" for line in code.splitlines())
            whole = (
                f"said = None\ntry:\n{body}except BaseException as error:\n    said = repr(error)\n"
            )
            problem, _ = sandbox.load("objective", [f"{whole}raise ValueError(said)"], "f")
            run.tried = sandbox.tried  # type: ignore[attr-defined]
            return problem.partition("raised ValueError: ")[2]

        yield run


DENIED = ("Permission", "not permitted", "Read-only", "No such file", "not there", "MemoryError",
          "No space", "Network is unreachable", "Connection refused", "File too large", "memory",
          "not implemented", "FileNotFound", "No such process")  # fmt: skip
ATTACKS = {
    "chmod": f"import os; os.chmod({str(PACKAGE / 'cli.py')!r}, 0)",
    "write to the package": f"open({str(PACKAGE / 'cli.py')!r}, 'a').write('x')",
    "utime": f"import os; os.utime({str(PACKAGE / 'cli.py')!r})",
    "xattr": "import os; open('a', 'w').close(); os.setxattr('a', 'user.x', b'x')",
    "remove": f"import os; os.remove({str(PACKAGE / 'cli.py')!r})",
    "the solution by runpy": f"import runpy; runpy.run_path({str(PACKAGE / 'objective.py')!r}, run_name='x')",
    "the solution by reading": f"said = 'not there' if 'logsigmoid' not in open({str(PACKAGE / 'objective.py')!r}).read() else 'read'",
    "solutions beside the package": f"open({str(PACKAGE.parent / 'book/assignments/solutions/a1.ipynb')!r})",
    "home": "import os; os.listdir('/root/.ssh')",
    "passwords": "open('/etc/shadow')",
    "the grader's command line": "import os; said = 'No such process' if len([p for p in os.listdir('/proc') if p.isdigit()]) <= 2 else 'sees others'",
    "a secret": "import os; said = 'not there' if 'COURSE_SECRET' not in os.environ else 'seen'",
    "fork": "import os; os.fork()",
    "process": "import subprocess; subprocess.Popen(['true'])",
    "exec": "import multiprocessing as m; p = m.get_context('spawn').Process(target=print); p.start()",
    "memfd": "import os; os.memfd_create('x')",
    "System V memory": "import ctypes; said = 'Permission' if ctypes.CDLL(None).shmget(0, 2**20, 0o1600) < 0 else 'made'",
    "4 GB": "bytearray(4 * 2**30)",
    "deleted files": "held = []\nfor i in range(8):\n    f = open('x', 'wb'); held.append(f); __import__('os').remove('x')\n    for _ in range(3):\n        f.write(bytes(9 * 2**20)); f.flush()",
    "/dev/shm": "open('/dev/shm/x', 'wb').write(bytes(100 * 2**20))",
    "TCP": "import socket; socket.create_connection(('1.1.1.1', 53), 2)",
    "UDP": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "abstract socket": "import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\0urdgn-test')",
    "kill": "import os; os.kill(99999, 9)",
    "mount": "import ctypes; said = 'Permission' if ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None) else 'done'",
    "unshare": "import ctypes; said = 'Permission' if ctypes.CDLL(None).unshare(0x10000000) else 'done'",
    "raise limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails(
    inside: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = inside(ATTACKS[name])
    assert any(
        word in said for word in (*DENIED, "not allowed to raise", "not be raised", "not exceed")
    ), said


def test_a_unix_socket_outside_is_out_of_reach(
    inside: Callable[[str], str], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        said = inside(
            f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(tmp_path / 's')!r})"
        )
    assert "No such file" in said


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os.chmod('/usr', 0)", "to change a file (os.chmod)"),
        ("open('/etc/passwd', 'w')", "to write /etc/passwd"),
        ("open('/home/teacher/grades.csv')", "to read /home/teacher/grades.csv"),
        ("import socket; socket.create_connection(('1.1.1.1', 53), 2)", "to reach the network"),
        (
            "import urllib.request; urllib.request.urlopen('http://host.invalid')",
            "to reach the network",
        ),
        ("import os; os.execv('true', ['true'])", "to start a process (os.exec)"),
        ("import gc; gc.get_objects()", "to look into the grader's memory"),
        ("import os; os.fork()", "to start a process (os.fork)"),
    ],
)
def test_every_attempt_is_told(inside: Callable[[str], str], code: str, told: str) -> None:
    inside(code)
    assert told in " ".join(inside.tried)  # type: ignore[attr-defined]


def test_honest_work_is_allowed_and_not_told(inside: Callable[[str], str]) -> None:
    before = list(getattr(inside, "tried", []))
    code = "import os, pandas, scipy.stats, matplotlib.pyplot as plt\n"
    code += "pandas.DataFrame({'a': [1]}).to_csv('/content/rows.csv'); open('notes.txt', 'w').write('x')\n"
    code += "import torch; assert torch.compile(torch.relu)(torch.ones(2)).sum() == 2; display(1)\n"
    code += "print('x' * 10**7); said = str(sorted(os.listdir('.'))) + str(scipy.stats.t.ppf(0.9, 9) > 0)"
    said = inside(code)
    assert "rows.csv" in said
    assert said.endswith("True")
    assert [t for t in inside.tried if t not in before] == []  # type: ignore[attr-defined]


@shut_in
@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("while True: pass", Limits(seconds=1)),
        ("import time; time.sleep(600)", Limits(wall=1)),
        ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", Limits(seconds=1, wall=30)),
    ],
)  # fmt: skip
def test_the_sandbox_ends_what_lasts_too_long(code: str, limits: Limits) -> None:
    sandbox = Sandbox(limits)
    with sandbox:
        sandbox.begin(1)
        with pytest.raises(Unreachable, match=r"out of time|ended the whole"):
            sandbox.load("objective", [code], "f")
    assert sandbox.process.poll() is not None


@shut_in
def test_a_stopped_sandbox_does_not_wait() -> None:
    stop = threading.Event()
    with Sandbox(LIMITS, stop=stop) as sandbox:
        sandbox.begin(1)
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(Stopped):
            sandbox.load("objective", ["import time; time.sleep(600)"], "f")


@shut_in
def test_source_code_can_be_asked_for(inside: Callable[[str], str]) -> None:
    code = "import torch\n@torch.jit.script\ndef f(z, x, h, lam: float):\n    return z.mean() + lam * (x - h).pow(2).mean()"
    with Sandbox(LIMITS) as sandbox:
        sandbox.begin(1)
        assert sandbox.load("objective", [*code.split("\n", 1)], "f") == ("", [])
        assert sandbox.load(
            "objective",
            [
                "def f(z):\n    return 1",
                "import inspect\nassert 'return 1' in inspect.getsource(f)",
            ],
            "f",
        ) == ("", [])


class Dying:
    """A sandbox with a right answer, whose process ends after n questions."""

    def __init__(self, after: int) -> None:
        self.asked, self.after = 0, after

    def ask(self, request: Plain) -> Plain:
        self.asked += 1
        if self.asked > self.after:
            raise Unreachable("gone")
        return SUITES["objective"].probe(generator_loss, request)


def test_more_answered_questions_never_earn_less() -> None:
    part = assignments()["a1"].parts[0]
    points = []
    for after in (0, 10, 40, 80, 10**6):
        report, gone = grade._judge(Dying(after).ask, part, 1)
        assert len(report.failed) == bool(gone)
        points.append(report.points(16))
    assert points == sorted(points)
    assert points[0] == 0
    assert points[-1] == 16


LACKING = "ModuleNotFoundError: No module named 'einops.layers'"


@pytest.mark.parametrize(
    ("loaded", "answered"),
    [
        (("", [f"import einops.layers: raised {LACKING}"]), "NameError: name 'einops'"),
        (("", []), f"your function raised {LACKING}"),
        ((f"from einops.layers import *: raised {LACKING}", []), ""),
    ],
)
def test_a_module_that_this_python_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, loaded: Any, answered: str
) -> None:
    monkeypatch.setattr(Sandbox, "load", lambda *_: loaded)
    monkeypatch.setattr(Sandbox, "ask", lambda *_: {"error": answered})
    result = grade.Grade(submission(Path("ann-a1.ipynb"), Path(), assignments()))
    found = {"notes": [], "missing": [], "statements": [], "name": "generator_loss"}
    grade._part(Sandbox(LIMITS), assignments()["a1"].parts[0], found, 1, result)
    assert result.status == "problems"
    assert result.feedback.endswith("this Python lacks einops.layers: install it and grade again")


def test_one_failure_of_the_grader_costs_one_row_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann-a1.ipynb", "bob-a1.ipynb"):
        (tmp_path / name).write_text("x")
    real: Callable[..., None] = grade._grade

    def sometimes(result: grade.Grade, *rest: Any) -> None:
        if result.submission.student == "ann":
            raise OSError("disk full")
        real(result, *rest)

    monkeypatch.setattr(grade, "_grade", sometimes)
    rows = grade.grade(tmp_path, seed=1, unsafe=True)
    assert [r.status for r in rows] == ["error", "unreadable"]


def test_a_pipe_and_an_unreadable_file_have_a_row(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "eve-a1.ipynb")
    (row,) = grade.grade(tmp_path, seed=1, unsafe=True)
    assert (row.status, row.feedback) == ("unreadable", "not a plain file")


@shut_in
def test_a_file_that_needs_much_memory_to_read_costs_its_own_row_alone(tmp_path: Path) -> None:
    (tmp_path / "eve-a1.ipynb").write_text(f"[{'[],' * 10**7}[]]")
    (row,) = grade.grade(tmp_path, seed=1, limits=Limits(memory=2**28))
    assert row.status == "unreadable"
    assert "memory" in row.feedback


def test_parts_of_a_class_make_the_table_of_the_whole(tmp_path: Path) -> None:
    """What machines of a queue or of a CI matrix do, with the names and lines of a large class."""
    (tmp_path / "all").mkdir()
    for name in ("ann-a1", "bob a-a1", "cem-a2", "dora-a1", ".eve-a1"):
        (tmp_path / "all" / f"{name}.ipynb").write_text("")
    environment = os.environ | {
        "PYTHONPATH": str(PACKAGE.parent),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for k in "12":
        call = ["sh", str(TOOLS / "part.sh"), k, "2", "all", "--seed", "1", "--unsafe"]
        subprocess.run(call, cwd=tmp_path, env=environment, check=True, capture_output=True)
    joined = "awk 'FNR > 1 || NR == 1' part-*/grades.csv"
    assert joined in (TOOLS.parents[1] / "book" / "instructors.md").read_text(encoding="utf-8")
    merge = subprocess.run(["sh", "-c", joined], cwd=tmp_path, capture_output=True, check=True)
    rows = list(csv.DictReader(merge.stdout.decode("utf-8-sig").splitlines()))
    whole = grade.grade(tmp_path / "all", seed=1, unsafe=True)
    assert sorted(r["file"] for r in rows) == sorted(g.submission.file for g in whole)


def test_the_recipes_for_a_large_class_use_what_there_is() -> None:
    """No container can be built here: its files, extras, packages and commands are held instead."""
    root = TOOLS.parents[1]
    recipe = (TOOLS / "Containerfile").read_text()
    for line in re.findall(r"(?m)^COPY (.+) \S+$", recipe):
        assert all((root / path).exists() for path in line.split()), line
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    makefile = (root / "Makefile").read_text()
    for package in ("bubblewrap", "libseccomp2"):
        assert package in recipe
        assert package in makefile
    workflow = yaml.safe_load((TOOLS / "class.yml").read_text())["jobs"]["part"]
    commands = "\n".join(step.get("run", "") for step in workflow["steps"])
    for text in (recipe, commands):
        assert set(re.findall(r"\[(\w+)\]\"", text)) == {"grade"} <= set(extras)
    assert f" {len(workflow['strategy']['matrix']['part'])} handed-in " in commands
    for path in re.findall(r"urdgn_lite/((?:tools/)?[\w/]+\.\w+)", commands):
        assert (root / path).exists(), path
    assert "isolation:" in makefile


def test_an_empty_folder_is_an_error_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["grade", str(tmp_path), "--unsafe"])
    assert result.exit_code == 1
