"""What must hold for an RMSprop step (Eq. 8 for G; Eq. 5, uphill, for D).

The step is judged with the δ that the learner's function itself returned, so that a mistake in δ
does not count again as a mistake in the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import HALF, SMALL, Ask, Failed, Plain, Suite, close, require, same
from urdgn_lite.check.tensors import Watch, several

BOOK = "chapter “RMSprop”, "
STEP = BOOK + "“G's step, downhill”"
UPHILL = BOOK + "“D's step, uphill”"
DELTA = BOOK + "“How long is δ's memory?”"
EPSILON = BOOK + "“Where does ε stand?”"
NAMES = ("theta", "gradient", "delta")


def probe_rmsprop(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's `rmsprop_step(theta, gradient, delta, eta, alpha, eps, maximize)` once."""
    dtype, shape = getattr(torch, request.get("dtype", "float32")), request.get("shape", [-1])
    given = {k: torch.tensor(request[k], dtype=dtype).reshape(shape) for k in NAMES}
    watch = Watch(given)
    settings: dict[str, Any] = {k: float(request[k]) for k in ("eta", "alpha", "eps")}
    if request.get("maximize"):
        settings["maximize"] = True
    result = several(function(*given.values(), **settings), 2)
    if not result or not all(isinstance(r, Tensor) for r in result):
        return {"error": "two tensors were expected, the new θ and the new δ"}
    if any(r.shape != given["theta"].shape for r in result):
        return {"error": f"θ has shape {tuple(given['theta'].shape)}, the results "
                         f"{' and '.join(str(tuple(r.shape)) for r in result)}"}  # fmt: skip
    theta, delta = (r.detach().double().flatten().tolist() for r in result)
    kinds = [str(r.dtype).removeprefix("torch.") for r in result]
    return {"theta": theta, "delta": delta, "dtypes": kinds, "changed": watch.changes()}


rmsprop = Suite(
    "rmsprop", probe_rmsprop,
    """A step of RMSprop, Eq. 8; with `maximize`, Eq. 5.

    `fn(theta, gradient, delta, eta, alpha, eps, maximize=False)` returns the new θ and the new δ,
    and leaves its arguments as they are.
    """,
)  # fmt: skip


def step(
    ask: Ask, g: float, delta: float, *, eta: float = 1.0, alpha: float = 0.5, eps: float = 0.0,
    maximize: bool = False, theta: float = 0.0,
) -> tuple[float, float, str]:  # fmt: skip
    """Two equal entries → how far θ moved, the new δ, and the input in words."""
    on = f"θ = {theta:.3g}, " if theta else ""
    on += f"g = {g:.3g}, δ = {delta:.3g}, η = {eta:.3g}, α = {alpha:.3g}, ε = {eps:.3g}"
    on += ", maximize=True" if maximize else ""
    request = {"theta": [theta] * 2, "gradient": [g] * 2, "delta": [delta] * 2, "eta": eta,
               "alpha": alpha, "eps": eps, "maximize": maximize,
               "dtype": "float64" if theta else "float32"}  # fmt: skip
    got = require(ask(**request), on)
    return got["theta"][0] - theta, got["delta"][0], on


@rmsprop.property("answers", "returns the new θ and the new δ, and both moved", STEP)
def _answers(ask: Ask, rng: Random) -> None:
    moved, delta, on = step(ask, round(rng.uniform(1, 1.9), 2), 4.0)  # at 2, δ = 4 would stay
    if not (math.isfinite(moved) and math.isfinite(delta)):
        raise Failed(f"θ moved by {moved}, δ is {delta}", on)
    if moved == 0:
        raise Failed("θ stayed where it was", on)
    if delta == 4.0:
        raise Failed("δ stayed what it was", on)


@rmsprop.property("dtype", "keeps the dtype", STEP, costs=SMALL)
def _dtype(ask: Ask, rng: Random) -> None:
    request = {"theta": [0.0, 1.0], "gradient": [1.0, 2.0], "delta": [1.0, 1.0], "eta": 0.1,
               "alpha": 0.5, "eps": 1e-8, "dtype": "float64"}  # fmt: skip
    kinds = require(ask(**request), "tensors of float64")["dtypes"]
    if kinds != ["float64"] * 2:
        raise Failed(f"float64 went in, {' and '.join(kinds)} came out", "tensors of float64")


@rmsprop.property("unchanged", "leaves its arguments as they were", STEP)
def _unchanged(ask: Ask, rng: Random) -> None:
    request = {"theta": [0.0, 1.0], "gradient": [1.0, 2.0], "delta": [1.0, 1.0], "eta": 0.1,
               "alpha": 0.5, "eps": 1e-8}  # fmt: skip
    for maximize in (False, True):
        on = f"θ = (0, 1), g = (1, 2), δ = (1, 1), maximize={maximize}"
        if changed := require(ask(**request, maximize=maximize), on)["changed"]:
            raise Failed("; ".join(changed), on)


@rmsprop.property("keeps", "α is the share of δ that is kept", DELTA)
def _keeps(ask: Ask, rng: Random) -> None:
    alpha, old = round(rng.uniform(0.8, 0.95), 2), round(rng.uniform(2, 5), 2)
    _, delta, on = step(ask, 0.0, old, alpha=alpha, eps=1e-8)
    why = f"with no gradient, δ = {old} becomes {delta:.3g}: a share of {delta / old:.2g} stays"
    same(delta, alpha * old, why, on)


@rmsprop.property("new-share", "the newcomer's share and the kept one make 1", DELTA)
def _new_share(ask: Ask, rng: Random) -> None:
    alpha = round(rng.uniform(0.65, 0.95), 2)  # at ½ the two shares could be mistaken
    _, kept, _ = step(ask, 0.0, 1.0, alpha=alpha, eps=1e-8)
    _, new, on = step(ask, 1.0, 0.0, alpha=alpha, eps=1e-8)
    why = f"here δ = 0 becomes {new:.3g}; with no gradient δ = 1 becomes {kept:.3g}: together "
    same(kept + new, 1, why + f"{kept + new:.3g}", on)
    _, both, on = step(ask, 1.0, 1.0, alpha=alpha, eps=1e-8)
    why = f"δ becomes {both:.3g}; the kept share {kept:.3g} and the new one {new:.3g} add up to 1"
    same(both, 1, why, on)


@rmsprop.property("squares", "δ averages squared gradients", DELTA, costs=HALF)
def _squares(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(1, 2), 2)
    (_, one, on), (_, two, _) = step(ask, g, 0.0, eps=1e-8), step(ask, 2 * g, 0.0, eps=1e-8)
    why = f"twice the gradient gives {two / one:.3g} times the δ" if one else "δ is 0"
    same(two, 4 * one, why, on)
    _, opposite, on = step(ask, -g, 0.0, eps=1e-8)
    same(one, opposite, "the sign of the gradient changes δ", on)
    _, large, on = step(ask, 1000 * g, 0.0, eps=1e-8)
    why = f"a thousand times the gradient gives {large / (one or 1):.3g} times the δ"
    same(large, 1e6 * one, why, on)


@rmsprop.property("direction", "G descends: θ moves against the gradient", STEP, costs=HALF)
def _direction(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(1, 2), 2)
    for signed in (g, -g):
        moved, _, on = step(ask, signed, 4.0)
        if moved * signed > 0:
            raise Failed("θ moves along the gradient: the loss would rise", on)
    at_zero, _, _ = step(ask, g, 4.0)
    moved, _, on = step(ask, g, 4.0, theta=rng.choice((-1, 1)) * float(rng.randint(500, 900)))
    why = f"θ moves by {moved:.3g}; from θ = 0 it moves by {at_zero:.3g}: where is the old θ?"
    same(moved, at_zero, why, on)


@rmsprop.property("maximize", "with maximize=True the same step goes the other way", UPHILL)
def _maximize(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(1, 2), 2)
    (down, _, _), (up, _, on) = step(ask, g, 4.0), step(ask, g, 4.0, maximize=True)
    same(up, -down, f"θ moves by {up:.3g}, without maximize by {down:.3g}", on)


@rmsprop.property("root", "the step is divided by the root of δ", STEP, costs=HALF)
def _root(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(2, 4), 2)
    moved, delta, on = step(ask, g, g * g)  # δ is what it was: it does not matter which is used
    why = f"with η = 1 and your δ = {delta:.3g}, the gradient {g} moves θ by {abs(moved):.3g}"
    same(abs(moved), g / math.sqrt(max(delta, 1e-12)), why, on)


@rmsprop.property("fresh", "the step uses the new δ", STEP, ("answers", "root"))
def _fresh(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(3, 5), 2)
    for old in (1.0, 0.0):  # from 0 comes the very first step, which nothing corrects
        moved, new, on = step(ask, g, old)
        why = f"your δ went from {old:g} to {new:.3g}, and the step of {abs(moved):.3g} is another"
        same(abs(moved), g / math.sqrt(max(new, 1e-12)), why, on)


@rmsprop.property("epsilon", "ε stands inside the root, as the assignment writes it", EPSILON,
                  ("answers", "root", "fresh"), SMALL)  # fmt: skip
def _epsilon(ask: Ask, rng: Random) -> None:
    g, eps = 0.01, round(rng.uniform(2e-4, 4e-4), 6)
    moved, delta, on = step(ask, g, g * g, eps=eps)
    why = f"the step of {abs(moved):.3g} shows ε in another place"
    if close(abs(moved), g / math.sqrt(delta), 0.01):
        why = f"so large an ε should shorten the step to less than {abs(moved):.3g}"
    same(abs(moved), g / math.sqrt(delta + eps), why, on, 0.01)


@rmsprop.property("eta", "twice the learning rate, twice the step", STEP)
def _eta(ask: Ask, rng: Random) -> None:
    rate = round(rng.uniform(0.1, 0.4), 2)
    (one, _, on), (two, _, _) = step(ask, 2.0, 4.0, eta=rate), step(ask, 2.0, 4.0, eta=2 * rate)
    same(two, 2 * one, f"it becomes {two / one:.3g} times as long", on)


@rmsprop.property("elementwise", "every weight has its own δ and its own step", DELTA)
def _elementwise(ask: Ask, rng: Random) -> None:
    common = {"eta": 1.0, "alpha": 0.5, "eps": 1e-8}
    for shape in ([2], [2, 3], [2, 1, 2, 3], []):  # biases, matrices, kernels, a single number
        g = [round(rng.uniform(1, 4) * 0.1 ** (i % 2), 2) for i in range(math.prod(shape))]
        on = f"θ of shape {tuple(shape)}, g = {g}, δ = 1 everywhere"
        ones = {"theta": [0.0] * len(g), "delta": [1.0] * len(g), "gradient": g}
        both = require(ask(**ones, **common, shape=shape), on)
        for i, v in enumerate(g[:2]):
            alone = require(ask(theta=[0.0], gradient=[v], delta=[1.0], **common), on)
            for key in ("theta", "delta"):
                why = "a weight's update changes when others are beside it"
                same(both[key][i], alone[key][0], why, on)


@rmsprop.property("memory", "δ is all that it remembers: the same again gives the same", DELTA)
def _memory(ask: Ask, rng: Random) -> None:
    g = round(rng.uniform(1, 2), 2)
    (first, _, on), *_, (last, _, _) = (step(ask, g, 4.0, eps=1e-8) for _ in range(40))
    same(last, first, f"θ moves by {first:.4g}, 40 calls later by {last:.4g}", on)
