"""What must hold for the loss of G: each property looks through a narrow window (`asking`)."""

from __future__ import annotations

import math
from random import Random

from urdgn_lite.check.asking import (
    BLACK,
    GREY,
    LAMBDA,
    LOGITS,
    LOSS,
    PIXELS,
    SATURATING,
    adversarial,
    common,
    draw,
    flat,
    objective,
    pixel,
    steepness,
    tell,
    value,
)
from urdgn_lite.check.engine import HALF, Ask, Failed, close, number, require, same
from urdgn_lite.check.tensors import constant


@objective.property("answers", "returns one finite number made of both terms", LOSS)
def _answers(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    lam = round(rng.uniform(1.5, 3), 2)
    plain = value(ask, z, d, lam)
    if close(plain, value(ask, [v + 1 for v in z], d, lam)):
        raise Failed("z went up by 1 and nothing changed: D's opinion is ignored", tell(z, d, lam))
    if close(plain, value(ask, z, d + 0.3, lam)):
        raise Failed("ĥ moved away from h and nothing changed", tell(z, d, lam))


common(objective, LOSS, lambda rng, n: (draw(rng, n), f"a random batch of {n}"))


@objective.property("lambda-zero", "λ = 0 leaves the adversarial term alone", LAMBDA, costs=HALF)
def _lambda_zero(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    here = value(ask, z, d, 0)
    same(here, value(ask, z, 0, 0), "the pixels still count", tell(z, d, 0))
    if close(here, value(ask, [v + 1 for v in z], d, 0)):
        raise Failed("D's opinion no longer counts", tell(z, d, 0))


@objective.property("lambda-linear", "the loss is a straight line in λ", LAMBDA, ("lambda-zero",))
def _lambda_linear(ask: Ask, rng: Random) -> None:
    z, d, lam = [0.3, 0.3], round(rng.uniform(0.3, 0.6), 2), round(rng.uniform(1, 2), 2)
    one, two, four = (value(ask, z, d, k * lam) for k in (1, 2, 4))
    ratio = (four - two) / (two - one) if two != one else math.inf
    why = f"λ from {2 * lam:.3g} to {4 * lam:.3g} adds {ratio:.3g} times as much as from "
    why += f"{lam:.3g} to {2 * lam:.3g}; a line adds twice as much"
    same(four - two, 2 * (two - one), why, tell(z, d, lam) + ", then twice and four times that λ")
    for far in (30.0, 1e4):  # the book's λ is 100, the assignment tries 10,000
        wanted = two + (four - two) * (far - 2 * lam) / (2 * lam)
        got = value(ask, z, d, far)
        same(got, wanted, f"the line leads to {wanted:.4g}, not to {got:.4g}", tell(z, d, far))


@objective.property("lambda-apart", "λ does not touch the adversarial term", LAMBDA,
                    ("lambda-zero",))  # fmt: skip
def _lambda_apart(ask: Ask, rng: Random) -> None:
    lam = round(rng.uniform(2, 4), 2)
    low, high = (value(ask, [1.0] * 2, lam=k) - value(ask, [0.0] * 2, lam=k) for k in (0.5, lam))
    why = f"z from 0 to 1 moves the loss by {low:.3g} with λ = 0.5, by {high:.3g} with {lam}"
    same(low, high, why, tell([1.0] * 2, 0, lam))


@objective.property("sign", "the loss falls when D is fooled", LOSS, costs=HALF)
def _sign(ask: Ask, rng: Random) -> None:
    z = round(rng.uniform(0.5, 1.5), 2)
    if adversarial(ask, z) >= adversarial(ask, -z):
        raise Failed(f"it is higher at z = {z} (D believes it) than at z = {-z}", "ĥ = h")


@objective.property("logits", "D = σ(z), once, and the natural logarithm of it", LOGITS)
def _logits(ask: Ask, rng: Random) -> None:
    got = abs(adversarial(ask, 0.0))
    why = f"D = ½ there, so the adversarial term has the size log 2 ≈ 0.693, not {got:.3f}"
    same(got, math.log(2), why, tell([0.0] * 2))


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
            if slope is not None:
                why = f"the gradient at z = {at:g} has the size {slope:.3g}, not {size / z:.0f}"
                same(slope, size / z, why, on, absolute=0.01)


@objective.property("mean", "is an average: over faces, and over pixel values", PIXELS)
def _mean(ask: Ask, rng: Random) -> None:
    z, d = [round(rng.uniform(-1, 1), 2)] * 2, round(rng.uniform(0.3, 0.6), 2)
    once, thrice = value(ask, z, d), value(ask, z * 3, d)
    why = f"the same face 6 times instead of twice turns {once:.4g} into {thrice:.4g}"
    same(once, thrice, why, tell(z, d))
    large = flat(z, d) | {k: constant([v] * 2, 8) for k, v in (("generated", d), ("real", 0.0))}
    got = number(ask(**large), tell(z, d))
    why = f"8 × 8 pixels instead of 4 × 4, all alike, turn {once:.4g} into {got:.4g}"
    same(once, got, why, tell(z, d))
    unlike = [round(v + rng.uniform(-0.3, 0.3), 2) for v in (-2, -1, 0, 1, 2, 2.5)]
    rng.shuffle(unlike)
    alone = math.fsum(value(ask, [v] * 2, d) for v in unlike) / len(unlike)
    together = value(ask, unlike, d)
    why = f"six different faces give {together:.4g}, one by one {alone:.4g} on average"
    same(alone, together, why, tell(unlike, d))


@objective.property("squared", "adds λ times the squared difference, nothing else", PIXELS,
                    costs=HALF)  # fmt: skip
def _squared(ask: Ask, rng: Random) -> None:
    for d in (0.5, round(rng.uniform(0.6, 0.9), 2)):
        got = pixel(ask, d)
        why = f"a difference of {d} adds {got:.4g}: that is not its square"
        same(got, d * d, why, "faces of one colour, λ = 1")


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
    same(got, flat_b, f"half of the differences change sign: {flat_b:.4g} becomes {got:.4g}", on)
    places = range(len(white))
    for where, words in (
        ([i < len(white) // 2 for i in places], "on one face"),
        (white, "on the white squares of a chessboard"),
        ([i // 16 % 3 == 0 for i in places], "in red"),
        ([{i % 4, i // 4 % 4} & {0, 3} != set() for i in places], "along the border"),
    ):
        got, on = cost([a if w else b for w in where], f"{a} {words}, {b} elsewhere")
        share = sum(where) / len(where)
        why = f"{a} everywhere costs {flat_a:.4g}, {b} everywhere {flat_b:.4g}; {share:.0%} of "
        wanted = share * flat_a + (1 - share) * flat_b
        same(got, wanted, why + f"the first costs {got:.4g}, not {wanted:.4g}", on)


@objective.property("range", "treats dark and bright alike: faces are in [-1, 1]", PIXELS,
                    ("answers", "squared"))  # fmt: skip
def _brightness(ask: Ask, rng: Random) -> None:
    def cost(base: float, d: float) -> float:
        return number(ask(**flat([0.3] * 2, d, base=base)), f"h = {base}, ĥ − h = {d:.3g}")

    d, nothing = round(rng.uniform(0.3, 0.45), 2), cost(GREY, 0.0)
    grey, black, white = cost(GREY, d), cost(BLACK, d), cost(BLACK, 4 * d)
    beyond = cost(-BLACK, d)
    why = f"the same difference costs {grey:.4g} on grey and {beyond:.4g} where ĥ is beyond 1"
    same(grey, beyond, why, f"h = {-BLACK} everywhere, ĥ − h = {d}")
    why = f"the same difference costs {grey:.4g} on grey and {black:.4g} on near-black"
    same(grey, black, why, f"h = {BLACK} everywhere, ĥ − h = {d}")
    why = (
        f"four times the difference costs {white - nothing:.4g} for {grey - nothing:.4g}, not 16 ×"
    )
    same(
        white - nothing, 16 * (grey - nothing), why, f"h = {BLACK} everywhere, ĥ − h = {4 * d:.3g}"
    )


@objective.property("gradients", "autograd finds the way back to ĥ and to z", LOSS,
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
        why = f"moving {name} changes the loss by {slope:.3g} a unit, autograd says "
        why += f"{by_autograd:.3g}: part of the graph is cut"
        same(slope, by_autograd, why, on, 0.02, 1e-3)


@objective.property("faces", "compares each face with its own original", PIXELS,
                    ("lambda-linear", "mean", "squared", "pixelwise", "range"))  # fmt: skip
def _faces(ask: Ask, rng: Random) -> None:
    request, on = draw(rng), "a random batch of 3, λ = 2"
    pairs = zip(request["generated"]["values"], request["real"]["values"], strict=True)
    squares = [(a - b) ** 2 for a, b in pairs]
    nothing = number(ask(**(request | {"generated": request["real"]})), "the same with ĥ = h")
    got, wanted = number(ask(**request), on) - nothing, 2 * math.fsum(squares) / len(squares)
    why = f"ĥ − h adds {got:.4g}; twice the mean of its squares is {wanted:.4g}"
    same(got, wanted, why, on)
