"""Which reading of the paper trains: `python tools/runs/readings.py --faces celeba128`.

Sect. 3.2 leaves open, or may have meant otherwise, what each row changes in preset `paper-gan`.
All see the same faces in the same order, an epoch of them, from the same weights. Validation
gains on the way show how much the last one owes to chance. The first × 0.99 comes with the second
epoch, so a constant η is told apart after two. Rows go to results/readings.json.
"""

import argparse
from typing import Any

from rows import about, fill, part, scores, trained

from urdgn_lite import faces, presets
from urdgn_lite.measure.evaluate import ledger

LITERAL = presets.LITERAL
READINGS: dict[str, dict[str, Any]] = {
    "as written": {},
    "α = 0.9": {"optimiser": LITERAL | {"alpha": 0.9}},
    "mean instead of sum": {"reduction": "mean"},
    "−log D": {"adversarial": "non-saturating"},
    "ε outside the root": {"optimiser": LITERAL | {"eps_inside": False}},
    "as written, two epochs": {},
    "constant η, two epochs": {"schedule": "constant"},
}


def measure(
    name: str, hr: faces.Faces, val: faces.Faces, test: faces.Faces, steps: int
) -> dict[str, Any]:
    """Train by one reading and measure it: its row."""
    preset = presets.get("paper-gan").but(name=f"paper-gan, {name}", **READINGS[name])
    run = trained(preset, hr, val, steps=2 * steps if name.endswith("two epochs") else steps)
    last = {half: run.history[-1][half] for half in ("bce_real", "bce_fake")}
    gains = [[row["step"], row["gain"]] for row in run.history]
    row = scores(run.generator.eval(), test) | {"changes": READINGS[name], "gains": gains}
    return row | last | about(run, len(test))


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows; default: all")
    parser.add_argument("--steps", type=int, default=937, help="default: an epoch")
    parser.add_argument("--faces", default="celeba128")
    given = parser.parse_args()
    hr, val, test = (faces.load(given.faces, split) for split in ("train", "val", "test"))
    val = part(val, slice(None, None, 5))
    fill(
        ledger() / "readings.json",
        given.names or READINGS,
        lambda name: measure(name, hr, val, test, given.steps),
    )


if __name__ == "__main__":
    main()
