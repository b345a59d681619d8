"""Plain questions about a generator's loss: flat images, equal logits, one thing at a time."""

from __future__ import annotations

import math
from random import Random

from urdgn_lite.check.engine import Ask, Failed, Request, close, number, require
from urdgn_lite.check.tensors import constant

BLACK, GREY = -0.9, 0.0


def flat(z: list[float], difference: float = 0.0, lam: float = 1.0, base: float = GREY) -> Request:
    """Every pixel of h is `base`, every pixel of ĥ is `base + difference`."""
    n = len(z)
    return {"z": z, "generated": constant([base + difference] * n), "real": constant([base] * n),
            "lam": lam}  # fmt: skip


def tell(z: list[float], difference: float = 0.0, lam: float = 1.0) -> str:
    """The same in words."""
    faces = "ĥ = h" if difference == 0 else f"ĥ − h = {difference:.3g} everywhere"
    logits = ", ".join(f"{v:.3g}" for v in z[:4]) + (", …" if len(z) > 4 else "")
    return f"z = ({logits}), {faces}, λ = {lam:.3g}"


def value(ask: Ask, z: list[float], difference: float = 0.0, lam: float = 1.0) -> float:
    """The loss on flat images."""
    return number(ask(**flat(z, difference, lam)), tell(z, difference, lam))


def settled(small: float, large: float) -> float:
    """What a sum that grew with the batch (2 → 4 faces) would be for one face."""
    if abs(small) < 1e-9 or abs(large) < 1e-9:
        return small
    return small / 2 ** math.log2(abs(large / small))


def showing(ask: Ask) -> float:
    """A λ at which the adversarial term can be seen."""
    try:
        seen_at_zero = not close(value(ask, [1.0] * 2, lam=0), value(ask, [-1.0] * 2, lam=0))
    except Failed:
        seen_at_zero = False
    return 0.0 if seen_at_zero else 1.0


def adversarial(ask: Ask, z: float) -> float:
    """The adversarial term alone, for one face."""
    lam = showing(ask)
    return settled(value(ask, [z] * 2, lam=lam), value(ask, [z] * 4, lam=lam))


def steepness(ask: Ask, z: float) -> float | None:
    """Size of the gradient that reaches z, for one face; None where the graph is cut."""
    lam, sums = showing(ask), []
    for n in (2, 4):
        found = require(ask(**flat([z] * n, lam=lam), grad=True), tell([z] * n, lam=lam))
        if (gradient := found["grads"]["z_fake"]) is None:
            return None
        sums.append(abs(sum(gradient)))
    return settled(*sums)


def pixel(ask: Ask, difference: float) -> float:
    """The pixel-wise term alone, λ = 1, for one face of one value."""

    def term(n: int) -> float:
        z = [0.5] * n
        request = {"z": z, "real": constant([GREY] * n, 1, 1), "lam": 1.0}
        on = f"{n} faces of one pixel, ĥ − h = {difference:.3g}, λ = 1"
        with_it = number(ask(**request, generated=constant([GREY + difference] * n, 1, 1)), on)
        return with_it - number(ask(**request, generated=request["real"]), on)

    return settled(term(2), term(4))


def draw(rng: Random, n: int = 3, lam: float = 2.0) -> Request:
    """A random batch of 4 × 4 faces; no pixel is near 0, and no two of a pair are near another."""
    generated: list[float] = []
    real: list[float] = []
    while len(real) < n * 3 * 16:
        a, b = (rng.choice((-1, 1)) * round(rng.uniform(0.2, 0.9), 3) for _ in range(2))
        if abs(a - b) > 0.15:
            generated.append(a)
            real.append(b)
    shape = [n, 3, 4, 4]
    return {"z": [round(rng.uniform(-2, 2), 2) for _ in range(n)], "lam": lam,
            "generated": {"shape": shape, "values": generated},
            "real": {"shape": shape, "values": real}}  # fmt: skip
