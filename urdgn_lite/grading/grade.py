"""Forty notebooks in, one table of grades and a page of feedback each out.

`urdgn-lite grade FOLDER --out grades.csv`. The checks, the seeds and the points stay in this
process; a student's file is read, and its code runs, in another one (`sandbox` says how well that
is shut in). Check cells of a submission are never run, so editing them changes nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from urdgn_lite.check import SUITES, Failed, Report, Result, Unreachable
from urdgn_lite.check.engine import Plain
from urdgn_lite.grading.reading import SubmissionError
from urdgn_lite.grading.sandbox import Limits, Sandbox, Stopped, missing
from urdgn_lite.grading.submission import (
    Assignment,
    Part,
    Submission,
    assignments,
    files,
    listed,
    opened,
    submission,
)
from urdgn_lite.progress import bar


@dataclass
class Grade:
    """What one submission earned by checks.

    Attributes
    ----------
    points : part → points; of : the most that can be had automatically.
    status : "ok" (every part ran), "problems" (some did not), "unreadable", "error" (ours),
        "missing" (nothing was handed in).
    remarks : part → one line; reports : part → what the check found.
    written : text → what its author wrote; code : what was run, for `similar`.
    """

    submission: Submission
    points: dict[str, float] = field(default_factory=dict)
    of: float = 0.0
    status: str = "ok"
    remarks: dict[str, str] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def asks(self, asked: Assignment | None) -> None:
        """Begin with no points of those that can be had."""
        if asked:
            self.of, self.points = asked.automatic, {p.id: 0.0 for p in asked.parts}

    @property
    def checks(self) -> float:
        """Points of all parts."""
        return sum(self.points.values())

    @property
    def feedback(self) -> str:
        """One line."""
        return "; ".join(f"{k}: {v}" if k else v for k, v in self.remarks.items()) or "all correct"


def grade(
    folder: Path,
    *,
    seed: int,
    limits: Limits | None = None,
    workers: int = 2,
    only: str = "",
    unsafe: bool = False,
    done: Callable[[list[Grade]], None] = lambda so_far: None,
) -> list[Grade]:
    """Grade every file below a folder; one bad submission never changes another's grade.

    Parameters
    ----------
    folder : STUDENT-a1.ipynb files, or a folder a student, or what Canvas or Moodle gives.
    seed : draws the inputs of the checks: keep it to yourself until the grades are out.
    limits : what each submission may use.
    workers : how many are graded at a time.
    only : grade those whose path holds this text.
    unsafe : grade although nothing shuts them in.
    done : called after each submission with all grades so far.

    Raises
    ------
    FileNotFoundError : no such folder, or nothing in it.
    OSError : this machine cannot shut them in.
    """
    if not unsafe and (lack := missing()):
        raise OSError(f"{lack}: submissions would not be shut in (--unsafe grades all the same)")
    known = assignments()
    found = [submission(p, folder, known) for p in files(folder)]
    found = [s for s in found if only.casefold() in s.file.casefold()]
    if not found:
        raise FileNotFoundError(f"no submissions in {folder}" + f" with {only!r}" * bool(only))
    stop = Event()

    def one(handed_in: Submission) -> Grade:
        began, result = time.monotonic(), Grade(handed_in)
        try:
            _grade(result, known, seed, limits or Limits(), stop, unsafe)
        except Stopped:
            raise
        except Exception as error:  # a mistake of the grader must not cost the class its grades
            result.status, result.remarks[""] = "error", f"the grader failed: {error}"
        result.seconds = time.monotonic() - began
        return result

    grades: dict[int, Grade] = {}
    with ThreadPoolExecutor(workers) as pool:
        places = {pool.submit(one, s): i for i, s in enumerate(found)}
        try:
            for future in bar(as_completed(places), "grade", len(places)):
                grades[places[future]] = future.result()
                _remark_doubles(list(grades.values()))
                done([grades[i] for i in sorted(grades)])
        except BaseException:  # Ctrl-C: do not wait for what is running
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [grades[i] for i in sorted(grades)]


def _grade(
    result: Grade, known: dict[str, Assignment], seed: int, limits: Limits, stop: Event,
    unsafe: bool,
) -> None:  # fmt: skip
    handed_in = result.submission
    result.asks(known.get(handed_in.assignment))
    try:
        if handed_in.problem:
            raise SubmissionError(handed_in.problem)
        with opened(handed_in.path) as file:
            todo = _first(result, known, seed, Sandbox(limits, file, stop, unsafe))
    except SubmissionError as error:
        result.status, result.remarks[""] = "unreadable", str(error)
        return
    while todo:  # a part that ends the process leaves the next ones a fresh one
        with Sandbox(limits, None, stop, unsafe) as sandbox:
            todo = _parts(sandbox, todo, seed, result)


Todo = list[tuple[Part, dict]]


def _first(result: Grade, known: dict[str, Assignment], seed: int, sandbox: Sandbox) -> Todo:
    """Read the file and judge its parts in one process; what is left to judge."""
    with sandbox:
        try:
            found = sandbox.read(known=listed(), name=result.submission.assignment)
            if "error" in found:
                raise Unreachable(found["error"])
        except Unreachable as error:
            raise SubmissionError(f"it could not be read: {error}") from None
        result.submission.assignment = found.get("assignment", result.submission.assignment)
        result.asks(asked := known.get(result.submission.assignment))
        if "problem" in found or asked is None:
            raise SubmissionError(found.get("problem") or "not recognised")
        result.written = found["written"]
        if found["unreadable"]:
            result.status, result.remarks["cells"] = "problems", "; ".join(found["unreadable"])
        todo: Todo = []
        for part in asked.parts:
            answer = found["parts"][part.id]
            if "problem" in answer:
                result.status, result.remarks[part.id] = "problems", answer["problem"]
            else:
                todo.append((part, answer))
                result.code += answer["statements"]
        return _parts(sandbox, todo, seed, result)


def _parts(sandbox: Sandbox, todo: Todo, seed: int, result: Grade) -> Todo:
    """Judge parts until one of them ends the process; what is left."""
    if todo:
        sandbox.begin(len(todo))
    alive = True
    while todo and alive:
        alive = _part(sandbox, *todo.pop(0), seed, result)
    before = result.remarks.get("tried", "").split("; ")
    if told := [one for one in dict.fromkeys([*before, *sandbox.tried]) if one]:
        result.remarks["tried"] = "; ".join(told)
    return todo


def _part(sandbox: Sandbox, part: Part, found: dict, seed: int, result: Grade) -> bool:
    """Judge one part; False if its process is gone."""
    notes, gone = list(found["notes"]), ""
    try:
        problem, failures = sandbox.load(part.check, found["statements"], found["name"])
    except Unreachable as error:
        problem = gone = str(error)
    if problem:
        result.status = "problems"
        notes += [problem, *found["missing"]]
    else:
        report, gone = _judge(sandbox.ask, part, seed)
        result.reports[part.id] = report
        result.points[part.id] = report.points(part.points)
        if not report.passed:
            missed = [r.property.says for r in report.results if r.state == "failed"]
            notes.append(f"does not hold: {', '.join(missed)}")
            why = next(r.why for r in report.results if r.state == "failed")
            notes += [why] if gone or "answers" in report.failed else []
            notes += [*failures, *found["missing"]]
            if gone or failures:
                result.status = "problems"
    whys = [r.why for r in result.reports[part.id].results] if part.id in result.reports else []
    if lacks := sorted(set(re.findall(r"No module named '([\w.]+)'", "\n".join(notes + whys)))):
        result.status = "problems"
        notes.append(f"this Python lacks {', '.join(lacks)}: install it and grade again")
    if notes:
        result.remarks[part.id] = "; ".join(notes)
    return not gone


def _judge(answers: Callable[[Plain], Plain], part: Part, seed: int) -> tuple[Report, str]:
    """The report on one part, and how its process ended, if it did.

    What held before the end was seen to hold and keeps its points. The property that saw the end
    has failed, and the ones after it were not reached.
    """
    gone = ""

    def ask(request: Plain) -> Plain:
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
        now = Result(r.property, "unreached") if ended else replace(r, why=why, on=on)
        results.append(now)
        ended = ended or (gone != "" and r.why == gone)
    return replace(report, results=tuple(results)), gone


def _remark_doubles(grades: list[Grade]) -> None:
    seen: dict[tuple[str, str], list[Grade]] = {}
    for g in grades:
        key = g.submission.number or g.submission.student
        seen.setdefault((key, g.submission.assignment), []).append(g)
    for several in seen.values():
        for g in several if len(several) > 1 else ():
            others = [o.submission.file for o in several if o is not g]
            g.remarks["handed in twice"] = ", ".join(others)
