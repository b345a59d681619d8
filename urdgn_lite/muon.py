"""Muon (Jordan et al. 2024): momentum whose directions all count alike. It trains `residual`.

torch's own, `torch.optim.Muon`, takes matrices alone, and most of G is convolutions.
"""

from __future__ import annotations

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
    x = matrix if (flat := matrix.shape[0] <= matrix.shape[1]) else matrix.T
    x = x / (x.norm() + 1e-7)  # so that none is above 1
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if flat else x.T


class Muon(torch.optim.AdamW):
    """Muon for what is a large matrix, AdamW for the rest: biases, the first layer.

    A convolution's weight counts as the matrix (channels out) × (channels in × 3 × 3). A step of
    Muon is as long as AdamW's usually is (0.2 η a weight, Liu et al. 2025): one rate serves both.

    Parameters
    ----------
    momentum : share of the running mean of gradients that a step keeps.
    smallest : matrices with fewer rows or columns are left to AdamW.
    **adamw : its arguments; `weight_decay` and `maximize` serve both.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, *,
        momentum: float = 0.95, smallest: int = 48, **adamw: Any,
    ) -> None:  # fmt: skip
        if not 0 <= momentum < 1:
            raise ValueError(f"need 0 ≤ momentum < 1; got {momentum}")
        super().__init__(params, lr, **adamw)
        self.momentum, self.smallest = momentum, smallest

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        kept = []
        for group in self.param_groups:
            for theta in group["params"]:
                if theta.grad is not None and self.is_matrix(theta):
                    self._step(theta, theta.grad, group)
                    kept.append((theta, theta.grad))
                    theta.grad = None  # AdamW passes over it
        super().step()
        for theta, gradient in kept:
            theta.grad = gradient
        return loss

    def is_matrix(self, theta: Tensor) -> bool:
        """Whether Muon moves this parameter."""
        return theta.ndim > 1 and min(theta.flatten(1).shape) >= self.smallest

    def _step(self, theta: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        gradient = -gradient if group["maximize"] else gradient
        state = self.state[theta]
        if not state:  # AdamW asks every state that is loaded for its "step"
            state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(theta)}
        state["momentum"].lerp_(gradient, 1 - self.momentum)
        ahead = gradient.lerp(state["momentum"], self.momentum)  # Nesterov's
        direction = orthogonalised(ahead.flatten(1))
        length = 0.2 * max(direction.shape) ** 0.5  # of U Vᵀ, a weight: 1 / √(the larger side)
        theta.mul_(1 - group["lr"] * group["weight_decay"])
        theta.sub_(direction.view(theta.shape), alpha=group["lr"] * length)
