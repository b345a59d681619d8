"""What must hold for a damage to faces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import HALF, SMALL, Failed, Plain, Suite, holds
from urdgn_lite.check.tensors import Watch, describe


@cache
def lr_faces() -> Tensor:
    """LR faces of people who do not exist, a little stretched: some pixels are black or white."""
    from urdgn_lite import faces
    from urdgn_lite.degrade import downsample

    hr = faces.to_float(faces.load("imaginary", "test", limit=64).images)
    return (1.3 * downsample(hr)).clamp(-1, 1)


class Damage(Suite):
    """A damage to LR faces: `fn(images, severity, seed)`, severity 0 … 1."""

    name, where = "damage", "assignment 4, “The damage”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function on LR faces; with `again` on other seeds and one face, too."""
        generator = torch.Generator().manual_seed(request["_draw"])
        images = lr_faces()[torch.randint(len(lr_faces()), (request["n"],), generator=generator)]
        severity, seed, again = float(request["severity"]), request["seed"], request["_again"]
        if again:
            images[1] = images[0]  # twins: what chance does to them differs
        before, watch = images.clone(), Watch({"images": images})
        result = function(images, severity, seed)
        if not isinstance(result, Tensor):
            return {"error": f"a tensor was expected, not {describe(result)['kind']}"}
        same = result.shape == before.shape
        response = describe(result) | {"same": same, "changed": watch.changes()}
        if not same:
            return response
        difference = (result.double() - before.double()).abs()
        apart = torch.cdist(result.detach().double().flatten(1), before.double().flatten(1))
        numbers = {
            "low": result.min(), "high": result.max(), "far": difference.mean(),
            "spared": (difference.flatten(1).mean(1) < 1e-6).double().mean(),
            "mixed": (apart.amin(1) < apart.diag() - 1e-3).double().mean(),
        }  # fmt: skip
        if again:
            torch.rand(7)  # the global generator has moved on
            for name, other in (("again", seed), ("other", seed + 1)):
                numbers[name] = (function(before.clone(), severity, other) - result).abs().max()
            alone = function(before[:1].clone(), severity, seed)
            numbers["alone"] = (alone - result[:1]).abs().max()
            numbers["twins"] = (result[0] - result[1]).abs().max()
        return response | {name: value.item() for name, value in numbers.items()}

    def question(self, severity: float, n: int = 16, again: bool = False) -> Plain:
        """A question about n faces."""
        draw, seed = self.rng.randrange(10**6), self.rng.randrange(10**6)
        return {"n": n, "severity": severity, "seed": seed, "_draw": draw, "_again": again}

    def hit(self, severity: float, n: int = 16, again: bool = False) -> Plain:
        """What the damage does to n faces."""
        return self.ask(**self.question(severity, n, again))

    @holds("returns as many faces, of the same size and dtype")
    def answers(self) -> None:
        got = self.hit(0.5)
        if not got["same"] or got["dtype"] != "float32":
            raise Failed(f"it returned {got['kind']}, {got['dtype']}")

    @holds("works for one face as for many", costs=SMALL)
    def any_number(self) -> None:
        for n in (1, 90):
            got = self.hit(0.5, n)
            if not got["same"]:
                raise Failed(f"it returned {got['kind']}")
        got = self.hit(0.7, again=True)
        if max(got["twins"], got["other"], got["again"]) < 1e-6 and got["alone"] > 1e-4:
            raise Failed("the first face is damaged in another way when it is alone")

    @holds("leaves the faces it was given as they were")
    def unchanged(self) -> None:
        self.kept(**self.question(0.5))

    @holds("severity 0 does nothing, and a little leaves all faces their own")
    def zero(self) -> None:
        got = self.hit(0.0)
        if got["far"] > 1e-6:
            raise Failed(f"pixels moved by {got['far']:.3g} on average")
        got = self.hit(0.02, 64)
        low, high = got["low"], got["high"]
        if low > -0.5 or high < 0.5:
            raise Failed(f"black and white are {low:.2g} and {high:.2g}: faces are in [-1, 1]")
        if got["mixed"] > 0.5:
            raise Failed("most faces look more like another of the batch than like themselves")

    @holds("more severity, more damage: in three steps at least", needs=("answers", "zero"),
           costs=HALF)  # fmt: skip
    def grows(self) -> None:
        faces = self.question(0.0, 64)
        severities = (0.0, 0.25, 0.5, 0.75, 1.0)
        far = [self.ask(**faces | {"severity": s})["far"] for s in severities]
        steps = [b - a for a, b in pairwise(far)]
        grown = [step > 0.02 * far[-1] > 0 for step in steps]
        if min(steps) < -0.05 * far[-1] or sum(grown) < 2 or not any(grown[2:]):
            moved = ", ".join(f"{v:.3g}" for v in far)
            raise Failed(f"pixels move by {moved} on average", f"severity {severities}")

    @holds("reaches every face, not only more of them", needs=("answers", "zero"))
    def every(self) -> None:
        for severity, n, few in ((0.5, 64, 0.2), (1.0, 16, 0.0)):
            got = self.hit(severity, n)
            if got["far"] > 1e-6 and got["spared"] > few:
                raise Failed(f"{got['spared']:.0%} of the faces were not touched")

    @holds("the result is an image: it stays in [-1, 1]")
    def range(self) -> None:
        got = self.hit(1.0, 64)
        if not (got["low"] >= -1 - 1e-6 and got["high"] <= 1 + 1e-6):
            raise Failed(f"values from {got['low']:.3g} to {got['high']:.3g}")

    @holds("the same seed does the same damage, another draws anew")
    def repeats(self) -> None:
        got = self.hit(0.7, again=True)
        if got["again"] > 1e-6:
            raise Failed("called twice with one seed, it did two different things")
        if got["twins"] > 1e-4 and got["other"] < 1e-6:
            why = "chance treats two equal faces differently, yet another seed changes nothing: "
            raise Failed(why + "the seed is not used")


damage = Damage()
