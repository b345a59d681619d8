"""The exercises of chapters 5 and 6: the first steps, and who is seen when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from urdgn_lite.check.engine import Failed, Plain, Suite, holds
from urdgn_lite.check.exercise import Exercise, called, noise

RESUME = "“Long runs”, “When a run stops”"


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
