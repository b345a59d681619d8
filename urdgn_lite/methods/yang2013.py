"""[10] Yang, Liu and Yang 2013: facial components from exemplars, an approximation of it.

Structured face hallucination finds landmarks in the enlarged image, takes each facial component
from the training face that fits best there, sharpens edges elsewhere, and solves for the image
that has these gradients and explains the LR image. At 16 × 16 landmarks are hard to find, which
is the point Yu and Porikli make (`results/detector.json`: how often dlib does). Here fixed boxes
of the aligned frame stand in for them, on every face: what is measured is the method as it could
be if the landmarks were where they are on average.
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, to_float, to_uint8
from urdgn_lite.methods.back_projection import back_project, inconsistency, resize
from urdgn_lite.methods.base import Learnt, luma_and_chroma, spread, to_rgb
from urdgn_lite.progress import bar

BOXES = {  # left, top, right, bottom in px; eyes (with their brows) at (44, 56) and (84, 56)
    "left eye": (24, 36, 64, 68),
    "right eye": (64, 36, 104, 68),
    "nose": (48, 56, 80, 88),
    "mouth": (40, 84, 88, 112),
}
CELL = 4  # px: components are compared on the LR face enlarged to 32 × 32
BINS = 32  # of gradient magnitude, up to STEEPEST
STEEPEST = 0.16  # in [-1, 1] a pixel: 20 grey levels; bicubic images hardly reach it


@dataclass
class Yang2013(Learnt):
    """Exemplar components, edges by their statistics, Poisson solve, back-projection; on luma.

    Chroma is bicubic. Unlike theirs, components are boxes of the aligned frame, not landmarks.

    Attributes
    ----------
    faces : exemplars to keep, evenly spread over those given.
    components : transfer the components' gradients; without, all is edges.
    back_projection : iterations at the end.
    size : side of the LR faces.
    """

    faces: int = 5000
    components: bool = True
    back_projection: int = 10
    size: int = LR_SIZE

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        lumas, smalls = [], []
        moments = torch.zeros(2, BINS, dtype=torch.float64)
        kept = spread(hr, self.faces)
        for h in bar(kept.split(100), "exemplars", leave=False):
            luma, lr = luma_and_chroma(h)[0], luma_and_chroma(downsample(h, size=self.size))[0]
            moments += edge_moments(gradient(resize(lr, SIZE)), gradient(luma))
            lumas.append(to_uint8(luma))
            smalls.append(resize(lr, SIZE // CELL))
        gains = torch.where(moments[1] > 0, moments[0] / moments[1].clamp(min=1e-12), 1.0)
        self.arrays = {
            "exemplars": torch.cat(lumas),
            "smalls": torch.cat(smalls),
            "gains": gains.float(),
        }
        self.stages = {"exemplars": float(len(kept))}
        return self

    @torch.no_grad()
    def __call__(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 128 128"]:
        gains = self.learnt("gains")
        luma, chroma = luma_and_chroma(lr)
        enlarged = resize(luma, SIZE)
        edges = gradient(enlarged)
        field = edges * gains[magnitude_bin(edges)].unsqueeze(1)
        self.stages["edge_gain"] = (field.norm() / edges.norm().clamp(min=1e-12)).item()
        if self.components:
            distances = [self._transfer(field, luma, box) for box in BOXES.values()]
            self.stages["exemplar_distance"] = 127.5 * torch.stack(distances).mean().item()
        x = poisson(field, enlarged.mean((2, 3)))
        missed = (gradient(x) - field).norm() / field.norm().clamp(min=1e-12)
        self.stages["poisson_residual"] = missed.item()
        self.stages["inconsistency_before"] = inconsistency(x, luma)
        x = back_project(x, luma, self.back_projection)
        self.stages["inconsistency"] = inconsistency(x, luma)
        return to_rgb(x, resize(chroma, SIZE))

    def _transfer(
        self,
        field: Float[Tensor, "b 2 128 128"],
        luma: Float[Tensor, "b 1 s s"],
        box: tuple[int, int, int, int],
    ) -> Float[Tensor, ""]:
        """Write the nearest exemplars' gradients into the box; their mean distance in [-1, 1]."""
        which, distance = nearest(resize(luma, SIZE // CELL), self.learnt("smalls"), box)
        x0, y0, x1, y1 = box
        given = gradient(to_float(self.learnt("exemplars")[which]))[..., y0:y1, x0:x1]
        field[..., y0:y1, x0:x1].lerp_(given, feather(y1 - y0, x1 - x0))
        return distance.mean()


def nearest(
    small: Float[Tensor, "b 1 g g"],
    smalls: Float[Tensor, "n 1 g g"],
    box: tuple[int, int, int, int],
) -> tuple[Int[Tensor, " b"], Float[Tensor, " b"]]:
    """The exemplars that look most alike in a box, brightness aside.

    Parameters
    ----------
    small, smalls : enlarged LR faces, and the exemplars', one value for each 4 × 4 px.
    box : left, top, right, bottom in px.

    Returns
    -------
    number of the exemplar, root mean square difference from it.
    """
    x0, y0, x1, y1 = (edge // CELL for edge in box)
    sought, offered = (s[:, 0, y0:y1, x0:x1].flatten(1) for s in (small, smalls))
    distances = torch.cdist(
        sought - sought.mean(1, keepdim=True),
        offered - offered.mean(1, keepdim=True),
        compute_mode="donot_use_mm_for_euclid_dist",  # whose rounding depends on the batch
    )
    distance, which = distances.min(1)
    return which, distance / sought.shape[1] ** 0.5


def edge_moments(
    enlarged: Float[Tensor, "b 2 h w"], true: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, "2 bins"]:
    """Σ ∇b·∇h and Σ |∇b|² by magnitude of ∇b: their ratio is the least-squares gain of an edge.

    The edge keeps its direction and gets the sharpness that such edges have in HR faces.
    """
    where = magnitude_bin(enlarged).flatten()
    products = ((enlarged * t).sum(1).flatten().double() for t in (true, enlarged))
    return torch.stack([torch.bincount(where, p, BINS) for p in products])


def magnitude_bin(field: Float[Tensor, "b 2 h w"]) -> Int[Tensor, "b h w"]:
    """Bin of the gradient's magnitude; the last one takes all beyond `STEEPEST`."""
    return (field.norm(dim=1) * (BINS / STEEPEST)).long().clamp(max=BINS - 1)


def feather(height: int, width: int, ramp: int = 8) -> Float[Tensor, "{height} {width}"]:
    """1 inside a box, falling to 0 over `ramp` px at its border, so that no seam shows."""
    sides = (torch.arange(n) for n in (height, width))
    y, x = (torch.minimum(i, len(i) - 1 - i).div(ramp).clamp(max=1) for i in sides)
    return torch.minimum(y[:, None], x[None])


def gradient(images: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 2 h w"]:
    """Forward differences to the right and down; 0 at the last column and row."""
    right = images.diff(dim=3, append=images[..., -1:])
    down = images.diff(dim=2, append=images[..., -1:, :])
    return torch.cat([right, down], 1)


def poisson(
    field: Float[Tensor, "b 2 h w"], mean: Float[Tensor, "b 1"]
) -> Float[Tensor, "b 1 h w"]:
    """The images of a given mean whose gradient is nearest to `field`, exactly: min ‖∇x − V‖².

    The cosine transform diagonalises ∇ᵀ∇, whose eigenvalues are 4 sin²(πi / 2n) for each axis.

    Raises
    ------
    ValueError : scipy is not installed.
    """
    try:
        from scipy.fft import dctn, idctn
    except ImportError as error:
        raise ValueError("yang2013 needs scipy: pip install 'urdgn_lite[methods]'") from error
    right, down = field[:, :1, :, :-1], field[:, 1:, :-1]
    divergence = torch.zeros_like(field[:, :1])  # ∇ᵀV
    divergence[..., 1:] += right
    divergence[..., :-1] -= right
    divergence[..., 1:, :] += down
    divergence[..., :-1, :] -= down
    h, w = field.shape[2:]
    y, x = (4 * torch.sin(torch.arange(n) * (torch.pi / 2 / n)) ** 2 for n in (h, w))
    eigenvalues = y[:, None] + x[None]
    eigenvalues[0, 0] = 1  # the mean has no gradient: it is set below
    waves = torch.from_numpy(dctn(divergence.numpy(), axes=(2, 3), norm="ortho")) / eigenvalues
    waves[..., 0, 0] = mean * (h * w) ** 0.5
    return torch.from_numpy(idctn(waves.numpy(), axes=(2, 3), norm="ortho"))
