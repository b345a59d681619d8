"""What the compared methods share: they learn from HR faces, report their stages, and are kept."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

from urdgn_lite import store
from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, to_uint8
from urdgn_lite.progress import bar


@dataclass
class Learnt:
    """A method learnt from HR faces. Subclasses are dataclasses: their fields are the settings.

    Attributes
    ----------
    arrays : what `fit` learnt, by name; all that is needed to enlarge.
    stages : what `fit` and the last call report of their stages: rank, energy, atoms, …
    """

    arrays: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)
    stages: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        """Learn from HR faces in [-1, 1]; returns itself."""
        raise NotImplementedError

    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        """Enlarge LR faces in [-1, 1]."""
        raise NotImplementedError

    def learnt(self, name: str) -> Tensor:
        """An array that `fit` left.

        Raises
        ------
        ValueError : `fit` was not called.
        """
        if name not in self.arrays:
            raise self._unfitted()
        return self.arrays[name]

    def _unfitted(self) -> ValueError:
        return ValueError(f"{type(self).__name__} has learnt nothing yet: call fit(hr) first")

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in asdict(self).items() if k not in ("arrays", "stages")}

    def save(self, path: Path) -> None:
        """Write everything learnt as safetensors; nothing in it can be executed.

        Raises
        ------
        ValueError : `fit` was not called.
        """
        if not self.arrays:
            raise self._unfitted()
        about = {"method": type(self).__name__, "settings": self.settings(), "stages": self.stages}
        store.write_tensors(path, self.arrays, about)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError : the file is damaged, or of another method.
        """
        arrays, about = store.read_tensors(path, f"fitted {cls.__name__}")
        try:
            if about["method"] != cls.__name__:
                raise ValueError(f"it holds {about['method']}")
            method = cls(**about["settings"])
            method.arrays, method.stages = arrays, dict(about["stages"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a fitted {cls.__name__} ({error})") from error
        return method


def spread(hr: Tensor, number: int) -> Tensor:
    """At most `number` of the faces, evenly spread: neighbours in a list are often one person.

    Raises
    ------
    ValueError : not HR faces, or fewer than two: there is nothing to learn from.
    """
    if hr.ndim != 4 or hr.shape[1:] != (3, SIZE, SIZE):
        raise ValueError(f"HR faces are (n, 3, {SIZE}, {SIZE}), not {tuple(hr.shape)}")
    if min(len(hr), number) < 2:
        raise ValueError(f"{min(len(hr), number)} faces to learn from: at least 2 are needed")
    if number >= len(hr):
        return hr
    return hr[torch.arange(number) * len(hr) // number]


def exemplars(hr: Tensor, number: int, size: int = LR_SIZE) -> dict[str, Tensor]:
    """At most `number` of the faces and their LR faces in 8 bits, as `hr` and `lr`: 48 kB each."""
    parts = bar(spread(hr, number).split(500), "exemplars")
    kept = [(to_uint8(h), to_uint8(downsample(h, size=size))) for h in parts]
    images, small = map(torch.cat, zip(*kept, strict=True))
    return {"hr": images, "lr": small}


def luma_and_chroma(
    images: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 2 h w"]]:
    """Y and (Cb, Cr) of full-range BT.601 (JPEG's), each in [-1, 1], of RGB in [-1, 1]."""
    matrix = images.new_tensor(RGB_TO_YCC)
    ycc = torch.einsum("oc,bchw->bohw", matrix, images)
    return ycc[:, :1], ycc[:, 1:]


def to_rgb(
    luma: Float[Tensor, "b 1 h w"], chroma: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """The inverse of `luma_and_chroma`."""
    matrix = torch.linalg.inv(luma.new_tensor(RGB_TO_YCC, dtype=torch.float64)).to(luma)
    return torch.einsum("oc,bchw->bohw", matrix, torch.cat([luma, chroma], 1))


RGB_TO_YCC = [
    [0.299, 0.587, 0.114],
    [-0.299 / 1.772, -0.587 / 1.772, 0.5],
    [0.5, -0.587 / 1.402, -0.114 / 1.402],
]
