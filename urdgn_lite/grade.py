"""Forty notebooks in, one table of grades and a page of feedback each out.

`urdgn-lite grade FOLDER --out grades.csv`. The checks, the seeds and the points stay in this
process; a student's code runs in another one (`grading.sandbox` says how well it is shut in).
Check cells of a submission are never run, so editing them changes nothing.
"""

from __future__ import annotations

import csv
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urdgn_lite.check import SUITES, Report
from urdgn_lite.check.engine import Unreachable
from urdgn_lite.grading.sandbox import PACKAGE, Limits, Sandbox
from urdgn_lite.grading.submission import (
    Answer,
    Assignment,
    Part,
    Submission,
    SubmissionError,
    answer,
    assignments,
    copies,
    read,
)  # fmt: skip
from urdgn_lite.progress import bar

LEADING = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


@dataclass
class Grade:
    """What one submission earned.

    Attributes
    ----------
    points : part → points; total : their sum; of : the most that can be had automatically.
    status : "ok" (every part ran), "problems" (some did not), "unreadable", "error" (ours).
    remarks : part → one line; reports : part → what the check found; printed : what it printed.
    """

    submission: Submission
    points: dict[str, float] = field(default_factory=dict)
    of: float = 0.0
    status: str = "ok"
    remarks: dict[str, str] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    printed: str = ""
    seconds: float = 0.0

    @property
    def total(self) -> float:
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
    progress: bool = True,
) -> list[Grade]:
    """Grade every file below a folder; one bad submission never changes another's grade.

    Parameters
    ----------
    folder : STUDENT-a1.ipynb files, or a folder a student.
    seed : draws the inputs of the checks: keep it to yourself until the grades are out.
    limits : what each submission may use.
    workers : how many are graded at a time.

    Raises
    ------
    FileNotFoundError : no such folder, or nothing in it.
    """
    known = assignments()
    files = sorted(p for p in folder.rglob("*") if not p.is_dir() and not _hidden(p, folder))
    if not files:
        raise FileNotFoundError(f"no submissions in {folder}")
    submissions = [read(p, folder, known) for p in files]  # all of them, before any is run
    guard = Guard()

    def one(submission: Submission) -> Grade:
        began = time.monotonic()
        try:
            result = _grade(submission, known, seed, limits or Limits())
        except Exception as error:  # a mistake of the grader must not cost the class its grades
            result = Grade(submission, status="error", remarks={"": f"the grader failed: {error}"})
        if changed := guard.restore():
            result.status = "problems"
            result.remarks["files"] = f"{', '.join(changed)} had changed and was put back"
        result.seconds = time.monotonic() - began
        return result

    with ThreadPoolExecutor(workers) as pool:
        grades = list(bar(pool.map(one, submissions), "grade", len(submissions), show=progress))
    _remark_doubles(grades)
    return grades


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _grade(
    submission: Submission, known: dict[str, Assignment], seed: int, limits: Limits
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
        with Sandbox(limits, len(todo)) as sandbox:
            alive = True
            while todo and alive:
                alive = _part(sandbox, *todo.pop(0), seed, result)
            result.printed += sandbox.output()
    return result


def _part(sandbox: Sandbox, part: Part, found: Answer, seed: int, result: Grade) -> bool:
    """Judge one part; False if its process is gone."""
    notes = [found.note] if found.note else []
    if modules := copies(found):
        notes.append(f"mentions {', '.join(modules)}: look whether it is copied")
    alive = True
    try:
        if problem := sandbox.load(part.check, found.helpers, found.code, found.name):
            result.status = "problems"
            notes.append(problem)
        else:
            report = SUITES[part.check].judge(sandbox.ask, seed, f"{part.id}:")
            result.reports[part.id] = report
            result.points[part.id] = report.points(part.points)
            if not report.passed:
                missed = [r.property.says for r in report.results if r.state == "failed"]
                notes.append(f"does not hold: {', '.join(missed)}")
                why = next(r.why for r in report.results if r.state == "failed")
                notes += [why] if "answers" in report.failed else []
    except Unreachable as error:
        result.status, alive = "problems", False
        notes.append(str(error))
    if notes:
        result.remarks[part.id] = "; ".join(notes)
    return alive


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

    def restore(self) -> list[str]:
        """Names of the files that had changed; they are what they were again."""
        changed = []
        for path, content in self.files.items():
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)
                changed.append(path.relative_to(PACKAGE).as_posix())
        return changed


def write_csv(grades: list[Grade], path: Path) -> None:
    """One row a submission; the column `manual` is for the points of the written answers."""
    parts = list(dict.fromkeys(p for g in grades for p in g.points))
    columns = ["student", "assignment", "file", *parts, "total", "of", "manual", "feedback",
               "status", "seconds"]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8-sig") as file:  # the mark helps Excel
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for g in sorted(grades, key=lambda g: (g.submission.assignment, g.submission.student)):
            s = g.submission
            row: dict[str, Any] = {
                "student": s.student, "assignment": s.assignment, "file": s.file, **g.points,
                "total": g.total, "of": g.of, "manual": "", "feedback": g.feedback,
                "status": g.status, "seconds": f"{g.seconds:.1f}",
            }  # fmt: skip
            table.writerow({k: _cell(v) for k, v in row.items()})


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return f"{value:g}"
    line = re.sub(r"[\x00-\x1f\x7f]+", " ", value.encode("utf-8", "replace").decode())[:500]
    return f"'{line}" if line.startswith(LEADING) else line


def write_feedback(grades: list[Grade], folder: Path) -> list[Path]:
    """One Markdown page a submission, for its author."""
    known, written = assignments(), []
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for g in grades:
        stem = _unused(f"{g.submission.student}-{g.submission.assignment or 'unknown'}", taken)
        path = folder / f"{stem}.md"
        path.write_text(_page(g, known), encoding="utf-8", errors="replace")
        written.append(path)
    return written


def _unused(name: str, taken: set[str]) -> str:
    stem = base = re.sub(r"[^\w-]+", "-", name).strip("-")[:80] or "submission"
    number = 1
    while stem.lower() in taken:
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem.lower())
    return stem


def _page(g: Grade, known: dict[str, Assignment]) -> str:
    asked = known.get(g.submission.assignment)
    title = asked.title if asked else "Not graded"
    lines = [
        f"# {title}",
        "",
        f"{g.submission.file}: **{g.total:g} of {g.of:g}** points by checks.",
    ]
    if "" in g.remarks:
        lines += ["", g.remarks[""]]
    for part in asked.parts if asked else ():
        lines += ["", f"## {part.id}: {g.points.get(part.id, 0):g} of {part.points:g}"]
        lines += ["", g.remarks.get(part.id, "all correct")]
        if report := g.reports.get(part.id):
            lines += ["", *_fenced(str(report))]
    for name, points in (asked.written if asked else {}).items():
        lines += ["", f"## {name}: … of {points:g}", "", "Your teacher reads this one."]
    if g.printed.strip():
        lines += ["", "## What your code printed", "", *_fenced(g.printed.strip())]
    return "\n".join(lines) + "\n"


def _fenced(text: str) -> list[str]:
    safe = re.sub(r"[^\n\t\x20-\x7e\xa0-\uffff]", "?", text).replace("```", "'''")
    return ["```text", safe, "```"]
