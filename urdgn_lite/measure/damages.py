"""What befalls a face (Sect. 5): covered, moved, turned, deformed, blurred, in another light.

A damage takes HR or LR faces in [-1, 1] and returns new ones of the same size in [-1, 1]. It
measures in pixels of the images that it is given, and does nothing at its neutral value.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, interpolate, pad

from urdgn_lite.degrade import check_float

Images = Float[Tensor, "b 3 h w"]


def occlude(images: Images, box: tuple[int, int, int, int]) -> Images:
    """Cover a part of the faces with black (Fig. 8).

    Parameters
    ----------
    box : (left, top, right, bottom) in pixels; right and bottom are the first ones left free.
        An empty box (right = left, say) is the neutral value.
    """
    _check(images)
    left, top, right, bottom = _whole(*box)
    h, w = images.shape[2:]
    if not (0 <= left <= right <= w and 0 <= top <= bottom <= h):
        raise ValueError(f"box {box} does not lie in an image of {w} × {h} px (width × height)")
    covered = images.clamp(-1, 1)
    covered[:, :, top:bottom, left:right] = -1
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


def zoom(images: Images, factor: float) -> Images:
    """Enlarge (factor > 1) or shrink the faces about their centre; the edge is mirrored."""
    _check(images, factor=factor)
    theta = torch.tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]]).to(images)
    grid = affine_grid(theta.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return grid_sample(images, grid, "bicubic", "reflection", align_corners=False).clamp(-1, 1)


def warp(images: Images, pixels: float) -> Images:
    """Deform the faces smoothly: each point moves by about so many pixels, another way a face.

    The field is drawn on 4 × 4 points, normal with that deviation in x and in y, and bicubic in
    between; the same at every call.
    """
    _check(images, pixels=pixels)
    draw = torch.randn(len(images), 2, 4, 4, generator=torch.Generator().manual_seed(0))
    field = interpolate(draw, images.shape[2:], mode="bicubic", align_corners=True) * pixels
    identity = torch.eye(2, 3).expand(len(images), 2, 3)
    grid = affine_grid(identity, list(images.shape), align_corners=False).to(images)
    grid = grid + field.permute(0, 2, 3, 1).to(images) * 2 / images.shape[-1]
    return grid_sample(images, grid, "bicubic", "reflection", align_corners=False).clamp(-1, 1)


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
    check_float(images)
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a number, not {number}")


def _whole(*pixels: float) -> tuple[int, ...]:
    for number in pixels:
        if number != math.floor(number):
            raise ValueError(f"whole pixels are needed, not {number}")
    return tuple(int(number) for number in pixels)
