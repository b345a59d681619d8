"""What must hold in the exercises of chapters 2 and 4: the best D, and two hands on a pixel."""

from __future__ import annotations

import math
from random import Random

import torch
from torch import Tensor
from torch.distributions import Normal

from urdgn_lite.check.engine import Ask, Failed, Suite, close
from urdgn_lite.check.plain import packed, probe_plain, scalar
from urdgn_lite.objective import pixel_term

BEST = "chapter “GAN recap”, “What the best expert knows”"
VALUE = "chapter “GAN recap”, “The game in an equation”"
HANDS = "chapter “The objective”, “The idea in a picture: two hands on every pixel”"
NORM = "chapter “The objective”, “A λ is nothing without its norm”"

BEST_VALUE = Suite("best_value", probe_plain)
EQUAL_PUSHES = Suite("equal_pushes", probe_plain)
SAME_PUSH = Suite("same_push", probe_plain)


def bells(rng: Random, points: int = 1001) -> tuple[Tensor, Tensor, Tensor, str]:
    """Two bell curves that overlap, the grid, and the input in words."""
    x = torch.linspace(-8, 8, points, dtype=torch.float64)
    a, b = round(rng.uniform(-1.5, -0.5), 2), round(rng.uniform(0.5, 1.5), 2)
    p, q = (Normal(torch.tensor(m).double(), s).log_prob(x).exp() for m, s in ((a, 0.7), (b, 1.1)))
    return p, q, x, f"bell curves around {a} and {b}, {points} points from −8 to 8"


def worth(ask: Ask, p: Tensor, q: Tensor, x: Tensor, on: str) -> float:
    """What the learner's function says."""
    return scalar(ask, on, *map(packed, (p, q, x)))


@BEST_VALUE.property("answers", "returns one number, below 0 where the crowds overlap", VALUE)
def _best_value(ask: Ask, rng: Random) -> None:
    if (got := worth(ask, *bells(rng))) >= -1e-6:
        raise Failed(f"{got:.3g}: D would never be wrong", bells(rng)[3])


@BEST_VALUE.property("grid", "does not depend on how fine the grid is", BEST)
def _grid(ask: Ask, rng: Random) -> None:
    seed = rng.random()
    coarse, fine = (worth(ask, *bells(Random(seed), n)) for n in (501, 1001))
    if not close(coarse, fine, 0.01):
        why = f"{fine:.3g}, and {coarse:.3g} with half as many points"
        raise Failed(why, bells(Random(seed))[3])


@BEST_VALUE.property("both", "both crowds count alike", VALUE, weight=2)
def _both(ask: Ask, rng: Random) -> None:
    p, q, x, on = bells(rng)
    here, swapped = worth(ask, p, q, x, on), worth(ask, q, p, x, on)
    if not close(here, swapped):
        raise Failed(f"{here:.3g}; with p and q exchanged {swapped:.3g}", on)


@BEST_VALUE.property("equal", "for equal crowds it is how a perfect game ends", VALUE,
                     ("answers", "grid", "both"), 2)  # fmt: skip
def _equal(ask: Ask, rng: Random) -> None:
    p, _, x, on = bells(rng)
    if not close(got := worth(ask, p, p, x, on), -2 * math.log(2)):
        raise Failed(f"it is {got:.3g}", on + ", the first one twice")


@BEST_VALUE.property("apart", "where nobody is, nothing is earned or lost", BEST, weight=2)
def _apart(ask: Ask, rng: Random) -> None:
    x = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    p, q = ((x > 1) & (x < 3)).double() / 2, ((x > -3) & (x < -1)).double() / 2
    on = "two boxes that do not touch, zero everywhere else"
    if not close(got := worth(ask, p, q, x, on), 0):
        raise Failed(f"D can always be right here; the value is {got:.3g}", on)


def pushes(rng: Random) -> tuple[Tensor, Tensor]:
    """Two random pushes on the pixels of one small face."""
    g = torch.Generator().manual_seed(rng.randrange(10**6))
    return torch.randn(1, 3, 8, 8, generator=g), torch.randn(1, 3, 8, 8, generator=g) ** 3 / 50


def crossing(ask: Ask, by_d: Tensor, by_pixels: Tensor, on: str) -> float:
    """The λ that the learner's function finds."""
    return scalar(ask, on, packed(by_d), packed(by_pixels))


@EQUAL_PUSHES.property("answers", "returns one λ above 0", HANDS)
def _crossing(ask: Ask, rng: Random) -> None:
    if (lam := crossing(ask, *pushes(rng), "two random pushes")) <= 0:
        raise Failed(f"λ = {lam:.3g}", "two random pushes")


@EQUAL_PUSHES.property("louder-d", "D pushes twice as hard: twice the λ", HANDS)
def _louder_d(ask: Ask, rng: Random) -> None:
    d, pixels = pushes(rng)
    one, two = (crossing(ask, k * d, pixels, "two random pushes") for k in (1, 2))
    if not close(two, 2 * one):
        raise Failed(f"λ becomes {two / one:.3g} times as large", "two random pushes")


@EQUAL_PUSHES.property("louder-pixels", "the pixel term pushes twice as hard: half the λ", HANDS,
                       ("answers", "louder-d"))  # fmt: skip
def _louder_pixels(ask: Ask, rng: Random) -> None:
    d, pixels = pushes(rng)
    one, two = (crossing(ask, d, k * pixels, "two random pushes") for k in (1, 2))
    if not close(two, one / 2):
        raise Failed(f"λ becomes {two / one:.3g} times as large", "two random pushes")


@EQUAL_PUSHES.property("equal", "with this λ, both pushes have the same length", HANDS,
                       ("answers", "louder-d", "louder-pixels"), 2)  # fmt: skip
def _equally_long(ask: Ask, rng: Random) -> None:
    d, pixels = pushes(rng)
    lam = crossing(ask, d, pixels, "two random pushes")
    if not close(ratio := (lam * pixels.norm() / d.norm()).item(), 1, 0.01):
        why = f"with your λ the pixels' push is {ratio:.3g} times as long as D's"
        raise Failed(why, "two random pushes")


def translated(ask: Ask, lam: float, n: int, side: int) -> tuple[float, str]:
    """The λ for the sum, and the input in words."""
    on = f"λ = {lam:.3g} with the mean, {n} images of 3 × {side} × {side}"
    return scalar(ask, on, lam, packed(torch.zeros(n, 3, side, side))), on


@SAME_PUSH.property("answers", "returns one λ above 0", NORM)
def _translated(ask: Ask, rng: Random) -> None:
    lam, on = translated(ask, 100.0, 1, 8)
    if lam <= 0:
        raise Failed(f"λ = {lam:.3g}", on)


@SAME_PUSH.property("proportional", "twice the λ here, twice the λ there", NORM)
def _proportional(ask: Ask, rng: Random) -> None:
    lam = round(rng.uniform(1, 9), 1)
    (one, on), (two, _) = translated(ask, lam, 1, 8), translated(ask, 2 * lam, 1, 8)
    if not close(two, 2 * one, absolute=0):
        raise Failed(f"it becomes {two / one:.3g} times as large", on)


@SAME_PUSH.property("batch", "the number of faces does not matter", NORM)
def _batch(ask: Ask, rng: Random) -> None:
    (one, _), (four, on) = translated(ask, 100.0, 1, 8), translated(ask, 100.0, 4, 8)
    if not close(one, four, absolute=0):
        raise Failed(f"one face gives {one:.3g}, four give {four:.3g}", on)


@SAME_PUSH.property("push", "sum and mean push every pixel alike", NORM,
                    ("answers", "proportional"), 3)  # fmt: skip
def _same_push(ask: Ask, rng: Random) -> None:
    for side in (4, 8):
        lam, on = translated(ask, 100.0, 1, side)
        x = torch.full((1, 3, side, side), 0.5, requires_grad=True)
        slopes = [
            torch.autograd.grad(pixel_term(x, torch.zeros_like(x), kind), x)[0].mean().item()
            for kind in ("mean", "sum")
        ]
        if not close(ratio := lam * slopes[1] / (100.0 * slopes[0]), 1):
            raise Failed(f"with your λ the sum pushes {ratio:.3g} times as hard", on)
