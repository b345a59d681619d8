"""How a check works: small named properties, each asking a function a few questions.

A *probe* calls the learner's function once: plain numbers in, plain numbers out. A *property*
only looks at these numbers. So the same properties run in a notebook, where the probe is called
directly, and in grading, where it runs in another process that nobody trusts (`grading`).
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

Plain = dict[str, Any]  # a question, or its answer: numbers, texts, lists of them
Ask = Callable[..., Plain]
Probe = Callable[[Callable[..., Any], Plain], Plain]

SMALL, SOME, HALF = 0.1, 0.25, 0.5  # of the points that are left: what a broken property takes


class Failed(Exception):  # noqa: N818 - a property fails, the program does not
    """A property does not hold: why, and on what input."""

    def __init__(self, why: str, on: str = "") -> None:
        super().__init__(why)
        self.why, self.on = why, on


class Unreachable(Exception):  # noqa: N818
    """The process that runs the learner's function ended, or did not answer in time."""


@dataclass(frozen=True)
class Property:
    """One thing that must hold.

    Attributes
    ----------
    name, says : a short key, and the property in a sentence.
    where : where the book explains it.
    needs : properties that must hold before this one can be judged.
    costs : the share of the points left that it takes if it does not hold: 1 for the first.
    """

    name: str
    says: str
    where: str
    needs: tuple[str, ...]
    costs: float
    test: Callable[[Ask, random.Random], None]


@dataclass(frozen=True)
class Result:
    """How one property came out.

    "passed", "failed", "skipped" (what it needs does not hold) or "unreached" (the process had
    ended before).
    """

    property: Property
    state: str
    why: str = ""
    on: str = ""


@dataclass(frozen=True)
class Report:
    """What a check found. Shown in a notebook it prints one line a property."""

    title: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether every property holds."""
        return all(r.state == "passed" for r in self.results)

    @property
    def failed(self) -> list[str]:
        """Names of the properties that do not hold."""
        return [r.property.name for r in self.results if r.state == "failed"]

    @property
    def score(self) -> float:
        """What is left, 0 … 1, after each broken property has taken its share of the rest."""
        lost = [r.property.costs for r in self.results if r.state in ("failed", "unreached")]
        return math.prod(1 - share for share in lost)

    def points(self, maximum: float) -> float:
        """`score` in points, rounded down to halves: all of them only if everything holds."""
        return math.floor(2 * maximum * self.score + 1e-9) / 2

    def __str__(self) -> str:
        marks = {"passed": "✓", "failed": "✗", "skipped": "–", "unreached": "–"}
        lines = [self.title]
        for r in self.results:
            lines.append(f"{marks[r.state]} {r.property.says}")
            if r.state == "failed":
                lines.append(f"    {r.why}")
                if r.on:
                    lines.append(f"    input: {r.on}")
                lines.append(f"    read again: {r.property.where}")
        counts = [marks[r.state] for r in self.results]
        end = f"{counts.count('✓')} of {len(counts)} hold"
        if waiting := counts.count("–"):
            end += f", {waiting} wait for those above them"
        return "\n".join([*lines, end + "."])

    __repr__ = __str__


class Suite:
    """The properties of one task, in the order in which they are reported: call it to check.

    Parameters
    ----------
    name : key of the task, and of its check.
    probe : calls the learner's function once.
    doc : what the function takes and returns.
    """

    def __init__(self, name: str, probe: Probe, doc: str = "") -> None:
        self.name, self._probe, self.__doc__ = name, probe, doc
        self.properties: list[Property] = []

    def probe(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function once; whatever it raises becomes part of the response."""

        def written(*args: Any, **settings: Any) -> Any:
            if (result := function(*args, **settings)) is None:
                raise NotImplementedError("it returns None")
            return result

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._probe(written, request)
        except NotImplementedError as error:
            return {"error": ": ".join(filter(None, ("not written yet", str(error)[:200])))}
        except (Exception, SystemExit) as error:
            return {"error": f"your function raised {type(error).__name__}: {str(error)[:200]}"}

    def property(
        self, name: str, says: str, where: str, needs: tuple[str, ...] = ("answers",),
        costs: float = SOME,
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:  # fmt: skip
        """Add the decorated test. Every property but the first needs the first, `answers`."""

        def add(test: Callable[..., None]) -> Callable[..., None]:
            first = not self.properties
            entry = Property(name, says, where, () if first else needs, 1 if first else costs, test)
            self.properties.append(entry)
            return test

        return add

    def __call__(self, function: Callable[..., Any], *, seed: int = 0, **options: Any) -> Report:
        """Judge a function in this process; another seed draws other inputs."""
        title = f"{getattr(function, '__name__', 'your function')}:"
        return self.judge(partial(self.probe, function), seed, title, **options)

    def judge(
        self, answer: Callable[[Plain], Plain], seed: int, title: str = "", **options: Any
    ) -> Report:
        """Judge whatever answers the probe's requests. `options` go into every request."""

        def ask(**request: Any) -> Plain:
            return answer(options | request)

        results: list[Result] = []
        held: set[str] = set()
        for p in self.properties:
            if not held.issuperset(p.needs):
                results.append(Result(p, "skipped"))
                continue
            try:
                p.test(ask, random.Random(f"{self.name}/{p.name}/{seed}"))
            except Failed as failure:
                results.append(Result(p, "failed", failure.why, failure.on))
            except (ArithmeticError, TypeError, ValueError, KeyError, IndexError) as error:
                results.append(Result(p, "failed", f"the result cannot be read ({error})"))
            else:
                held.add(p.name)
                results.append(Result(p, "passed"))
        return Report(title or self.name, tuple(results))


def number(response: Plain, on: str, key: str = "value") -> float:
    """The finite number in a response.

    Raises
    ------
    Failed : it holds an error, no number, an infinite one or NaN.
    """
    require(response, on)
    value = response.get(key)
    if not isinstance(value, int | float):
        raise Failed(f"one number was expected, not {response.get('kind', 'nothing')}", on)
    if not math.isfinite(value):
        raise Failed(f"the result is {value}", on)
    return float(value)


def require(response: Plain, on: str) -> Plain:
    """The response itself, if the learner's function returned at all."""
    if response.get("error"):
        raise Failed(str(response["error"]), on)
    return response


def same(
    got: float, wanted: float, why: str, on: str, relative: float = 1e-3, absolute: float = 1e-4
) -> None:
    """Fail unless two numbers are equal, up to the rounding of 32-bit arithmetic."""
    if not close(got, wanted, relative, absolute):
        raise Failed(why, on)


def close(a: float, b: float, relative: float = 1e-3, absolute: float = 1e-4) -> bool:
    """Equal up to the rounding of 32-bit arithmetic."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
