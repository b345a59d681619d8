"""What the tools of short runs share: how a run is measured, and a table that fills itself."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from urdgn_lite import store
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.faces import Faces
from urdgn_lite.measure import metrics
from urdgn_lite.measure.evaluate import evaluate, interval, summary
from urdgn_lite.methods import Network
from urdgn_lite.presets import Preset
from urdgn_lite.provenance import circumstances
from urdgn_lite.run import Run
from urdgn_lite.train import train


def fill(path: Path, names: Iterable[str], measure: Callable[[str], dict[str, Any]]) -> None:
    """Measure what the table at `path` lacks; each row is written as soon as it is measured."""

    def table() -> dict[str, Any]:
        return json.loads(path.read_text()) if path.exists() else {}

    for name in names:
        if name not in table():
            row = measure(name)
            store.write_json(path, table() | {name: row})
            print(f"{name}: {row.get('gain_psnr', math.nan):+.3f} dB, {row.get('seconds')} s")


def trained(
    preset: Preset, hr: Faces, val: Faces | None = None, *, bf16: bool = True, **options: Any
) -> Run:
    """Train, or go on with what `out` holds. Ctrl-C ends the tool: half a run is no row."""
    out = options.get("out")
    resume = out is not None and (out / "checkpoint.safetensors").exists()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        run = train(preset, hr, val, resume=resume, **options)
    if not run.done:
        raise KeyboardInterrupt
    return run


def about(run: Run, n: int) -> dict[str, Any]:
    """How a row came about; `n` pictures were measured."""
    how = {"steps": run.steps, "batch": run.preset.batch, "seed": run.seed, "data": run.data}
    return how | {"seconds": round(run.seconds), "n": n} | circumstances()


def bounds(values: Tensor) -> dict[str, float]:
    """The mean of a value a face, and the ends of its interval."""
    low, high = interval(values)
    numbers = {"mean": values.mean().item(), "low": low, "high": high}
    return {name: round(number, 3) for name, number in numbers.items()}


def part(some: Faces, chosen: Any) -> Faces:
    """Some of the faces: a slice, or an array of places."""
    names = np.asarray(some.names)[chosen].tolist()
    return replace(some, images=some.images[chosen], names=names)


def batches(some: Faces, size: int = 50) -> Iterator[Tensor]:
    """Faces in [-1, 1], so many at a time."""
    return (to_float(part) for part in some.images.split(size))


@torch.no_grad()
def scores(G: nn.Module, test: Faces, *, perceptual: bool = False) -> dict[str, Any]:
    """PSNR and gains over bicubic; LPIPS where asked for and at hand; with their intervals."""
    method = Network(G)
    row = evaluate(method, test)
    kept = ("psnr", "gain_psnr", "gain_ssim")
    found = {k: v for k, v in row.items() if k.removesuffix("_interval") in kept}
    if not perceptual:
        return found
    try:
        values = [metrics.lpips(method(downsample(h)), h) for h in batches(test)]
    except metrics.MetricUnavailableError:
        return found | {"lpips": None}
    return found | summary("lpips", torch.cat(values), test.people())


@torch.no_grad()
def gain(
    G: nn.Module, test: Faces, downsampling: str = "antialiased", size: int = 50
) -> dict[str, Any]:
    """Mean gain over bicubic from the same LR faces, in the mode that G is in, and its interval."""
    gains, device = [], next(G.parameters()).device
    for h in batches(test, size):
        h = h.to(device)
        lr = downsample(h, downsampling)
        gains.append(metrics.gain(G(lr).clamp(-1, 1), lr, h))
    return summary("gain_psnr", torch.cat(gains).cpu(), test.people())
