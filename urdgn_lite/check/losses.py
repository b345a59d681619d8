"""What must hold for the loss of G: each property looks through a narrow window."""

from __future__ import annotations

import math
from typing import Any

import torch

from urdgn_lite.check.asking import BOOK, LOGITS, Given, Loss, for_one
from urdgn_lite.check.engine import HALF, Failed, Plain, close, holds, number, same
from urdgn_lite.check.tensors import constant, unpacked

LAMBDA = BOOK + "“the whole game”"
PIXELS = BOOK + "“A λ is nothing without its norm”"
SATURATING = BOOK + "“What saturation does to λ”"
BLACK, GREY = -1.0, 0.0


def flat(
    z: list[float], difference: float = 0.0, lam: float = 1.0, base: float = GREY, side: int = 4
) -> Plain:
    """Every pixel of h is `base`, every pixel of ĥ is `base + difference`."""
    generated, real = (constant([v] * len(z), side) for v in (base + difference, base))
    return {"z": z, "generated": generated, "real": real, "lam": lam}


class Objective(Loss):
    """What G minimises: `fn(z_fake, generated, real, lam)`, the terms of Eq. 2 with G.

    It takes D's logits z on ĥ `(n, 1)`, ĥ and h `(n, 3, h, w)`, and λ; it returns a number to
    minimise, with the *mean* of the squared differences (the note beside Eq. 2).
    `adversarial="non-saturating"` asks for the other term.
    """

    name, where = "objective", BOOK + "“G's gradient”"

    def given(self, request: Plain, dtype: torch.dtype, device: str) -> Given:
        z = torch.tensor(request["z"], dtype=dtype, device=device).unsqueeze(1).requires_grad_()
        generated = unpacked(request["generated"], dtype, device).requires_grad_()
        leaves = {"z_fake": z, "generated": generated}
        lent = {k: v * 1 for k, v in leaves.items()}
        lent["real"] = unpacked(request["real"], dtype, device)
        return [*lent.values(), float(request["lam"])], lent, leaves

    def tell(self, request: Plain) -> str:
        z, (h, x) = request["z"], (request[k]["values"] for k in ("real", "generated"))
        logits = ", ".join(f"{v:.3g}" for v in z[:4]) + (", …" if len(z) > 4 else "")
        apart = {round(a - b, 3) for a, b in zip(x, h, strict=True)}
        faces = f"ĥ − h = {min(apart):.3g} everywhere" if any(apart) else "ĥ = h"
        if len(apart) > 1:
            faces = "ĥ − h differs from pixel to pixel"
        grey = f"h = {h[0]:.3g}, " if h[0] and len(set(h)) == 1 else ""
        return f"z = ({logits}), {grey}{faces}, λ = {request['lam']:.3g}"

    def batch(self, n: int, lam: float = 2.0) -> Plain:
        """4 × 4 faces; no pixel is near 0, and no two of a pair are near another."""
        rng, pairs = self.rng, list[tuple[float, float]]()
        while len(pairs) < n * 3 * 16:
            a, b = (rng.choice((-1, 1)) * round(rng.uniform(0.2, 0.9), 3) for _ in range(2))
            if abs(a - b) > 0.15:
                pairs.append((a, b))
        x, h = ({"shape": [n, 3, 4, 4], "values": list(v)} for v in zip(*pairs, strict=True))
        z = [self.pick(-2, 2) for _ in range(n)]
        return {"z": z, "lam": lam, "generated": x, "real": h}

    def terms(self) -> tuple[Plain, dict[str, Plain]]:
        z, d, lam = self.pick(-1, 1), self.pick(0.3, 0.6), self.pick(1.5, 3)
        return flat([z] * 2, d, lam), {
            "z went up by 1 and nothing changed: D's opinion is ignored": {"z": [z + 1] * 2},
            "ĥ moved away from h and nothing changed": flat([z] * 2, d + 0.3, lam),
        }

    def value(self, z: list[float], difference: float = 0.0, lam: float = 1.0, **how: Any) -> float:
        """The loss on flat images."""
        return number(self.ask(**flat(z, difference, lam, **how)))

    def showing(self) -> float:
        """A λ at which the adversarial term can be seen."""
        try:
            return float(close(self.value([1.0] * 2, lam=0), self.value([-1.0] * 2, lam=0)))
        except Failed:
            return 1.0

    def adversarial(self, z: float) -> float:
        """The adversarial term alone, for one face."""
        lam = self.showing()
        return for_one(*(self.value([z] * n, lam=lam) for n in (2, 4)))

    def pixel(self, difference: float) -> float:
        """The pixel-wise term alone, λ = 1, for one value of one face, even if it is a sum."""

        def term(n: int, side: int) -> float:
            return self.value([0.5] * n, difference, side=side) - self.value([0.5] * n, side=side)

        one, four = (for_one(term(2, side), term(4, side)) for side in (1, 2))
        return one / 3 ** math.log(abs(four / one), 4) if abs(one) > 1e-9 < abs(four) else one

    @holds("λ = 0 leaves the adversarial term alone", LAMBDA, costs=HALF)
    def lambda_zero(self) -> None:
        z, d = [self.pick(-1, 1)] * 2, self.pick(0.3, 0.6)
        here = self.value(z, d, 0)
        same(here, self.value(z, 0, 0), "the pixels still count")
        if close(here, self.value([v + 1 for v in z], d, 0)):
            raise Failed("D's opinion no longer counts")

    @holds("the loss is a straight line in λ", LAMBDA, ("lambda-zero",))
    def lambda_linear(self) -> None:
        z, d, lam = [0.3, 0.3], self.pick(0.3, 0.6), self.pick(1, 2)
        one, two, four = (self.value(z, d, k * lam) for k in (1, 2, 4))
        ratio = (four - two) / (two - one) if two != one else math.inf
        why = f"λ from {2 * lam:.3g} to {4 * lam:.3g} adds {ratio:.3g} times as much as from "
        why += f"{lam:.3g} to {2 * lam:.3g}; a line adds twice as much"
        same(four - two, 2 * (two - one), why)
        for far in (30.0, 1e4):  # the book's λ is 100, the assignment tries 10,000
            wanted = two + (four - two) * (far - 2 * lam) / (2 * lam)
            got = self.value(z, d, far)
            same(got, wanted, f"the line leads to {wanted:.4g}, not to {got:.4g}")

    @holds("λ does not touch the adversarial term", LAMBDA, ("lambda-zero",))
    def lambda_apart(self) -> None:
        lam = self.pick(2, 4)
        low, high = (
            self.value([1.0] * 2, lam=k) - self.value([0.0] * 2, lam=k) for k in (0.5, lam)
        )
        why = f"z from 0 to 1 moves the loss by {low:.3g} with λ = 0.5, by {high:.3g} with {lam}"
        same(low, high, why)

    @holds("the loss falls when D is fooled", costs=HALF)
    def sign(self) -> None:
        z = self.pick(0.5, 1.5)
        if self.adversarial(z) >= self.adversarial(-z):
            raise Failed(f"it is higher at z = {z} (D believes it) than at z = {-z}", "ĥ = h")

    @holds("D = σ(z), once, and the natural logarithm of it", LOGITS)
    def logits(self) -> None:
        got = abs(self.adversarial(0.0))
        why = f"D = ½ there, so the adversarial term has the size log 2 ≈ 0.693, not {got:.3f}"
        same(got, math.log(2), why)

    @holds("it is the adversarial term that was asked for", SATURATING, ("logits",))
    def term(self) -> None:
        wins, level = -self.pick(2.5, 3.5), 0.5

        def slope(z: float) -> float:
            return abs(self.adversarial(z + 0.2) - self.adversarial(z - 0.2)) / 0.4

        saturates = slope(wins) < slope(level)
        if saturates != (self.options.get("adversarial") != "non-saturating"):
            steep = "flat" if saturates else "steep"
            raise Failed(f"where D wins (z = {wins}) the loss is {steep}; the other was asked for")

    @holds("stays exact when D is certain", LOGITS, ("logits",))
    def stable(self) -> None:
        # exp(z) fits into 32 bits at the smaller z, no longer at the larger one
        for z in (float(self.rng.randint(50, 70)), float(self.rng.randint(150, 250))):
            on = f"z = {z:g} and z = {-z:g}, ĥ = h"
            sizes = [abs(self.adversarial(v)) for v in (z, -z)]
            if not (close(max(sizes), z, 0.01) and close(min(sizes), 0, 0.01)):
                here = " and ".join(f"{v:.3g}" for v in sizes)
                raise Failed(f"one of the two is about {z:g} in size, the other 0; here {here}", on)
            lam = self.showing()
            for at, size in zip((z, -z), sizes, strict=True):
                asked = (self.ask(**flat([at] * n, lam=lam), grad=True) for n in (2, 4))
                two, four = (response["grads"]["z_fake"] for response in asked)
                if two:  # a graph that is cut is judged by "gradients"
                    slope = for_one(abs(sum(two)), abs(sum(four)))
                    why = f"the gradient at z = {at:g} has the size {slope:.3g}, not {size / z:.0f}"
                    same(slope, size / z, why, on, absolute=0.01)

    @holds("is an average: over faces, and over pixel values", PIXELS)
    def mean(self) -> None:
        z, d = [self.pick(-1, 1)] * 2, self.pick(0.3, 0.6)
        once, large = self.value(z, d), self.value(z, d, side=8)
        unlike = [round(v + self.rng.uniform(-0.3, 0.3), 2) for v in (-2, -1, 0, 1, 2, 2.5)]
        self.rng.shuffle(unlike)
        why = f"8 × 8 pixels instead of 4 × 4, all alike, turn {once:.4g} into {large:.4g}"
        same(once, large, why)
        self.averages(lambda batch: self.value(batch, d), z, unlike)

    @holds("adds λ times the squared difference, nothing else", PIXELS, costs=HALF)
    def squared(self) -> None:
        for d in (0.5, self.pick(0.6, 0.9)):
            got = self.pixel(d)
            why = f"a difference of {d} adds {got:.4g}: that is not its square"
            same(got, d * d, why, "faces of one colour, λ = 1")

    @holds("compares pixel with pixel before it averages", PIXELS, ("answers", "squared"), HALF)
    def pixelwise(self) -> None:
        a, b = self.pick(0.1, 0.15), self.pick(0.35, 0.45)
        # a chessboard: the colour changes with column and row, channel and face
        white = [(i + i // 4 + i // 16) % 2 == 0 for i in range(2 * 3 * 16)]

        def cost(differences: list[float]) -> float:
            request = flat([0.3] * 2, base=0.5)
            request["generated"]["values"] = [0.5 + d for d in differences]
            return number(self.ask(**request))

        flat_a, flat_b = (cost([d] * len(white)) for d in (a, b))
        got = cost([b if w else -b for w in white])
        why = f"half of the differences change sign: {flat_b:.4g} becomes {got:.4g}"
        same(got, flat_b, why, f"two faces, h = 0.5, ĥ − h = ±{b}, a chessboard")
        places = range(len(white))
        for where, words in (
            ([i < len(white) // 2 for i in places], "on one face"),
            (white, "on the white squares of a chessboard"),
            ([i // 16 % 3 == 0 for i in places], "in red"),
            ([{i % 4, i // 4 % 4} & {0, 3} != set() for i in places], "along the border"),
        ):
            got = cost([a if w else b for w in where])
            share = sum(where) / len(where)
            wanted = share * flat_a + (1 - share) * flat_b
            why = f"{a} everywhere costs {flat_a:.4g}, {b} everywhere {flat_b:.4g}; {share:.0%} of "
            why += f"the first costs {got:.4g}, not {wanted:.4g}"
            same(got, wanted, why, f"two faces, h = 0.5, ĥ − h = {a} {words}, {b} elsewhere")

    @holds("treats dark and bright alike: faces are in [-1, 1]", PIXELS, ("answers", "squared"))
    def range(self) -> None:
        d = self.pick(0.3, 0.45)
        nothing, grey = self.value([0.3] * 2), self.value([0.3] * 2, d)
        for base, place in ((-BLACK, "where ĥ is beyond 1"), (BLACK, "on near-black")):
            got = self.value([0.3] * 2, d, base=base)
            why = f"the same difference costs {grey:.4g} on grey and {got:.4g} {place}"
            same(grey, got, why)
        far, near = self.value([0.3] * 2, 4 * d, base=BLACK) - nothing, grey - nothing
        same(far, 16 * near, f"four times the difference costs {far:.4g} for {near:.4g}, not 16 ×")

    @holds("autograd finds the way back to ĥ and to z", needs=("scalar",), costs=HALF)
    def gradients(self) -> None:
        request = self.batch(3)
        found = self.ask(**request, grad=True)["grads"]
        for name in ("z_fake", "generated"):
            key = "z" if name == "z_fake" else name
            start = request["z"] if key == "z" else request[key]["values"]
            towards = [self.rng.choice((-1.0, 1.0)) for _ in start]
            if found[name] is None:
                raise Failed(f"no gradient reaches {name}: the graph is cut")
            ends = []
            for step in (0.05, -0.05):
                moved = [v + step * t for v, t in zip(start, towards, strict=True)]
                ends.append({key: moved if key == "z" else request[key] | {"values": moved}})
            by_autograd = sum(g * t for g, t in zip(found[name], towards, strict=True))
            self.by_autograd(by_autograd, request, (ends[0], ends[1]))

    @holds("compares each face with its own original", PIXELS,
           ("lambda-linear", "mean", "squared", "pixelwise", "range"))  # fmt: skip
    def faces(self) -> None:
        request = self.batch(3)
        pairs = zip(request["generated"]["values"], request["real"]["values"], strict=True)
        squares = [(a - b) ** 2 for a, b in pairs]
        nothing = number(self.ask(**request | {"generated": request["real"]}))
        got, wanted = number(self.ask(**request)) - nothing, 2 * math.fsum(squares) / len(squares)
        same(got, wanted, f"ĥ − h adds {got:.4g}; twice the mean of its squares is {wanted:.4g}")


objective = Objective()
