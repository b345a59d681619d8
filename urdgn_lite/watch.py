"""How a run is watched: validated, checked for divergence, saved."""

import math
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from urdgn_lite import checkpoint, store
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.run import Run


class DivergedError(FloatingPointError):
    """A loss became infinite or NaN; the message says what to change."""


def report(run: Run, losses: dict[str, float], val: Tensor | None) -> None:
    """Check the losses, validate, and save: the history's next row.

    Raises
    ------
    DivergedError : a loss or a weight is not finite.
    """
    row: dict[str, Any] = {"step": run.step, "seconds": round(run.seconds, 1)}
    row |= {name: round(value, 5) for name, value in losses.items()}
    G, p = run.generator, run.preset
    if not all(map(math.isfinite, row.values())) or store.not_finite(G.state_dict()):
        tame = "" if math.isinf(p.lam) else f", a larger λ than {p.lam}"
        saved = run.out is not None and (run.out / checkpoint.NAME).exists()
        kept = f" The last good checkpoint is in {run.out}." if saved else ""
        raise DivergedError(
            f"{p.name} diverged: the loss is {row.get('loss')} at step {run.step}. Try a smaller "
            f"learning rate than {p.rate}{tame}, or α = 0.9 if RMSprop runs with less.{kept}"
        )
    if val is not None and len(val):
        row["gain"] = round(gain(G, val[:100]), 3)
    run.history.append(row)
    checkpoint.save(run, None if val is None else val[:8])


@torch.no_grad()
def gain(G: nn.Module, images: UInt8[Tensor, "n 3 128 128"]) -> float:
    """PSNR of G minus PSNR of bicubic in dB, 10 log₁₀(MSE / MSE), the average over the faces."""
    training, device = G.training, next((p.device for p in G.parameters()), images.device)
    G.eval()
    gains = []
    for part in images.split(50):
        h = part.to(device).float()
        lr = downsample(to_float(part.to(device)))
        with torch.autocast(device.type, enabled=False):  # measured alike, however it was trained
            results = G(lr), upsample_bicubic(lr)
        ours, bicubic = ((to_uint8(r).float() - h).square().mean((1, 2, 3)) for r in results)
        gains.append(10 * torch.log10(bicubic / ours))
    G.train(training)
    return torch.cat(gains).mean().item()
