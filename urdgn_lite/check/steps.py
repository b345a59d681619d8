"""What must hold in the exercises of chapters 5 and 6: the first steps, and who is seen when."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Suite, require
from urdgn_lite.check.plain import packed, probe_plain, tensor, whole_numbers

FIRST = "chapter “RMSprop”, “The first step is too long”"
LOOP = "chapter “Training”, “Algorithm 1”"
RESUME = "“Long runs”, “When a run stops”"

UNBIASED = Suite("unbiased", probe_plain)
ORDER = Suite("order", probe_plain)


def corrected(ask: Ask, delta: Tensor, alpha: float, t: int) -> tuple[Tensor, str]:
    """The learner's corrected Δ, and the input in words."""
    on = f"Δ = {[round(v, 4) for v in delta.tolist()]}, α = {alpha}, step {t}"
    found = tensor(ask, on, packed(delta), alpha, t)
    if found.shape != delta.shape:
        raise Failed(f"Δ has shape {tuple(delta.shape)}, the result {tuple(found.shape)}", on)
    return found, on


def averaged(g: Tensor, alpha: float, t: int) -> Tensor:
    """Δ after t steps with the same gradient, from Δ = 0."""
    delta = torch.zeros_like(g)
    for _ in range(t):
        delta = alpha * delta + (1 - alpha) * g**2
    return delta


@UNBIASED.property("answers", "returns a corrected Δ of the same shape", FIRST)
def _answers(ask: Ask, rng: Random) -> None:
    delta = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found, on = corrected(ask, delta, 0.9, 2)
    if not found.isfinite().all() or torch.allclose(found, delta):
        raise Failed("Δ is still too small", on)


@UNBIASED.property("unchanged", "leaves Δ itself as it was", FIRST)
def _unchanged(ask: Ask, rng: Random) -> None:
    args = [packed(torch.tensor([1.0, 2.0], dtype=torch.float64)), 0.9, 2]
    if require(ask(args=args), "Δ = (1, 2)")["changed"]:
        raise Failed("Δ changed: something works in place, and the next step would start from it",
                     "Δ = (1, 2)")  # fmt: skip


@UNBIASED.property("first", "after the first step it is the squared gradient", FIRST, weight=2)
def _first(ask: Ask, rng: Random) -> None:
    g = torch.tensor([round(rng.uniform(1, 2), 2), -3.0], dtype=torch.float64)
    alpha = round(rng.uniform(0.8, 0.99), 2)
    found, on = corrected(ask, averaged(g, alpha, 1), alpha, 1)
    if not torch.allclose(found, g**2):
        raise Failed(f"it is {found[0]:.3g} for the gradient {g[0]:.3g}", on)


@UNBIASED.property("later", "with the same gradient again and again, so it stays", FIRST,
                   ("answers", "first"), 2)  # fmt: skip
def _later(ask: Ask, rng: Random) -> None:
    g, alpha = torch.tensor([2.0, -3.0], dtype=torch.float64), round(rng.uniform(0.8, 0.99), 2)
    for t in (2, 5, 40):
        found, on = corrected(ask, averaged(g, alpha, t), alpha, t)
        if not torch.allclose(found, g**2):
            raise Failed(f"it is {found[0]:.3g} after {t} steps with the gradient 2", on)


def drawn(ask: Ask, n: int, batch: int, steps: int, seed: int) -> tuple[list[int], str]:
    """The faces in the order in which they are seen, and the input in words."""
    on = f"{n} faces, batches of {batch}, {steps} steps, seed {seed}"
    found = whole_numbers(ask, on, n, batch, steps, seed)
    if len(found) != batch * steps:
        raise Failed(f"{steps} batches of {batch} are {batch * steps} numbers, not {len(found)}",
                     on)  # fmt: skip
    if not set(found) <= set(range(n)):
        raise Failed(f"the faces have the numbers 0 … {n - 1}", on)
    return found, on


@ORDER.property("answers", "returns the numbers of the faces, batch after batch", LOOP)
def _order(ask: Ask, rng: Random) -> None:
    drawn(ask, 12, 4, 3, rng.randrange(100))


@ORDER.property("once", "an epoch sees every face exactly once", LOOP, weight=2)
def _once(ask: Ask, rng: Random) -> None:
    n = rng.choice((12, 20, 24))
    found, on = drawn(ask, n, 4, 2 * n // 4, rng.randrange(100))
    for epoch in (found[:n], found[n:]):
        if sorted(epoch) != list(range(n)):
            raise Failed(f"an epoch saw {len(set(epoch))} of the {n} faces", on)


@ORDER.property("shuffled", "the next epoch comes in another order", LOOP)
def _shuffled(ask: Ask, rng: Random) -> None:
    found, on = drawn(ask, 24, 4, 12, rng.randrange(100))
    if found[:24] == found[24:]:
        raise Failed("both epochs have the same order", on)


@ORDER.property("repeats", "the same seed gives the same order", RESUME)
def _repeats(ask: Ask, rng: Random) -> None:
    seed = rng.randrange(100)
    (one, on), (two, _) = drawn(ask, 24, 4, 6, seed), drawn(ask, 24, 4, 6, seed)
    if one != two:
        raise Failed("two calls differ: where do the random numbers come from?", on)


@ORDER.property("seed", "another seed gives another order", LOOP, ("answers", "repeats"))
def _seed(ask: Ask, rng: Random) -> None:
    seed = rng.randrange(100)
    (one, on), (two, _) = drawn(ask, 24, 4, 6, seed), drawn(ask, 24, 4, 6, seed + 1)
    if one == two:
        raise Failed(f"so does seed {seed + 1}: the seed is not used", on)


@ORDER.property("resume", "a longer run begins as a shorter one", RESUME, ("answers", "repeats"))
def _resume(ask: Ask, rng: Random) -> None:
    seed = rng.randrange(100)
    (short, _), (long, on) = drawn(ask, 24, 4, 6, seed), drawn(ask, 24, 4, 18, seed)
    if long[:24] != short:
        raise Failed("asked for 6 steps only, the first epoch comes in another order", on)
