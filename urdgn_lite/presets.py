"""What to train and how: a preset is data, and its name says which.

A bare name is trained with the pixel term alone (λ = ∞, no D); `NAME-gan` plays Algorithm 1
with λ = 100, `lite-gan-1` with λ = 1, and so on.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes
    ----------
    name : the key under which weights and ledger rows are kept.
    generator : {"kind": a key of `networks.GENERATORS`, …its arguments}.
    discriminator : arguments of `networks.Discriminator`, or of another one with its "kind" in
        `networks.DISCRIMINATORS`; None where λ = ∞.
    lam : λ of Eq. 2; `math.inf` is the pixel term alone.
    reduction : "mean" or "sum" for ‖·‖²_F (see `objective.pixel_term`).
    adversarial : "saturating" (paper) or "non-saturating" (released code).
    optimiser : "rmsprop", "adamw" or "muon", for both players, with its arguments but the rate.
    rate : learning rate η; `schedule` (a key of `optimiser.SCHEDULES`) multiplies it.
    batch, steps : faces an update, updates in all.
    balanced : follow the released code's balancing rule.
    split_batch : D sees one half of the batch real and the *other* half generated.
    downsampling : how LR faces are made (see `degrade.downsample`).
    affine : largest random turn (degrees), zoom and shift (shares) of a training face;
        every preset mirrors half of its faces.
    average : share of the moving average of G's weights that a step keeps; 0 averages nothing.
    outcome : what was measured with it, where, in what time; empty while nothing was.
    """

    name: str
    generator: Mapping[str, Any]
    discriminator: Mapping[str, Any] | None = None
    lam: float = math.inf
    reduction: str = "mean"
    adversarial: str = "non-saturating"
    optimiser: Mapping[str, Any] = field(default_factory=lambda: {"kind": "adamw"})
    rate: float = 1e-3
    schedule: str = "cosine"
    batch: int = 16
    steps: int = 4000
    balanced: bool = False
    split_batch: bool = False
    downsampling: str = "antialiased"
    affine: Sequence[float] = (0.0, 0.0, 0.0)
    average: float = 0.0
    outcome: str = field(default="", compare=False)

    def but(self, **changes: Any) -> Preset:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, without its outcome; `Preset(**data)` makes it again."""
        return {name: value for name, value in asdict(self).items() if name != "outcome"}


# The released Torch7 code: the sizes of D's convolutions, with dropout and max pooling between.
RELEASED_D = {"widths": (32, 64, 128, 96), "hidden": 1024, "dropout": 0.2}
SMALL_D = {"widths": (16, 32, 64, 64), "hidden": 128, "dropout": 0.2}

_RESIDUAL_S = Preset(
    "residual-s", {"kind": "residual", "width": 32, "blocks": 5},
    rate=3e-3, steps=6000, affine=(3.0, 0.03, 0.02),
    outcome="on imaginary faces, 5 minutes on 2 CPU cores: +3.70 dB over bicubic on imaginary test "
    "faces, +2.61 dB on CelebA's",
)  # fmt: skip
_RESIDUAL = Preset(
    "residual", {"kind": "residual", "width": 64, "blocks": 11}, optimiser={"kind": "muon"},
    rate=2e-3, batch=32, steps=20_000, affine=(3.0, 0.03, 0.02),
)  # fmt: skip
_LITE = Preset(
    "lite", {"kind": "deconvolutional", "width": 128}, rate=3e-3, steps=1900,
    outcome="on imaginary faces, 5 minutes on 2 CPU cores: +2.53 dB over bicubic on imaginary test "
    "faces, +1.74 dB on CelebA's",
)  # fmt: skip
_RMSPROP = {"kind": "rmsprop", "alpha": 0.9, "eps_inside": False}
_RELEASED = Preset(
    "released",
    {"kind": "resize", "widths": (16, 64, 128, 256)},
    optimiser=_RMSPROP, schedule="authors", batch=128, steps=11_500, downsampling="aliased",
)  # fmt: skip
# Sect. 3.2 to the letter. Open in the text and chosen by us: layer sizes (such that two CPU cores
# train them to the end), N, K, ε inside the root, the initial weights; batch normalisation and
# mirrored faces are ours. 937 steps are an epoch.
_PAPER = Preset(
    "paper",
    {"kind": "deconvolutional", "width": 128},
    optimiser={"kind": "rmsprop", "alpha": 0.01, "eps_inside": True},
    schedule="paper", reduction="sum", batch=16, steps=28_110,
)  # fmt: skip
# For a G that has learnt from pixels: D moves it slowly, and the average smooths D's changing mind.
_GENTLE: dict[str, Any] = {"optimiser": {"kind": "adamw"}, "rate": 5e-4, "average": 0.999}
# At `lite`'s own rate D hardly learns: both halves of its loss stay near log 2.
_LITE_GAN = _LITE.but(name="lite-gan", lam=100.0, discriminator=SMALL_D, outcome="", **_GENTLE)
# `lite` behind a fully connected layer: what the paper removed from the GAN (Fig. 3 c, d).
_DENSE = _LITE.but(name="dense", generator={"kind": "dense", "width": 128, "first": 96}, outcome="")
# Eq. 1 alone, with DCGAN's settings (Radford et al. 2016).
_DCGAN = {"kind": "adamw", "betas": (0.5, 0.999)}
_GAN = Preset(
    "gan", _DENSE.generator, SMALL_D, lam=0.0,
    optimiser=_DCGAN, rate=2e-4, schedule="constant", steps=2000,
)  # fmt: skip
# 9-1-5, 64-32 as in 2014; but AdamW and a cosine instead of the SGD that took days. `srcnn` learns
# from true pairs of its own factor (`methods.srcnn`); 937 steps are an epoch.
_SRCNN = Preset("srcnn", {"kind": "srcnn", "factor": 2}, rate=1e-3, batch=16, steps=5000)
_SRCNN_8X = Preset("srcnn-8x", {"kind": "srcnn", "factor": 8}, rate=1e-3, batch=8, steps=600)
_SMOKE = Preset(
    "smoke",
    {"kind": "residual", "width": 4, "blocks": 1, "middle": 4},
    rate=2e-3,
    batch=4,
    steps=8,
)
_SMOKE_D = {"widths": (4, 4, 4, 4), "hidden": 8, "dropout": 0.2}

PRESETS: dict[str, Preset] = {
    p.name: p
    for p in (
        _RESIDUAL,
        _RESIDUAL.but(name="residual-gan", lam=100.0, discriminator=SMALL_D, **_GENTLE),
        _RESIDUAL_S,
        _RESIDUAL_S.but(
            name="residual-s-gan", lam=100.0, discriminator=SMALL_D, outcome="", **_GENTLE
        ),
        _LITE,
        _LITE_GAN,
        *(_LITE_GAN.but(name=f"lite-gan-{lam}", lam=float(lam))
          for lam in ("0", "1", "10", "1e3", "1e4")),
        _DENSE,
        _DENSE.but(name="dense-gan", lam=100.0, discriminator=SMALL_D),
        _GAN,
        _GAN.but(name="gan-star", generator=_LITE.generator),
        _SRCNN,
        _SRCNN_8X,
        _RELEASED,
        _RELEASED.but(
            name="released-gan", lam=100.0, discriminator=RELEASED_D, balanced=True,
            split_batch=True,
        ),
        _PAPER,
        _PAPER.but(
            name="paper-gan", lam=100.0, discriminator=SMALL_D, adversarial="saturating",
            steps=14_055,
        ),
        _SMOKE,
        _SMOKE.but(name="smoke-gan", lam=100.0, discriminator=_SMOKE_D),
    )
}  # fmt: skip

# A level a discriminator: trained by `methods.lapgan`, not by Algorithm 1.
LAPGAN = Preset(
    "lapgan", {"kind": "pyramid", "widths": (96, 64, 48)},
    {"kind": "pyramid", "widths": (32, 32, 32)}, lam=0.0,
    optimiser=_DCGAN, rate=5e-4, schedule="constant", steps=2000,
)  # fmt: skip


def get(name: str) -> Preset:
    """The preset of that name.

    Raises
    ------
    ValueError : no such preset; the message suggests near ones.
    """
    if name in PRESETS:
        return PRESETS[name]
    raise ValueError(f"no preset {name!r}: {suggest(name, PRESETS)}")


def suggest(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the near ones among the known, or else all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
