"""What to train and how: a preset is data, and makes the generator that bears its name.

A bare name is trained with the pixel term alone (λ = ∞, no D); `NAME-gan` plays Algorithm 1
with λ = 100, `lite-gan-1` with λ = 1, and so on. `methods` adds those of other games.
"""

import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any, Self, TypeVar

T = TypeVar("T")


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
    batch, steps : N, faces an update; K, updates in all.
    start : the generator that G begins as, by its name; "" draws new weights.
    game : what an iteration does, a key of `train.GAMES`.
    downsampling : how LR faces are made (see `degrade.downsample`).
    affine : largest random turn (degrees), zoom and shift (shares) of a face; half are mirrored.
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
    start: str = ""
    game: str = "algorithm_1"
    downsampling: str = "antialiased"
    affine: Sequence[float] = (0.0, 0.0, 0.0)
    average: float = 0.0
    outcome: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():  # JSON knows no tuples: equal data, equal presets
            object.__setattr__(self, name, json.loads(json.dumps(value)))
        if self.steps < 1 or self.batch < 1:
            raise ValueError(f"steps and batch must be at least 1, not {self.steps}, {self.batch}")
        if not self.lam >= 0:
            raise ValueError(f"λ must be 0 or more, not {self.lam}")

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, without its outcome; `Preset(**data)` makes it again."""
        return {name: value for name, value in asdict(self).items() if name != "outcome"}


SMALL_D = {"widths": (16, 32, 64, 64), "hidden": 128, "dropout": 0.2}
RESIDUAL = {"kind": "residual", "width": 64, "blocks": 11}
RESIDUAL_S = {"kind": "residual", "width": 32, "blocks": 5}
SMOKE = {"kind": "residual", "width": 4, "blocks": 1, "middle": 4}
LITE = {"kind": "deconvolutional", "width": 128}
TURNS = (3.0, 0.03, 0.02)
ADAMW, MUON = {"kind": "adamw"}, {"kind": "muon", "weight_decay": 0.1}
LITERAL = {"kind": "rmsprop", "alpha": 0.01, "eps_inside": True}

# fmt: off
PRESETS: dict[str, Preset] = {p.name: p for p in (
    # At twice the rate the ReLUs of the first blocks die one by one (tools/runs/dead.py).
    Preset("residual", RESIDUAL, optimiser=MUON, rate=1e-3, batch=32, steps=36_000, affine=TURNS,
           outcome="+3.78 dB on CelebA's test faces, after 87 minutes of 1 CPU core"),
    # The G of a -gan has learnt from pixels. D moves it slowly; the average smooths what D wants.
    Preset("residual-gan", RESIDUAL, SMALL_D, 100.0, start="residual",
           optimiser=ADAMW, rate=5e-4, steps=3000, affine=TURNS, average=0.999,
           outcome="+3.28 dB on CelebA's test faces, after 14 more minutes of 1 CPU core"),
    Preset("residual-s", RESIDUAL_S, optimiser=ADAMW, rate=3e-3, steps=60_000, affine=TURNS,
           outcome="+3.22 dB on CelebA's test faces, after 80 minutes of 1 CPU core"),
    Preset("residual-s-gan", RESIDUAL_S, SMALL_D, 100.0, start="residual-s",
           optimiser=ADAMW, rate=5e-4, steps=1500, affine=TURNS, average=0.999,
           outcome="+2.93 dB on CelebA's test faces, after 14 more minutes of 1 CPU core"),
    Preset("residual-s-imaginary", RESIDUAL_S, optimiser=ADAMW, rate=3e-3, steps=6000, affine=TURNS,
           outcome="+2.61 dB on CelebA's test faces, after 5 minutes of 2 CPU cores"),
    Preset("lite", LITE, optimiser=ADAMW, rate=3e-3, steps=18_000,
           outcome="+2.79 dB on CelebA's test faces, after 39 minutes of 1 CPU core"),
    # At `lite`'s own rate D hardly learns: both halves of its loss stay near log 2.
    Preset("lite-gan", LITE, SMALL_D, 100.0, start="lite",
           optimiser=ADAMW, rate=5e-4, steps=1500, average=0.999,
           outcome="+2.42 dB on CelebA's test faces, after 7 more minutes of 1 CPU core"),
    *(Preset(f"lite-gan-{lam}", LITE, SMALL_D, float(lam), start="lite",
             optimiser=ADAMW, rate=5e-4, steps=1500, average=0.999)
      for lam in ("0", "1", "10", "1e3", "1e4")),
    Preset("lite-imaginary", LITE, optimiser=ADAMW, rate=3e-3, steps=1900,
           outcome="+1.74 dB on CelebA's test faces, after 5 minutes of 2 CPU cores"),
    # Sect. 3.2 to the letter. Open there, chosen by us: layer sizes, N, K, ε inside the root, the
    # initial weights; batch normalisation and mirrored faces are ours. 937 steps are an epoch.
    Preset("paper", LITE, reduction="sum",
           optimiser=LITERAL, rate=1e-3, schedule="paper", steps=28_110,
           outcome="+2.47 dB on CelebA's test faces, after 52 minutes of 1 CPU core"),
    Preset("paper-gan", LITE, SMALL_D, 100.0, "sum", "saturating",
           optimiser=LITERAL, rate=1e-3, schedule="paper", steps=14_055,
           outcome="+2.21 dB on CelebA's test faces, after 52 minutes of 2 CPU cores"),
    # For tests.
    Preset("smoke", SMOKE, optimiser=ADAMW, rate=2e-3, batch=4, steps=8),
    Preset("smoke-gan", SMOKE, {"widths": (4, 4, 4, 4), "hidden": 8, "dropout": 0.2}, 100.0,
           optimiser=ADAMW, rate=2e-3, batch=4, steps=8),
)}
# fmt: on


def get(name: str) -> Preset:
    """The preset of that name.

    Raises
    ------
    ValueError : no such preset; the message suggests near ones.
    """
    return find(PRESETS, name, "preset")


def find(registry: Mapping[str, T], name: str, what: str) -> T:
    """What a registry (of presets, networks, games) holds under a name.

    The package `methods` registers what belongs to other games; it is loaded when it is needed.

    Raises
    ------
    ValueError : nothing; the message suggests near names.
    """
    if name not in registry:
        import_module("urdgn_lite.methods")
    if name not in registry:
        raise ValueError(f"no {what} {name!r}: {suggest(name, registry)}")
    return registry[name]


def suggest(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the near ones among the known, or else all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
