"""How much of a gain is the seed's: `python tools/runs/seeds.py --faces celeba128`.

Each preset is trained twice more, its start included: other initial weights, another order of the
faces. The zoo holds seed 0. A kill costs some minutes: `--out` keeps the runs. Rows go to
results/seeds.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rows import about, fill, scores, trained

from urdgn_lite import faces, presets
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.run import Run

ROWS = [f"{name}, seed {seed}" for name in ("lite", "lite-gan", "paper-gan") for seed in (1, 2)]


def measure(name: str, hr: faces.Faces, test: faces.Faces, out: Path, steps: int) -> dict[str, Any]:
    """Train one preset with one seed and measure it: its row."""
    of, _, seed = name.partition(", seed ")

    def made(preset: presets.Preset) -> Run:
        start = made(presets.get(preset.start)).generator if preset.start else None
        how = {"steps": steps or preset.steps, "seed": int(seed), "start": start}
        return trained(preset, hr, out=out / f"{preset.name}-{seed}", **how)

    run = made(presets.get(of))
    return scores(run.generator.eval(), test, perceptual=True) | about(run, len(test))


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows; default: all")
    parser.add_argument("--steps", type=int, default=0, help="default: the preset's")
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"))
    given = parser.parse_args()
    hr, test = (faces.load(given.faces, split) for split in ("train", "test"))
    fill(
        ledger() / "seeds.json",
        given.names or ROWS,
        lambda name: measure(name, hr, test, given.out, given.steps),
    )


if __name__ == "__main__":
    main()
