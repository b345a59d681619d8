"""RMSprop as the paper writes it, and the schedules of the learning rate."""

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
    """One RMSprop update, in place: δ ← α δ + (1 − α) g², θ ← θ ± η g / √(δ + ε).

    Implements Eq. 5 (D ascends, `maximize`) and Eq. 8 (G descends) of Yu & Porikli (2016).

    Parameters
    ----------
    theta, gradient, delta : θ_D or θ_G, its gradient g, the auxiliary variable δ; one shape.
    eta : learning rate η; 0.001 in the paper.
    alpha : decay rate α, the share of δ that is kept. 0.01 in the paper: δ forgets all but the
        last step. The authors' code uses 0.9.
    eps : ε, 1e-8, "to avoid division by zero".
    eps_inside : √(δ + ε), or √δ + ε as in the authors' code and `torch.optim.RMSprop`. The paper's
        text leaves open which. Where δ is 0 the step is η g / 10⁻⁴, or η g / 10⁻⁸.
    """
    delta.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
    root = (delta + eps).sqrt_() if eps_inside else delta.sqrt().add_(eps)
    theta.addcdiv_(gradient, root, value=eta if maximize else -eta)


class RMSprop(torch.optim.Optimizer):
    """`rmsprop_step` as a torch optimiser. With `eps_inside=False` it is torch's, step for step."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        *,
        alpha: float = 0.9,
        eps: float = 1e-8,
        eps_inside: bool = True,
        maximize: bool = False,
    ) -> None:
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


def cosine_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Linear warm-up over the first 2 % of the steps, then half a cosine down to zero."""
    warm_up = max(1, total // 50)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))


def paper_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Factor 0.99 on η after each epoch, as Sect. 3.2 of Yu & Porikli (2016) says."""
    return 0.99 ** (step // steps_per_epoch)


def constant_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """η throughout."""
    return 1.0


SCHEDULES = {"paper": paper_schedule, "constant": constant_schedule, "cosine": cosine_schedule}
