"""What must hold for an experiment over λ, and for a choice made from its rows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from urdgn_lite.check.engine import HALF, SMALL, Failed, Plain, Suite, holds, same

FAIR = "assignment 2, “A fair sweep”"
GRID = [0.0, 2.5, 100.0, math.inf]
SHARPEST, GAINS_MOST = 100.0, 30.0  # λ of two rows that `Choose` is shown
Rows = list[dict[str, float]]


def measured(table: dict[str, Any], lam: float, seed: int) -> dict[str, float]:
    """What a pretended training run yields: any fixed function of (λ, seed)."""
    level = math.log10(1 + min(lam, 1e6))
    noise = math.sin(12.9898 * (seed + 1) + 78.233 * level + table["phase"])
    noise = math.nan if lam in table["diverges"] else noise
    return {name: k * level + noise * (1 + i) for i, (name, k) in enumerate(table["measures"])}


def numbers(row: dict[Any, Any]) -> dict[str, float]:
    """The numbers in a row; a list of the seeds or a remark beside them does no harm."""
    found = {}
    for name, entry in row.items():
        with suppress(TypeError, ValueError, RuntimeError):
            found[str(name)] = float(entry)
    return found


class Sweep(Suite):
    """An experiment: `fn(lams, run, seeds)`.

    `run(lam, seed)` returns a dict of measures; `fn` returns a row (dict) for each λ, in order:
    "lam", and every measure averaged over the seeds.
    """

    name = "sweep"
    where = "chapter “The objective”, “Experiment: λ in networks that you train”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function once, with pretended runs."""
        calls: list[list[float]] = []

        def run(lam: float, seed: int) -> dict[str, float]:
            calls.append([float(lam), int(seed)])
            if len(calls) > 500:
                raise RuntimeError("more than 500 runs were started")
            return measured(request["_table"], float(lam), int(seed))

        lams, seeds = list(request["lams"]), list(request["seeds"])
        rows = function(lams, run, seeds)
        if not isinstance(rows, list | tuple) or not all(isinstance(r, dict) for r in rows):
            return {"error": "a list of rows (dicts) was expected"}
        kept = lams == request["lams"] and seeds == request["seeds"]
        changed = [] if kept else ["lams or seeds changed"]
        return {"rows": [numbers(r) for r in rows], "calls": calls, "changed": changed}

    def question(
        self, names: tuple[str, ...] = ("gain", "sharpness"), n: int = 2,
        lams: list[float] = GRID, diverges: tuple[float, ...] = (),
    ) -> Plain:  # fmt: skip
        """A question about n random seeds and a random world."""
        seeds = sorted(self.rng.sample(range(100), n))
        measures = [[name, self.pick(0.5, 2)] for name in names]
        phase = round(self.rng.uniform(0, 6), 3)
        table = {"measures": measures, "phase": phase, "diverges": diverges}
        return {"lams": list(lams), "seeds": seeds, "_table": table}

    @holds("returns one row for each λ")
    def answers(self) -> None:
        rows = self.ask(**self.question())["rows"]
        if len(rows) != len(GRID):
            raise Failed(f"{len(rows)} rows for {len(GRID)} values of λ")
        if not all("lam" in row for row in rows):
            raise Failed('a row does not name its λ: "lam"')

    @holds("the rows follow the order of the λs, 0 and ∞ included")
    def order(self) -> None:
        shuffled = self.rng.sample(GRID, len(GRID))
        found = [row["lam"] for row in self.ask(**self.question(lams=shuffled))["rows"]]
        if found != shuffled:
            raise Failed(f"the rows hold {found}")

    @holds("every λ gets the same seeds", FAIR, costs=HALF)
    def fair(self) -> None:
        request = self.question()
        calls = self.ask(**request)["calls"]
        for lam in GRID:
            used = sorted({seed for value, seed in calls if value == lam})
            if used != request["seeds"]:
                raise Failed(f"λ = {lam:g} ran with the seeds {used}")

    @holds("no run is trained twice", FAIR)
    def once(self) -> None:
        pairs = [tuple(c) for c in self.ask(**self.question())["calls"]]
        if len(set(pairs)) < len(pairs):
            raise Failed(f"{len(pairs)} runs for {len(set(pairs))} pairs of λ and seed")

    @holds("a row averages over the seeds", FAIR, ("answers", "fair"), HALF)
    def average(self) -> None:
        request = self.question(("gain", "sharpness", "seconds"), n=3)
        for row in self.ask(**request)["rows"]:
            runs = [measured(request["_table"], row["lam"], s) for s in request["seeds"]]
            for name in [n for n in runs[0] if n in row]:  # "measures": whether one is missing
                wanted = math.fsum(r[name] for r in runs) / len(runs)
                each = ", ".join(f"{r[name]:.3g}" for r in runs)
                why = f"the runs of λ = {row['lam']:g} had {name} {each}; "
                same(row[name], wanted, why + f"the row says {row[name]:.3g}", absolute=1e-6)

    @holds("keeps whatever measures a run returns")
    def measures(self) -> None:
        names = ("lpips", "seconds", "identity")
        for row in self.ask(**self.question(names))["rows"]:
            if missing := set(names) - set(row):
                raise Failed(f"a row lacks {', '.join(sorted(missing))}")

    @holds("a λ whose runs all diverge (NaN) keeps its row", FAIR, costs=SMALL)
    def diverged(self) -> None:
        lost = self.rng.choice(GRID)
        rows = self.ask(**self.question(diverges=(lost,)))["rows"]
        gains = {row["lam"]: row.get("gain", 0.0) for row in rows}
        if list(gains) != GRID or [v for v in GRID if math.isnan(gains[v])] != [lost]:
            told = f"the gains are {', '.join(f'{v:.3g}' for v in gains.values())}"
            raise Failed(told, f"every run of λ = {lost:g} returns NaN")

    @holds("leaves its arguments as they were", costs=SMALL)
    def unchanged(self) -> None:
        self.kept(**self.question())


sweep = Sweep()


class Choose(Suite):
    """A choice: `fn(rows, tolerance)`.

    It returns the λ of the row with most "sharpness" among those whose "gain" is at most
    `tolerance` dB below the best.
    """

    name, where = "choose", "assignment 2, “A choice by rule”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        rows = copy.deepcopy(request["rows"])
        picked = function(rows, request["tolerance"])
        try:
            if isinstance(picked, bool | str):
                raise TypeError
            lam = float(picked)  # a tensor or NumPy's number will do
        except (TypeError, ValueError):
            return {"error": f"a λ was expected, not a Python {type(picked).__name__}"}
        kept = sorted(map(repr, rows)) == sorted(map(repr, request["rows"]))  # sorting is no harm
        return {"lam": lam, "changed": [] if kept else ["the rows are no longer those given"]}

    def picks(self, wanted: float, rows: Rows, tolerance: float, why: str) -> None:
        """Fail unless this λ is chosen."""
        lam = self.ask(rows=rows, tolerance=tolerance)["lam"]
        if lam != wanted:
            raise Failed(f"λ = {lam:g} was chosen: {why}")

    def trade_off(self, below: float = 0.0) -> Rows:
        """What is less sharp gains more, but for one row that is bad at both; shuffled.

        λ follows neither: whoever takes the smallest λ, or the lowest gain, is not right by chance.
        The sharpest is far above 1, the true faces: whoever takes the nearest to 1 is not either.
        """
        gains = [
            v + self.rng.choice((-0.125, 0.0, 0.125)) for v in (-0.25, 0.25, 1.25, 1.875, 2.375)
        ]
        sharp = [round(v + self.rng.uniform(-0.03, 0.03), 2) for v in (0.6, 1.6, 0.9, 0.7, 0.5)]
        lams = (10.0, SHARPEST, 1.0, math.inf, GAINS_MOST)
        columns = zip(lams, gains, sharp, strict=True)
        rows = [{"lam": a, "gain": b - below, "sharpness": c} for a, b, c in columns]
        return self.rng.sample(rows, len(rows))

    @holds("returns one of the λs")
    def answers(self) -> None:
        rows = self.trade_off()
        lam = self.ask(rows=rows, tolerance=0.8)["lam"]
        if lam not in [r["lam"] for r in rows]:
            raise Failed(f"{lam:g} is not in the rows")

    @holds("with no tolerance, the best gain wins")
    def strict(self) -> None:
        self.picks(GAINS_MOST, self.trade_off(), 0.0, "it does not gain most")

    @holds("with every tolerance, the sharpest wins")
    def generous(self) -> None:
        self.picks(SHARPEST, self.trade_off(), 50.0, "it is not the sharpest")

    @holds("in between, the sharpest that is good enough", needs=("answers", "strict", "generous"))
    def between(self) -> None:
        why = "it is too far below the best, or not the sharpest"
        for wanted, more in ((math.inf, 0.25), (1.0, 0.25), (math.inf, 0.0), (1.0, 0.0)):
            rows = self.trade_off()
            gains = {row["lam"]: row["gain"] for row in rows}  # eighths: “at most” is exact
            self.picks(wanted, rows, gains[GAINS_MOST] - gains[wanted] + more, why)

    @holds("works where every gain is below 0, as after short runs",
           needs=("answers", "strict", "generous", "between"))  # fmt: skip
    def below(self) -> None:
        for tolerance, wanted in ((0.0, GAINS_MOST), (0.8, math.inf), (50.0, SHARPEST)):
            self.picks(wanted, self.trade_off(60.0), tolerance, "all gains are below 0")

    @holds("leaves the rows to its caller, whole", costs=SMALL)
    def unchanged(self) -> None:
        lost = {"lam": 0.0, "gain": math.nan, "sharpness": math.nan}
        self.kept(rows=[*self.trade_off(), lost], tolerance=0.8)

    @holds("a run that diverged (NaN) is never chosen")
    def diverged(self) -> None:
        for place in (0, 2, 4):
            healthy = self.trade_off()
            rows = healthy[:]
            rows.insert(place, {"lam": 0.0, "gain": math.nan, "sharpness": 9.0})
            for tolerance in (0.0, 50.0):
                lam = self.ask(rows=healthy, tolerance=tolerance)["lam"]
                self.picks(lam, rows, tolerance, f"without the diverged run it was {lam:g}")


choose = Choose()
