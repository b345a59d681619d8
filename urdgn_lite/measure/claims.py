"""What the paper claims and what the ledger says of it: the rows of `results/claims.yml`.

A row's numbers are references, `{FILE#KEY/KEY|FORMAT}`: FILE in `results/`, without .json; a step
of the KEY finds the entry of a list by its label (`shift`, `part`, `from`, …). So text and ledger
cannot part. `holds` are inequalities between references on which the verdict rests.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from urdgn_lite.measure.evaluate import ledger

VERDICTS = {
    "reproduced": "our number agrees",
    "partly": "it holds for some of what is claimed, or in another setting",
    "contradicted": "our number says the opposite",
    "followed": "a definition or a setting: there is nothing to measure, we do the same",
    "not tested": "why not, and what it would take, stands beside it",
}
PARTS = {  # of the appendix -> how the sections of its rows begin
    "Abstract and Sect. 1": "Abstract|Sect. 1|Contribution",
    "Sect. 2, related work": "Sect. 2",
    "Sect. 3, the method": "Sect. 3",
    "Sect. 4, experiments": "Sect. 4",
    "Sects. 5 and 6, limits and conclusion": "Sect. [56]",
}
LABELS = ("part", "shift", "degrees", "from")  # what sets the entries of a list apart
REFERENCE = re.compile(r"\{([^{}|]+)\|([^{}]+)\}")


@dataclass(frozen=True)
class Claim:
    """A row: `section` and `claim` of the paper, `verdict` and what we `found`."""

    id: str
    section: str
    claim: str
    verdict: str
    found: str
    holds: Sequence[str] = ()
    command: str = ""

    @property
    def text(self) -> str:
        """What we found, with its numbers."""
        return resolve(self.found)


@cache
def load() -> dict[str, Claim]:
    """All rows by id, in the paper's order."""
    rows = yaml.safe_load((ledger() / "claims.yml").read_text())
    return {row["id"]: Claim(**row) for row in rows}


def value(reference: str) -> tuple[float, list[float] | None]:
    """A number of the ledger and its interval: `FILE#KEY/KEY`, or a difference `… - …`.

    `KEY/low` and `KEY/high` are the ends of the interval.

    Raises
    ------
    KeyError : the ledger lacks it.
    """
    if " - " in reference:
        first, second = (value(part.strip())[0] for part in reference.split(" - "))
        return first - second, None
    file, _, keys = reference.strip().partition("#")
    found: Any = _read(file)
    *steps, last = keys.split("/")
    end = {"low": 0, "high": 1}.get(last)
    if end is not None:
        last = f"{steps.pop()}_interval"
    try:
        for step in steps:
            found = _step(found, step)
        number = found[last] if end is None else found[last][end]
    except (KeyError, TypeError, StopIteration):
        raise KeyError(f"the ledger has no {reference}") from None
    return float(number), found.get(f"{last}_interval")


@cache
def _read(file: str) -> Any:
    for path, read in (
        (ledger() / f"{file}.json", json.loads),
        (ledger() / f"{file}.yml", yaml.safe_load),
    ):
        if path.is_file():
            return read(path.read_text())
    raise KeyError(f"the ledger has no {file}")


def _step(found: Any, step: str) -> Any:
    if isinstance(found, list):
        return next(e for e in found if any(str(e.get(label)) == step for label in LABELS))
    return found[step]


def resolve(text: str) -> str:
    """A text whose references are replaced by numbers of the ledger, ± half of their intervals."""
    return REFERENCE.sub(lambda m: number(m[1], m[2]), text)


def number(reference: str, form: str) -> str:
    """A reference as text, with ± half of its interval."""
    found, interval = value(reference)
    text = f"{found:{form.strip()}}".replace("-", "−")
    if interval is None:
        return text
    half = (interval[1] - interval[0]) / 2
    return f"{text} ± {half:{form.strip().lstrip('+')}}"


def judged(claim: str) -> str:
    """The verdict on a claim and what it rests on, for captions."""
    row = load()[claim]
    return f"{row.text} → *{row.verdict}*."


def counts(rows: Iterable[Claim]) -> str:
    """How many rows have which verdict, as a table."""
    seen = Counter(row.verdict for row in rows)
    lines = [f"| {verdict} | {seen[verdict]} | {what} |" for verdict, what in VERDICTS.items()]
    return "\n".join(["| verdict | claims | |", "|---|---:|---|", *lines])


def table(sections: str) -> str:
    """The rows whose section begins as the expression says, as a table."""
    lines = ["| | the paper | what we found | verdict |", "|---|---|---|---|"]
    for row in load().values():
        if re.match(sections, row.section):
            found = f"{row.text} `{row.command}`" if row.command else row.text
            lines.append(f"| {row.id} | {row.claim} ({row.section}) | {found} | {row.verdict} |")
    return "\n".join(lines)
