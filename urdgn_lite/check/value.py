"""What must hold for what D maximises: `discriminator_value(D, generated, real)`.

D is a toy: logit = 100 · (mean of the image) + bias. So every image can be made to have any logit,
and G is a single number that multiplies the generated images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from urdgn_lite.check.asking import BOOK, LOGITS, common, settled
from urdgn_lite.check.engine import HALF, Ask, Failed, Plain, Suite, close, number, require, same
from urdgn_lite.check.tensors import Watch, constant, describe, gradients, image, one_device

VALUE = BOOK + "“D's gradient”"
DETACH = "chapter “Training”, “Algorithm 1”"
GAIN = 100.0


class ToyD(nn.Module):
    """A discriminator whose logits are known, and which remembers in what mode it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.bias, self.modes = nn.Parameter(torch.zeros(())), set[bool]()

    def forward(self, images: Tensor) -> Tensor:
        self.modes.add(self.training)
        return GAIN * images.flatten(1).mean(1, keepdim=True) + self.bias


def probe_discriminator(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `discriminator_value(D, generated, real)` once, on given logits."""
    dtype = getattr(torch, request.get("dtype", "float32"))
    device = request.get("device", "cpu")
    with one_device(device):
        D = ToyD().to(device=device, dtype=dtype)
        G = torch.ones((), dtype=dtype, device=device, requires_grad=True)
        torch.nn.init.constant_(D.bias, request.get("bias", 0.0))
        D.bias.grad = torch.full_like(D.bias, 0.5)  # somebody's, who has not stepped yet
        fake, real = (
            image(constant([z / GAIN for z in request[k]], 2), dtype, device)
            for k in ("generated", "real")
        )
        given = {"generated": G * fake, "real": real}
        watch = Watch(given | {"D's weight": D.bias}, {"D": D.bias, "G": G})
        value = function(D, given["generated"], given["real"])
    response = describe(value) | {"changed": watch.changes()}
    if False in {D.training, *D.modes}:
        response["changed"] += ["D was in evaluation mode"]
    D.requires_grad_(True)
    if request.get("grad"):
        response["grads"] = gradients(value, {"G": G, "D": D.bias})
    return response


discriminator = Suite(
    "discriminator", probe_discriminator,
    """What D maximises: `fn(D, generated, real)`, the terms of Eq. 2 with D.

    `D(images)` returns logits. `generated` still hangs on G's graph, as in Algorithm 1.
    """,
)  # fmt: skip


def tell(real: list[float], fake: list[float]) -> str:
    """An input in words."""
    words = [", ".join(f"{v:.3g}" for v in side) for side in (real, fake)]
    return f"logits ({words[0]}) on real and ({words[1]}) on generated faces"


def value(ask: Ask, real: list[float], fake: list[float]) -> float:
    """What the learner's function says of these logits."""
    return number(ask(real=real, generated=fake), tell(real, fake))


def size(ask: Ask, real: float, fake: float) -> float:
    """Its size for one face, even if it grows with the batch."""
    return abs(settled(value(ask, [real] * 2, [fake] * 2), value(ask, [real] * 4, [fake] * 4)))


def steepness(ask: Ask, real: float, fake: float) -> float:
    """Size of the gradient that reaches D's bias, for one face."""
    sums = []
    for n in (2, 4):
        request = {"real": [real] * n, "generated": [fake] * n, "grad": True}
        found = require(ask(**request), tell([real] * n, [fake] * n))["grads"]["D"]
        sums.append(abs(found[0]))
    return settled(*sums)


def draw(rng: Random, n: int) -> list[float]:
    """Random logits."""
    return [round(rng.uniform(-2, 2), 2) for _ in range(n)]


@discriminator.property("answers", "returns one finite number made of both terms", VALUE)
def _answers(ask: Ask, rng: Random) -> None:
    real, fake = [round(rng.uniform(-1, 1), 2)] * 2, [round(rng.uniform(-1, 1), 2)] * 2
    here = value(ask, real, fake)
    if close(here, value(ask, [v + 1 for v in real], fake)):
        raise Failed("the real faces do not count", tell(real, fake))
    if close(here, value(ask, real, [v + 1 for v in fake])):
        raise Failed("the generated faces do not count", tell(real, fake))


def batch(rng: Random, n: int) -> tuple[Plain, str]:
    """Random logits on n faces of each kind, and D's bias."""
    real, fake = draw(rng, n), draw(rng, n)
    return {"real": real, "generated": fake, "bias": 0.3}, tell(real, fake)


common(discriminator, VALUE, batch, "D and its arguments")


@discriminator.property("detached", "sends nothing back into G", DETACH, costs=HALF)
def _detached(ask: Ask, rng: Random) -> None:
    real, fake = draw(rng, 3), draw(rng, 3)
    found = require(ask(real=real, generated=fake, grad=True), tell(real, fake))["grads"]["G"]
    if found and any(found):
        why = f"G's weight receives the gradient {found[0]:.3g}: D's step would train G as well"
        raise Failed(why, tell(real, fake) + ", `generated` still on G's graph")


@discriminator.property("learns", "both kinds of faces teach D", VALUE, ("scalar",), HALF)
def _learns(ask: Ask, rng: Random) -> None:
    real = [round(rng.uniform(-2, -1), 2) for _ in range(3)]
    fake = [round(rng.uniform(-2, -1), 2) for _ in range(3)]
    found = require(ask(real=real, generated=fake, grad=True), tell(real, fake))["grads"]["D"]
    if found is None:
        raise Failed("no gradient reaches D's weights: the graph is cut", tell(real, fake))
    h = 0.05
    ends = [number(ask(real=real, generated=fake, bias=b), tell(real, fake)) for b in (h, -h)]
    slope = (ends[0] - ends[1]) / (2 * h)
    why = f"D's bias moves the value by {slope:.3g} a unit, autograd says {found[0]:.3g}"
    same(slope, found[0], why + ": part of the graph is cut", tell(real, fake), 0.02, 1e-3)


@discriminator.property("raised", "is the value itself, to be raised: never above 0", VALUE,
                        costs=HALF)  # fmt: skip
def _raised(ask: Ask, rng: Random) -> None:
    real, fake = draw(rng, 3), draw(rng, 3)
    if (got := value(ask, real, fake)) > 0:
        raise Failed(f"{got:.3g}: logarithms of probabilities are not positive", tell(real, fake))


@discriminator.property("labels", "real faces are the ones to believe", VALUE, costs=HALF)
def _labels(ask: Ask, rng: Random) -> None:
    real, fake = round(rng.uniform(-1, 0), 2), round(rng.uniform(0, 1), 2)
    here = -size(ask, real, fake)
    if -size(ask, real + 1, fake) <= here:
        raise Failed("believing the real faces more makes it worse", tell([real] * 2, [fake] * 2))
    if -size(ask, real, fake - 1) <= here:
        why = "believing the generated faces less makes it worse"
        raise Failed(why, tell([real] * 2, [fake] * 2))


@discriminator.property("logits", "D = σ(z), once; two terms of weight 1", LOGITS)
def _logits(ask: Ask, rng: Random) -> None:
    got = size(ask, 0.0, 0.0)
    why = f"D = ½ everywhere, so its size is 2 log 2 ≈ 1.386, not {got:.3f}"
    same(got, 2 * math.log(2), why, tell([0.0] * 2, [0.0] * 2))


@discriminator.property("stable", "stays exact when D is certain", LOGITS,
                        ("logits", "learns"))  # fmt: skip
def _stable(ask: Ask, rng: Random) -> None:
    # exp(z) fits into 32 bits at the smaller z, no longer at the larger one
    for z in (float(rng.randint(50, 70)), float(rng.randint(150, 250))):
        on = f"logits ({z:g}, {z:g}), ({z:g}, {-z:g}), ({-z:g}, {z:g}) and ({-z:g}, {-z:g}), "
        on += "the first on real, the second on generated faces"
        pairs = [(real, fake) for real in (z, -z) for fake in (z, -z)]
        sizes = [size(ask, *pair) for pair in pairs]
        # which of the four is which, "labels" judges: it changes when they are swapped
        expected = zip(sorted(sizes), (0, z, z, 2 * z), strict=True)
        if not all(close(got, wanted, 0.01, 0.1) for got, wanted in expected):
            here = ", ".join(f"{v:.3g}" for v in sizes)
            raise Failed(f"one is about {2 * z:g} in size, two {z:g}, one 0; here {here}", on)
        for pair, got in zip(pairs, sizes, strict=True):
            slope = steepness(ask, *pair)
            # a term of size z sends 1 or -1, one of size 0 nothing; two terms may cancel
            wanted = {0: (0,), 1: (1,), 2: (0, 2)}[round(got / z)]
            if not any(close(slope, k, absolute=0.01) for k in wanted):
                why = f"D's bias receives a gradient of the size {slope:.3g}; the value {got:.3g} "
                why += f"calls for {' or '.join(map(str, wanted))}"
                raise Failed(why, tell([pair[0]] * 2, [pair[1]] * 2))


@discriminator.property("mean", "is an average over faces", VALUE)
def _mean(ask: Ask, rng: Random) -> None:
    real, fake = draw(rng, 1) * 2, draw(rng, 1) * 2
    once, thrice = value(ask, real, fake), value(ask, real * 3, fake * 3)
    why = f"the same faces 6 times instead of twice turn {once:.4g} into {thrice:.4g}"
    same(once, thrice, why, tell(real, fake))
    real, fake = ([round(v + rng.uniform(-0.3, 0.3), 2) for v in order]
                  for order in ((-2, 2.5, -1, 0, 1, 2), (2, -2, 1, 2.5, -1, 0)))  # fmt: skip
    alone = [value(ask, [a] * 2, [b] * 2) for a, b in zip(real, fake, strict=True)]
    together, average = value(ask, real, fake), math.fsum(alone) / len(alone)
    why = f"six different faces of each kind give {together:.4g}, one by one {average:.4g} "
    same(together, average, why + "on average", tell(real, fake))


@discriminator.property("counts", "averages the two kinds apart", VALUE, ("mean",))
def _counts(ask: Ask, rng: Random) -> None:
    real, fake = [-1.5, 2.0, round(rng.uniform(-1, 1), 2)], [*draw(rng, 3), -2.0, 1.5]
    one = value(ask, real[:1] * 2, fake[:1] * 2)
    alone = sum(value(ask, [z] * 2, fake[:1] * 2) for z in real) / 3 - one
    alone += sum(value(ask, real[:1] * 2, [z] * 2) for z in fake) / 5
    got = value(ask, real, fake)
    why = f"3 real and 5 generated faces give {got:.4g}; the two averages, {alone:.4g}"
    same(got, alone, why, tell(real, fake))
