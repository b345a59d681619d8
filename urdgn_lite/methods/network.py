"""Every generator as a method: from the zoo, or trained by its own recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite.degrade import to_uint8
from urdgn_lite.presets import Preset
from urdgn_lite.train import train


@dataclass(eq=False)
class Network:
    """A generator as a method: evaluation mode, no gradients, on its own device.

    Parameters
    ----------
    network : the generator.
    card : how its weights came about; `fit` follows the `preset` and the `seed` in it.

    trained : whether it can be called yet.
    mirrored : whether it answers with its *self-ensemble*: the mean of G(l) and of the mirrored
        G(mirrored l), in twice the time (Timofte et al. 2016; the + of EDSR+, Lim et al. 2017).
    """

    network: nn.Module
    card: dict[str, Any] = field(default_factory=dict)
    trained: bool = True
    mirrored: bool = False

    def __post_init__(self) -> None:
        self.network.eval()

    def fit(self, hr: Float[Tensor, "n 3 128 128"], *, progress: bool = True) -> Network:
        """Train it from the beginning on HR faces in [-1, 1], as its card says; returns itself.

        Raises
        ------
        ValueError : a bare network, without a recipe.
        KeyboardInterrupt : training was interrupted; the network is as it was before.
        """
        if "preset" not in self.card:
            raise ValueError("a bare network has no recipe: take one by methods.get(name)")
        preset = Preset(**self.card["preset"])
        run = train(preset, to_uint8(hr), seed=self.card.get("seed", 0))
        if not run.done:
            raise KeyboardInterrupt
        self.network, self.trained, self.card = run.generator.eval(), True, run.card()
        return self

    @torch.no_grad()
    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        """Enlarge LR faces in [-1, 1]; the answer is clamped to that range.

        Raises
        ------
        ValueError : it is not trained yet.
        """
        if not self.trained:
            name = self.card["preset"]["name"]
            raise ValueError(
                f"{name} is not trained: fit it, or train it: urdgn-lite train --preset {name}"
            )
        l = lr.to(next(self.network.parameters()).device)
        generated = self.network(l)
        if self.mirrored:
            generated = (generated + self.network(l.flip(-1)).flip(-1)) / 2
        return generated.clamp(-1, 1).to(lr.device)
