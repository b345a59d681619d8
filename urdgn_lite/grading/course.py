"""A teacher's evening in one call: grade, keep what is theirs, write all pages and tables."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urdgn_lite import store
from urdgn_lite.grading import pages, table
from urdgn_lite.grading.grade import Grade, grade
from urdgn_lite.grading.similar import COLUMNS, write_similar
from urdgn_lite.grading.submission import class_list


@dataclass
class Graded:
    """What was graded, and the files that were made."""

    grades: list[Grade] = field(default_factory=list)
    feedback: list[Path] = field(default_factory=list)
    questions: list[Path] = field(default_factory=list)
    imports: list[Path] = field(default_factory=list)
    similar: int = 0


def grade_course(
    folder: Path, out: Path, feedback: Path, students: Path | None = None, **how: Any
) -> Graded:
    """Grade a folder, and write the table and the pages.

    The table is written as soon as each grade is there, and after Ctrl-C the pages of those that
    were graded: an evening's grades outlive a machine that is switched off. Points and comments
    of an older table stay; a file that was not written here is never replaced.

    Parameters
    ----------
    folder, how : see `grade.grade`.
    out : the table. Beside it: `written/` (a page and a csv a question), `similar.csv`.
    feedback : folder for a page a submission.
    students : the class list, as Canvas or Moodle exports it.

    Raises
    ------
    FileExistsError : a table or archive of somebody else stands there.
    """
    for path, columns in ((out, table.COLUMNS), (out.with_name("similar.csv"), COLUMNS)):
        table.spare(path, columns)  # rather now than after an evening
    store.spare(feedback.with_name(f"{feedback.name}.zip"))
    listed = class_list(students) if students else []
    old, written, made = table.read_table(out), out.parent / "written", Graded()
    marks = pages.sums(pages.marks(written))

    def keep(so_far: list[Grade]) -> None:
        made.grades = so_far
        table.write_table(table.rows(so_far, marks, old), out)

    try:
        grade(folder, done=keep, **how)
    except KeyboardInterrupt:
        told = f"stopped: the {len(made.grades)} that were graded are in {out}"
        warnings.warn(told, stacklevel=2)
        raise
    finally:
        if made.grades:
            absent = table.absent(made.grades, listed, old)
            rows = table.rows([*made.grades, *absent], marks, old)
            table.write_table(rows, out)
            made.questions = pages.write_questions(made.grades, written)
            made.feedback = pages.write_feedback(made.grades, rows, feedback)
            made.similar = write_similar(made.grades, out.with_name("similar.csv"))
            if listed:
                made.imports = table.for_import(rows, listed, out.parent, students)
    return made
