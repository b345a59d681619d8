"""[8] Ma, Zhang, Qi 2010: every patch is a combination of other people's patches at its place."""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from urdgn_lite.degrade import LR_SIZE, SIZE, to_float
from urdgn_lite.methods.base import Learnt, exemplars


@dataclass
class PositionPatches(Learnt):
    """Position-patch hallucination of Ma, Zhang and Qi, Pattern Recognition 43 (2010).

    An LR patch x is written as Σ_k w_k y_k, Σ_k w_k = 1, of the patches y_k that the K nearest
    training faces have at the same position; Σ_k w_k of their HR patches is the HR patch. Where
    patches overlap, they are averaged.

    Attributes
    ----------
    faces : at most so many training faces are kept (48 kB each).
    neighbours : K, the training patches that a patch is made of.
    patch, step : side of a patch, and from one patch to the next, in LR pixels.
    ridge : how much small weights are preferred, in mean squared distances of the neighbours. An
        LR patch has 3 · patch² values: with more neighbours than that, many weights fit it
        exactly, and one must choose.
    size : side of the LR faces.
    """

    faces: int = 3000
    neighbours: int = 150
    patch: int = 3
    step: int = 1
    ridge: float = 0.02
    size: int = LR_SIZE

    def __post_init__(self) -> None:
        covering = 1 <= self.step <= self.patch <= self.size
        if not (covering and self.neighbours >= 1 and self.ridge > 0):
            raise ValueError(
                f"1 <= step <= patch <= {self.size} and 1 <= neighbours, 0 < ridge: not {self}"
            )

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        """Keep the training faces: this method learns nothing ahead of the face it enlarges."""
        self.arrays = exemplars(hr, self.faces, self.size)
        self.stages = {"faces": len(self.arrays["hr"]), "positions": len(self.corners()) ** 2}
        return self

    def corners(self) -> list[int]:
        """Where patches begin along a side; the last one ends at the border."""
        last = self.size - self.patch
        return [*range(0, last, self.step), last]

    def __call__(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 128 128"]:
        hr, small = self.learnt("hr"), to_float(self.learnt("lr"))
        total = lr.new_zeros(len(lr), 3, SIZE, SIZE)
        count = lr.new_zeros(SIZE, SIZE)
        misfit, largest, scale = 0.0, 0.0, SIZE // self.size
        for i in (corners := self.corners()):
            for j in corners:
                at = slice(i, i + self.patch), slice(j, j + self.patch)
                x, known = lr[..., *at].flatten(1), small[..., *at].flatten(1)
                nearest = nearest_rows(x, known, self.neighbours)
                w = weights(x, known[nearest], self.ridge)
                fitted = torch.einsum("bk,bkd->bd", w, known[nearest])
                misfit += (fitted - x).square().mean().item() / len(corners) ** 2
                largest += w.abs().amax(1).mean().item() / len(corners) ** 2
                rows, columns = (slice(scale * s.start, scale * s.stop) for s in at)
                total[..., rows, columns] += combine(w, hr[..., rows, columns], nearest)
                count[rows, columns] += 1
        self.stages |= {"misfit": misfit, "largest_weight": largest}
        return total / count


def nearest_rows(x: Float[Tensor, "b d"], known: Float[Tensor, "n d"], number: int) -> Tensor:
    """Indices (b, k) of the rows nearest to each x, nearest first."""
    apart = torch.cdist(x, known, compute_mode="donot_use_mm_for_euclid_dist")
    return apart.topk(min(number, len(known)), largest=False).indices


def weights(
    x: Float[Tensor, "b d"], y: Float[Tensor, "b k d"], ridge: float
) -> Float[Tensor, "b k"]:
    """min_w ‖x − Σ_k w_k y_k‖² + τ‖w‖² with Σ_k w_k = 1, where τ = ridge · mean_k ‖x − y_k‖².

    With the constraint, x − Σ w_k y_k = Σ w_k (x − y_k): with these differences as the columns of
    D, w is (DᵀD + τI)⁻¹1 scaled to sum one (Ma et al., Eqs. 6–8). By Woodbury's identity that is
    1 − Dᵀ(DDᵀ + τI)⁻¹D1 up to scale: a system as large as a patch, however many neighbours.
    """
    d = (x[:, None] - y).double().mT
    tau = ridge * d.square().sum(1).mean(1).clamp(min=1e-12)
    small = d @ d.mT + tau[:, None, None] * torch.eye(d.shape[1], dtype=d.dtype)
    w = 1 - (d.mT @ torch.linalg.solve(small, d.sum(2, keepdim=True)))[..., 0]
    return (w / w.sum(1, keepdim=True)).to(x)


def combine(
    w: Float[Tensor, "b k"], patches: UInt8[Tensor, "n 3 s s"], nearest: Int[Tensor, "b k"]
) -> Float[Tensor, "b 3 s s"]:
    """Σ_k w_k of the chosen HR patches, in [-1, 1]."""
    chosen = torch.stack(
        [
            torch.einsum("k,kchw->chw", face, patches[rows].float())
            for face, rows in zip(w, nearest, strict=True)
        ]
    )
    return chosen / 127.5 - 1  # the weights sum to one
