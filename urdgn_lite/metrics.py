"""PSNR and SSIM in RGB and on luma, and LR consistency: thin wrappers of torchmetrics.

All take float images in [-1, 1], clamp and round them to 8 bits first (a result is a file), and
return one value a face. They average over faces, never over pixels of different faces.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from urdgn_lite._compat import import_torchvision
from urdgn_lite.degrade import downsample
from urdgn_lite.faces import to_uint8

import_torchvision()  # before torchmetrics asks for it

from torchmetrics.functional.image import (  # noqa: E402
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

Images = Float[Tensor, "b 3 h w"]
PerFace = Float[Tensor, " b"]


def _bytes(images: Images) -> Tensor:
    return to_uint8(images).float()


def luma(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Y of ITU-R BT.601 as MATLAB and most super-resolution papers compute it: 16 … 235.

    `images` holds RGB values 0 … 255.
    """
    r, g, b = images.unbind(1)
    return (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255).unsqueeze(1)


def psnr(generated: Images, real: Images, *, y: bool = False) -> PerFace:
    """10 log₁₀(255² / MSE) a face in dB, over RGB, or over luma with `y`. Equal faces: inf."""
    a, b = _bytes(generated), _bytes(real)
    if y:
        a, b = luma(a), luma(b)
    return peak_signal_noise_ratio(a, b, data_range=255.0, reduction="none", dim=(1, 2, 3))


def ssim(generated: Images, real: Images, *, y: bool = False) -> PerFace:
    """Structural similarity a face, ≤ 1; Gaussian window 11, σ 1.5 (Wang et al., 2004).

    Averaged over the places where the window fits into the image, as in the authors' MATLAB code
    and in scikit-image; torchmetrics' own average takes in the mirrored border.
    """
    a, b = _bytes(generated), _bytes(real)
    if y:
        a, b = luma(a), luma(b)
    _, similarity = structural_similarity_index_measure(
        a, b, data_range=255.0, sigma=1.5, reduction="none", return_full_image=True
    )
    return similarity[..., 5:-5, 5:-5].mean((1, 2, 3))


def lr_consistency(generated: Images, lr: Float[Tensor, "b 3 s s"]) -> PerFace:
    """PSNR in dB between the result, downsampled again, and the LR face it was made from.

    A faithful result explains its input: its own LR image *is* the input. High is good; it says
    nothing about whether the invented detail is the right one.
    """
    return psnr(downsample(generated.clamp(-1, 1), size=lr.shape[-1]), lr)
