"""Pictures made to fool a measure: each measure has one that it prefers and should not.

`tools/runs/fooled.py` measures them all, with the measures whose weights are not everywhere too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from urdgn_lite import degrade, faces
from urdgn_lite.measure import damages, evaluate, identity, metrics
from urdgn_lite.progress import bar

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


def project(picture: Faces, lr: Float[Tensor, "b 3 16 16"], rounds: int = 40) -> Faces:
    """Change a picture until its LR face is `lr`, by iterated back-projection."""
    for _ in range(rounds):
        picture = picture + degrade.upsample_bicubic(lr - degrade.downsample(picture))
        picture = faces.to_float(faces.to_uint8(picture))  # stay an 8-bit image
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


def measure(h: Faces) -> dict[str, dict[str, float]]:
    """Every measure of every picture, an average over the faces h.

    Returns
    -------
    name → psnr, psnr_y (dB), ssim, lr_consistency (dB; 99 for the same file), lpips, and
    recognised: the share of pictures whose nearest original, by identity, is the right one.

    Raises
    ------
    MetricUnavailableError : the weights of LPIPS or of the identity network are not there.
    """
    lr, real = degrade.downsample(h), identity.embed(h)
    found = {}
    for name, make in bar(FOOLS.items(), "fool"):
        g = make(h)
        nearest = (normalize(identity.embed(g)) @ normalize(real).T).argmax(1)
        values = {
            "psnr": metrics.psnr(g, h),
            "psnr_y": metrics.psnr(g, h, y=True),
            "ssim": metrics.ssim(g, h),
            "lr_consistency": metrics.lr_consistency(g, lr).clamp(max=99),  # 99: the same file
            "lpips": metrics.lpips(g, h),
            "recognised": nearest == torch.arange(len(h)),
        }
        found[name] = {k: round(v.float().mean().item(), 4) for k, v in values.items()}
    return found


def stored() -> dict[str, Any]:
    """What `tools/runs/fooled.py` measured: `pictures`, n, the circumstances."""
    return json.loads((evaluate.ledger() / "fooled.json").read_text())
