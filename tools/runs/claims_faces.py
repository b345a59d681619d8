"""What the claims' tools share: in how many pictures dlib finds a face."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from urdgn_lite.degrade import to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure.evaluate import summary

MARGIN, SCALE = 32, 2  # px of repeated border, enlargement: the detector wants room around a face


@cache
def detector() -> Any:
    """dlib's frontal detector (`pip install 'urdgn_lite[identity]'`)."""
    import dlib

    return dlib.get_frontal_face_detector()


def larger(image: Tensor, margin: int = MARGIN, scale: int = SCALE) -> np.ndarray:
    """An 8-bit picture (3, 128, 128) as the detector is shown it."""
    padded = pad(to_float(image)[None], (margin,) * 4, mode="replicate")
    pixels = to_uint8(upsample_bicubic(padded, scale * padded.shape[-1]))
    return np.ascontiguousarray(pixels[0].permute(1, 2, 0).numpy())


def boxes(image: Tensor) -> int:
    """How many faces dlib finds in one 8-bit picture (3, 128, 128)."""
    return len(detector()(larger(image)))


def found(images: Tensor, people: Sequence[str] | None = None) -> dict[str, Any]:
    """Share of 8-bit pictures in which dlib finds exactly one face, with its interval."""
    hits = torch.tensor([float(boxes(image) == 1) for image in images])
    return summary("found", hits, people) | {"pictures": len(images)}
