"""How the loss of G is asked: one plain input at a time.

Most inputs are as plain as they can be (flat images, equal logits), so that one mistake shows in
one property: a sum instead of a mean, for example, never spoils the judgement on λ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch

from urdgn_lite.check.engine import HALF, SMALL, Ask, Failed, Plain, Suite, close, number, require
from urdgn_lite.check.tensors import Watch, constant, describe, gradients, image, one_device

BOOK = "chapter “The objective”, "
LOSS = BOOK + "“G's gradient”"
LAMBDA = BOOK + "“the whole game”"
PIXELS = BOOK + "“A λ is nothing without its norm”"
SATURATING = BOOK + "“What saturation does to λ”"
LOGITS = BOOK + "“Why logits”"
BLACK, GREY = -1.0, 0.0


def probe_objective(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `generator_loss(z_fake, generated, real, lam)` once."""
    dtype = getattr(torch, request.get("dtype", "float32"))
    device = request.get("device", "cpu")
    with one_device(device):
        z = torch.tensor(request["z"], dtype=dtype, device=device).unsqueeze(1).requires_grad_()
        generated = image(request["generated"], dtype, device).requires_grad_()
        leaves = {"z_fake": z, "generated": generated}
        given = {k: v * 1 for k, v in leaves.items()}
        given["real"] = image(request["real"], dtype, device)
        watch = Watch(given, leaves)
        value = function(*given.values(), float(request["lam"]))
    response = describe(value) | {"adversarial": request.get("adversarial", "saturating")}
    response["changed"] = watch.changes()
    if request.get("grad"):
        response["grads"] = gradients(value, leaves)
    return response


objective = Suite(
    "objective", probe_objective,
    """What G minimises: `fn(z_fake, generated, real, lam)`, the terms of Eq. 2 with G.

    It takes D's logits z on ĥ `(n, 1)`, ĥ and h `(n, 3, h, w)`, and λ; it returns a number to
    minimise, with the *mean* of the squared differences (the note beside Eq. 2).
    `adversarial="non-saturating"` asks for the other term.
    """,
)  # fmt: skip


def common(
    suite: Suite, where: str, batch: Callable[[Random, int], tuple[Plain, str]],
    lent: str = "its arguments",
) -> None:  # fmt: skip
    """What holds for every loss: one number, for any batch, dtype and device, and no trace.

    `batch` draws a request for n faces, with its words.
    """

    @suite.property("scalar", "the number is a tensor without dimensions", where)
    def _scalar(ask: Ask, rng: Random) -> None:
        request, on = batch(rng, 3)
        response = require(ask(**request), on)
        if not response["scalar"]:
            raise Failed(f"it is {response['kind']}", on)

    @suite.property("one-face", "works for a batch of one", where, costs=SMALL)
    def _one_face(ask: Ask, rng: Random) -> None:
        request, on = batch(rng, 1)
        number(ask(**request), on)

    @suite.property(
        "dtype-device", "keeps the dtype, stays on the device", where, ("scalar",), SMALL
    )
    def _dtype_device(ask: Ask, rng: Random) -> None:
        request, _ = batch(rng, 3)
        for dtype in ("float64", "bfloat16"):
            got = require(ask(**request, dtype=dtype), f"tensors of {dtype}").get("dtype")
            if got != dtype:
                raise Failed(f"{dtype} went in, {got} came out", f"tensors of {dtype}")
        device = "cuda" if torch.cuda.is_available() else "meta"  # "meta" computes shapes only
        error = ask(**request, device=device).get("error", "")
        if "same device" in error or (device == "cuda" and error):
            raise Failed("it mixes devices: a tensor was made on the CPU", f"tensors on {device!r}")

    @suite.property("unchanged", f"leaves {lent} as they were", where, costs=HALF)
    def _unchanged(ask: Ask, rng: Random) -> None:
        request, on = batch(rng, 3)
        if changed := require(ask(**request), on)["changed"]:
            raise Failed("; ".join(changed), on)


def flat(z: list[float], difference: float = 0.0, lam: float = 1.0, base: float = GREY) -> Plain:
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
    """The pixel-wise term alone, λ = 1, for one value of one face, even if it is a sum."""

    def term(n: int, side: int) -> float:
        request = {"z": [0.5] * n, "real": constant([GREY] * n, side), "lam": 1.0}
        on = f"{n} faces of {side} × {side} pixels, ĥ − h = {difference:.3g}, λ = 1"
        moved = constant([GREY + difference] * n, side)
        with_it = number(ask(**request, generated=moved), on)
        return with_it - number(ask(**request, generated=request["real"]), on)

    one, four = (settled(term(2, side), term(4, side)) for side in (1, 2))
    return one / 3 ** math.log(abs(four / one), 4) if abs(one) > 1e-9 < abs(four) else one


def draw(rng: Random, n: int = 3, lam: float = 2.0) -> Plain:
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
