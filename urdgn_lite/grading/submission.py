"""What is asked, what was handed in, by whom: names of files and the class list, read from outside.

Canvas: `lastfirst[_LATE]_USER_SUBMISSION_name.ipynb`. Moodle:
`Full Name_NUMBER_assignsubmission_file_/name.ipynb`. Otherwise `STUDENT-a1.ipynb` or `STUDENT_a1`,
or a folder a student. Colab's "Copy of " counts for nothing.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

from urdgn_lite.grading.reading import SubmissionError

LARGEST = 200 * 2**20  # bytes of a notebook, outputs included
CANVAS = re.compile(r"^(?P<who>[^_/]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_")
MOODLE = re.compile(r"^(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)")
COPY = re.compile(r"(?i)^(copy of|kopie von|copie de|copia de|копия)\s+")


@dataclass(frozen=True)
class Part:
    """A function to write: its name, the check that judges it, the most points for it."""

    id: str
    check: str
    points: float


@dataclass(frozen=True)
class Assignment:
    """What is asked: functions that are graded here, and texts that the teacher grades.

    `written` : text → its points; `rubrics` : text → (points, what for), in order.
    """

    id: str
    title: str
    parts: tuple[Part, ...]
    written: dict[str, float]
    rubrics: dict[str, list[tuple[float, str]]]

    @property
    def automatic(self) -> float:
        """The most points that can be had without the teacher."""
        return sum(p.points for p in self.parts)


def listed() -> list[dict[str, Any]]:
    """All assignments, as `tools/book/assignments.py` wrote them down."""
    path = resources.files("urdgn_lite") / "data" / "assignments.json"
    return json.loads(path.read_text(encoding="utf-8"))


def assignments() -> dict[str, Assignment]:
    """All assignments by their names."""
    return {
        a["id"]: Assignment(
            a["id"],
            a["title"],
            tuple(Part(**p) for p in a["parts"]),
            dict(a["written"]),
            {k: [(float(p), text) for p, text in rows] for k, rows in a["rubrics"].items()},
        )
        for a in listed()
    }


@dataclass
class Submission:
    """One file as it was handed in: by whom, for what, and what is known before it is opened."""

    student: str
    file: str
    assignment: str = ""
    number: str = ""  # of the student, in Canvas or Moodle
    whose: str = ""  # number or name in the path: the same with and without a class list
    late: bool = False
    problem: str = ""
    path: Path = Path()


def submission(path: Path, folder: Path, known: dict[str, Assignment]) -> Submission:
    """What the name of a file says. Whatever is wrong with it is noted in `problem`."""
    # macOS writes ü as u and ¨: two names for one student
    shown = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
    inside = Path(shown)
    found = Submission(_student(inside, known), shown, _named(shown, known), path=path)
    for part in inside.parts:
        if match := CANVAS.match(part) or MOODLE.match(part):
            found.student, found.number = match["who"].strip(), match["id"]
            found.late = bool(match.groupdict().get("late"))
            if match.groupdict().get("kind") == "onlinetext":
                found.problem = "an online text, no notebook"
            rest = "/".join([part[match.end() :], *inside.parts[inside.parts.index(part) + 1 :]])
            found.assignment = _named(rest, known) or found.assignment
            break
    found.whose = found.number or found.student
    return found


def _student(inside: Path, known: dict[str, Assignment]) -> str:
    """The first folder that is no assignment's, or else the file's name without the assignment."""
    for folder in inside.parts[:-1]:
        if folder.lower() not in known:
            return folder
    stem = COPY.sub("", inside.stem)
    found = list(_mentions(stem, known))
    cut = stem[: found[-1].start()] if found else stem
    return cut.strip(" -_.(") or inside.stem


def _mentions(name: str, known: dict[str, Assignment]) -> Any:
    return re.finditer(rf"(?i)(?<![a-z0-9])({'|'.join(known)})(?![a-z0-9])", name)


def _named(name: str, known: dict[str, Assignment]) -> str:
    found = list(_mentions(name, known))
    return found[-1][1].lower() if found else ""


def opened(path: Path) -> IO[bytes]:
    """A plain file, opened without following a link or waiting for a pipe.

    Raises
    ------
    SubmissionError : it is none, or too large.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if path.is_symlink():
            raise SubmissionError("not a plain file: a link") from None
        raise SubmissionError(f"the file cannot be read ({error.strerror})") from None
    file = os.fdopen(fd, "rb")
    about = os.fstat(fd)
    if stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST:
        return file
    file.close()
    large = f"larger than {LARGEST // 2**20} MB"
    raise SubmissionError(large if stat.S_ISREG(about.st_mode) else "not a plain file")


def files(folder: Path) -> list[Path]:
    """Every file below a folder, dot names and links included; what systems add is left out."""
    left_out = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in left_out)
        links = [f for f in folders if (Path(place) / f).is_symlink()]
        found += [Path(place) / n for n in sorted([*names, *links]) if n not in left_out]
    return found


@dataclass(frozen=True)
class Student:
    """One row of the class list, as Canvas or Moodle exports it; `row` is all of it."""

    name: str
    number: str
    row: dict[str, str]


def read_csv(path: Path) -> list[dict[str, str]]:
    """A table as any program saved it: with commas or, in some countries, semicolons.

    Raises
    ------
    ValueError : it is none.
    """
    try:
        text = path.read_text("utf-8-sig")
        head = text.partition("\n")[0]
        comma = ";" if head.count(";") > head.count(",") else ","
        rows = list(csv.DictReader(io.StringIO(text), delimiter=comma))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table: save it as .csv, in UTF-8 ({error})") from error
    return [{k: v or "" for k, v in row.items() if k} for row in rows]


def class_list(path: Path) -> list[Student]:
    """Canvas's gradebook, Moodle's grading worksheet, or any csv with a column of names."""
    names = ("Student", "Full name", "name", "student", "Name")
    numbers = ("ID", "Identifier", "id", "number")
    found = []
    for row in read_csv(path):
        name = next((row[k].strip() for k in names if row.get(k)), "")
        number = next((re.sub(r"\D", "", row[k]) for k in numbers if row.get(k)), "")
        if name and name.lower() not in ("points possible", "student, test"):
            found.append(Student(name, number, row))
    if not found:
        raise ValueError(f"no names in {path}: a column Student, Full name or name was expected")
    return found


def same(student: Student, found: Submission) -> bool:
    """By number where both have one, else by the letters of the name, in any order."""
    if student.number and found.number:
        return student.number == found.number
    return _letters(student.name) == _letters(found.student)


def _letters(name: str) -> list[str]:
    spelt = name.casefold().replace("ß", "ss").replace("ä", "ae").replace("ö", "oe")
    plain = unicodedata.normalize("NFKD", spelt.replace("ü", "ue"))
    return sorted(c for c in plain if c.isalnum())
