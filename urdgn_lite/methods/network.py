"""Every generator as a method."""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(eq=False)
class Network:
    """A generator as a method: evaluation mode, no gradients, on its own device.

    Parameters
    ----------
    network : the generator.
    card : how its weights came about.
    mirrored : whether it answers with its *self-ensemble*: the mean of G(l) and of the mirrored
        G(mirrored l), in twice the time (Timofte et al. 2016; the + of EDSR+, Lim et al. 2017).
    """

    network: nn.Module
    card: dict[str, Any] = field(default_factory=dict)
    mirrored: bool = False

    def __post_init__(self) -> None:
        self.network.eval()

    @torch.no_grad()
    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        """Enlarge LR faces in [-1, 1]; the answer is clamped to that range."""
        l = lr.to(next(self.network.parameters()).device)
        generated = self.network(l)
        if self.mirrored:
            generated = (generated + self.network(l.flip(-1)).flip(-1)) / 2
        return generated.clamp(-1, 1).to(lr.device)
