"""RMSprop as the paper writes it, the learning-rate schedules, the authors' balancing rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.objective import implements


@implements("eq:5", "eq:8")
def rmsprop_step(
    theta: Tensor, gradient: Tensor, delta: Tensor, *,
    eta: float, alpha: float, eps: float, eps_inside: bool = True, maximize: bool = False,
) -> None:  # fmt: skip
    """One RMSprop update, in place: Δ ← α Δ + (1 − α) g², θ ← θ ∓ η g / √(Δ + ε).

    Implements Eq. 5 (G descends) and, with `maximize`, Eq. 8 (D ascends) of Yu & Porikli (2016).

    Parameters
    ----------
    theta, gradient, delta : parameter, its gradient g, the running average Δ of g²; one shape.
    eta : learning rate η; 0.001 in the paper.
    alpha : share of Δ that is kept. The paper says "decay 0.01"; read literally, Δ forgets all
        but the last step. The authors' code uses 0.9.
    eps : ε, 1e-8. Inside the root as in the paper, it bounds the step at η g / 10⁻⁴; outside it,
        √Δ + ε, as in the authors' code and `torch.optim.RMSprop`, at η g / 10⁻⁸.
    """
    delta.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
    root = (delta + eps).sqrt_() if eps_inside else delta.sqrt().add_(eps)
    theta.addcdiv_(gradient, root, value=eta if maximize else -eta)


class RMSprop(torch.optim.Optimizer):
    """`rmsprop_step` as a torch optimiser. With `eps_inside=False` it is torch's, step for step."""

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, *,
        alpha: float = 0.9, eps: float = 1e-8, eps_inside: bool = True, maximize: bool = False,
    ) -> None:  # fmt: skip
        if lr < 0 or not 0 <= alpha < 1 or eps < 0:
            raise ValueError(f"need lr ≥ 0, 0 ≤ α < 1, ε ≥ 0; got {lr}, {alpha}, {eps}")
        settings = {"alpha": alpha, "eps": eps, "eps_inside": eps_inside, "maximize": maximize}
        super().__init__(params, {"lr": lr, **settings})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            settings = {k: group[k] for k in ("alpha", "eps", "eps_inside", "maximize")}
            for theta in group["params"]:
                if theta.grad is None:
                    continue
                state = self.state[theta]
                if not state:
                    state["delta"] = torch.zeros_like(theta)
                rmsprop_step(theta, theta.grad, state["delta"], eta=group["lr"], **settings)
        return loss


def authors_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Factor on η in the released code: 1/50 for 10 updates, 1/5 until the 30th, × 0.99 an epoch.

    The floor of 1e-3 is theirs as well: η = 0.001 never falls below 1e-6.
    """
    warm_up = 1 / 50 if step < 10 else 1 / 5 if step < 30 else 1.0
    return warm_up * max(0.99 ** (step // steps_per_epoch), 1e-3)


def cosine_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Linear warm-up over the first 2 % of the steps, then half a cosine down to zero."""
    warm_up = max(1, total // 50)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))


def paper_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Sect. 3.2 of Yu & Porikli (2016): η is multiplied by 0.99 after each epoch."""
    return 0.99 ** (step // steps_per_epoch)


def constant_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """η throughout."""
    return 1.0


SCHEDULES = {
    "paper": paper_schedule,
    "constant": constant_schedule,
    "authors": authors_schedule,
    "cosine": cosine_schedule,
}


def balance(bce_real: float, bce_fake: float, margin: float = 0.3) -> tuple[bool, bool]:
    """The released code's rule that keeps the two players level.

    Parameters
    ----------
    bce_real, bce_fake : −E[log D(h)] and −E[log(1 − D(ĥ))], each ≥ 0; log 2 ≈ 0.69 is a guess.

    Returns
    -------
    (update D?, update G?) : D rests when either half is below 0.3 (it wins too clearly), G when
        either is above 0.7 (D has lost track). If both would rest, both play.
    """
    update_d = min(bce_real, bce_fake) >= margin
    update_g = max(bce_real, bce_fake) <= 1 - margin
    return (update_d, update_g) if update_d or update_g else (True, True)
