"""What ends a submission, or the grading itself, and what is kept when it does."""

from __future__ import annotations

import csv
import itertools
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from submissions import GENERATOR, notebook
from test_grade import LIMITS, sandboxed
from typer.testing import CliRunner

from urdgn_lite.check import SUITES
from urdgn_lite.check.engine import Request, Response, Unreachable
from urdgn_lite.cli import app
from urdgn_lite.grading import grade
from urdgn_lite.grading.confine import landlock_version
from urdgn_lite.grading.sandbox import Limits, Sandbox, Stopped
from urdgn_lite.grading.submission import assignments
from urdgn_lite.grading.traces import holds_more
from urdgn_lite.objective import generator_loss

SLOW_AT_LAST = """
calls = []
def generator_loss(z, x, h, lam):
    calls.append(1)
    while len(calls) > 40:
        pass
    return torch.nn.functional.logsigmoid(-z).mean() + lam * (x - h).square().mean()
"""


def test_points_earned_before_the_time_ran_out_are_kept(tmp_path: Path) -> None:
    (tmp_path / "ann-a1.ipynb").write_text(json.dumps(notebook(**{GENERATOR: SLOW_AT_LAST})))
    (row,) = grade.grade(tmp_path, seed=1, limits=Limits(seconds=2, wall=60), progress=False)
    states = [r.state for r in row.reports[GENERATOR].results]
    ended = states.index("failed")
    assert states[:ended] == ["passed"] * ended
    assert set(states[ended + 1 :]) <= {"skipped"}
    assert 0 < row.points[GENERATOR] < 16
    assert row.points["discriminator_value"] == 12  # in a fresh process
    assert "it ran out of time" in row.feedback
    assert row.status == "problems"


class Dying:
    """A sandbox with a right answer, whose process ends after n questions."""

    def __init__(self, after: int) -> None:
        self.asked, self.after = 0, after

    def ask(self, request: Request) -> Response:
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


@pytest.mark.skipif(not landlock_version(), reason="needs Landlock")
def test_nothing_is_passed_on_through_shared_memory() -> None:
    place = Path(f"/dev/shm/urdgn-test-{os.getpid()}")
    sandbox, problem = sandboxed(f"open({str(place)!r}, 'w')\nf = print")
    sandbox.close()
    assert "PermissionError" in problem
    assert not place.exists()


def test_many_small_files_are_too_much_as_well() -> None:
    code = "import time\nfor i in range(64):\n    open(f'{i}', 'wb').write(b'x' * 2**17)\n"
    limits = Limits(seconds=20, wall=60, output=2**18, folder=2**22)
    sandbox = Sandbox(limits, 1)
    with sandbox, pytest.raises(Unreachable, match="temporary folder"):
        sandbox.load("objective", [code + "time.sleep(30)"], "f")
    assert not sandbox.home.exists()


def test_a_folder_is_measured_with_all_that_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x" * 10**6)
    assert holds_more(tmp_path, 10**6 - 1)
    assert not holds_more(tmp_path, 2 * 10**6)


def test_what_it_prints_is_on_the_page_even_if_it_is_killed(tmp_path: Path) -> None:
    code = f"def {GENERATOR}(z, x, h, lam):\n    print('λ is', lam)\n    while True: pass"
    ann = notebook(**{GENERATOR: code}, discriminator_value=None)
    (tmp_path / "ann-a1.ipynb").write_text(json.dumps(ann))
    (row,) = grade.grade(tmp_path, seed=1, limits=Limits(seconds=1, wall=60), progress=False)
    assert "λ is" in row.printed


def test_a_stopped_sandbox_does_not_wait() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped), Sandbox(LIMITS, 1, stop) as sandbox:
        sandbox.load("objective", ["import time; time.sleep(600)"], "f")
    assert time.monotonic() - began < 60


@pytest.mark.filterwarnings("default")
def test_the_table_is_there_before_the_last_is_graded_and_after_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, table = tmp_path / "in", tmp_path / "grades.csv"
    room.mkdir()
    for name in ("ann", "bob", "eve"):
        (room / f"{name}-a1.ipynb").write_text("")

    def interrupted(futures: Iterable[Any], *_: object, **__: object) -> Iterator[Any]:
        yield from itertools.islice(futures, 2)
        assert len(table.read_text().splitlines()) == 1 + 2
        raise KeyboardInterrupt

    monkeypatch.setattr(grade, "bar", interrupted)
    call = ["grade", str(room), "--out", str(table), "--feedback", str(tmp_path / "pages")]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 130
    assert "stopped: the 2 that were graded" in result.output
    with table.open(encoding="utf-8-sig", newline="") as file:
        students = [row["student"] for row in csv.DictReader(file)]
    assert len(students) == 2
    assert {p.stem for p in (tmp_path / "pages").iterdir()} == {f"{s}-a1" for s in students}
    assert {p.name for p in tmp_path.iterdir()} == {"in", "grades.csv", "pages"}
