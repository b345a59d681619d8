"""Fig. 1 c: the face of the training set whose LR face is nearest. A real face, of someone else."""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from urdgn_lite.degrade import to_float
from urdgn_lite.methods.base import Learnt, exemplars


@dataclass
class Nearest(Learnt):
    """Nearest neighbour: compare LR faces, return the HR face of the nearest (Fig. 1 c).

    Attributes
    ----------
    faces : at most so many training faces are kept (48 kB each).
    """

    faces: int = 15_000

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        self.arrays = exemplars(hr, self.faces)
        self.stages = {"faces": len(self.arrays["hr"])}
        return self

    def __call__(self, lr: Float[Tensor, "b 3 16 16"]) -> Float[Tensor, "b 3 128 128"]:
        known = to_float(self.learnt("lr")).flatten(1)
        # by differences: through inner products, equal faces would not be at distance 0
        apart = torch.cdist(lr.flatten(1), known, compute_mode="donot_use_mm_for_euclid_dist")
        distance, nearest = apart.min(1)
        self.stages["distance"] = distance.mean().item()
        return to_float(self.learnt("hr")[nearest])
