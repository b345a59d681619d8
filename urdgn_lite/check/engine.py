"""How a check works: small named properties, each asking a function a few questions.

`Suite.call` calls the learner's function once: plain numbers in, plain numbers out. A *property*
only looks at these numbers. So the same properties run in a notebook, where the function is called
directly, and in grading, where it runs in another process that nobody trusts (`grading`).
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from random import Random
from typing import Any

Plain = dict[str, Any]  # a question, or its answer: numbers, texts, lists of them
Test = Callable[[Any], None]  # of a suite

SMALL, SOME, HALF = 0.1, 0.25, 0.5  # of the points that are left: what a broken property takes


class Failed(Exception):  # noqa: N818 - a property fails, the program does not
    """A property does not hold: why, and on what input, if it was not the last question."""

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
    test: Test


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


def holds(
    says: str, where: str = "", needs: tuple[str, ...] = ("answers",), costs: float = SOME
) -> Callable[[Test], Test]:
    """Make a method of a suite one of its properties: see `Property`.

    It is named as the method is. Every property but the first needs the first, `answers`.
    """

    def mark(test: Test) -> Test:
        name = test.__name__.replace("_", "-")
        vars(test)["property"] = Property(name, says, where, needs, costs, test)
        return test

    return mark


class Suite:
    """The properties of one task, in the order in which they are reported: call it to check.

    Attributes
    ----------
    name : key of the task, and of its check.
    where : where the book explains what a property does not place itself.
    ask : puts a question to the learner's function, and returns its answer.
    rng : draws what is asked; options : what a caller asks for besides.
    """

    name = where = ""
    ask: Callable[..., Plain]
    rng: Random
    options: Plain

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call the learner's function once, as `request` says."""
        raise NotImplementedError

    def tell(self, request: Plain) -> str:
        """A question in words; a key that begins with _ is nothing that the function is given."""
        return ", ".join(f"{k} = {v}" for k, v in request.items() if k[0] != "_")

    @cached_property
    def properties(self) -> list[Property]:
        """The methods that `holds` marks, those of a base class first."""
        members = [m for c in reversed(type(self).__mro__) for m in vars(c).values()]
        marked = [m.property for m in members if hasattr(m, "property")]
        found = [replace(p, where=p.where or self.where) for p in marked]
        return [replace(found[0], needs=(), costs=1), *found[1:]]

    def probe(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function once; whatever it raises becomes part of the response."""

        def written(*args: Any, **settings: Any) -> Any:
            if (result := function(*args, **settings)) is None:
                raise NotImplementedError("it returns None")
            return result

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.call(written, request)
        except NotImplementedError as error:
            return {"error": ": ".join(filter(None, ("not written yet", str(error)[:200])))}
        except (Exception, SystemExit) as error:
            return {"error": f"your function raised {type(error).__name__}: {str(error)[:200]}"}

    def __call__(self, function: Callable[..., Any], *, seed: int = 0, **options: Any) -> Report:
        """Judge a function in this process; another seed draws other inputs."""
        title = f"{getattr(function, '__name__', 'your function')}:"
        return self.judge(partial(self.probe, function), seed, title, **options)

    def judge(
        self, answer: Callable[[Plain], Plain], seed: int, title: str = "", **options: Any
    ) -> Report:
        """Judge whatever answers the questions."""
        last: Plain = {}

        def ask(**request: Any) -> Plain:
            nonlocal last
            last = request
            if (response := answer(request)).get("error"):
                raise Failed(str(response["error"]))
            return response

        trial = copy.copy(self)  # several may be judged at a time
        trial.ask, trial.options = ask, options
        results: list[Result] = []
        held: set[str] = set()
        for p in self.properties:
            if not held.issuperset(p.needs):
                results.append(Result(p, "skipped"))
                continue
            trial.rng = Random(f"{self.name}/{p.name}/{seed}")
            try:
                p.test(trial)
            except Failed as failure:
                on = failure.on or self.tell(last)
                results.append(Result(p, "failed", failure.why, on))
            except (ArithmeticError, TypeError, ValueError, KeyError, IndexError) as error:
                results.append(Result(p, "failed", f"the result cannot be read ({error})"))
            else:
                held.add(p.name)
                results.append(Result(p, "passed"))
        return Report(title or self.name, tuple(results))

    def pick(self, low: float, high: float) -> float:
        """A random number with two decimals."""
        return round(self.rng.uniform(low, high), 2)

    def kept(self, **request: Any) -> None:
        """Fail unless the function leaves what it is lent as it was."""
        if changed := self.ask(**request)["changed"]:
            raise Failed("; ".join(changed))


def number(response: Plain) -> float:
    """The finite number in a response.

    Raises
    ------
    Failed : it holds no number, an infinite one or NaN.
    """
    value = response.get("value")
    if not isinstance(value, int | float):
        raise Failed(f"one number was expected, not {response.get('kind', 'nothing')}")
    if not math.isfinite(value):
        raise Failed(f"the result is {value}")
    return float(value)


def same(
    got: float, wanted: float, why: str, on: str = "", relative: float = 1e-3,
    absolute: float = 1e-4,
) -> None:  # fmt: skip
    """Fail unless two numbers are equal, up to the rounding of 32-bit arithmetic."""
    if not close(got, wanted, relative, absolute):
        raise Failed(why, on)


def close(a: float, b: float, relative: float = 1e-3, absolute: float = 1e-4) -> bool:
    """Equal up to the rounding of 32-bit arithmetic."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
