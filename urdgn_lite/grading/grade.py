"""Forty notebooks in, one table of grades and a page of feedback each out.

`urdgn-lite grade FOLDER --out grades.csv`. The checks, the seeds and the points stay in this
process; a student's code runs in another one (`grading.sandbox` says how well it is shut in).
Check cells of a submission are never run, so editing them changes nothing.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock

from urdgn_lite.check import SUITES, Failed, Report, Result
from urdgn_lite.check.engine import Request, Response, Unreachable
from urdgn_lite.grading.answers import Answer, answer
from urdgn_lite.grading.pages import Grade, write_csv, write_feedback
from urdgn_lite.grading.sandbox import PACKAGE, Limits, Sandbox, Stopped
from urdgn_lite.grading.submission import (
    Assignment,
    Part,
    Submission,
    SubmissionError,
    assignments,
    read,
)  # fmt: skip
from urdgn_lite.progress import bar


def grade_into(
    table: Path, feedback: Path, folder: Path, *, seed: int, limits: Limits, workers: int
) -> tuple[list[Grade], list[Path]]:
    """Grade a folder, and write the table and the pages.

    The table is written as soon as each grade is there, and after Ctrl-C the pages of those that
    were graded: an evening's grades outlive a machine that is switched off. Returns the grades and
    the pages. See `grade` for the rest.
    """
    grades: list[Grade] = []

    def keep(so_far: list[Grade]) -> None:
        grades[:] = so_far
        write_csv(grades, table)

    try:
        grade(folder, seed=seed, limits=limits, workers=workers, done=keep)
    except KeyboardInterrupt:
        warnings.warn(f"stopped: the {len(grades)} that were graded are in {table}", stacklevel=2)
        raise
    finally:
        pages = write_feedback(grades, feedback) if grades else []
    return grades, pages


def grade(
    folder: Path,
    *,
    seed: int,
    limits: Limits | None = None,
    workers: int = 2,
    progress: bool = True,
    done: Callable[[list[Grade]], None] = lambda so_far: None,
) -> list[Grade]:
    """Grade every file below a folder; one bad submission never changes another's grade.

    Parameters
    ----------
    folder : STUDENT-a1.ipynb files, or a folder a student.
    seed : draws the inputs of the checks: keep it to yourself until the grades are out.
    limits : what each submission may use.
    workers : how many are graded at a time.
    done : called after each submission with all grades so far.

    Raises
    ------
    FileNotFoundError : no such folder, or nothing in it.
    """
    known = assignments()
    files = sorted(p for p in folder.rglob("*") if not p.is_dir() and not _hidden(p, folder))
    if not files:
        raise FileNotFoundError(f"no submissions in {folder}")
    submissions = [read(p, folder, known) for p in files]  # all of them, before any is run
    guard, stop = Guard(), Event()

    def one(submission: Submission) -> Grade:
        began = time.monotonic()
        try:
            result = _grade(submission, known, seed, limits or Limits(), stop)
        except Stopped:
            raise
        except Exception as error:  # a mistake of the grader must not cost the class its grades
            result = Grade(submission, status="error", remarks={"": f"the grader failed: {error}"})
        if changed := guard.restore():
            told = f"{', '.join(changed)} had changed and was put back"
            if workers > 1:  # whoever is seen first need not have done it
                told += ", here or by another one under way: --workers 1 tells"
            else:
                result.status = "problems"
            result.remarks["files"] = told
        result.seconds = time.monotonic() - began
        return result

    grades: dict[int, Grade] = {}
    with ThreadPoolExecutor(workers) as pool:
        places = {pool.submit(one, s): i for i, s in enumerate(submissions)}
        try:
            for future in bar(as_completed(places), "grade", len(places), show=progress):
                grades[places[future]] = future.result()
                _remark_doubles(list(grades.values()))
                done([grades[i] for i in sorted(grades)])
        except BaseException:  # Ctrl-C: do not wait for what is running
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [grades[i] for i in sorted(grades)]


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _grade(
    submission: Submission, known: dict[str, Assignment], seed: int, limits: Limits, stop: Event
) -> Grade:
    result = Grade(submission)
    if asked := known.get(submission.assignment):
        result.of = asked.automatic
        result.points = {p.id: 0.0 for p in asked.parts}
    if submission.problem or asked is None:
        result.status, result.remarks = "unreadable", {"": submission.problem}
        return result
    todo: list[tuple[Part, Answer]] = []
    for part in asked.parts:
        try:
            todo.append((part, answer(submission.cells, part, asked)))
        except SubmissionError as error:
            result.status, result.remarks[part.id] = "problems", str(error)
    while todo:  # a part that ends the process leaves the next ones a fresh one
        with Sandbox(limits, len(todo), stop) as sandbox:
            alive = True
            while todo and alive:
                alive = _part(sandbox, *todo.pop(0), seed, result)
            result.printed += sandbox.output()
    return result


def _part(sandbox: Sandbox, part: Part, found: Answer, seed: int, result: Grade) -> bool:
    """Judge one part; False if its process is gone."""
    notes, gone = list(found.notes), ""
    try:
        problem, failures = sandbox.load(part.check, found.statements, found.name)
    except Unreachable as error:
        problem = gone = str(error)
    if problem:
        result.status = "problems"
        notes += [problem, *found.missing]
    else:
        report, gone = _judge(sandbox.ask, part, seed)
        result.reports[part.id] = report
        result.points[part.id] = report.points(part.points)
        if not report.passed:
            missed = [r.property.says for r in report.results if r.state == "failed"]
            notes.append(f"does not hold: {', '.join(missed)}")
            why = next(r.why for r in report.results if r.state == "failed")
            notes += [why] if gone or "answers" in report.failed else []
            notes += [*failures, *found.missing]
            if gone or failures:
                result.status = "problems"
    if notes:
        result.remarks[part.id] = "; ".join(notes)
    return not gone


def _judge(answers: Callable[[Request], Response], part: Part, seed: int) -> tuple[Report, str]:
    """The report on one part, and how its process ended, if it did.

    What held before the end was seen to hold and keeps its points. The property that saw the end
    has failed, and the ones after it are skipped.
    """
    gone = ""

    def ask(request: Request) -> Response:
        nonlocal gone
        if not gone:
            try:
                return answers(request)
            except Unreachable as error:
                gone = str(error)
        raise Failed(gone)

    report = SUITES[part.check].judge(ask, seed, f"{part.id}:")
    results: list[Result] = []
    ended = False
    for r in report.results:
        why, on = (" ".join(text.split()) for text in (r.why, r.on))  # an exception may hold lines
        results.append(Result(r.property, "skipped") if ended else replace(r, why=why, on=on))
        ended = ended or (gone != "" and r.why == gone)
    return replace(report, results=tuple(results)), gone


def _remark_doubles(grades: list[Grade]) -> None:
    seen: dict[tuple[str, str], list[Grade]] = {}
    for g in grades:
        seen.setdefault((g.submission.student, g.submission.assignment), []).append(g)
    for several in seen.values():
        for g in several if len(several) > 1 else ():
            others = [o.submission.file for o in several if o is not g]
            g.remarks["handed in twice"] = ", ".join(others)


class Guard:
    """Notices a change of this package's own code, and undoes it."""

    def __init__(self) -> None:
        self.files = {p: p.read_bytes() for p in sorted(PACKAGE.rglob("*.py"))}
        index = PACKAGE / "data" / "assignments.json"
        self.files[index] = index.read_bytes()
        self.one_at_a_time = Lock()

    def restore(self) -> list[str]:
        """Names of the files that had changed; they are what they were again."""
        changed = []
        with self.one_at_a_time:
            for path, content in self.files.items():
                if not path.is_file() or path.read_bytes() != content:
                    path.write_bytes(content)
                    changed.append(path.relative_to(PACKAGE).as_posix())
        return changed
