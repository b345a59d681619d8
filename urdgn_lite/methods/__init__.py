"""Everything that upsamples, under one protocol, so that a table is a `for` over `names()`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from urdgn_lite import zoo
from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.methods import gan, lapgan, released, srcnn  # noqa: F401 - they register their presets
from urdgn_lite.methods.liu import Liu
from urdgn_lite.methods.ma2010 import PositionPatches
from urdgn_lite.methods.nearest import Nearest
from urdgn_lite.methods.network import Network
from urdgn_lite.methods.yang2010 import Yang2010
from urdgn_lite.methods.yang2013 import Yang2013
from urdgn_lite.networks import build_generator
from urdgn_lite.presets import PRESETS


@runtime_checkable
class Method(Protocol):
    """What learns from HR faces (if it has to), and enlarges LR ones; both in [-1, 1]."""

    def fit(self, hr: Float[Tensor, "n 3 128 128"], *, progress: bool = True) -> Method: ...

    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]: ...


class Bicubic:
    """The baseline of Table 1. It has nothing to learn."""

    def fit(self, hr: Float[Tensor, "n 3 128 128"], *, progress: bool = True) -> Bicubic:
        return self

    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        return upsample_bicubic(lr)


REGISTRY: dict[str, Callable[[], Method]] = {
    "bicubic": Bicubic,
    "nearest": Nearest,
    "liu": Liu,
    "ma2010": PositionPatches,
    "yang2010": Yang2010,
    "yang2013": Yang2013,
}


def names() -> list[str]:
    """All keys that `get` has an answer for at once, or after `fit` alone."""
    return [*REGISTRY, *zoo.names()]


def get(name: str | Path) -> Method:
    """A method by its name.

    Parameters
    ----------
    name : one of `names()`; the path of a generator file; or the name of a preset, for a network
        that the zoo lacks and `fit` must train. A network's name with a + at its end, as in
        `residual+`, is its self-ensemble (see `Network.mirrored`).

    Raises
    ------
    ValueError : neither (near names are suggested), or a damaged file.
    """
    name = str(name)
    if name in REGISTRY:
        return REGISTRY[name]()
    single = name if Path(name).is_file() else name.removesuffix("+")
    if single in zoo.names() or Path(single).is_file():
        method = Network(*zoo.load_weights(zoo.path_of(single)))
    elif single in PRESETS:
        preset = PRESETS[single]
        method = Network(build_generator(preset), {"preset": preset.to_dict()}, trained=False)
    else:
        raise zoo.unknown(name, {*names(), *PRESETS})
    method.mirrored = single != name
    return method
