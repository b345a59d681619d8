"""What must hold for an interval around a measured difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch

from urdgn_lite.check.engine import HALF, Ask, Failed, Plain, Suite, require, same
from urdgn_lite.check.tensors import Watch, several

INTERVALS = "assignment 4, “An interval”"


def probe_interval(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `interval(clean, damaged, level, seed)` on each of several drawn samples."""
    generator = torch.Generator().manual_seed(request["draw"])
    level, seed = request.get("level", 0.95), request.get("seed", 0)
    found, changed = [], []
    for trial in range(request.get("trials", 1)):
        faces = torch.randn(request["n"], generator=generator, dtype=torch.float64)
        drop = torch.randn(request["n"], generator=generator, dtype=torch.float64)
        clean = 25 + request.get("faces", 2.0) * faces
        damaged = clean + request["mean"] + request["sd"] * drop
        if "other" in request:  # one face apart from all the rest
            damaged[request["other"]] += 5
        if request.get("reversed"):
            clean, damaged = clean.flip(0), damaged.flip(0)
        change, watch = damaged - clean, Watch({"clean": clean, "damaged": damaged})
        result = several(function(clean, damaged, level=level, seed=seed + trial), 3)
        changed += watch.changes()
        if not result:
            return {"error": "three numbers were expected: mean, low, high"}
        spread = (change.std() / math.sqrt(len(change))).item()
        found.append([float(v) for v in result] + [change.mean().item(), spread])
    return {"found": found, "changed": changed}


interval = Suite(
    "interval", probe_interval,
    """An interval: `fn(clean, damaged, level=0.95, seed=0)` → (mean, low, high).

    `clean` and `damaged` hold one number a face, the same faces in the same order.
    """,
)  # fmt: skip


def measure(ask: Ask, rng: Random, n: int = 50, sd: float = 0.5, **more: Any) -> tuple[Any, str]:
    """[mean, low, high, actual mean, standard error] of each trial, and the input in words."""
    mean = more.pop("mean", round(rng.uniform(-2, -1), 2))
    request: Plain = {"n": n, "sd": sd, "mean": mean, "draw": rng.randrange(10**6)} | more
    on = f"{n} faces, each {abs(mean):g} dB {'worse' if mean < 0 else 'better'} when damaged, "
    on += f"give or take {sd:g} dB"
    on += "".join(f", {k} {more[k]}" for k in ("level", "seed") if k in more)
    response = require(ask(**request), on)
    if response["changed"] and more.get("watched"):
        raise Failed("; ".join(response["changed"]), on)
    return response["found"], on


@interval.property("answers", "returns three finite numbers: mean, low, high", INTERVALS)
def _three_numbers(ask: Ask, rng: Random) -> None:
    ((mean, low, high, *_),), on = measure(ask, rng)
    if not all(math.isfinite(v) for v in (mean, low, high)):
        raise Failed(f"it returned {mean:g}, {low:g}, {high:g}", on)
    if low > high:
        raise Failed(f"low = {low:.3g} is above high = {high:.3g}", on)


@interval.property("unchanged", "leaves its arguments as they were", INTERVALS)
def _kept(ask: Ask, rng: Random) -> None:
    measure(ask, rng, watched=True)


@interval.property("mean", "the mean is that of damaged − clean: worse is negative", INTERVALS,
                   costs=HALF)  # fmt: skip
def _right_mean(ask: Ask, rng: Random) -> None:
    for truth in (round(rng.uniform(-2, -1), 2), round(rng.uniform(1, 2), 2)):
        ((mean, low, high, actual, _),), on = measure(ask, rng, mean=truth)
        same(mean, actual, f"it says {mean:+.3f} dB", on)
        if not low <= mean <= high:
            raise Failed(f"{mean:+.3f} dB is not between {low:+.3f} and {high:+.3f}", on)


@interval.property("paired", "it compares each face with itself", INTERVALS, costs=HALF)
def _paired(ask: Ask, rng: Random) -> None:
    ((_, low, high, *_),), on = measure(ask, rng, sd=0.0, faces=5.0)
    if high - low > 1e-3:
        why = f"every face lost exactly as much, yet the interval is {high - low:.2g} dB wide"
        raise Failed(why, on)


@interval.property("repeats", "the same seed gives the same interval, another draws anew",
                   INTERVALS)  # fmt: skip
def _interval_repeats(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)

    def ends(**how: Any) -> tuple[float, float]:
        ((_, low, high, *_),), _ = measure(ask, Random(draw), **how)
        return low, high

    one, two = ends(seed=5), ends(seed=5)
    if one != two:
        raise Failed(f"({one[0]:.4f}, {one[1]:.4f}), then ({two[0]:.4f}, {two[1]:.4f})",
                     "the same faces and seed, twice")  # fmt: skip
    turned = ends(seed=5, reversed=True)
    if max(abs(a - b) for a, b in zip(one, turned, strict=True)) > 1e-4 and one == ends(seed=6):
        raise Failed(
            "it depends on chance (the faces in another order give another interval), yet "
            "another seed changes nothing: the seed is not used",
            "seeds 5 and 6",
        )


# A bootstrap's ends are themselves drawn: of 200 resamples, the width of one trial at 95 % varies
# by 7 %, at 50 % by 9 %. The bounds below are five standard errors of their averages away from
# what is right, with few trials: a slow loop must be done in time as well.
def width(ask: Ask, draw: int, trials: int = 12, **settings: Any) -> float:
    """How wide the interval is, in standard errors of the sample's mean: an average of trials."""
    found, _ = measure(ask, Random(draw), mean=-1.0, trials=trials, **settings)
    return sum((high - low) / error for _, low, high, _, error in found) / len(found)


def equal(one: float, other: float, why: str, on: str) -> None:
    """Two widths, each in its own standard errors, are the same; else `why`."""
    if not 0.75 < one / max(other, 1e-9) < 1.35:
        raise Failed(why, on)


@interval.property("level", "surer means wider", INTERVALS, ("answers", "paired"))
def _level(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    narrow, wide = width(ask, draw, level=0.5), width(ask, draw, level=0.95)
    # 1.96 and 0.674 standard errors on each side: 2.9 times as wide
    if not 2.4 * narrow < wide < 3.7 * narrow:
        why = f"from level 0.5 to 0.95 it grows from {narrow:.2g} to {wide:.2g} standard errors; "
        raise Failed(why + "about 3 times as much was expected", "the same 50 faces")


@interval.property("spread", "three times the spread, three times the width", INTERVALS,
                   ("answers", "paired", "level"))  # fmt: skip
def _spread(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    calm, wild = width(ask, draw, sd=0.4), width(ask, draw, sd=1.2)
    why = f"with 0.4 dB between faces it is {0.4 * calm:.2g} wide, with 1.2 dB {1.2 * wild:.2g}"
    equal(wild, calm, why + " (in units of 1/√n dB)", "drops of one kind")


@interval.property("shrinks", "four times the faces, half the width", INTERVALS,
                   ("answers", "paired", "level"))  # fmt: skip
def _shrinks(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    few, many = width(ask, draw, n=50), width(ask, draw, n=200)
    why = f"50 faces: {few / math.sqrt(50):.2g} dB wide; 200: {many / math.sqrt(200):.2g} dB"
    equal(few, many, why, "drops of 1 dB, give or take")


@interval.property("covers", "95 of 100 intervals would hold the truth", INTERVALS, costs=HALF,
                   needs=("answers", "mean", "paired", "level", "spread", "shrinks"))  # fmt: skip
def _covers(ask: Ask, rng: Random) -> None:
    found, on = measure(ask, rng, n=100, sd=0.7, trials=80)
    wide = sum((high - low) / error for _, low, high, _, error in found) / len(found)
    if not 0.94 < wide / 3.92 < 1.05:
        share = math.erf(wide / 2 / math.sqrt(2))
        raise Failed(f"{wide:.2f} standard errors wide: that holds the truth in {share:.0%}", on)
    off = [abs((low + high) / 2 - mean) / error for _, low, high, mean, error in found]
    if sum(off) / len(off) > 0.3:
        raise Failed("the mean does not lie in the middle of the interval", on)


@interval.property("everyone", "every face counts, the first and the last", INTERVALS,
                   ("paired", "covers"))  # fmt: skip
def _everyone(ask: Ask, rng: Random) -> None:
    for place, words in ((0, "the first"), (19, "the last")):
        ((_, low, high, *_),), on = measure(ask, rng, n=20, sd=0.0, other=place)
        if high - low < 1e-3:
            raise Failed(f"{words} face differs by 5 dB from the others, yet the interval is "
                         f"{high - low:.2g} dB wide", on)  # fmt: skip
