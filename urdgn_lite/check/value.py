"""What must hold for what D maximises: `discriminator_value(D, generated, real)`.

D is a toy: logit = 100 · (mean of the image) + bias. So every image can be made to have any logit,
and G is a single number that multiplies the generated images.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from urdgn_lite.check.asking import BOOK, LOGITS, Given, Loss, for_one
from urdgn_lite.check.engine import HALF, Failed, Plain, close, holds, number, same
from urdgn_lite.check.tensors import constant, unpacked

DETACH = "chapter “Training”, “Algorithm 1”"
GAIN = 100.0


class ToyD(nn.Module):
    """A discriminator whose logits are known, and which remembers in what mode it was asked."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        self.bias, self.modes = nn.Parameter(torch.tensor(bias)), set[bool]()

    def forward(self, images: Tensor) -> Tensor:
        self.modes.add(self.training)
        return GAIN * images.flatten(1).mean(1, keepdim=True) + self.bias


class Discriminator(Loss):
    """What D maximises: `fn(D, generated, real)`, the terms of Eq. 2 with D.

    `D(images)` returns logits. `generated` still hangs on G's graph, as in Algorithm 1.
    """

    name, where = "discriminator", BOOK + "“D's gradient”"

    def given(self, request: Plain, dtype: torch.dtype, device: str) -> Given:
        D = ToyD(request.get("bias", 0.0)).to(device=device, dtype=dtype)
        G = torch.ones((), dtype=dtype, device=device, requires_grad=True)
        D.bias.grad = torch.full_like(D.bias, 0.5)  # somebody's, who has not stepped yet
        fake, real = (
            unpacked(constant([z / GAIN for z in request[k]], 2), dtype, device)
            for k in ("generated", "real")
        )
        lent = {"generated": G * fake, "real": real}
        leaves = {"D": D.bias, "G": G}
        return [D, *lent.values()], lent | {"D's weight": D.bias}, leaves

    def traces(self, *arguments: Any) -> list[str]:
        D = arguments[0].requires_grad_(True)
        return [] if all([D.training, *D.modes]) else ["D was in evaluation mode"]

    def tell(self, request: Plain) -> str:
        words = [", ".join(f"{v:.3g}" for v in request[k]) for k in ("real", "generated")]
        return f"logits ({words[0]}) on real and ({words[1]}) on generated faces"

    def draw(self, n: int, low: float = -2, high: float = 2) -> list[float]:
        """Random logits."""
        return [self.pick(low, high) for _ in range(n)]

    def batch(self, n: int) -> Plain:
        return {"real": self.draw(n), "generated": self.draw(n), "bias": 0.3}

    def terms(self) -> tuple[Plain, dict[str, Plain]]:
        real, fake = self.draw(1, -1, 1), self.draw(1, -1, 1)
        return {"real": real * 2, "generated": fake * 2}, {
            "the real faces do not count": {"real": [real[0] + 1] * 2},
            "the generated faces do not count": {"generated": [fake[0] + 1] * 2},
        }

    def value(self, real: list[float], fake: list[float]) -> float:
        """What the learner's function says of these logits."""
        return number(self.ask(real=real, generated=fake))

    def size(self, real: float, fake: float) -> float:
        """The size of the value for one face."""
        return abs(for_one(*(self.value([real] * n, [fake] * n) for n in (2, 4))))

    def steepness(self, real: float, fake: float) -> float:
        """Size of the gradient that reaches D's bias, for one face."""
        asked = (self.ask(real=[real] * n, generated=[fake] * n, grad=True) for n in (2, 4))
        return for_one(*(abs(response["grads"]["D"][0]) for response in asked))

    @holds("sends nothing back into G", DETACH, costs=HALF)
    def detached(self) -> None:
        found = self.ask(real=self.draw(3), generated=self.draw(3), grad=True)["grads"]["G"]
        if found and any(found):
            why = f"G's weight receives the gradient {found[0]:.3g}: D's step would train G as well"
            raise Failed(why)

    @holds("both kinds of faces teach D", needs=("scalar",), costs=HALF)
    def learns(self) -> None:
        request: Plain = {"real": self.draw(3, -2, -1), "generated": self.draw(3, -2, -1)}
        found = self.ask(**request, grad=True)["grads"]["D"]
        if found is None:
            raise Failed("no gradient reaches D's weights: the graph is cut")
        self.by_autograd(found[0], request, ({"bias": 0.05}, {"bias": -0.05}))

    @holds("is the value itself, to be raised: never above 0", costs=HALF)
    def raised(self) -> None:
        if (got := self.value(self.draw(3), self.draw(3))) > 0:
            raise Failed(f"{got:.3g}: logarithms of probabilities are not positive")

    @holds("real faces are the ones to believe", costs=HALF)
    def labels(self) -> None:
        real, fake = self.pick(-1, 0), self.pick(0, 1)
        here = self.size(real, fake)
        if self.size(real + 1, fake) >= here:
            raise Failed("believing the real faces more makes it worse")
        if self.size(real, fake - 1) >= here:
            raise Failed("believing the generated faces less makes it worse")

    @holds("D = σ(z), once; two terms of weight 1", LOGITS)
    def logits(self) -> None:
        got = self.size(0.0, 0.0)
        why = f"D = ½ everywhere, so its size is 2 log 2 ≈ 1.386, not {got:.3f}"
        same(got, 2 * math.log(2), why)

    @holds("stays exact when D is certain", LOGITS, ("logits", "learns"))
    def stable(self) -> None:
        # exp(z) fits into 32 bits at the smaller z, no longer at the larger one
        for z in (float(self.rng.randint(50, 70)), float(self.rng.randint(150, 250))):
            on = f"logits ({z:g}, {z:g}), ({z:g}, {-z:g}), ({-z:g}, {z:g}) and ({-z:g}, {-z:g}), "
            on += "the first on real, the second on generated faces"
            pairs = [(real, fake) for real in (z, -z) for fake in (z, -z)]
            sizes = [self.size(*pair) for pair in pairs]
            # which of the four is which, "labels" judges: it changes when they are swapped
            expected = zip(sorted(sizes), (0, z, z, 2 * z), strict=True)
            if not all(close(got, wanted, 0.01, 0.1) for got, wanted in expected):
                here = ", ".join(f"{v:.3g}" for v in sizes)
                raise Failed(f"one is about {2 * z:g} in size, two {z:g}, one 0; here {here}", on)
            for pair, got in zip(pairs, sizes, strict=True):
                slope = self.steepness(*pair)
                # a term of size z sends 1 or -1, one of size 0 nothing; two terms may cancel
                wanted = {0: (0,), 1: (1,), 2: (0, 2)}[round(got / z)]
                if not any(close(slope, k, absolute=0.01) for k in wanted):
                    why = f"D's bias receives a gradient of the size {slope:.3g}; the value "
                    why += f"{got:.3g} calls for {' or '.join(map(str, wanted))}"
                    raise Failed(why)

    @holds("is an average over faces")
    def mean(self) -> None:
        alike = list(zip(self.draw(1) * 2, self.draw(1) * 2, strict=True))
        real, fake = (
            [round(v + self.rng.uniform(-0.3, 0.3), 2) for v in order]
            for order in ((-2, 2.5, -1, 0, 1, 2), (2, -2, 1, 2.5, -1, 0))
        )
        unlike = list(zip(real, fake, strict=True))
        self.averages(lambda pairs: self.value(*map(list, zip(*pairs, strict=True))), alike, unlike)

    @holds("averages the two kinds apart", needs=("mean",))
    def counts(self) -> None:
        real, fake = [-1.5, 2.0, self.pick(-1, 1)], [*self.draw(3), -2.0, 1.5]
        one = self.value(real[:1] * 2, fake[:1] * 2)
        alone = sum(self.value([z] * 2, fake[:1] * 2) for z in real) / 3 - one
        alone += sum(self.value(real[:1] * 2, [z] * 2) for z in fake) / 5
        got = self.value(real, fake)
        why = f"3 real and 5 generated faces give {got:.4g}; the two averages, {alone:.4g}"
        same(got, alone, why)


discriminator = Discriminator()
