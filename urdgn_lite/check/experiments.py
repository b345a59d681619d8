"""What must hold for an experiment over λ, and for a choice made from its rows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from urdgn_lite.check.engine import HALF, SMALL, Ask, Failed, Plain, Suite, require, same

LAMBDA = "chapter “The objective”, “Experiment: λ in networks that you train”"
FAIR = "assignment 2, “A fair sweep”"
TRADE_OFF = "assignment 2, “A choice by rule”"
GRID = [0.0, 2.5, 100.0, math.inf]


def measured(table: dict[str, Any], lam: float, seed: int) -> dict[str, float]:
    """What a pretended training run yields: any fixed function of (λ, seed)."""
    level = math.log10(1 + min(lam, 1e6))
    noise = math.sin(12.9898 * (seed + 1) + 78.233 * level + table["phase"])
    noise = math.nan if lam in table.get("diverges", ()) else noise
    return {name: k * level + noise * (1 + i) for i, (name, k) in enumerate(table["measures"])}


def numbers(row: dict[Any, Any]) -> dict[str, float]:
    """The numbers in a row; a list of the seeds or a remark beside them does no harm."""
    found = {}
    for name, entry in row.items():
        with suppress(TypeError, ValueError, RuntimeError):
            found[str(name)] = float(entry)
    return found


def probe_sweep(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `sweep(lams, run, seeds)` once, with pretended runs."""
    calls: list[list[float]] = []

    def run(lam: float, seed: int) -> dict[str, float]:
        calls.append([float(lam), int(seed)])
        if len(calls) > 500:
            raise RuntimeError("more than 500 runs were started")
        return measured(request["table"], float(lam), int(seed))

    lams, seeds = list(request["lams"]), list(request["seeds"])
    rows = function(lams, run, seeds)
    if not isinstance(rows, list | tuple) or not all(isinstance(r, dict) for r in rows):
        return {"error": "a list of rows (dicts) was expected"}
    kept = lams == request["lams"] and seeds == request["seeds"]
    return {"rows": [numbers(r) for r in rows], "calls": calls, "unchanged": kept}


sweep = Suite(
    "sweep", probe_sweep,
    """An experiment: `fn(lams, run, seeds)`.

    `run(lam, seed)` returns a dict of measures; `fn` returns a row (dict) for each λ, in order:
    "lam", and every measure averaged over the seeds.
    """,
)  # fmt: skip


def table(rng: Random, *names: str) -> dict[str, Any]:
    """A pretended world."""
    measures = [[name, round(rng.uniform(0.5, 2), 2)] for name in names]
    return {"measures": measures, "phase": round(rng.uniform(0, 6), 3)}


def swept(ask: Ask, rng: Random, names: tuple[str, ...] = ("gain", "sharpness"), n: int = 2,
          lams: list[float] = GRID) -> tuple[Plain, Plain, str]:  # fmt: skip
    """A sweep's response, its request, and the input in words."""
    seeds = sorted(rng.sample(range(100), n))
    request = {"lams": list(lams), "seeds": seeds, "table": table(rng, *names)}
    on = f"lams = {[f'{v:g}' for v in lams]}, seeds = {seeds}, measures {', '.join(names)}"
    return require(ask(**request), on), request, on


@sweep.property("answers", "returns one row for each λ", LAMBDA)
def _answers(ask: Ask, rng: Random) -> None:
    got, request, on = swept(ask, rng)
    if len(got["rows"]) != len(request["lams"]):
        raise Failed(f"{len(got['rows'])} rows for {len(request['lams'])} values of λ", on)
    if not all("lam" in row for row in got["rows"]):
        raise Failed('a row does not name its λ: "lam"', on)


@sweep.property("order", "the rows follow the order of the λs, 0 and ∞ included", LAMBDA)
def _order(ask: Ask, rng: Random) -> None:
    shuffled = rng.sample(GRID, len(GRID))
    got, _, on = swept(ask, rng, lams=shuffled)
    if [row["lam"] for row in got["rows"]] != shuffled:
        raise Failed(f"the rows hold {[row['lam'] for row in got['rows']]}", on)


@sweep.property("fair", "every λ gets the same seeds", FAIR, costs=HALF)
def _fair(ask: Ask, rng: Random) -> None:
    got, request, on = swept(ask, rng)
    for lam in request["lams"]:
        used = sorted({seed for value, seed in got["calls"] if value == lam})
        if used != request["seeds"]:
            raise Failed(f"λ = {lam:g} ran with the seeds {used}", on)


@sweep.property("once", "no run is trained twice", FAIR)
def _once(ask: Ask, rng: Random) -> None:
    got, _, on = swept(ask, rng)
    pairs = [tuple(c) for c in got["calls"]]
    if len(set(pairs)) < len(pairs):
        raise Failed(f"{len(pairs)} runs for {len(set(pairs))} pairs of λ and seed", on)


@sweep.property("average", "a row averages over the seeds", FAIR, ("answers", "fair"), HALF)
def _average(ask: Ask, rng: Random) -> None:
    names = ("gain", "sharpness", "seconds")
    got, request, on = swept(ask, rng, names, n=3)
    for row in got["rows"]:
        runs = [measured(request["table"], row["lam"], s) for s in request["seeds"]]
        for name in [n for n in names if n in row]:  # "measures" judges whether one is missing
            wanted = math.fsum(r[name] for r in runs) / len(runs)
            each = ", ".join(f"{r[name]:.3g}" for r in runs)
            why = f"the runs of λ = {row['lam']:g} had {name} {each}; the row says {row[name]:.3g}"
            same(row[name], wanted, why, on, absolute=1e-6)


@sweep.property("measures", "keeps whatever measures a run returns", LAMBDA)
def _measures(ask: Ask, rng: Random) -> None:
    got, _, on = swept(ask, rng, ("lpips", "seconds", "identity"))
    for row in got["rows"]:
        if missing := {"lpips", "seconds", "identity"} - set(row):
            raise Failed(f"a row lacks {', '.join(sorted(missing))}", on)


@sweep.property("diverged", "a λ whose runs all diverge (NaN) keeps its row", FAIR, costs=SMALL)
def _nan_row(ask: Ask, rng: Random) -> None:
    lams, lost = list(GRID), rng.choice(GRID)
    world = table(rng, "gain", "sharpness") | {"diverges": [lost]}
    on = f"every run of λ = {lost:g} returns NaN"
    rows = require(ask(lams=lams, seeds=[1, 2], table=world), on)["rows"]
    gains = {row["lam"]: row.get("gain", 0.0) for row in rows}
    if list(gains) != lams or [v for v in lams if math.isnan(gains[v])] != [lost]:
        raise Failed(f"the gains are {', '.join(f'{v:.3g}' for v in gains.values())}", on)


@sweep.property("unchanged", "leaves its arguments as they were", LAMBDA, costs=SMALL)
def _unchanged(ask: Ask, rng: Random) -> None:
    got, _, on = swept(ask, rng)
    if not got["unchanged"]:
        raise Failed("lams or seeds changed", on)


def probe_choose(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `choose(rows, tolerance)` once."""
    rows = copy.deepcopy(request["rows"])
    picked = function(rows, request["tolerance"])
    try:
        if isinstance(picked, bool | str):
            raise TypeError
        lam = float(picked)  # a tensor or NumPy's number will do
    except (TypeError, ValueError):
        return {"error": f"a λ was expected, not a Python {type(picked).__name__}"}
    lost = sorted(map(repr, rows)) != sorted(map(repr, request["rows"]))  # sorting is no harm
    return {"lam": lam, "lost": lost}


choose = Suite(
    "choose", probe_choose,
    """A choice: `fn(rows, tolerance)`.

    It returns the λ of the row with most "sharpness" among those whose "gain" is at most
    `tolerance` dB below the best.
    """,
)  # fmt: skip
SHARPEST, GAINS_MOST = 100.0, 30.0  # λ of two rows of `trade_off`


def picked(ask: Ask, rows: list[dict[str, float]], tolerance: float) -> tuple[float, str]:
    """The λ that was chosen, and the input in words."""
    lines = [f"λ {r['lam']:g}: {r['gain']:g} dB, {r['sharpness']:g}" for r in rows]
    on = f"tolerance {tolerance:g} dB; gain and sharpness: {'; '.join(lines)}"
    return require(ask(rows=rows, tolerance=tolerance), on)["lam"], on


def trade_off(rng: Random, below: float = 0.0) -> list[dict[str, float]]:
    """What is less sharp gains more, but for one row that is bad at both; shuffled.

    λ follows neither: whoever takes the smallest λ, or the lowest gain, is not right by chance.
    The sharpest is far above 1, the true faces: whoever takes the nearest to 1 is not either.
    """
    gains = [v + rng.choice((-0.125, 0.0, 0.125)) for v in (-0.25, 0.25, 1.25, 1.875, 2.375)]
    sharp = [round(v + rng.uniform(-0.03, 0.03), 2) for v in (0.6, 1.6, 0.9, 0.7, 0.5)]
    columns = zip(
        (10.0, SHARPEST, 1.0, math.inf, GAINS_MOST), [v - below for v in gains], sharp, strict=True
    )
    return rng.sample([{"lam": a, "gain": b, "sharpness": c} for a, b, c in columns], 5)


@choose.property("answers", "returns one of the λs", TRADE_OFF)
def _returns_lam(ask: Ask, rng: Random) -> None:
    rows = trade_off(rng)
    lam, on = picked(ask, rows, 0.8)
    if lam not in [r["lam"] for r in rows]:
        raise Failed(f"{lam:g} is not in the rows", on)


@choose.property("strict", "with no tolerance, the best gain wins", TRADE_OFF)
def _strict(ask: Ask, rng: Random) -> None:
    lam, on = picked(ask, trade_off(rng), 0.0)
    if lam != GAINS_MOST:
        raise Failed(f"λ = {lam:g} was chosen, which does not gain most", on)


@choose.property("generous", "with every tolerance, the sharpest wins", TRADE_OFF)
def _generous(ask: Ask, rng: Random) -> None:
    lam, on = picked(ask, trade_off(rng), 50.0)
    if lam != SHARPEST:
        raise Failed(f"λ = {lam:g} was chosen, which is not the sharpest", on)


@choose.property("between", "in between, the sharpest that is good enough", TRADE_OFF,
                 ("answers", "strict", "generous"))  # fmt: skip
def _between(ask: Ask, rng: Random) -> None:
    for wanted, more in ((math.inf, 0.25), (1.0, 0.25), (math.inf, 0.0), (1.0, 0.0)):
        rows = trade_off(rng)
        gains = {row["lam"]: row["gain"] for row in rows}  # eighths: “at most” is exact
        lam, on = picked(ask, rows, gains[GAINS_MOST] - gains[wanted] + more)
        if lam != wanted:
            raise Failed(f"λ = {lam:g} was chosen: too far below the best, or not the sharpest", on)


@choose.property("below", "works where every gain is below 0, as after short runs", TRADE_OFF,
                 ("answers", "strict", "generous", "between"))  # fmt: skip
def _below(ask: Ask, rng: Random) -> None:
    for tolerance, wanted in ((0.0, GAINS_MOST), (0.8, math.inf), (50.0, SHARPEST)):
        lam, on = picked(ask, trade_off(rng, 60.0), tolerance)
        if lam != wanted:
            raise Failed(f"λ = {lam:g} was chosen", on)


@choose.property("unchanged", "leaves the rows to its caller, whole", TRADE_OFF, costs=SMALL)
def _rows_kept(ask: Ask, rng: Random) -> None:
    rows = [*trade_off(rng), {"lam": 0.0, "gain": math.nan, "sharpness": math.nan}]
    if require(ask(rows=rows, tolerance=0.8), on := "five rows, and one of NaN")["lost"]:
        raise Failed("the caller's rows are no longer those that it gave", on)


@choose.property("diverged", "a run that diverged (NaN) is never chosen", TRADE_OFF)
def _diverged(ask: Ask, rng: Random) -> None:
    for place in (0, 2, 4):
        rows = trade_off(rng)
        rows.insert(place, {"lam": 0.0, "gain": math.nan, "sharpness": 9.0})
        for tolerance in (0.0, 50.0):
            lam, on = picked(ask, rows, tolerance)
            healthy, _ = picked(ask, [r for r in rows if r["lam"]], tolerance)
            if lam != healthy:
                raise Failed(f"λ = {lam:g} was chosen, without the diverged run {healthy:g}", on)
