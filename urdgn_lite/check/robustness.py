"""What must hold for a damage to faces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import HALF, SMALL, Ask, Failed, Plain, Suite, require
from urdgn_lite.check.tensors import Watch, describe

DAMAGES = "assignment 4, “The damage”"


@cache
def lr_faces() -> Tensor:
    """LR faces of people who do not exist, a little stretched: some pixels are black or white."""
    from urdgn_lite import faces
    from urdgn_lite.degrade import downsample

    hr = faces.to_float(faces.load("imaginary", "test", limit=64).images)
    return (1.3 * downsample(hr)).clamp(-1, 1)


def probe_damage(function: Callable[..., Any], request: Plain) -> Plain:
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
        spared = (difference.flatten(1).mean(1) < 1e-6).double().mean().item()
        apart = torch.cdist(result.detach().double().flatten(1), before.double().flatten(1))
        mixed = (apart.amin(1) < apart.diag() - 1e-3).double().mean().item()
        response |= {"low": low, "high": high, "far": difference.mean().item(), "spared": spared,
                     "mixed": mixed}  # fmt: skip
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
) -> tuple[Plain, str]:
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


@damage.property(
    "zero", "severity 0 does nothing, and a little leaves all faces their own", DAMAGES
)
def _zero(ask: Ask, rng: Random) -> None:
    got, on = hit(ask, rng, 0.0)
    if got["far"] > 1e-6:
        raise Failed(f"pixels moved by {got['far']:.3g} on average", on)
    got, on = hit(ask, rng, 0.02, 64)
    low, high = got["low"], got["high"]
    if low > -0.5 or high < 0.5:
        raise Failed(f"black and white are {low:.2g} and {high:.2g}: faces are in [-1, 1]", on)
    if got["mixed"] > 0.5:
        raise Failed("most faces look more like another one of the batch than like themselves", on)


@damage.property("grows", "more severity, more damage: in three steps at least", DAMAGES,
                 ("answers", "zero"), HALF)  # fmt: skip
def _grows(ask: Ask, rng: Random) -> None:
    draw = rng.randrange(10**6)
    far = [hit(ask, Random(draw), s, 64)[0]["far"] for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    steps = [b - a for a, b in pairwise(far)]
    grown = [step > 0.02 * far[-1] > 0 for step in steps]
    if min(steps) < -0.05 * far[-1] or sum(grown) < 2 or not any(grown[2:]):
        moved = ", ".join(f"{v:.3g}" for v in far)
        raise Failed(f"pixels move by {moved} on average", "severity 0, 0.25, 0.5, 0.75, 1")


@damage.property("every", "reaches every face, not only more of them", DAMAGES, ("answers", "zero"))
def _every(ask: Ask, rng: Random) -> None:
    for severity, n, few in ((0.5, 64, 0.2), (1.0, 16, 0.0)):
        got, on = hit(ask, rng, severity, n)
        if got["far"] > 1e-6 and got["spared"] > few:
            raise Failed(f"{got['spared']:.0%} of the faces were not touched", on)


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
