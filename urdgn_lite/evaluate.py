"""(method, faces) → a row of numbers, and the ledger that keeps the rows: `results/`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from urdgn_lite import metrics
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import Faces, to_float, to_uint8
from urdgn_lite.methods import Method, Network
from urdgn_lite.networks import count_parameters
from urdgn_lite.progress import bar

MEASURES = {
    "psnr": metrics.psnr,
    "ssim": metrics.ssim,
    "psnr_y": lambda a, b: metrics.psnr(a, b, y=True),
    "ssim_y": lambda a, b: metrics.ssim(a, b, y=True),
}
Row = dict[str, Any]


def ledger() -> Path:
    """Folder of the ledger: in a checkout `results/`, else the copy inside the package."""
    here = Path(__file__).resolve().parent
    inside = here / "results"
    return inside if inside.is_dir() else here.parent / "results"


@torch.no_grad()
def evaluate(method: Method, faces: Faces, *, batch: int = 50, progress: bool = True) -> Row:
    """Measure one method on some faces, by the protocol of the book.

    LR faces are antialiased bicubic, rounded to 8 bits; results are clamped and rounded to 8
    bits. Every number is an average over faces; PSNR in dB.

    Returns
    -------
    psnr, ssim (RGB), psnr_y, ssim_y (luma), lr_consistency; the same of bicubic as gain_…;
    seconds_per_face (one face at a time, median); parameters, of a network; n.
    """
    sums: dict[str, list[Tensor]] = {}
    parts = bar(faces.images.split(batch), "evaluate", show=progress, leave=False)
    for part in parts:
        h = to_float(part)
        lr = downsample(h)
        generated, baseline = method(lr), upsample_bicubic(lr)
        for name, measure in MEASURES.items():
            value = measure(generated, h)
            sums.setdefault(name, []).append(value)
            sums.setdefault(f"gain_{name}", []).append(value - measure(baseline, h))
        sums.setdefault("lr_consistency", []).append(metrics.lr_consistency(generated, lr))
    row: Row = {k: round(torch.cat(v).mean().item(), 4) for k, v in sums.items()}
    row["seconds_per_face"] = float(f"{_seconds(method, faces.images[:1]):.2g}")
    if isinstance(method, Network):
        row["parameters"] = count_parameters(method.network)
    return row | {"n": len(faces)}


def _seconds(method: Method, image: Tensor, repeats: int = 9) -> float:
    lr, times = downsample(to_float(image)), []
    for _ in range(repeats):
        began = time.perf_counter()
        to_uint8(method(lr))
        times.append(time.perf_counter() - began)
    return sorted(times)[repeats // 2]


def write_row(method: str, faces: Faces, row: Row, folder: Path | None = None) -> Path:
    """Keep a row in the ledger as FACES-SPLIT/METHOD.json."""
    path = (folder or ledger()) / f"{faces.source}-{faces.split}" / f"{method}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    full = {"method": method, "faces": faces.source, "split": faces.split, **row}
    path.write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n")
    return path


def read_row(method: str, faces: str) -> Row:
    """A row of the ledger; `faces` is SOURCE-SPLIT: `read_row("lite", "imaginary-test")`.

    Raises
    ------
    KeyError : it was never measured; the message says how to.
    """
    path = ledger() / faces / f"{method}.json"
    if not path.exists():
        raise KeyError(f"the ledger has no {method} on {faces}: urdgn-lite evaluate {method}")
    return json.loads(path.read_text())


def paper() -> Row:
    """The paper's own numbers, with their places: `results/paper.yml`."""
    return yaml.safe_load((ledger() / "paper.yml").read_text())
