"""Frontal training faces (the paper's abstract) or all poses (its Sect. 4.1)? Compared by yaw."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rows import bounds, part, trained

from urdgn_lite import degrade, faces, presets, store
from urdgn_lite.degrade import to_float
from urdgn_lite.measure import metrics
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.provenance import circumstances

FRONTAL = 0.1  # |yaw|: the nose's offset from the middle of the eyes, in inter-ocular distances
EDGES = (0.0, 0.05, 0.1, 0.2, 0.3, 9.0)
KEYS, SEED = ("left_eye", "right_eye", "nose"), 0


def yaws(some: faces.Faces) -> np.ndarray:
    """|yaw| of each face, from the csv beside the faces: as given, or from eyes and nose."""
    try:
        yaw = np.array(some.about("yaw"), float)
    except faces.FacesError:
        left, right, nose = (np.array(some.about(f"{k}_x"), float) for k in KEYS)
        yaw = (nose - (left + right) / 2) / (right - left)
    return np.abs(yaw)


@torch.no_grad()
def compare(hr: faces.Faces, test: faces.Faces, preset: str, steps: int, runs: Path) -> dict:
    """Train both, or go on, and measure gains over bicubic in dB: an entry a bin of |yaw|."""
    frontal = np.flatnonzero(yaws(hr) < FRONTAL)
    dealt = np.random.default_rng(SEED).permutation(len(hr))[: len(frontal)]
    h = to_float(test.images)
    lr = degrade.downsample(h)
    gains, seconds = {}, {}
    for name, chosen in (("frontal", frontal), ("random", np.sort(dealt))):
        out = runs / f"{preset}-{steps}-{name}"
        with torch.enable_grad():
            some = replace(part(hr, chosen), source=f"{hr.source}, {name}")
            run = trained(presets.get(preset), some, steps=steps, seed=SEED, out=out)
        G = run.G.cpu().eval()
        baseline = metrics.psnr(degrade.upsample_bicubic(lr), h)
        generated = torch.cat([G(part) for part in lr.split(50)])
        gains[name] = metrics.psnr(generated, h) - baseline
        seconds[name] = round(run.seconds)
    gains["random - frontal"] = gains["random"] - gains["frontal"]
    turned, bins = yaws(test), []
    for low, high in itertools.pairwise(EDGES):
        inside = (turned >= low) & (turned < high)
        row = {"yaw": [low, high], "n": int(inside.sum())}
        bins.append(row | {name: bounds(values[inside]) for name, values in gains.items()})
    how = {"preset": preset, "steps": steps, "seed": SEED, "bf16": True, "frontal": FRONTAL}
    how |= {"seconds": seconds, "train": {"source": hr.source, "n": len(frontal), "of": len(hr)}}
    how |= {"test": {"source": test.source, "n": len(test)}}
    return how | {"bins": bins} | circumstances()


if __name__ == "__main__":  # python tools/runs/frontal.py [PRESET STEPS]
    asked, updates = sys.argv[1:] or ("residual-s", 3000)
    both = (faces.load("celeba128", split) for split in ("train", "test"))
    result = compare(*both, asked, int(updates), Path("runs/frontal"))
    store.write_json(ledger() / "frontal.json", result)
