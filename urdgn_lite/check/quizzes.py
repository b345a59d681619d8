"""The chapters' quizzes: the reader's letters, each with the feedback that belongs to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def stored() -> dict[str, list[dict[str, Any]]]:
    """chapter → questions, each {"right": letter, "feedback": {letter: text}}.

    `tools/book/sync.py` writes the file from the folded answers of the chapters.
    """
    return json.loads(files("urdgn_lite").joinpath("data/quizzes.json").read_text("utf-8"))


@dataclass(frozen=True)
class Feedback:
    """What a quiz says to the letters given: one line a question."""

    lines: tuple[str, ...]
    right: int

    @property
    def passed(self) -> bool:
        """Whether every answer is right."""
        return self.right == len(self.lines)

    def __str__(self) -> str:
        return "\n".join([*self.lines, f"{self.right} of {len(self.lines)} right."])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        """The same, with the formulas set by Jupyter."""
        return "\n\n".join(str(self).splitlines())


def answer(number: int, letter: str | None, question: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a letter is right, and the line to print."""
    if letter is None:
        return False, f"{number} – not answered yet"
    given, known = str(letter).strip().upper(), question["feedback"]
    if given not in known:
        return False, f"{number} – {letter!r} is no answer: choose one of {', '.join(known)}"
    right = given == question["right"]
    return right, f"{number} {'✓' if right else '✗'} {given}: {known[given]}"


def quiz(chapter: str, answers: Mapping[int, str | None]) -> Feedback:
    """Answer a chapter's quiz: `check.quiz("01-problem", {1: "A", 2: "C", 3: "B"})`.

    Parameters
    ----------
    chapter : file name of the chapter, without `.ipynb`.
    answers : number of the question → your letter, in any case; None while you have none.

    Raises
    ------
    ValueError : no such chapter, or no such question in it.
    """
    if chapter not in stored():
        raise ValueError(f"no quiz of {chapter!r}: there are {', '.join(stored())}")
    questions = stored()[chapter]
    if unknown := set(answers) - set(range(1, len(questions) + 1)):
        raise ValueError(f"{chapter} has questions 1 … {len(questions)}, not {unknown.pop()!r}")
    results = [answer(i, answers.get(i), q) for i, q in enumerate(questions, 1)]
    return Feedback(tuple(line for _, line in results), sum(right for right, _ in results))
