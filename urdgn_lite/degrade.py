"""From 128 × 128 to 16 × 16, the way back that every method is compared with, and the damages.

A damage (Sect. 5) takes HR or LR faces in [-1, 1] and returns new ones of the same size in
[-1, 1]. It measures in pixels of the images that it is given, and does nothing at its neutral
value.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, interpolate, pad

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
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [-1, 1], not {images.dtype}: see to_float")
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
    _check(hr)
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
    _check(lr)
    return interpolate(lr, size=(size, size), mode="bicubic", antialias=True, align_corners=False)


Images = Float[Tensor, "b 3 h w"]


def occlude(images: Images, box: tuple[int, int, int, int], value: float = -1.0) -> Images:
    """Cover a part of the faces (Fig. 8).

    Parameters
    ----------
    box : (left, top, right, bottom) in pixels; right and bottom are the first ones left free.
        An empty box (right = left, say) is the neutral value.
    value : grey value of the cover in [-1, 1]; -1 is black.
    """
    _check(images, value=value)
    left, top, right, bottom = _whole(*box)
    h, w = images.shape[2:]
    if not (0 <= left <= right <= w and 0 <= top <= bottom <= h):
        raise ValueError(f"box {box} does not lie in an image of {w} × {h} px (width × height)")
    if abs(value) > 1:
        raise ValueError(f"value must lie in [-1, 1], not {value}")
    covered = images.clamp(-1, 1)
    covered[:, :, top:bottom, left:right] = value
    return covered


def shift(images: Images, dx: int, dy: int) -> Images:
    """Move the faces dx pixels to the right and dy down (Fig. 9); the edge is repeated."""
    _check(images)
    dx, dy = _whole(dx, dy)
    h, w = images.shape[2:]
    rows = (torch.arange(h, device=images.device) - dy).clamp(0, h - 1)
    columns = (torch.arange(w, device=images.device) - dx).clamp(0, w - 1)
    return images[:, :, rows[:, None], columns].clamp(-1, 1)


def rotate(images: Images, degrees: float) -> Images:
    """Turn the faces about their centre, counter-clockwise; bicubic, the edge is mirrored."""
    _check(images, degrees=degrees)
    if degrees % 360 == 0:
        return images.clamp(-1, 1)
    h, w = images.shape[2:]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # where each pixel comes from, in units of half the width and half the height
    theta = images.new_tensor([[cos, -sin * h / w, 0], [sin * w / h, cos, 0]])
    grid = affine_grid(theta.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    turned = grid_sample(images, grid, "bicubic", "reflection", align_corners=False)
    return turned.clamp(-1, 1)


def blur(images: Images, sigma: float) -> Images:
    """Convolve the faces with a Gaussian, σ in pixels; the edge is repeated. 0 is neutral."""
    _check(images, sigma=sigma)
    if sigma < 0:
        raise ValueError(f"sigma must be at least 0, not {sigma}")
    if sigma == 0:
        return images.clamp(-1, 1)
    reach = math.ceil(4 * sigma)
    x = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.softmax(-x.square() / (2 * sigma**2), 0).expand(3, 1, 1, -1)
    wide = pad(images, (reach, reach, reach, reach), mode="replicate")
    across = conv2d(wide, weights, groups=3)
    return conv2d(across, weights.transpose(2, 3), groups=3).clamp(-1, 1)


def noise(images: Images, sigma: float, seed: int = 0) -> Images:
    """Add Gaussian noise to every value, σ in grey levels of 8 bits; the same for the same seed."""
    _check(images, sigma=sigma)
    if sigma < 0:
        raise ValueError(f"sigma must be at least 0, not {sigma}")
    draw = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images + sigma / 127.5 * draw.to(images)).clamp(-1, 1)


def relight(images: Images, gain: float = 1.0, slope: float = 0.0) -> Images:
    """Change the light: black stays black.

    Parameters
    ----------
    gain : factor of all values counted from black; 1 is neutral, below is darker.
    slope : light from one side: the factor is gain (1 + slope x), where x runs from -1 at the
        left edge to 1 at the right one. In [-1, 1]; 0 is neutral.
    """
    _check(images, gain=gain, slope=slope)
    if gain < 0:
        raise ValueError(f"gain must be at least 0, not {gain}")
    if abs(slope) > 1:
        raise ValueError(f"slope must lie in [-1, 1], not {slope}")
    if (gain, slope) == (1, 0):
        return images.clamp(-1, 1)
    w = images.shape[-1]
    x = (torch.arange(w, dtype=images.dtype, device=images.device) + 0.5) * 2 / w - 1
    return ((images + 1) * gain * (1 + slope * x) - 1).clamp(-1, 1)


def _check(images: Tensor, **numbers: float) -> None:
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [-1, 1], not {images.dtype}: see faces.to_float")
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a number, not {number}")


def _whole(*pixels: float) -> tuple[int, ...]:
    for number in pixels:
        if number != math.floor(number):
            raise ValueError(f"whole pixels are needed, not {number}")
    return tuple(int(number) for number in pixels)
