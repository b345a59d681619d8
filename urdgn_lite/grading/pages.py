"""What a teacher gets: a table of all grades, and a page of feedback for each submission.

Remarks quote students: names of files, messages of exceptions. So each stays one line, and holds
nothing that a spreadsheet or a browser would take for more than text.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urdgn_lite.check import Report
from urdgn_lite.grading.submission import Assignment, Submission, assignments

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


def write_csv(grades: list[Grade], path: Path) -> None:
    """One row a submission; the column `manual` is for the points of the written answers.

    The table is whole at any time: an older one is replaced in one step.
    """
    parts = list(dict.fromkeys(p for g in grades for p in g.points))
    columns = ["student", "assignment", "file", *parts, "total", "of", "manual", "feedback",
               "status", "seconds"]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w", newline="", encoding="utf-8-sig") as file:  # the mark helps Excel
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
    os.replace(draft, path)


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return f"{value:g}"
    line = _one_line(value)
    return f"'{line}" if line.startswith(LEADING) else line


def _one_line(text: str) -> str:
    readable = text.encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", readable)[:500]


def _plain(text: str) -> str:
    """Text that stays text in Markdown: no heading, no tag, no link, in one line."""
    line = re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", _one_line(text))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
        f"{_plain(g.submission.file)}: **{g.total:g} of {g.of:g}** points by checks.",
    ]
    if "" in g.remarks:
        lines += ["", _plain(g.remarks[""])]
    for part in asked.parts if asked else ():
        lines += ["", f"## {part.id}: {g.points.get(part.id, 0):g} of {part.points:g}"]
        lines += ["", _plain(g.remarks.get(part.id, "all correct"))]
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
