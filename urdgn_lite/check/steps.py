"""The exercises of chapters 5 and 6: the first steps, and who is seen when."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from urdgn_lite.check.engine import Ask, Failed, Suite, require
from urdgn_lite.check.exercise import Exercise, noise, probe_plain

LOOP = "chapter “Training”, “Algorithm 1”"
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

order = Suite(
    "order",
    probe_plain,
    "Chapter 6, exercise 1: `fn(n, batch, steps, seed)` → numbers of the faces.",
)


def drawn(ask: Ask, n: int, steps: int, seed: int) -> tuple[list[int], str]:
    """The faces in the order in which they are seen, batches of 4, and the input in words."""
    on = f"{n} faces, batches of 4, {steps} steps, seed {seed}"
    response = require(ask(args=[n, 4, steps, seed]), on)
    found = (response["result"] or {}).get("values", [])
    if len(found) != 4 * steps:
        raise Failed(f"{steps} batches of 4 are {4 * steps} numbers, not {len(found)}", on)
    if not set(found) <= set(range(n)):
        raise Failed(f"the faces have the numbers 0 … {n - 1}", on)
    return [int(v) for v in found], on


@order.property("answers", "returns the numbers of the faces, batch after batch", LOOP)
def _order(ask: Ask, rng: Random) -> None:
    drawn(ask, 12, 3, rng.randrange(100))


@order.property("once", "an epoch sees every face exactly once", LOOP)
def _once(ask: Ask, rng: Random) -> None:
    n = rng.choice((10, 18, 26))  # the last batch of an epoch runs on into the next
    found, on = drawn(ask, n, 2 * n // 4, rng.randrange(100))
    for epoch in (found[:n], found[n:]):
        if sorted(epoch) != list(range(n)):
            raise Failed(f"an epoch saw {len(set(epoch))} of the {n} faces", on)


@order.property("shuffled", "the next epoch comes in another order", LOOP)
def _shuffled(ask: Ask, rng: Random) -> None:
    found, on = drawn(ask, 24, 12, rng.randrange(100))
    if found[:24] == found[24:]:
        raise Failed("both epochs have the same order", on)


@order.property("repeats", "the same seed gives the same order, another seed another", RESUME)
def _repeats(ask: Ask, rng: Random) -> None:
    seed = rng.randrange(100)
    (one, on), (two, _), (other, _) = (drawn(ask, 24, 6, s) for s in (seed, seed, seed + 1))
    if one != two:
        raise Failed("two calls differ: where do the random numbers come from?", on)
    if one == other:
        raise Failed(f"so does seed {seed + 1}: the seed is not used", on)


@order.property("resume", "a longer run begins as a shorter one", RESUME, ("answers", "repeats"))
def _resume(ask: Ask, rng: Random) -> None:
    seed = rng.randrange(100)
    (short, _), (long, on) = drawn(ask, 24, 6, seed), drawn(ask, 24, 18, seed)
    if long[:24] != short:
        raise Failed("asked for 6 steps only, the first epoch comes in another order", on)
