"""Everything that upsamples, under one protocol, so that a table is a `for` over `names()`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite import zoo
from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.methods.liu import Liu
from urdgn_lite.methods.ma2010 import PositionPatches
from urdgn_lite.methods.nearest import Nearest


@runtime_checkable
class Method(Protocol):
    """`method(lr)` enlarges `Float (b, 3, 16, 16)` in [-1, 1] to `(b, 3, 128, 128)`."""

    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]: ...


REGISTRY: dict[str, Callable[[], Method]] = {
    "bicubic": lambda: upsample_bicubic,
    "nearest": Nearest,
    "liu": Liu,
    "ma2010": PositionPatches,
}


class Network:
    """A trained generator as a method: evaluation mode, no gradients, on its own device."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()

    @torch.no_grad()
    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        device = next(self.network.parameters()).device
        return self.network(lr.to(device)).to(lr.device)


def names() -> list[str]:
    """All keys that `get` knows."""
    return [*REGISTRY, *zoo.names()]


def get(name: str | Path) -> Method:
    """A method by its key in `names()`, or a generator file by its path.

    Raises
    ------
    ValueError : neither (near names are suggested), or a damaged file.
    """
    if name in REGISTRY:
        return REGISTRY[str(name)]()
    if str(name) not in zoo.names() and not Path(name).is_file():
        raise zoo.unknown(name, names())
    return Network(zoo.load(name))
