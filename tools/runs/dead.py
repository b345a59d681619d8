"""Why `residual` learns slowly: channels that die, `python tools/runs/dead.py`.

The first steps of `residual` at two rates, with two decays of the weights. A channel in a block is
dead if its ReLU is zero at every place of every face: no gradient reaches its weights any more.
Rows go to results/dead.json.
"""

import argparse
from typing import Any

import torch
from rows import about, batches, fill, gain, trained

from urdgn_lite import faces, presets
from urdgn_lite.degrade import downsample
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.optimiser import SCHEDULES, cosine_schedule

RECIPES = {
    f"rate {rate}, decay {decay}": {
        "rate": float(rate),
        "optimiser": {"kind": "muon", "weight_decay": float(decay)},
    }
    for rate in ("2e-3", "1e-3")
    for decay in ("0.01", "0.1")
}


@torch.no_grad()
def dead(G: Any, some: faces.Faces) -> list[int]:
    """Dead channels of each block of a `Residual`, judged by some faces."""
    highest = []  # of each batch: of each block, each channel
    for h in batches(some):
        x, rows = G.head(downsample(h)), []
        for block in G.body:
            rows.append(block.a(x).amax((0, 2, 3)))
            x = block(x)
        highest.append(torch.stack(rows))
    return (torch.stack(highest).amax(0) <= 0).sum(1).tolist()


def measure(name: str, hr: faces.Faces, val: faces.Faces, steps: int) -> dict[str, Any]:
    """Train the beginning of `residual` by one recipe and look who lives: its row."""
    residual = presets.get("residual")
    SCHEDULES["residual's"] = lambda step, _, epoch: cosine_schedule(step, residual.steps, epoch)
    preset = residual.but(name=name, schedule="residual's", **RECIPES[name])
    run = trained(preset, hr, steps=steps)
    counts = {"dead": dead(run.generator.eval(), val), "channels": preset.generator["width"]}
    return gain(run.generator, val) | counts | RECIPES[name] | about(run, len(val))


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows; default: all")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--faces", default="celeba128")
    given = parser.parse_args()
    hr, val = (faces.load(given.faces, split) for split in ("train", "val"))
    fill(
        ledger() / "dead.json",
        given.names or RECIPES,
        lambda name: measure(name, hr, val, given.steps),
    )


if __name__ == "__main__":
    main()
