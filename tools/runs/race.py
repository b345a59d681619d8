"""How long from scratch to a given gain? `python tools/runs/race.py [--races "+1.6 dB" …]`.

In each race `residual` is trained, by `SPRINT`, for as many steps as should do, and measured on
test faces. The clock counts training with all that belongs to it (choosing faces, turning them,
making LR faces), after one step for warming up; reading the faces and measuring are reported
apart. A gain that is not reached stays in `results/race.json` all the same.
"""

import argparse
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from rows import about, fill, scores, trained

from urdgn_lite import faces, presets
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.provenance import circumstances
from urdgn_lite.train import train

BATCH = {"cpu": 32, "cuda": 64}
# The rate and the decay that `residual` once had: in long runs they kill (see dead.py).
SPRINT = {"rate": 2e-3, "optimiser": {"kind": "muon"}}


@dataclass(frozen=True)
class Race:
    """A gain in dB to reach, in how many steps on each device, and what differs from `SPRINT`."""

    gain: float
    steps: dict[str, int]
    changes: dict[str, Any] = field(default_factory=dict)


SHORT = {"cpu": 70, "cuda": 70}
RACES = {
    "70 steps": Race(1.6, SHORT),
    "70 steps, AdamW": Race(1.6, SHORT, {"optimiser": {"kind": "adamw"}}),
    "+1.6 dB": Race(1.6, {"cpu": 120, "cuda": 250}),
    "+3.0 dB": Race(3.0, {"cpu": 2500, "cuda": 2000}),
}


def measure(race: Race, hr: faces.Faces, test: faces.Faces, reading: float) -> dict[str, Any]:
    """Train once, against the clock: a row of `results/race.json`."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    preset = presets.get("residual").but(batch=BATCH[device], **SPRINT | race.changes)
    train(preset, hr, steps=1)
    steps = race.steps[device]
    run = trained(preset, hr, steps=steps, bf16=False)
    began = time.perf_counter()
    row = scores(run.generator.eval(), test)
    clock = {
        "seconds": round(run.seconds, 2),
        "seconds_reading": round(reading),
        "seconds_measuring": round(time.perf_counter() - began),
    }
    wanted = {"wanted": race.gain, "reached": row["gain_psnr"] >= race.gain}
    return row | wanted | {"preset": run.preset.to_dict()} | about(run, len(test)) | clock


def main() -> None:
    """Run what the table does not hold yet for this hardware."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", nargs="+", default=list(RACES), choices=list(RACES))
    parser.add_argument("--faces", default="celeba128")
    options = parser.parse_args()
    began = time.perf_counter()
    hr, test = (faces.load(options.faces, split) for split in ("train", "test"))
    reading = time.perf_counter() - began
    races = {f"{name}, {circumstances()['hardware']}": RACES[name] for name in options.races}
    fill(ledger() / "race.json", races, lambda name: measure(races[name], hr, test, reading))


if __name__ == "__main__":
    main()
