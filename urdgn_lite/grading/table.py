"""The table of grades: what checks gave, what the teacher gave, and files for Canvas and Moodle.

The columns `manual` and `comment` are the teacher's: grading again keeps them, and keeps the rows
that it did not grade. Whatever quotes students holds nothing that a spreadsheet would run.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from urdgn_lite import __version__
from urdgn_lite.grading.grade import Grade
from urdgn_lite.grading.submission import Student, Submission, assignments, read_csv, same
from urdgn_lite.store import write

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")  # what a spreadsheet would run
PARTS = [p.id for a in assignments().values() for p in a.parts]
COLUMNS = ["student", "number", "id", "assignment", "file", "late", *PARTS, "checks", "written",
           "manual", "total", "of", "comment", "feedback", "status", "seconds",
           "urdgn_lite"]  # fmt: skip
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # 12e345 is a number to Excel
Row = dict[str, str]


def anonymous(g: Grade) -> str:
    """Six letters that stand for a student while written answers are read."""
    digest = hashlib.sha256(g.submission.whose.encode()).hexdigest()[:6]
    return digest.translate(LETTERS)


def rows(grades: list[Grade], marks: dict[tuple[str, str], float], old: list[Row]) -> list[Row]:
    """All rows: graded now, with what the teacher gave before, and those not graded now.

    Parameters
    ----------
    marks : (anonymous id, assignment) → points of the written answers.
    old : the table as it was.
    """
    kept = {(r["student"], r["assignment"]): r for r in old} | {
        r["file"]: r for r in old if r["file"]
    }
    known, made = assignments(), []
    for g in grades:
        s = g.submission
        before = kept.get(s.file) or kept.get((plain(s.student), s.assignment)) or {}
        asked, name = known.get(s.assignment), anonymous(g)
        written = marks.get((name, s.assignment))
        manual = number(before.get("manual", ""))
        values: dict[str, Any] = {
            "student": s.student, "number": s.number, "id": name, "assignment": s.assignment,
            "file": s.file, "late": "late" if s.late else "", **g.points, "checks": g.checks,
            "written": "" if written is None else written, "manual": before.get("manual", ""),
            "total": g.checks + (written or 0) + manual,
            "of": asked.automatic + sum(asked.written.values()) if asked else 0,
            "comment": before.get("comment", ""), "feedback": g.feedback, "status": g.status,
            "seconds": round(g.seconds, 1), "urdgn_lite": __version__,
        }  # fmt: skip
        made.append({k: cell(v) for k, v in values.items()})
    new = {r["file"] for r in made} | {(r["student"], r["assignment"]) for r in made}
    stay = [r for r in old if (r["file"] or (r["student"], r["assignment"])) not in new]
    return sorted(made + stay, key=lambda r: (r["assignment"], r["student"], r["file"]))


def number(text: str) -> float:
    """What a teacher typed, with a point or a comma; 0 for anything else."""
    try:
        return float(text.strip().lstrip("'").replace(",", "."))
    except ValueError:
        return 0.0


def plain(text: str) -> str:
    """One line of text that is nothing but text."""
    readable = text.encode("utf-8", "replace").decode()
    shown = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in readable
    )
    line = re.sub(" {2,}", " ", shown)[:1000].replace(";", ",")  # a separator in some countries
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line


def cell(value: Any) -> str:
    """A value as it stands in the table."""
    return plain(value) if isinstance(value, str) else f"{value:g}"


def read_table(path: Path) -> list[Row]:
    """A table as it was written, or as a spreadsheet saved it."""
    found = read_csv(path) if path.exists() else []
    return [{k: row.get(k, "") for k in COLUMNS} for row in found]


def spare(path: Path, columns: list[str] = COLUMNS) -> None:
    """Refuse to replace a table of somebody else: ours has these columns.

    Raises
    ------
    FileExistsError : the file is there, with others.
    """
    if path.exists():
        head = path.read_text("utf-8-sig", "replace").partition("\n")[0]
        if sorted(re.split("[;,]", re.sub('["\r]', "", head))) != sorted(columns):
            raise FileExistsError(f"{path} exists, and urdgn_lite did not write it: choose another")


def write_table(found: Iterable[dict[str, str]], path: Path, columns: list[str] = COLUMNS) -> None:
    """Write a csv. It is whole at any time: an older one of ours is replaced in one step."""
    spare(path, columns)
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
    table.writeheader()
    table.writerows(found)
    write(path, text.getvalue().encode("utf-8-sig"))  # the mark helps Excel


def absent(grades: list[Grade], students: list[Student], old: list[Row]) -> list[Grade]:
    """A row for everybody on the class list who handed in nothing; names as the list has them.

    `old` is the table as it was: what stands there was handed in as well.
    """
    for g in grades:
        for student in (s for s in students if same(s, g.submission)):
            g.submission.student = student.name
            g.submission.number = student.number or g.submission.number
    known, found = assignments(), []
    for name in sorted({g.submission.assignment for g in grades} & known.keys()):
        here = [g.submission for g in grades if g.submission.assignment == name]
        here += [Submission(r["student"], r["file"], name, r["number"])
                 for r in old if r["file"] and r["assignment"] == name]  # fmt: skip
        for student in students:
            if not any(same(student, s) for s in here):
                lost = Submission(student.name, "", name, student.number)
                note = {"": "nothing was handed in"}
                found.append(Grade(lost, status="missing", remarks=note, of=known[name].automatic))
    return found


def for_import(
    found: list[Row], students: list[Student], folder: Path, source: Path | None = None
) -> list[Path]:
    """The class list with a column of totals, as Canvas and Moodle take it, an assignment each.

    Of several files of one student the best counts. `source` is where the class list stands: it
    is never replaced.
    """
    made, found = [], sorted(found, key=lambda row: number(row["total"]))
    for name, asked in assignments().items():
        totals = {(r["number"] or r["student"]): r for r in found if r["assignment"] == name}
        if not totals:
            continue
        moodle = "Identifier" in students[0].row
        heads = [k for k in students[0].row if k.startswith(asked.title)]
        column = "Grade" if moodle else (heads or [asked.title])[0]
        lines = []
        for student in students:
            row = totals.get(student.number) or totals.get(plain(student.name)) or {}
            line = student.row | {column: row.get("total", "")}
            if moodle:
                line["Feedback comments"] = row.get("comment", "").lstrip("'")
            lines.append(line)
        made.append(folder / f"urdgn_lite-{'moodle' if moodle else 'canvas'}-{name}.csv")
        if source and made[-1].resolve() == source.resolve():
            raise FileExistsError(f"{source} is the class list itself: give it another name")
        write_table(lines, made[-1], list(lines[0]))
    return made
