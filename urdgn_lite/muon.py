"""Muon (Jordan et al. 2024): momentum whose directions all count alike. It trains `residual`.

torch's own, `torch.optim.Muon`, takes matrices alone, and most of G is convolutions.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def orthogonalised(matrix: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """Nearly U Vᵀ of a matrix U S Vᵀ: its singular values all become about 1 (0.7 to 1.2).

    Five Newton-Schulz rounds: each is an odd polynomial, which leaves U and V alone, acts on S. The
    coefficients are Jordan's; they lift small singular values fast instead of reaching 1 exactly.
    """
    flat = matrix.shape[0] <= matrix.shape[1]
    x = matrix if flat else matrix.T
    x = x / (x.norm() + 1e-7)  # so that none is above 1
    with torch.autocast(x.device.type, enabled=False):  # training's bfloat16 would be too coarse
        for _ in range(5):
            square = x @ x.T
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if flat else x.T


class Muon(torch.optim.AdamW):
    """Two groups of parameters: Muon moves the large matrices, AdamW biases and the first layer.

    A convolution's weight counts as the matrix (channels out) × (channels in × 3 × 3). A step of
    Muon is as long as AdamW's usually is (0.2 η a weight, Liu et al. 2025): one rate serves both.

    Parameters
    ----------
    momentum : share of the running mean of gradients that a step keeps.
    smallest : matrices with fewer rows or columns are left to AdamW.
    **rest : AdamW's arguments; `weight_decay` and `maximize` serve both.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.95, smallest: int = 48, **rest: Any
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"need 0 ≤ momentum < 1; got {momentum}")
        groups: dict[bool, list[Tensor]] = {True: [], False: []}
        for theta in params:
            matrix = theta.ndim > 1 and min(theta.flatten(1).shape) >= smallest
            groups[matrix].append(theta)
        defaults = [{"params": some, "muon": muon} for muon, some in groups.items() if some]
        super().__init__(defaults, lr, **rest)
        self.momentum = momentum

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        everything = self.param_groups
        self.param_groups = [group for group in everything if not group["muon"]]
        try:
            loss = super().step(closure)  # AdamW's groups
        finally:
            self.param_groups = everything
        for group in everything:
            for theta in group["params"] if group["muon"] else ():
                if theta.grad is not None:
                    self._move(theta, theta.grad, group)
        return loss

    def _move(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        gradient = -gradient if group["maximize"] else gradient
        state = self.state[theta]
        if not state:
            state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(theta)}
        state["step"] += 1  # counted as AdamW does, whose `load_state_dict` asks for it
        state["momentum"].lerp_(gradient, 1 - self.momentum)
        ahead = gradient.lerp(state["momentum"], self.momentum)  # Nesterov's
        direction = orthogonalised(ahead.flatten(1))
        length = 0.2 * max(direction.shape) ** 0.5  # of U Vᵀ, a weight: 1 / √(the larger side)
        theta.mul_(1 - group["lr"] * group["weight_decay"])
        theta.sub_(direction.view(theta.shape), alpha=group["lr"] * length)
