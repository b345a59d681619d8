"""What must hold for a damage to faces, and for an interval around a measured difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import torch

from urdgn_lite.check.engine import Ask, Failed, Request, Response, Suite, attempt, close, require
from urdgn_lite.check.tensors import describe

DAMAGES = "assignment 4, “The damage”"
INTERVALS = "assignment 4, “An interval”"
SIDE = 16


def probe_damage(function: Callable[..., Any], request: Request) -> Response:
    """Call a learner's `damage(images, severity, seed)` on seeded LR faces; twice with `again`."""
    generator = torch.Generator().manual_seed(request["draw"])
    shape = (request["n"], 3, SIDE, SIDE)
    images = (torch.rand(shape, generator=generator) * 2 - 1).mul(1.2).clamp(-1, 1)
    before = images.clone()

    def call() -> Response:
        result = function(images, request["severity"], request["seed"])
        if not isinstance(result, torch.Tensor):
            return {"error": f"a tensor was expected, not {describe(result)['kind']}"}
        kept = bool(torch.equal(images, before))
        response = describe(result) | {"same": tuple(result.shape) == shape, "unchanged": kept}
        if response["same"]:
            difference = (result.double() - before.double()).abs()
            low, high = result.min().item(), result.max().item()
            response |= {"low": low, "high": high, "far": difference.mean().item()}
            if request.get("again"):
                torch.rand(7)  # the global generator has moved on
                second = function(before.clone(), request["severity"], request["seed"])
                response["again"] = (second.double() - result.double()).abs().max().item()
        return response

    return attempt(call)


DAMAGE = Suite("damage", probe_damage)


def hit(
    ask: Ask, rng: Random, severity: float, n: int = 4, again: bool = False
) -> tuple[Response, str]:
    """A damage's response, and the input in words."""
    draw, seed = rng.randrange(10**6), rng.randrange(10**6)
    on = f"{n} LR faces, severity {severity:g}, seed {seed}"
    got = require(ask(n=n, severity=severity, draw=draw, seed=seed, again=again), on)
    return got, on


@DAMAGE.property("answers", "returns as many faces, of the same size and dtype", DAMAGES)
def _same_shape(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.5)
    if not got["same"] or got["dtype"] != "float32":
        raise Failed(f"it returned {got['kind']}, {got['dtype']}", on)


@DAMAGE.property("one-face", "works for a batch of one", DAMAGES)
def _one_face(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.5, n=1)
    if not got["same"]:
        raise Failed(f"it returned {got['kind']}", on)


@DAMAGE.property("unchanged", "leaves the faces it was given as they were", DAMAGES)
def _images_kept(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.5)
    if not got["unchanged"]:
        raise Failed("the faces changed: something works in place", on)


@DAMAGE.property("zero", "severity 0 does nothing", DAMAGES, weight=2)
def _zero(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.0)
    if got["far"] > 1e-6:
        raise Failed(f"pixels moved by {got['far']:.3g} on average", on)


@DAMAGE.property("grows", "more severity, more damage", DAMAGES, ("answers", "zero"), 2)
def _grows(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    far = [hit(ask, Random(draw), s)[0]["far"] for s in (0.0, 0.25, 0.5, 1.0)]
    if not all(b > a + 1e-6 for a, b in pairwise(far)):
        moved = ", ".join(f"{v:.3g}" for v in far)
        raise Failed(f"pixels move by {moved} on average", "severity 0, 0.25, 0.5, 1")


@DAMAGE.property("range", "the result is an image: it stays in [-1, 1]", DAMAGES, weight=2)
def _in_range(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 1.0)
    low, high = got["low"], got["high"]
    if not (low >= -1 - 1e-6 and high <= 1 + 1e-6):
        raise Failed(f"values from {low:.3g} to {high:.3g}", on)


@DAMAGE.property("repeats", "the same seed does the same damage", DAMAGES, weight=2)
def _repeats(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.7, again=True)
    if got["again"] > 1e-6:
        raise Failed("called twice with one seed, it did two different things", on)


def probe_interval(function: Callable[..., Any], request: Request) -> Response:
    """Call a learner's `interval(clean, damaged, level, seed)` on each of several drawn samples."""
    generator = torch.Generator().manual_seed(request["draw"])
    settings = {"level": request.get("level", 0.95), "seed": request.get("seed", 0)}

    def call() -> Response:
        found = []
        for _ in range(request.get("trials", 1)):
            faces = torch.randn(request["n"], generator=generator, dtype=torch.float64)
            drop = torch.randn(request["n"], generator=generator, dtype=torch.float64)
            clean = 25 + request.get("faces", 2.0) * faces
            damaged = clean + request["mean"] + request["sd"] * drop
            result = function(clean, damaged, **settings)
            if not isinstance(result, tuple | list) or len(result) != 3:
                return {"error": "three numbers were expected: mean, low, high"}
            actual = (damaged - clean).mean().item()
            found.append([float(v) for v in result] + [actual])
        return {"found": found}

    return attempt(call)


INTERVAL = Suite("interval", probe_interval)


def measure(ask: Ask, rng: Random, n: int = 50, sd: float = 1.0, **more: Any) -> tuple[Any, str]:
    """[mean, low, high, actual mean] of each trial, and the input in words."""
    mean = more.pop("mean", round(rng.uniform(-2, -1), 2))
    request: Request = {"n": n, "sd": sd, "mean": mean, "draw": rng.randrange(10**6)} | more
    on = f"{n} faces, each {-mean:g} dB worse when damaged, give or take {sd:g} dB"
    on += "".join(f", {k} {more[k]}" for k in ("level", "seed") if k in more)
    return require(ask(**request), on)["found"], on


@INTERVAL.property("answers", "returns three finite numbers: mean, low, high", INTERVALS)
def _three_numbers(ask: Ask, rng: Random) -> None:
    ((mean, low, high, _),), on = measure(ask, rng)
    if not all(math.isfinite(v) for v in (mean, low, high)):
        raise Failed(f"it returned {mean:g}, {low:g}, {high:g}", on)
    if low > high:
        raise Failed(f"low = {low:.3g} is above high = {high:.3g}", on)


@INTERVAL.property("mean", "the mean is that of damaged − clean: worse is negative", INTERVALS,
                   weight=2)  # fmt: skip
def _right_mean(ask: Ask, rng: Random) -> None:
    ((mean, _, _, actual),), on = measure(ask, rng)
    if not close(mean, actual):
        raise Failed(f"it says {mean:+.3f} dB", on)


@INTERVAL.property("paired", "it compares each face with itself", INTERVALS, weight=2)
def _paired(ask: Ask, rng: Random) -> None:
    ((_, low, high, _),), on = measure(ask, rng, sd=0.0, faces=5.0)
    if high - low > 1e-3:
        why = f"every face lost exactly as much, yet the interval is {high - low:.2g} dB wide"
        raise Failed(why, on)


@INTERVAL.property("repeats", "the same seed gives the same interval", INTERVALS)
def _interval_repeats(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    one, two = (measure(ask, Random(draw), seed=5)[0][0] for _ in range(2))
    if one != two:
        raise Failed(f"({one[1]:.4f}, {one[2]:.4f}), then ({two[1]:.4f}, {two[2]:.4f})",
                     "the same faces and seed, twice")  # fmt: skip


def width(ask: Ask, draw: int, **settings: Any) -> float:
    """How wide the interval is, the average of several trials."""
    found, _ = measure(ask, Random(draw), mean=-1.0, trials=10, **settings)
    return sum(high - low for _, low, high, _ in found) / len(found)


@INTERVAL.property("level", "surer means wider", INTERVALS, ("answers", "paired"))
def _level(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    narrow, wide = width(ask, draw, level=0.5), width(ask, draw, level=0.95)
    # 1.96 and 0.674 standard errors on each side: 2.9 times as wide
    if not 2.2 * narrow < wide < 3.7 * narrow:
        why = f"level 0.5 is {narrow:.2g} dB wide, 0.95 is {wide:.2g} dB; about 3 times as much "
        raise Failed(why + "was expected", "the same 50 faces")


@INTERVAL.property("shrinks", "four times the faces, half the width", INTERVALS, weight=2,
                   needs=("answers", "paired"))  # fmt: skip
def _shrinks(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    few, many = width(ask, draw, n=50), width(ask, draw, n=200)
    if not 1.5 < few / max(many, 1e-9) < 2.7:
        raise Failed(f"50 faces: {few:.2g} dB wide; 200 faces: {many:.2g} dB", "drops of one kind")


@INTERVAL.property("covers", "95 of 100 intervals hold the truth", INTERVALS, weight=2,
                   needs=("answers", "mean", "paired", "level", "shrinks"))  # fmt: skip
def _covers(ask: Ask, rng: Random) -> None:
    found, on = measure(ask, rng, n=60, mean=-1.5, trials=120)
    share = sum(low <= -1.5 <= high for _, low, high, _ in found) / len(found)
    if not 0.87 <= share <= 0.995:
        raise Failed(f"{share:.0%} of 120 intervals did", on)
