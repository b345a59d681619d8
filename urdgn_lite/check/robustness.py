"""What must hold for a damage to faces, and for an interval around a measured difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import (
    HALF,
    SMALL,
    Ask,
    Failed,
    Request,
    Response,
    Suite,
    require,
    same,
)
from urdgn_lite.check.tensors import Watch, describe, several

DAMAGES = "assignment 4, “The damage”"
INTERVALS = "assignment 4, “An interval”"


@cache
def lr_faces() -> Tensor:
    """LR faces of people who do not exist, a little stretched: some pixels are black or white."""
    from urdgn_lite import faces
    from urdgn_lite.degrade import downsample

    hr = faces.to_float(faces.load("imaginary", "test", limit=64).images)
    return (1.3 * downsample(hr)).clamp(-1, 1)


def probe_damage(function: Callable[..., Any], request: Request) -> Response:
    """Call a learner's `damage(images, severity, seed)` on LR faces; twice with `again`."""
    generator = torch.Generator().manual_seed(request["draw"])
    images = lr_faces()[torch.randint(len(lr_faces()), (request["n"],), generator=generator)]
    if request.get("again"):
        images[1] = images[0]  # twins: what chance does to them differs
    before, watch = images.clone(), Watch({"images": images})
    result = function(images, float(request["severity"]), request["seed"])
    if not isinstance(result, Tensor):
        return {"error": f"a tensor was expected, not {describe(result)['kind']}"}
    same = result.shape == before.shape
    response = describe(result) | {"same": same, "changed": watch.changes()}
    if same:
        difference = (result.double() - before.double()).abs()
        low, high = result.min().item(), result.max().item()
        least = difference.flatten(1).mean(1).min().item()
        response |= {"low": low, "high": high, "far": difference.mean().item(), "least": least}
        if request.get("again"):
            torch.rand(7)  # the global generator has moved on
            same, other = (
                (function(before.clone(), float(request["severity"]), s) - result).abs().max()
                for s in (request["seed"], request["seed"] + 1)
            )
            alone = function(before[:1].clone(), float(request["severity"]), request["seed"])
            response |= {"again": same.item(), "other": other.item(),
                         "twins": (result[0] - result[1]).abs().max().item(),
                         "alone": (alone - result[:1]).abs().max().item()}  # fmt: skip
    return response


damage = Suite(
    "damage", probe_damage, "A damage to LR faces: `fn(images, severity, seed)`, severity 0 … 1."
)


def hit(
    ask: Ask, rng: Random, severity: float, n: int = 16, again: bool = False
) -> tuple[Response, str]:
    """A damage's response, and the input in words."""
    draw, seed = rng.randrange(10**6), rng.randrange(10**6)
    on = f"{n} LR faces, severity {severity:g}, seed {seed}"
    got = require(ask(n=n, severity=severity, draw=draw, seed=seed, again=again), on)
    return got, on


@damage.property("answers", "returns as many faces, of the same size and dtype", DAMAGES)
def _same_shape(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.5)
    if not got["same"] or got["dtype"] != "float32":
        raise Failed(f"it returned {got['kind']}, {got['dtype']}", on)


@damage.property("any-number", "works for one face as for many", DAMAGES, costs=SMALL)
def _any_number(ask: Ask, rng: Random) -> None:
    for n in (1, 90):
        got, on = hit(ask, rng, 0.5, n)
        if not got["same"]:
            raise Failed(f"it returned {got['kind']}", on)
    got, on = hit(ask, rng, 0.7, again=True)
    if max(got["twins"], got["other"], got["again"]) < 1e-6 and got["alone"] > 1e-4:
        raise Failed("the first face is damaged in another way when it is alone", on)


@damage.property("unchanged", "leaves the faces it was given as they were", DAMAGES)
def _images_kept(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.5)
    if got["changed"]:
        raise Failed("; ".join(got["changed"]), on)


@damage.property("zero", "severity 0 does nothing", DAMAGES)
def _zero(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.0)
    if got["far"] > 1e-6:
        raise Failed(f"pixels moved by {got['far']:.3g} on average", on)


@damage.property("grows", "more severity, more damage: in three steps at least", DAMAGES,
                 ("answers", "zero"), HALF)  # fmt: skip
def _grows(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    far = [hit(ask, Random(draw), s, 64)[0]["far"] for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    steps = [b - a for a, b in pairwise(far)]
    if min(steps) < -0.05 * far[-1] or sum(s > 0.02 * far[-1] > 0 for s in steps) < 2:
        moved = ", ".join(f"{v:.3g}" for v in far)
        raise Failed(f"pixels move by {moved} on average", "severity 0, 0.25, 0.5, 0.75, 1")


@damage.property("every", "at severity 1 no face stays as it was", DAMAGES, ("answers", "zero"))
def _every(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 1.0)
    if got["far"] > 1e-6 and got["least"] < 1e-6:
        raise Failed("at least one face was not touched", on)


@damage.property("range", "the result is an image: it stays in [-1, 1]", DAMAGES)
def _in_range(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 1.0, 64)
    low, high = got["low"], got["high"]
    if not (low >= -1 - 1e-6 and high <= 1 + 1e-6):
        raise Failed(f"values from {low:.3g} to {high:.3g}", on)


@damage.property("repeats", "the same seed does the same damage, another draws anew", DAMAGES)
def _repeats(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.7, again=True)
    if got["again"] > 1e-6:
        raise Failed("called twice with one seed, it did two different things", on)
    if got["twins"] > 1e-4 and got["other"] < 1e-6:
        raise Failed("chance treats two equal faces differently, yet another seed changes nothing: "
                     "the seed is not used", on)  # fmt: skip


def probe_interval(function: Callable[..., Any], request: Request) -> Response:
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
    request: Request = {"n": n, "sd": sd, "mean": mean, "draw": rng.randrange(10**6)} | more
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
    if not 0.75 < wild / max(calm, 1e-9) < 1.35:  # both in units of their own standard error
        why = f"with 0.4 dB between faces it is {0.4 * calm:.2g} wide, with 1.2 dB {1.2 * wild:.2g}"
        raise Failed(why + " (in units of 1/√n dB)", "drops of one kind")


@interval.property("shrinks", "four times the faces, half the width", INTERVALS,
                   ("answers", "paired", "level"))  # fmt: skip
def _shrinks(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    few, many = width(ask, draw, n=50), width(ask, draw, n=200)
    if not 0.75 < few / max(many, 1e-9) < 1.35:
        why = f"50 faces: {few / math.sqrt(50):.2g} dB wide; 200: {many / math.sqrt(200):.2g} dB"
        raise Failed(why, "drops of 1 dB, give or take")


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
