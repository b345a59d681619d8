"""Which submissions share more than the task explains: a reason to look, never a verdict."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

from urdgn_lite.grading.grade import Grade
from urdgn_lite.grading.table import plain, write_table

LENGTH = 5  # words in a row
LEAST = 0.6  # of the smaller one's rows of words that the other one has as well
COLUMNS = ["assignment", "one", "other", "shared", "urdgn_lite"]


def shingles(g: Grade) -> set[tuple[str, ...]]:
    """All rows of five words and signs in the code and texts of a submission."""
    found: set[tuple[str, ...]] = set()
    for text in [*g.code, *g.written.values()]:
        words = re.findall(r"\w+|[^\w\s]", text)
        found |= {tuple(words[i : i + LENGTH]) for i in range(len(words) - LENGTH + 1)}
    return found


def similar(grades: list[Grade]) -> list[dict[str, str]]:
    """Pairs of one assignment, the most similar first.

    What more than a quarter of the class wrote is the task's own, or the obvious answer, and does
    not count; nor do submissions with little of their own.
    """
    found = []
    for name in {g.submission.assignment for g in grades}:
        all_of = [(g, shingles(g)) for g in grades if g.submission.assignment == name]
        count = Counter(s for _, each in all_of for s in each)
        common = {s for s, n in count.items() if n > max(2, len(all_of) / 4)}
        own = [(g, each - common) for g, each in all_of]
        for (a, one), (b, two) in combinations([o for o in own if len(o[1]) >= 10], 2):
            shared = len(one & two) / min(len(one), len(two))
            if shared >= LEAST and a.submission.student != b.submission.student:
                files = {"one": plain(a.submission.file), "other": plain(b.submission.file)}
                found.append({"assignment": name, **files, "shared": f"{shared:.0%}"})
    return sorted(found, key=lambda row: (-int(row["shared"][:-1]), row["one"]))


def write_similar(grades: list[Grade], path: Path) -> int:
    """Write the pairs as a csv; how many there are."""
    found = similar(grades)
    write_table(found, path, COLUMNS)
    return len(found)
