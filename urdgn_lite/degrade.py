"""From 128 × 128 to 16 × 16, and the way back that every method is compared with."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

SIZE = 128  # of HR faces (Sect. 4.1)
LR_SIZE = 16
METHODS = ("antialiased", "aliased")


def to_float(images: UInt8[Tensor, "*n c h w"]) -> Float[Tensor, "*n c h w"]:
    """8 bits to [-1, 1], the range of Sect. 3.4.

    Raises
    ------
    ValueError : the images are float: mapped twice, they would be nearly black.
    """
    if images.is_floating_point():
        raise ValueError(f"images must be 8-bit, not {images.dtype}: leave out to_float")
    return images.float() / 127.5 - 1


def to_uint8(images: Float[Tensor, "*n c h w"]) -> UInt8[Tensor, "*n c h w"]:
    """[-1, 1] to 8 bits: clamped and rounded, as a file would be.

    Raises
    ------
    ValueError : the images are not float: taken for [-1, 1], all but black would be white.
    """
    check_float(images)
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


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

    Raises
    ------
    ValueError : images that are not float, or no such method.
    """
    check_float(hr)
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

    Raises
    ------
    ValueError : images that are not float.
    """
    check_float(lr)
    return interpolate(lr, size=(size, size), mode="bicubic", antialias=True, align_corners=False)


def check_float(images: Tensor) -> None:
    """Refuse images that are not float: bytes would be taken for values far outside of [-1, 1]."""
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [-1, 1], not {images.dtype}: see to_float")
