"""What adversarial recipes do: small, equal runs, `python tools/runs/recipes.py`.

G (`lite`'s) and D are the same in all, so that only the recipe differs. Each is measured on the
test faces and written to `results/recipes.json` with its curves as soon as it is done; what is
there is not run again.
"""

import argparse
import copy
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rows import fill, gain, part, scores, trained
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from urdgn_lite import faces, networks, presets
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.methods import released
from urdgn_lite.networks import Discriminator, count_parameters
from urdgn_lite.provenance import circumstances
from urdgn_lite.run import Run
from urdgn_lite.train import GAMES
from urdgn_lite.watch import DivergedError

G = presets.get("lite").generator
POINTS = 40  # of a curve
GAMMA, LAZY = 1.0, 4  # R1's weight, and every how many steps it is taken
Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Recipe:
    """A preset with changes; `start` is a generator of the zoo that G begins as."""

    preset: str
    start: str = ""
    r1: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


def _gentle(r1: bool = False, **changes: Any) -> Recipe:
    """`lite-gan`; its average forgets faster, as 0.999 would keep most of the start until here."""
    return Recipe("lite-gan", "lite", r1, {"average": 0.99} | changes)


ALPHA = {"optimiser": {"kind": "rmsprop", "alpha": 0.9, "eps_inside": True}}
SPECTRAL = {"discriminator": {"kind": "spectral", **presets.SMALL_D}}
RECIPES = {
    "no D": Recipe("lite"),
    "literal": Recipe("paper-gan"),
    "literal, α = 0.9": Recipe("paper-gan", changes=ALPHA),
    "released": Recipe("released-gan"),
    "released, no balance": Recipe("released-gan", changes={"game": "released, no balance"}),
    "from lite, no D": Recipe("lite", "lite", changes={"rate": 5e-4, "average": 0.99}),
    "from lite, rate 3e-3": _gentle(rate=3e-3, average=0.0),
    "from lite, gentle": _gentle(),
    "from lite, gentle, R1": _gentle(r1=True),
    "from lite, gentle, spectral norm": _gentle(**SPECTRAL),
}


def spectral(**arguments: Any) -> nn.Module:
    """`Discriminator`, none of whose layers can stretch (Miyato et al. 2018)."""
    D = Discriminator(**arguments)
    for layer in D:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)
    return D


def penalise(run: Run, h: Tensor) -> None:
    """R1: a step of D towards a smaller slope at real faces.

    After Mescheder et al. (2018); apart from the game and seldom, as in Karras et al. (2020).
    """
    h = h.detach().requires_grad_()
    (slope,) = torch.autograd.grad(run.D(h).float().sum(), h, create_graph=True)
    penalty = slope.float().square().flatten(1).sum(1).mean()
    run.opt_d.zero_grad()
    (-GAMMA / 2 * LAZY * penalty).backward()  # D ascends
    run.opt_d.step()


GAMES["released, no balance"] = partial(released.play, rule=lambda *bce: (True, True))


def curve(values: list[float], points: int = POINTS) -> list[float]:
    """At most so many values: means over equal stretches."""
    parts = torch.tensor(values).tensor_split(min(points, len(values)))
    return [float(f"{part.mean().item():.4g}") for part in parts]


def preset_of(recipe: Recipe, steps: int, batch: int) -> presets.Preset:
    """The recipe for the small networks, on LR faces like those it is measured on."""
    base = presets.get(recipe.preset)
    D = {} if base.discriminator is None else {"discriminator": presets.SMALL_D}
    return base.but(
        generator=G, batch=batch, steps=steps, downsampling="antialiased", **(D | recipe.changes)
    )


def measure(
    name: str, hr: faces.Faces, val: faces.Faces, test: faces.Faces, steps: int, batch: int
) -> dict[str, Any]:
    """Train by one recipe and measure it: its row."""
    networks.DISCRIMINATORS["spectral"] = spectral  # type: ignore[assignment]
    recipe = RECIPES[name]
    preset = preset_of(recipe, steps, batch)
    seen: dict[str, list[float]] = {}
    game = presets.find(GAMES, preset.game, "game")

    def play(run: Run, h: Tensor) -> Losses:
        losses = game(run, h)
        if recipe.r1 and run.step % LAZY == 0:
            penalise(run, h)
        for key, value in losses.items():
            seen.setdefault(key, []).append(value.item())
        return losses

    GAMES["watched"] = play
    row: dict[str, Any] = asdict(recipe) | {"steps": steps, "batch": batch}
    try:
        run = trained(preset.but(game="watched"), hr, val, steps=steps, start=recipe.start)
    except DivergedError as error:
        row |= {"diverged": str(error)}
        return row | {"curves": {k: curve(v) for k, v in seen.items()}, **circumstances()}
    network = copy.deepcopy(run.generator)
    row |= scores(network, test, perceptual=True)
    if run.averaged is not None:
        row |= {"gain_unaveraged": gain(run.G.eval(), test)["gain_psnr"]}
    row |= {"gain_training_mode": gain(network.train(), test)["gain_psnr"]}
    row |= {"seconds": round(run.seconds), "parameters": count_parameters(network)}
    row |= {"faces": hr.source, "n": len(hr), "test": test.source, "n_test": len(test)}
    row |= {"gains": [[r["step"], r["gain"]] for r in run.history]}
    return row | {"curves": {k: curve(v) for k, v in seen.items()}} | circumstances()


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--table", type=Path, default=ledger() / "recipes.json")
    options = parser.parse_args()
    hr, val, test = (faces.load(options.faces, split) for split in ("train", "val", "test"))
    val = part(val, slice(50))
    fill(
        options.table,
        RECIPES,
        lambda name: measure(name, hr, val, test, options.steps, options.batch),
    )


if __name__ == "__main__":
    main()
