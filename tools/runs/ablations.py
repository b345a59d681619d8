"""One thing changed at a time: `python tools/runs/ablations.py --out FOLDER`.

`lite`, a quarter as wide, is trained alike for every row but for what its name says, and measured
on test faces. The rows of the game, with D in it, go on from the first row's G, and so does the one
that they are compared with. Everything goes to `results/ablations.json`; rows that are there are
not run again.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rows import about, bounds, fill, gain, part, scores, trained
from torch import Tensor, nn

from urdgn_lite import degrade, faces, objective, presets
from urdgn_lite.degrade import to_float
from urdgn_lite.lesson import regions
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.networks import count_parameters
from urdgn_lite.run import Run
from urdgn_lite.train import GAMES

BASE = presets.get("lite").but(
    name="ablation", generator={"kind": "deconvolutional", "width": 32}, batch=8
)
LATE = {"rate": 5e-4, "average": 0.99}  # for a G that has learnt from pixels, as in `lite-gan`
AUTHORS = {"kind": "rmsprop", "eps_inside": False}  # what the released code means by RMSprop
FIRST = "pixels alone"


def patches(run: Run, h: Tensor) -> dict[str, Tensor]:
    """An iteration on patches: of each face four random quarters, as many pixels as one face."""
    lr, parts = degrade.downsample(h), []
    for _ in range(4):
        top, left = torch.randint(9, (2,)).tolist()
        cut = h[:, :, 8 * top : 8 * top + 64, 8 * left : 8 * left + 64]
        parts.append((lr[:, :, top : top + 8, left : left + 8], cut))
    lr, h = (torch.cat(part) for part in zip(*parts, strict=True))
    loss = objective.generator_loss(None, run.G(lr).float(), h, run.preset.lam)
    run.opt_g.zero_grad()
    loss.backward()
    run.opt_g.step()
    return {"loss": loss.detach()}


GAMES["patches"] = patches


@dataclass
class Ablation:
    """What differs from the first row.

    Attributes
    ----------
    recipe : changed fields of the preset.
    limit : learn from so many faces alone.
    late : go on from the first row's G.
    aliased : measure on aliased LR faces too.
    """

    recipe: dict[str, Any] = field(default_factory=dict)
    limit: int | None = None
    late: bool = False
    aliased: bool = False


def game(lam: float) -> Ablation:
    """Algorithm 1 with that λ."""
    return Ablation({"lam": lam, "discriminator": presets.SMALL_D, **LATE}, late=True)


ROWS = {
    FIRST: Ablation(aliased=True),
    "going on, no D": Ablation(LATE, late=True),
    **{f"going on, λ = {lam:g}": game(lam) for lam in (0.0, 1.0, 10.0, 100.0, 1000.0)},
    "fully connected": Ablation({"generator": {"kind": "dense", "width": 32, "first": 24}}),
    "patches": Ablation({"game": "patches"}),
    "aliased": Ablation({"downsampling": "aliased"}, aliased=True),
    "500 faces": Ablation(limit=500),
    "2,000 faces": Ablation(limit=2000),
    "RMSprop, α = 0.99": Ablation({"optimiser": AUTHORS | {"alpha": 0.99}, "rate": 1e-3}),
    "RMSprop, α = 0.9": Ablation({"optimiser": AUTHORS | {"alpha": 0.9}, "rate": 1e-3}),
    "RMSprop, α = 0.01": Ablation({"optimiser": AUTHORS | {"alpha": 0.01}, "rate": 1e-3}),
}


def masked(D: nn.Module, h: Tensor) -> dict[str, dict[str, float]]:
    """How much D's logit falls when a region of the real face becomes as grey as its mean."""
    return {name: bounds(fall) for name, fall in regions.falls(D, h).items()}


def run_row(name: str, hr: faces.Faces, test: faces.Faces, steps: int, out: Path) -> dict:
    """Train one row, or go on, and measure it."""
    what = ROWS[name]
    preset = BASE.but(**what.recipe)
    folder = out / f"{steps}-{name.replace(' ', '-')}"
    start = out / f"{steps}-{FIRST.replace(' ', '-')}" / "generator.safetensors"
    steps = steps // 8 if what.late else steps
    some, begin = part(hr, slice(what.limit)), start if what.late else ""
    run = trained(preset, some, steps=steps, out=folder, start=begin)
    G = run.generator.eval()
    with torch.no_grad():
        row = scores(G, test, perceptual=what.late or name == FIRST)
        if what.aliased:
            row["on_aliased"] = gain(G, test, "aliased")
        if run.D is not None:
            row["masked"] = masked(run.D, to_float(test.images))
        if name == FIRST:  # batch normalisation by the statistics of the faces at hand
            row["batch_statistics"] = {}
            for size in (1, 8, 50):
                some = part(test, slice(200))
                row["batch_statistics"][str(size)] = of_batches(G.train(), some, size)
            row["batch_statistics"]["stored"] = gain(G.eval(), some)
    return row | {"parameters": count_parameters(G)} | about(run, len(test))


def of_batches(G: nn.Module, test: faces.Faces, size: int) -> dict[str, float]:
    """`gain` where G, in training mode, sees so many faces at a time."""
    kept = {name: value.clone() for name, value in G.state_dict().items()}
    found = gain(G, test, size=size)
    G.load_state_dict(kept)  # the statistics have moved
    return found


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--faces", default="celeba128")
    options = parser.parse_args()
    hr, test = (faces.load(options.faces, split) for split in ("train", "test"))
    fill(
        ledger() / "ablations.json",
        ROWS,
        lambda name: run_row(name, hr, test, options.steps, options.out),
    )


if __name__ == "__main__":
    main()
