"""From 128 × 128 to 16 × 16, and the way back that every method is compared with."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from urdgn_lite.faces import SIZE, to_float, to_uint8

LR_SIZE = 16
METHODS = ("antialiased", "aliased")


def downsample(
    hr: Float[Tensor, "b 3 h w"], method: str = "antialiased", size: int = LR_SIZE
) -> Float[Tensor, "b 3 s s"]:
    """Make the LR face of an HR face, as it would be stored in a file.

    Parameters
    ----------
    hr : faces in [-1, 1].
    method : "antialiased" (bicubic over the whole footprint of an LR pixel, as Pillow and MATLAB
        do it; the paper's "without aliasing") or "aliased" (the cubic resize of the authors'
        script, which looks at 4 × 4 of the 8 × 8 pixels and ignores the rest).
    size : side of the LR face in pixels.

    Returns
    -------
    LR faces in [-1, 1], clamped and rounded to 8 bits: an LR image is a file.
    """
    if method not in METHODS:
        raise ValueError(f"no downsampling method {method!r}: choose one of {', '.join(METHODS)}")
    lr = interpolate(
        hr, size=(size, size), mode="bicubic", antialias=method == "antialiased",
        align_corners=False,
    )  # fmt: skip
    return to_float(to_uint8(lr))


def upsample_bicubic(
    lr: Float[Tensor, "b 3 s s"], size: int = SIZE
) -> Float[Tensor, "b 3 {size} {size}"]:
    """Bicubic enlargement, the baseline of Table 1, in [-1, 1] up to a little overshoot.

    `antialias=True` selects the kernel of Pillow and MATLAB (a = -0.5), which gives the paper's
    own 23.22 dB; torch's default kernel (a = -0.75) would not.
    """
    return interpolate(lr, size=(size, size), mode="bicubic", antialias=True, align_corners=False)
