"""What must hold for an RMSprop step (Eq. 8 for G; Eq. 5, uphill, for D).

The step is judged with the δ that the learner's function itself returned, so that a mistake in δ
does not count again as a mistake in the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import HALF, SMALL, Failed, Plain, Suite, close, holds, same
from urdgn_lite.check.tensors import Watch, several

BOOK = "chapter “RMSprop”, "
UPHILL = BOOK + "“D's step, uphill”"
DELTA = BOOK + "“How long is δ's memory?”"
EPSILON = BOOK + "“Where does ε stand?”"
NAMES = ("theta", "gradient", "delta")


def question(
    gradient: list[float], delta: list[float] | None = None, theta: list[float] | None = None,
    **how: Any,
) -> Plain:  # fmt: skip
    """A question; what is not said is plain: δ = 1 and θ = 0 everywhere, η = 1, α = ½, ε = 0."""
    n = len(gradient)
    plain = {"eta": 1.0, "alpha": 0.5, "eps": 0.0, "maximize": False, "dtype": "float32"}
    given = {"theta": theta or [0.0] * n, "gradient": gradient, "delta": delta or [1.0] * n}
    return plain | given | {"shape": [n]} | how


class RMSprop(Suite):
    """A step of RMSprop, Eq. 8; with `maximize`, Eq. 5.

    `fn(theta, gradient, delta, eta, alpha, eps, maximize=False)` returns the new θ and the new δ,
    and leaves its arguments as they are.
    """

    name, where = "rmsprop", BOOK + "“G's step, downhill”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        dtype, shape = getattr(torch, request["dtype"]), request["shape"]
        given = {k: torch.tensor(request[k], dtype=dtype).reshape(shape) for k in NAMES}
        watch = Watch(given)
        settings: dict[str, Any] = {k: float(request[k]) for k in ("eta", "alpha", "eps")}
        if request["maximize"]:
            settings["maximize"] = True
        result = several(function(*given.values(), **settings), 2)
        if not result or not all(isinstance(r, Tensor) for r in result):
            return {"error": "two tensors were expected, the new θ and the new δ"}
        if any(r.shape != given["theta"].shape for r in result):
            shapes = " and ".join(str(tuple(r.shape)) for r in result)
            return {"error": f"θ has shape {tuple(given['theta'].shape)}, the results {shapes}"}
        theta, delta = (r.detach().double().flatten().tolist() for r in result)
        kinds = [str(r.dtype).removeprefix("torch.") for r in result]
        return {"theta": theta, "delta": delta, "dtypes": kinds, "changed": watch.changes()}

    def tell(self, request: Plain) -> str:
        names = (*NAMES, "eta", "alpha", "eps")
        told = [f"{s} = {request[k]}" for s, k in zip("θgδηαε", names, strict=True)]
        return ", ".join(told) + ", maximize=True" * request["maximize"]

    def step(self, g: float, delta: float, theta: float = 0.0, **how: Any) -> tuple[float, float]:
        """Two equal entries → how far θ moved, and the new δ."""
        kind = "float64" if theta else "float32"
        got = self.ask(**question([g] * 2, [delta] * 2, [theta] * 2, dtype=kind, **how))
        return got["theta"][0] - theta, got["delta"][0]

    @holds("returns the new θ and the new δ, and both moved")
    def answers(self) -> None:
        moved, delta = self.step(self.pick(1, 1.9), 4.0)  # at 2, δ = 4 would stay
        if not (math.isfinite(moved) and math.isfinite(delta)):
            raise Failed(f"θ moved by {moved}, δ is {delta}")
        if moved == 0:
            raise Failed("θ stayed where it was")
        if delta == 4.0:
            raise Failed("δ stayed what it was")

    @holds("keeps the dtype", costs=SMALL)
    def dtype(self) -> None:
        kinds = self.ask(**question([1.0, 2.0], eta=0.1, eps=1e-8, dtype="float64"))["dtypes"]
        if kinds != ["float64"] * 2:
            raise Failed(f"float64 went in, {' and '.join(kinds)} came out", "tensors of float64")

    @holds("leaves its arguments as they were")
    def unchanged(self) -> None:
        for maximize in (False, True):
            self.kept(**question([1.0, 2.0], eta=0.1, eps=1e-8, maximize=maximize))

    @holds("α is the share of δ that is kept", DELTA)
    def keeps(self) -> None:
        alpha, old = self.pick(0.8, 0.95), self.pick(2, 5)
        _, delta = self.step(0.0, old, alpha=alpha, eps=1e-8)
        why = f"with no gradient, δ = {old} becomes {delta:.3g}: a share of {delta / old:.2g} stays"
        same(delta, alpha * old, why)

    @holds("the newcomer's share and the kept one make 1", DELTA)
    def new_share(self) -> None:
        alpha = self.pick(0.65, 0.95)  # at ½ the two shares could be mistaken
        _, kept = self.step(0.0, 1.0, alpha=alpha, eps=1e-8)
        _, new = self.step(1.0, 0.0, alpha=alpha, eps=1e-8)
        why = f"here δ = 0 becomes {new:.3g}; with no gradient δ = 1 becomes {kept:.3g}: together "
        same(kept + new, 1, why + f"{kept + new:.3g}")
        _, both = self.step(1.0, 1.0, alpha=alpha, eps=1e-8)
        why = f"δ becomes {both:.3g}; the kept share {kept:.3g} and the new one {new:.3g} make 1"
        same(both, 1, why)

    @holds("δ averages squared gradients", DELTA, costs=HALF)
    def squares(self) -> None:
        g = self.pick(1, 2)
        (_, one), (_, two) = (self.step(k * g, 0.0, eps=1e-8) for k in (1, 2))
        why = f"twice the gradient gives {two / one:.3g} times the δ" if one else "δ is 0"
        same(two, 4 * one, why)
        _, opposite = self.step(-g, 0.0, eps=1e-8)
        same(one, opposite, "the sign of the gradient changes δ")
        _, large = self.step(1000 * g, 0.0, eps=1e-8)
        why = f"a thousand times the gradient gives {large / (one or 1):.3g} times the δ"
        same(large, 1e6 * one, why)

    @holds("G descends: θ moves against the gradient", costs=HALF)
    def direction(self) -> None:
        g = self.pick(1, 2)
        for signed in (g, -g):
            if self.step(signed, 4.0)[0] * signed > 0:
                raise Failed("θ moves along the gradient: the loss would rise")
        at_zero, _ = self.step(g, 4.0)
        theta = self.rng.choice((-1, 1)) * float(self.rng.randint(500, 900))
        moved, _ = self.step(g, 4.0, theta)
        why = f"θ moves by {moved:.3g}; from θ = 0 it moves by {at_zero:.3g}: where is the old θ?"
        same(moved, at_zero, why)

    @holds("with maximize=True the same step goes the other way", UPHILL)
    def maximize(self) -> None:
        g = self.pick(1, 2)
        (down, _), (up, _) = (self.step(g, 4.0, maximize=m) for m in (False, True))
        same(up, -down, f"θ moves by {up:.3g}, without maximize by {down:.3g}")

    @holds("the step is divided by the root of δ", costs=HALF)
    def root(self) -> None:
        g = self.pick(2, 4)
        moved, delta = self.step(g, g * g)  # δ is what it was: it does not matter which is used
        why = f"with η = 1 and your δ = {delta:.3g}, the gradient {g} moves θ by {abs(moved):.3g}"
        same(abs(moved), g / math.sqrt(max(delta, 1e-12)), why)

    @holds("the step uses the new δ", needs=("answers", "root"))
    def fresh(self) -> None:
        g = self.pick(3, 5)
        for old in (1.0, 0.0):  # from 0 comes the very first step, which nothing corrects
            moved, new = self.step(g, old)
            why = f"your δ went from {old:g} to {new:.3g}, the step of {abs(moved):.3g} is another"
            same(abs(moved), g / math.sqrt(max(new, 1e-12)), why)

    @holds("ε stands inside the root, as the assignment writes it", EPSILON,
           ("answers", "root", "fresh"), SMALL)  # fmt: skip
    def epsilon(self) -> None:
        g, eps = 0.01, round(self.rng.uniform(2e-4, 4e-4), 6)
        moved, delta = self.step(g, g * g, eps=eps)
        why = f"the step of {abs(moved):.3g} shows ε in another place"
        if close(abs(moved), g / math.sqrt(delta), 0.01):
            why = f"so large an ε should shorten the step to less than {abs(moved):.3g}"
        same(abs(moved), g / math.sqrt(delta + eps), why, relative=0.01)

    @holds("twice the learning rate, twice the step")
    def eta(self) -> None:
        rate = self.pick(0.1, 0.4)
        (one, _), (two, _) = (self.step(2.0, 4.0, eta=k * rate) for k in (1, 2))
        same(two, 2 * one, f"it becomes {two / one:.3g} times as long")

    @holds("every weight has its own δ and its own step", DELTA)
    def elementwise(self) -> None:
        for shape in ([2], [2, 3], [2, 1, 2, 3], []):  # biases, matrices, kernels, a single number
            size = math.prod(shape)
            g = [round(self.rng.uniform(1, 4) * 0.1 ** (i % 2), 2) for i in range(size)]
            both = self.ask(**question(g, eps=1e-8, shape=shape))
            for i, v in enumerate(g[:2]):
                alone = self.ask(**question([v], eps=1e-8))
                for key in ("theta", "delta"):
                    why = "a weight's update changes when others are beside it"
                    same(both[key][i], alone[key][0], why)

    @holds("δ is all that it remembers: the same again gives the same", DELTA)
    def memory(self) -> None:
        g = self.pick(1, 2)
        (first, _), *_, (last, _) = (self.step(g, 4.0, eps=1e-8) for _ in range(40))
        same(last, first, f"θ moves by {first:.4g}, 40 calls later by {last:.4g}")


rmsprop = RMSprop()
