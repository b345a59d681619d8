"""The exercises of chapters 2, 4, 5 and 6: the best D, two pushes, a first step, an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from urdgn_lite.check.engine import Failed, Plain, Suite, holds
from urdgn_lite.check.exercise import Exercise, called, noise

OBJECTIVE = "chapter “The objective”, "
RESUME = "“Long runs”, “When a run stops”"


def _worth(p: Tensor, q: Tensor, both: float = 1.0) -> Tensor:
    """What is earned at each place; nothing where nobody is."""
    return (
        torch.special.xlogy(p, p / (p + q)).nan_to_num()
        + both * torch.special.xlogy(q, q / (p + q)).nan_to_num()
    )


def _raw(p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return torch.trapezoid(p * (p / (p + q)).log() + q * (q / (p + q)).log(), x)


def _crowds(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for points in (1001, 501):
        x = torch.linspace(-8, 8, points, dtype=torch.float64)
        a, b = round(rng.uniform(-1.5, -0.5), 2), round(rng.uniform(0.5, 1.5), 2)
        p, q = (Normal(m, s).log_prob(x.float()).double().exp() for m, s in ((a, 1.0), (b, 1.4)))
        on = f"bell curves around {a} and {b}, {points} points from −8 to 8"
        yield on, (p, q, x)
        yield f"{on}, exchanged", (q, p, x)
    yield f"{on}, the first one twice", (p, p, x)
    p, q = ((x > 1) & (x < 3)).double() / 2, ((x > -3) & (x < -1)).double() / 2
    yield "two boxes that do not touch, zero everywhere else", (p, q, x)


best_value = Exercise(
    "best_value", "Chapter 2, exercise 2: `fn(p_x, q_x, x)`, two densities on the grid x.",
    returns="one number", where="chapter “GAN recap”, “What the best expert knows”",
    reference=lambda p, q, x: torch.trapezoid(_worth(p, q), x), inputs=_crowds, within=0.005,
    mistakes={
        "a sum over the grid grows with its points: an integral does not": (
            lambda p, q, x: _worth(p, q).sum()),
        "only the real crowd counts": lambda p, q, x: torch.trapezoid(_worth(p, q, 0), x),
        "the logarithm is to base 2": lambda p, q, x: torch.trapezoid(_worth(p, q), x) / 0.6931472,
        "half of each crowd: the value takes both whole": (
            lambda p, q, x: torch.trapezoid(_worth(p, q), x) / 2),
        "0 · log 0 is NaN in floating point: where nobody is, nothing is earned or lost": _raw,
    },
)  # fmt: skip


def _pushes(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for _ in range(3):
        yield "two random pushes", (noise(rng, 1, 3, 8, 8), noise(rng, 1, 3, 8, 8) ** 3 / 50)


equal_pushes = Exercise(
    "equal_pushes", "Chapter 4, exercise 1: `fn(by_d, by_pixels)` → λ.", returns="one number",
    where=OBJECTIVE + "“The idea in a picture: two pushes on every pixel”",
    reference=lambda d, pixels: d.norm() / pixels.norm(), inputs=_pushes,
    mistakes={
        "upside down: D pushes twice as hard, twice the λ": lambda d, p: p.norm() / d.norm(),
        "lengths, not their squares": lambda d, p: d.square().sum() / p.square().sum(),
        "D's length alone": lambda d, p: d.norm(),
        "the largest pixel is not the length of the push": (
            lambda d, p: d.abs().max() / p.abs().max()),
    },
)  # fmt: skip


def _translations(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n, side in ((1, 8), (4, 8), (2, 4)):
        lam = round(rng.uniform(1, 200), 1)
        on = f"λ = {lam} with the mean, {n} images of 3 × {side} × {side}"
        yield on, (lam, torch.zeros(n, 3, side, side))


same_push = Exercise(
    "same_push",
    "Chapter 4, exercise 2: `fn(lam_mean, images)` → λ for the sum.",
    returns="one number",
    where=OBJECTIVE + "“A λ is nothing without its norm”",
    reference=lambda lam, images: lam / images[0].numel(),
    inputs=_translations,
    mistakes={
        "multiplied: the sum pushes harder, so its λ is smaller": lambda l, i: l * i[0].numel(),
        "the number of faces does not matter: both average over them": lambda l, i: l / i.numel(),
        "a pixel has three colours": lambda l, i: l / i[0, 0].numel(),
        "not every image has 128 × 128 pixels": lambda l, i: l / 49152,
        "the λ given is not used": lambda l, i: 100 / i[0].numel(),
    },
)


def _averages(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for t in (1, 2, 40):
        delta, alpha = noise(rng, 3).double().square() + 0.1, round(rng.uniform(0.8, 0.99), 2)
        yield (
            f"δ = {[round(v, 3) for v in delta.tolist()]}, α = {alpha}, step {t}",
            (delta, alpha, t),
        )


unbiased = Exercise(
    "unbiased",
    "Chapter 5, exercise 2: `fn(delta, alpha, t)` → δ without its start at zero.",
    returns="a tensor of δ's shape",
    where="chapter “RMSprop”, “The first step is too long”",
    reference=lambda delta, alpha, t: delta / (1 - alpha**t),
    inputs=_averages,
    mistakes={
        "nothing is corrected": lambda d, a, t: d,
        "steps count from 1": lambda d, a, t: d / (1 - a ** (t + 1)),
        "1 − α to the t, not α to the t": lambda d, a, t: d / a**t,
        "after t steps α to the t of the start is left": lambda d, a, t: d / (1 - a),
        "α to the t, not α times t": lambda d, a, t: d / (1 - a * t),
    },
)


class Order(Suite):
    """Chapter 6, exercise 1: `fn(n, batch, steps, seed)` → numbers of the faces."""

    name, where = "order", "chapter “Training”, “Algorithm 1”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        return called(function, list(request.values()))

    def drawn(self, n: int, steps: int, seed: int) -> list[int]:
        """The faces in the order in which they are seen, batches of 4."""
        response = self.ask(n=n, batch=4, steps=steps, seed=seed)
        found = (response["result"] or {}).get("values", [])
        if len(found) != 4 * steps:
            raise Failed(f"{steps} batches of 4 are {4 * steps} numbers, not {len(found)}")
        if not set(found) <= set(range(n)):
            raise Failed(f"the faces have the numbers 0 … {n - 1}")
        return [int(v) for v in found]

    @holds("returns the numbers of the faces, batch after batch")
    def answers(self) -> None:
        self.drawn(12, 3, self.rng.randrange(100))

    @holds("an epoch sees every face exactly once")
    def once(self) -> None:
        n = self.rng.choice((10, 18, 26))  # the last batch of an epoch runs on into the next
        found = self.drawn(n, 2 * n // 4, self.rng.randrange(100))
        for epoch in (found[:n], found[n:]):
            if sorted(epoch) != list(range(n)):
                raise Failed(f"an epoch saw {len(set(epoch))} of the {n} faces")

    @holds("the next epoch comes in another order")
    def shuffled(self) -> None:
        found = self.drawn(24, 12, self.rng.randrange(100))
        if found[:24] == found[24:]:
            raise Failed("both epochs have the same order")

    @holds("the same seed gives the same order, another seed another", RESUME)
    def repeats(self) -> None:
        seed = self.rng.randrange(100)
        one, two, other = (self.drawn(24, 6, s) for s in (seed, seed, seed + 1))
        if one != two:
            raise Failed("two calls differ: where do the random numbers come from?")
        if one == other:
            raise Failed(f"so does seed {seed}: the seed is not used")

    @holds("a longer run begins as a shorter one", RESUME, ("answers", "repeats"))
    def resume(self) -> None:
        seed = self.rng.randrange(100)
        short, long = self.drawn(24, 6, seed), self.drawn(24, 18, seed)
        if long[:24] != short:
            raise Failed("asked for 6 steps only, the first epoch comes in another order")


order = Order()
