"""[5] Liu, Shum, Freeman 2007: a global face from a linear model, its details from a network."""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int8
from torch import Tensor
from torch.nn.functional import avg_pool2d, fold

from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, upsample_bicubic
from urdgn_lite.methods import belief
from urdgn_lite.methods.back_projection import resize
from urdgn_lite.methods.base import Learnt, spread
from urdgn_lite.progress import bar

BATCH = 50  # faces at a time
PATCH, STEP = 16, 8  # of the network, in HR pixels: neighbours share half a patch
CORNERS = range(0, SIZE - PATCH + 1, STEP)
POOL = 2  # the middle band is smooth: half the resolution compares as well, four times as fast
ITERATIONS = 2 * len(CORNERS)  # of belief propagation: from one corner of the face to the other


@dataclass
class Liu(Learnt):
    """Face hallucination of Liu, Shum and Freeman, IJCV 75 (2007): global, then local.

    The global face is μ + Uc, with the eigenfaces U of the HR faces and the c of largest posterior

        ‖A(μ + Uc) − l‖² / σ² + Σ_i c_i² / λ_i,

    where A is the downsampling, unrounded: l alone gives 768 equations, and without the prior c
    would not be determined. What is still missing, h − (μ + Uc), is pieced together of patches of
    other people's faces by a Markov network: candidates are those whose global face looks alike in
    the middle band; belief propagation chooses the ones that also agree where they overlap.

    Attributes
    ----------
    faces : at most so many training faces. The first half of them gives the eigenfaces, the
        second the patches: on faces that it has seen, the linear model leaves too little to learn.
    rank : number of eigenfaces.
    noise : σ, what the linear model is expected to miss of an LR pixel.
    local : whether the network is used; without it the result is the global face.
    candidates : patches to choose from at a place.
    smoothness : weight of a disagreement on the overlap, against one in the middle band.
    size : side of the LR faces.
    """

    faces: int = 4000
    rank: int = 1200
    noise: float = 0.05
    local: bool = True
    candidates: int = 10
    smoothness: float = 1.0
    size: int = LR_SIZE

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        """Learn from HR faces in [-1, 1]; returns itself.

        Raises
        ------
        ValueError : too few faces, or too alike, for a single eigenface.
        """
        hr = spread(hr, self.faces)
        half = len(hr) // 2 if self.local else len(hr)
        self._learn_eigenfaces(hr[:half])
        if self.local:
            self._learn_details(hr[half:])
        return self

    def _learn_eigenfaces(self, hr: Tensor) -> None:
        mean = hr.mean(0)
        x = (hr - mean).flatten(1)
        # n faces span n − 1 directions: the n × n products have the same eigenvalues
        values, vectors = torch.linalg.eigh((x @ x.T).double())
        values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
        rank = int(min(self.rank, (values > values[0] * 1e-6).sum()))
        if rank == 0:
            raise ValueError(
                f"{len(hr)} of the faces give the eigenfaces, and do not differ: Liu needs at "
                f"least {4 if self.local else 2} different faces"
            )
        scale = values[:rank].sqrt()
        basis = (vectors[:, :rank] / scale).T.float() @ x  # rows U_i, of length one
        prior = scale**2 / (len(hr) - 1)  # λ
        w = resize(basis.view(rank, 3, SIZE, SIZE), self.size).flatten(1).double()  # rows A U_i
        posterior = w @ w.T / self.noise**2 + torch.diag(1 / prior)
        solve = torch.linalg.solve(posterior, w / self.noise**2)
        self.arrays = {
            "mean": mean,
            "basis": basis.half(),
            "solve": solve.float(),
            "prior": prior.float(),
        }
        self.stages = {"rank": rank, "energy": (values[:rank].sum() / values.sum()).item()}

    def _learn_details(self, hr: Tensor) -> None:
        bands, details = [], []
        for h in bar(hr.split(BATCH), "liu"):
            lr = downsample(h, size=self.size)
            face = self.global_face(lr)
            bands.append(middle_band(face, lr).half())
            details.append(((h - face) * 127.5).round().clamp(-128, 127).to(torch.int8))
        self.arrays |= {"bands": torch.cat(bands), "details": torch.cat(details)}

    def global_face(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 128 128"]:
        """μ + Uc for the most probable c."""
        mean = self.learnt("mean")
        c = (lr - resize(mean[None], self.size)).flatten(1) @ self.learnt("solve").T
        self.stages["prior"] = (c.square() / self.learnt("prior")).mean().item()
        return mean + (c @ self.learnt("basis").to(lr)).view(-1, 3, SIZE, SIZE)

    def __call__(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 128 128"]:
        face = self.global_face(lr)
        if self.local:
            face = face + self._pieced(face, lr)
        return face

    def _pieced(self, face: Tensor, lr: Tensor) -> Tensor:
        """The details of each face, from its middle band."""
        parts = zip(middle_band(face, lr).split(BATCH), strict=True)
        pieced, before, after = zip(*(self._details(*band) for band in parts), strict=True)
        self.stages["mrf_before"] = torch.cat(before).mean().item()
        self.stages["mrf_after"] = torch.cat(after).mean().item()
        return torch.cat(pieced)

    def _details(self, band: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The network: details (b, 3, 128, 128), its energy before and after propagation."""
        rows = []
        for i in CORNERS:
            rows.append([self._candidates(band, i, j) for j in CORNERS])
        unary = torch.stack([torch.stack([cost for cost, _ in row], 1) for row in rows], 1)
        patches = torch.stack([torch.stack([p for _, p in row], 1) for row in rows], 1)
        right = disagreement(patches[:, :, :-1, ..., STEP:], patches[:, :, 1:, ..., :-STEP])
        down = disagreement(patches[:, :-1, ..., STEP:, :], patches[:, 1:, ..., :-STEP, :])
        right, down = self.smoothness * right, self.smoothness * down
        greedy = torch.zeros(unary.shape[:3], dtype=torch.int64)  # candidates come nearest first
        labels = belief.min_sum(unary, right, down, ITERATIONS)
        before, after = (belief.energy(unary, right, down, c) for c in (greedy, labels))
        chosen = patches.take_along_dim(labels[..., None, None, None, None], 3)[:, :, :, 0]
        return average(chosen), before, after

    def _candidates(self, band: Tensor, i: int, j: int) -> tuple[Tensor, Tensor]:
        """Costs (b, k) and patches (b, k, 3, 16, 16) of the nearest middle bands at one place."""
        small = slice(i // POOL, (i + PATCH) // POOL), slice(j // POOL, (j + PATCH) // POOL)
        known = self.learnt("bands")[..., *small].flatten(1).to(band)
        apart = torch.cdist(
            band[..., *small].flatten(1), known, compute_mode="donot_use_mm_for_euclid_dist"
        )
        cost, nearest = apart.square().topk(min(self.candidates, len(known)), largest=False)
        patches = self.learnt("details")[..., i : i + PATCH, j : j + PATCH]
        return cost * POOL**2, patches[nearest]


def middle_band(
    face: Float[Tensor, "b 3 128 128"], lr: Float[Tensor, "b 3 s s"]
) -> Float[Tensor, "b 3 64 64"]:
    """What the global face knows beyond the bicubic one: finer than LR, coarser than details."""
    return avg_pool2d(face - upsample_bicubic(lr), POOL)


def disagreement(
    first: Int8[Tensor, "b r c k 3 h w"], second: Int8[Tensor, "b r c k 3 h w"]
) -> Float[Tensor, "b r c k k"]:
    """Squared distances of all pairs of candidates on the part that two neighbours share."""
    pairs = torch.cdist(first.flatten(4).float() / 127.5, second.flatten(4).float() / 127.5)
    return pairs.square()


def average(patches: Int8[Tensor, "b r c 3 p p"]) -> Float[Tensor, "b 3 128 128"]:
    """Patches at their places, averaged where they overlap."""
    columns = patches.flatten(1, 2).flatten(2).mT.float() / 127.5  # b 3·p·p places
    total, count = (fold(x, SIZE, PATCH, stride=STEP) for x in (columns, torch.ones_like(columns)))
    return total / count
