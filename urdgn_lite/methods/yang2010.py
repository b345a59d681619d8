"""[7] Yang, Wright, Huang and Ma 2010: coupled dictionaries, sparse codes, back-projection.

A factor-2 model applied three times, 16 → 32 → 64 → 128 (Sect. 4.2 of Yu and Porikli). One pair
of dictionaries is learnt for each level, because an aligned face looks different at each: what
is missing at 32 × 32 are eyes, at 128 × 128 lashes. Each level learns from true faces of its
size, so the later levels expect sharper images than the earlier ones hand them at test time.
That is generous: "repeatedly apply a scaling factor 2×" may mean one model (`shared`).

Two things are done as Zeyde, Elad and Protter (2010) do: the HR half of a pair is the residual
to the enlarged image, so that it scales with the contrast of the LR half; and codes are found by
orthogonal matching pursuit, which codes all patches of a face at once.
"""

import warnings
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, fold, pad, unfold

from urdgn_lite.degrade import SIZE
from urdgn_lite.methods.back_projection import back_project, inconsistency, resize
from urdgn_lite.methods.base import Learnt, luma_and_chroma, spread, to_rgb
from urdgn_lite.progress import bar

LEVELS = (32, 64, 128)
PATCH, STRIDE = 6, 2  # px of the enlarged image: 3 × 3 LR pixels, one LR pixel apart
BATCH = 256  # patches a step of dictionary learning
FILTERS = [[-1, 0, 1], [1, 0, -2, 0, 1]]  # first and second derivative, along x and along y


@dataclass
class Yang2010(Learnt):
    """Sparse-representation super-resolution (ScSR) of luma; chroma is bicubic.

    Attributes
    ----------
    faces : to learn from, evenly spread over those given.
    patches : patches a face and level; the flattest tenth of all is left out.
    atoms : of each dictionary.
    penalty : λ of the ℓ1 norm while the dictionaries are learnt.
    nonzeros : atoms a patch may use at test time; 0 leaves only the back-projection.
    back_projection : iterations after each level, against the LR face.
    shared : one pair of dictionaries, that of 64 → 128, at every level.
    seed : which patches are drawn.
    """

    faces: int = 5000
    patches: int = 2
    atoms: int = 512
    penalty: float = 0.15
    nonzeros: int = 3
    back_projection: int = 10
    shared: bool = False
    seed: int = 0

    def fit(self, hr: Float[Tensor, "n 3 128 128"]) -> Self:
        lumas = torch.cat([luma_and_chroma(h)[0] for h in spread(hr, self.faces).split(500)])
        generator = torch.Generator().manual_seed(self.seed)
        self.arrays, self.stages = {}, {}
        for size in LEVELS[-1:] if self.shared else LEVELS:
            show = bar(lumas.split(50), f"patches of {size}", leave=False)
            pairs = [self._pairs(part, size, generator) for part in show]
            high, low = map(torch.cat, zip(*pairs, strict=True))
            norm = low.norm(dim=1, keepdim=True)
            kept = norm[:, 0] > norm.quantile(0.1)
            high, low = high[kept] / norm[kept], low[kept] / norm[kept]
            if len(low) < self.atoms:
                raise ValueError(
                    f"{len(low)} patches are too few for {self.atoms} atoms: give more faces"
                )
            learnt = learn(high, low, self.atoms, self.penalty)
            self.arrays[f"high{size}"], self.arrays[f"low{size}"] = learnt
            self.stages[f"patches{size}"] = float(len(low))
        return self

    def _pairs(
        self, luma: Float[Tensor, "b 1 128 128"], size: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "p d"], Float[Tensor, "p e"]]:
        """Random (HR residual, LR feature) patches of one level."""
        enlarged = resize(resize(luma, size // 2), size)
        high = unfold(resize(luma, size) - enlarged, PATCH, stride=STRIDE)
        low = unfold(features(enlarged), PATCH, stride=STRIDE)
        at = torch.randint(low.shape[2], (len(low), 1, self.patches), generator=generator)
        drawn = (h.gather(2, at.expand(-1, h.shape[1], -1)).mT.flatten(0, 1) for h in (high, low))
        return next(drawn), next(drawn)

    @torch.no_grad()
    def __call__(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 128 128"]:
        """Enlarge LR faces in [-1, 1]: of 16, 32 or 64 pixels."""
        self.learnt("low128")
        # In float64: two atoms may tie so nearly that float32 would let the batch size choose.
        luma, chroma = luma_and_chroma(lr.double())
        x, used, explained = luma, [], []
        for size in (size for size in LEVELS if size > lr.shape[-1]):
            level = SIZE if self.shared else size
            x = resize(x, size)
            low = unfold(features(x), PATCH, stride=STRIDE)
            signals = low.mT.flatten(0, 1)
            norm = signals.norm(dim=1, keepdim=True).clamp(min=1e-6)
            dictionary = self.arrays[f"low{level}"].double()
            codes = sparse_code(dictionary, signals / norm, self.nonzeros)
            high = codes @ self.arrays[f"high{level}"].double() * norm
            high = high.unflatten(0, (len(x), -1)).mT
            overlaps = fold(torch.ones_like(high[:1]), size, PATCH, stride=STRIDE)
            x = x + fold(high, size, PATCH, stride=STRIDE) / overlaps
            self.stages[f"inconsistency{size}_before"] = inconsistency(x, luma)
            x = back_project(x, luma, self.back_projection)
            self.stages[f"inconsistency{size}"] = inconsistency(x, luma)
            used.append((codes != 0).sum(1).float().mean().item())
            unexplained = (signals / norm - codes @ dictionary).square().sum(1).mean()
            explained.append(1 - unexplained.item())
        self.stages["atoms_used"] = sum(used) / len(used)
        self.stages["energy_explained"] = sum(explained) / len(explained)
        return to_rgb(x, resize(chroma, SIZE)).to(lr.dtype)


def features(luma: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 4 h w"]:
    """First and second derivatives along x and y: the features of Yang et al. 2010."""
    maps = []
    for taps in FILTERS:
        row = luma.new_tensor(taps).view(1, 1, 1, -1)
        r = len(taps) // 2
        maps += [
            conv2d(pad(luma, (r, r, 0, 0), mode="replicate"), row),
            conv2d(pad(luma, (0, 0, r, r), mode="replicate"), row.mT),
        ]
    return torch.cat(maps, 1)


def learn(
    high: Float[Tensor, "p d"],
    low: Float[Tensor, "p e"],
    atoms: int,
    penalty: float,
) -> tuple[Float[Tensor, "{atoms} d"], Float[Tensor, "{atoms} e"]]:
    """One dictionary of the joined pairs, so that both halves of a pair share their code.

    Each half is divided by √(its length), as Yang et al. 2010 train theirs, that neither is
    heard only because it is longer; the joint patches have unit norm. The first patches are the
    first atoms.

    Raises
    ------
    ValueError : scikit-learn is not installed.
    """
    try:
        from sklearn.decomposition import MiniBatchDictionaryLearning
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise ValueError(
            "yang2010 needs scikit-learn: pip install 'urdgn_lite[methods]'"
        ) from error
    scales = high.shape[1] ** 0.5, low.shape[1] ** 0.5
    joint = torch.nn.functional.normalize(torch.cat([high / scales[0], low / scales[1]], 1))
    how = {"fit_algorithm": "lars", "dict_init": joint[:atoms].numpy().copy(), "random_state": 0}
    learner = MiniBatchDictionaryLearning(atoms, alpha=penalty, batch_size=BATCH, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a patch that LARS leaves early
        for part in bar(joint.split(BATCH), f"{atoms} atoms", leave=False):
            learner.partial_fit(part.numpy())
    learnt = torch.from_numpy(learner.components_).to(high.dtype)
    return learnt[:, : high.shape[1]] * scales[0], learnt[:, high.shape[1] :] * scales[1]


def sparse_code(
    dictionary: Float[Tensor, "k e"], signals: Float[Tensor, "p e"], nonzeros: int
) -> Float[Tensor, "p k"]:
    """Codes of at most `nonzeros` atoms each: orthogonal matching pursuit, all signals at once.

    Each step adds the atom that correlates most with what is left, and fits all chosen anew.
    """
    norms = dictionary.norm(dim=1).clamp(min=1e-12)
    unit = dictionary / norms[:, None]
    gram, wanted = unit @ unit.T, signals @ unit.T
    chosen = torch.empty(len(signals), 0, dtype=torch.long)
    values, left = wanted[:, :0], wanted
    for n in range(1, nonzeros + 1):
        free = left.abs().scatter(1, chosen, -1.0)
        chosen = torch.cat([chosen, free.argmax(1, keepdim=True)], 1)
        rows = gram[chosen]
        among = rows.gather(2, chosen[:, None].expand(-1, n, -1))
        ridge = 1e-6 * torch.eye(n, dtype=wanted.dtype)  # should two atoms be the same
        values = torch.linalg.solve(among + ridge, wanted.gather(1, chosen))
        left = wanted - (values[:, None] @ rows)[:, 0]
    return torch.zeros_like(wanted).scatter(1, chosen, values) / norms
