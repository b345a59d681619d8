"""Everything that upsamples is a function of LR faces, so that a table is a `for` over `names()`.

Those of the `REGISTRY` but `bicubic` are `base.Learnt`: `fit` them first.
"""

from collections.abc import Callable
from pathlib import Path

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
from urdgn_lite.presets import PRESETS

Method = Callable[[Float[Tensor, "b 3 16 16"]], Float[Tensor, "b 3 128 128"]]  # both in [-1, 1]
REGISTRY: dict[str, Callable[[], Method]] = {
    "bicubic": lambda: upsample_bicubic,
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
    name : one of `names()`, or the path of a generator file. A network's name with a + at its end,
        as in `residual+`, is its self-ensemble (see `Network.mirrored`).

    Raises
    ------
    ValueError : neither (near names are suggested), a preset without weights, or a damaged file.
    """
    name = str(name)
    if name in REGISTRY:
        return REGISTRY[name]()
    single = name if Path(name).is_file() else name.removesuffix("+")
    if single in zoo.names() or Path(single).is_file():
        network, card = zoo.load_weights(zoo.path_of(single))
        return Network(network, card, mirrored=single != name)
    if single in PRESETS:
        raise ValueError(f"{single} is not trained: urdgn-lite train --preset {single}")
    raise zoo.unknown(name, {*names(), *PRESETS})
