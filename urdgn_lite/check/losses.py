"""What must hold for the loss of G. Each property looks through its own narrow window.

Most inputs are as plain as they can be (flat images, equal logits), so that one mistake shows in
one property: a sum instead of a mean, for example, never spoils the judgement on λ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch

from urdgn_lite.check.engine import (
    HALF,
    SMALL,
    Ask,
    Failed,
    Request,
    Response,
    Suite,
    attempt,
    close,
    number,
    require,
)  # fmt: skip
from urdgn_lite.check.tensors import Watch, constant, describe, gradients, image, one_device

BOOK = "chapter “The objective”, "
LOSS = BOOK + "“G's gradient”"
LAMBDA = BOOK + "“the whole game”"
PIXELS = BOOK + "“A λ is nothing without its norm”"
SATURATING = BOOK + "“What saturation does to λ”"
LOGITS = BOOK + "“Why logits”"
AUTOGRAD = BOOK + "“G's gradient”"
BLACK, GREY = -0.9, 0.0


def probe_objective(function: Callable[..., Any], request: Request) -> Response:
    """Call a learner's `generator_loss(z_fake, generated, real, lam)` once."""
    dtype = getattr(torch, request.get("dtype", "float32"))
    device = request.get("device", "cpu")
    z = torch.tensor(request["z"], dtype=dtype, device=device).unsqueeze(1).requires_grad_()
    generated = image(request["generated"], dtype, device).requires_grad_()
    leaves = {"z_fake": z, "generated": generated}
    given = {k: v * 1 for k, v in leaves.items()} | {"real": image(request["real"], dtype, device)}
    watch = Watch(given, leaves)

    def call() -> Response:
        with one_device(device):
            value = function(*given.values(), float(request["lam"]))
        response = describe(value) | {"adversarial": request.get("adversarial", "saturating")}
        response["changed"] = watch.changes()
        if request.get("grad"):
            response["grads"] = gradients(value, leaves)
        return response

    return attempt(call)


objective = Suite(
    "objective", probe_objective,
    """What G minimises: `fn(z_fake, generated, real, lam)`, the terms of Eq. 2 with G.

    It takes D's logits z on ĥ `(n, 1)`, ĥ and h `(n, 3, h, w)`, and λ; it returns a number to
    minimise, with the *mean* of the squared differences (the note beside Eq. 2).
    `adversarial="non-saturating"` asks for the other term.
    """,
)  # fmt: skip


def dtype_and_device(ask: Ask, request: Request) -> None:
    """Fail if the dtype is lost, or if tensors of two devices are mixed."""
    for dtype in ("float64", "bfloat16"):
        got = require(ask(**request, dtype=dtype), f"tensors of {dtype}")
        if got.get("dtype") != dtype:
            raise Failed(f"{dtype} went in, {got.get('dtype')} came out", f"tensors of {dtype}")
    device = "cuda" if torch.cuda.is_available() else "meta"  # "meta" computes shapes only
    error = ask(**request, device=device).get("error", "")
    if "same device" in error or (device == "cuda" and error):
        raise Failed("it mixes devices: a tensor was made on the CPU", f"tensors on {device!r}")


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
    """The pixel-wise term alone, λ = 1, for one value of one face, even if it is a sum."""

    def term(n: int, side: int) -> float:
        request = {"z": [0.5] * n, "real": constant([GREY] * n, side), "lam": 1.0}
        on = f"{n} faces of {side} × {side} pixels, ĥ − h = {difference:.3g}, λ = 1"
        moved = constant([GREY + difference] * n, side)
        with_it = number(ask(**request, generated=moved), on)
        return with_it - number(ask(**request, generated=request["real"]), on)

    one, four = (settled(term(2, side), term(4, side)) for side in (1, 2))
    return one / 3 ** math.log(abs(four / one), 4) if abs(one) > 1e-9 < abs(four) else one


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


@objective.property("answers", "returns one finite number made of both terms", LOSS)
def _answers(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    lam = round(rng.uniform(1.5, 3), 2)
    plain = value(ask, z, d, lam)
    if close(plain, value(ask, [v + 1 for v in z], d, lam)):
        raise Failed("z went up by 1 and nothing changed: D's opinion is ignored", tell(z, d, lam))
    if close(plain, value(ask, z, d + 0.3, lam)):
        raise Failed("ĥ moved away from h and nothing changed", tell(z, d, lam))


@objective.property("scalar", "the number is a tensor without dimensions", LOSS)
def _scalar(ask: Ask, rng: Random) -> None:
    response = require(ask(**draw(rng)), "a random batch of 3")
    if not response["scalar"]:
        raise Failed(f"it is {response['kind']}", "a random batch of 3")


@objective.property("one-face", "works for a batch of one", LOSS, costs=SMALL)
def _one_face(ask: Ask, rng: Random) -> None:
    number(ask(**draw(rng, 1)), "a random batch of 1")


@objective.property(
    "dtype-device", "keeps the dtype, stays on the device", LOSS, ("scalar",), SMALL
)
def _dtype_device(ask: Ask, rng: Random) -> None:
    dtype_and_device(ask, draw(rng))


@objective.property("unchanged", "leaves its arguments as they were", LOSS, costs=HALF)
def _unchanged(ask: Ask, rng: Random) -> None:
    if changed := require(ask(**draw(rng)), "a random batch of 3")["changed"]:
        raise Failed("; ".join(changed), "a random batch of 3")


@objective.property("lambda-zero", "λ = 0 leaves the adversarial term alone", LAMBDA, costs=HALF)
def _lambda_zero(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    here = value(ask, z, d, 0)
    if not close(here, value(ask, z, 0, 0)):
        raise Failed("the pixels still count", tell(z, d, 0))
    if close(here, value(ask, [v + 1 for v in z], d, 0)):
        raise Failed("D's opinion no longer counts", tell(z, d, 0))


@objective.property("lambda-linear", "the loss is a straight line in λ", LAMBDA, ("lambda-zero",))
def _lambda_linear(ask: Ask, rng: Random) -> None:
    z, d, lam = [0.3, 0.3], round(rng.uniform(0.3, 0.6), 2), round(rng.uniform(1, 2), 2)
    one, two, four = (value(ask, z, d, k * lam) for k in (1, 2, 4))
    if not close(four - two, 2 * (two - one)):
        ratio = (four - two) / (two - one) if two != one else math.inf
        why = f"λ from {2 * lam:.3g} to {4 * lam:.3g} adds {ratio:.3g} times as much as from "
        why += f"{lam:.3g} to {2 * lam:.3g}; a line adds twice as much"
        raise Failed(why, tell(z, d, lam) + ", then twice and four times that λ")
    for far in (30.0, 1e4):  # the book's λ is 100, the assignment tries 10,000
        wanted = two + (four - two) * (far - 2 * lam) / (2 * lam)
        if not close(got := value(ask, z, d, far), wanted):
            raise Failed(f"the line leads to {wanted:.4g}; the loss is {got:.4g}", tell(z, d, far))


@objective.property("lambda-apart", "λ does not touch the adversarial term", LAMBDA,
                    ("lambda-zero",))  # fmt: skip
def _lambda_apart(ask: Ask, rng: Random) -> None:
    lam = round(rng.uniform(2, 4), 2)
    low, high = (value(ask, [1.0] * 2, lam=k) - value(ask, [0.0] * 2, lam=k) for k in (0.5, lam))
    if not close(low, high):
        why = f"z from 0 to 1 moves the loss by {low:.3g} with λ = 0.5, by {high:.3g} with {lam}"
        raise Failed(why, tell([1.0] * 2, 0, lam))


@objective.property("sign", "the loss falls when D is fooled", LOSS, costs=HALF)
def _sign(ask: Ask, rng: Random) -> None:
    z = round(rng.uniform(0.5, 1.5), 2)
    if adversarial(ask, z) >= adversarial(ask, -z):
        raise Failed(f"it is higher at z = {z} (D believes it) than at z = {-z}", "ĥ = h")


@objective.property("logits", "D = σ(z), once, and the natural logarithm of it", LOGITS)
def _logits(ask: Ask, rng: Random) -> None:
    got = abs(adversarial(ask, 0.0))
    if not close(got, math.log(2)):
        why = f"D = ½ there, so the adversarial term has the size log 2 ≈ 0.693, not {got:.3f}"
        raise Failed(why, tell([0.0] * 2))


@objective.property("term", "it is the adversarial term that was asked for", SATURATING,
                    ("logits",))  # fmt: skip
def _term(ask: Ask, rng: Random) -> None:
    wins, level = -round(rng.uniform(2.5, 3.5), 2), 0.5

    def slope(z: float) -> float:
        return abs(adversarial(ask, z + 0.2) - adversarial(ask, z - 0.2)) / 0.4

    saturates = slope(wins) < slope(level)
    if saturates != (ask(**flat([0.0] * 2)).get("adversarial") == "saturating"):
        steep = "flat" if saturates else "steep"
        on = tell([wins] * 2)
        raise Failed(f"where D wins (z = {wins}) the loss is {steep}; the other was asked for", on)


@objective.property("stable", "stays exact when D is certain", LOGITS, ("logits",))
def _stable(ask: Ask, rng: Random) -> None:
    # exp(z) fits into 32 bits at the smaller z, no longer at the larger one
    for z in (float(rng.randint(50, 70)), float(rng.randint(150, 250))):
        on = f"z = {z:g} and z = {-z:g}, ĥ = h"
        sizes = [abs(adversarial(ask, v)) for v in (z, -z)]
        if not (close(max(sizes), z, 0.01) and close(min(sizes), 0, 0.01)):
            here = " and ".join(f"{v:.3g}" for v in sizes)
            raise Failed(f"one of the two is about {z:g} in size, the other 0; here {here}", on)
        for at, size in zip((z, -z), sizes, strict=True):
            slope = steepness(ask, at)  # a graph that is cut is judged by "gradients"
            if slope is not None and not close(slope, size / z, absolute=0.01):
                why = f"the gradient at z = {at:g} has the size {slope:.3g}, not {size / z:.0f}"
                raise Failed(why, on)


@objective.property("mean", "is an average: over faces, and over pixel values", PIXELS)
def _mean(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    once, thrice = value(ask, z, d), value(ask, z * 3, d)
    if not close(once, thrice):
        why = f"the same face 6 times instead of twice turns {once:.4g} into {thrice:.4g}"
        raise Failed(why, tell(z, d))
    large = flat(z, d) | {k: constant([v] * 2, 8) for k, v in (("generated", d), ("real", 0.0))}
    got = number(ask(**large), tell(z, d))
    if not close(once, got):
        why = f"8 × 8 pixels instead of 4 × 4, all alike, turn {once:.4g} into {got:.4g}"
        raise Failed(why, tell(z, d))
    unlike = [round(v + rng.uniform(-0.3, 0.3), 2) for v in (-2, -1, 2, 2.5)]
    rng.shuffle(unlike)
    alone = math.fsum(value(ask, [v] * 2, d) for v in unlike) / len(unlike)
    together = value(ask, unlike, d)
    if not close(alone, together):
        why = f"four different faces give {together:.4g}, one by one {alone:.4g} on average"
        raise Failed(why, tell(unlike, d))


@objective.property("squared", "adds λ times the squared difference, nothing else", PIXELS,
                    costs=HALF)  # fmt: skip
def _squared(ask: Ask, rng: Random) -> None:
    for d in (0.5, round(rng.uniform(0.6, 0.9), 2)):
        got = pixel(ask, d)
        if not close(got, d * d):
            why = f"a difference of {d} adds {got:.4g}: that is not its square"
            raise Failed(why, "faces of one colour, λ = 1")


@objective.property("pixelwise", "compares pixel with pixel before it averages", PIXELS,
                    ("answers", "squared"), HALF)  # fmt: skip
def _pixelwise(ask: Ask, rng: Random) -> None:
    a, b = round(rng.uniform(0.1, 0.15), 2), round(rng.uniform(0.35, 0.45), 2)
    # a chessboard: the colour changes with column and row, channel and face
    white = [(i + i // 4 + i // 16) % 2 == 0 for i in range(2 * 3 * 16)]

    def cost(differences: list[float], words: str) -> tuple[float, str]:
        request, on = flat([0.3] * 2, base=0.5), f"two faces, h = 0.5, ĥ − h = {words}"
        request["generated"]["values"] = [0.5 + d for d in differences]
        return number(ask(**request), on), on

    flat_a, flat_b = (cost([d] * len(white), f"{d} everywhere")[0] for d in (a, b))
    got, on = cost([b if w else -b for w in white], f"±{b}, a chessboard")
    if not close(flat_b, got):
        raise Failed(f"half of the differences change sign and {flat_b:.4g} becomes {got:.4g}", on)
    half = [i < len(white) // 2 for i in range(len(white))]
    for where, words in ((half, "on one face"), (white, "on the white squares of a chessboard")):
        got, on = cost([a if w else b for w in where], f"{a} {words}, {b} on the other")
        if not close((flat_a + flat_b) / 2, got):
            why = f"{a} everywhere costs {flat_a:.4g}, {b} everywhere {flat_b:.4g}; half of each "
            raise Failed(why + f"costs {got:.4g}, not {(flat_a + flat_b) / 2:.4g}", on)


@objective.property("range", "treats dark and bright alike: faces are in [-1, 1]", PIXELS)
def _brightness(ask: Ask, rng: Random) -> None:
    d = round(rng.uniform(0.3, 0.5), 2)
    grey, black = (
        number(ask(**flat([0.3] * 2, d, base=base)), f"h = {base}, ĥ − h = {d}")
        for base in (GREY, BLACK)
    )
    if not close(grey, black):
        why = f"the same difference costs {grey:.4g} on grey and {black:.4g} on near-black"
        raise Failed(why, f"h = {BLACK} everywhere, ĥ − h = {d}")


@objective.property("gradients", "autograd finds the way back to ĥ and to z", AUTOGRAD,
                    ("scalar",), HALF)  # fmt: skip
def _slopes(ask: Ask, rng: Random) -> None:
    request = draw(rng)
    on = "a random batch of 3, λ = 2"
    found = require(ask(**request, grad=True), on)["grads"]
    for name, h in (("z_fake", 0.05), ("generated", 0.05)):
        key = "z" if name == "z_fake" else name
        start = request["z"] if key == "z" else request[key]["values"]
        towards = [rng.choice((-1.0, 1.0)) for _ in start]
        ends = []
        for step in (h, -h):
            moved = [v + step * t for v, t in zip(start, towards, strict=True)]
            other = moved if key == "z" else request[key] | {"values": moved}
            ends.append(number(ask(**(request | {key: other})), on))
        slope = (ends[0] - ends[1]) / (2 * h)
        if found[name] is None:
            raise Failed(f"no gradient reaches {name}: the graph is cut", on)
        by_autograd = sum(g * t for g, t in zip(found[name], towards, strict=True))
        if not close(slope, by_autograd, 0.02, 1e-3):
            why = f"moving {name} changes the loss by {slope:.3g} a unit, autograd says "
            raise Failed(why + f"{by_autograd:.3g}: part of the graph is cut", on)
