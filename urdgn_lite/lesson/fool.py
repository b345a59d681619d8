"""Pictures made to fool a measure: each measure has one that it prefers and should not.

`tools/runs/fooled.py` measures them all, with the measures whose weights are not everywhere too.
"""

import json
from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from urdgn_lite import degrade
from urdgn_lite.measure import damages, evaluate

Faces = Float[Tensor, "b 3 128 128"]
N = 40  # the first so many imaginary test faces


def bicubic(h: Faces) -> Faces:
    """The honest baseline: made small, and enlarged again."""
    return degrade.upsample_bicubic(degrade.downsample(h))


def faded(h: Faces) -> Faces:
    """The original with four fifths of its contrast."""
    middle = h.mean((1, 2, 3), keepdim=True)
    return middle + 0.8 * (h - middle)


def borrowed(h: Faces) -> Faces:
    """What 16 × 16 pixels say about this face, and all fine detail from the face before it."""
    other = h.roll(1, 0)
    return bicubic(h) + (other - bicubic(other))


def project(picture: Faces, lr: Float[Tensor, "b 3 16 16"]) -> Faces:
    """Change a picture until its LR face is `lr`, by iterated back-projection."""
    for _ in range(40):
        picture = picture + degrade.upsample_bicubic(lr - degrade.downsample(picture))
        picture = degrade.to_float(degrade.to_uint8(picture))  # stay an 8-bit image
    return picture


def consistent(h: Faces) -> Faces:
    """The face upside down, changed until its LR face is that of the original."""
    return project(h.flip(2), degrade.downsample(h))


FOOLS: dict[str, Callable[[Faces], Faces]] = {
    "bicubic": bicubic,
    "blurred": lambda h: damages.blur(h, 3.0),
    "shifted": lambda h: damages.shift(h, 2, 0),
    "faded": faded,
    "noisy": lambda h: damages.noise(h, 18),
    "borrowed detail": borrowed,
    "upside down": consistent,
    "somebody else": lambda h: h.roll(1, 0),
}


def stored() -> dict[str, Any]:
    """What `tools/runs/fooled.py` measured: `pictures`, n, the circumstances."""
    return json.loads((evaluate.ledger() / "fooled.json").read_text())
