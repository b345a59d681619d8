"""Sixteen times instead of eight: `python tools/runs/extreme.py` trains 8 × 8 → 128 × 128.

The 8 × 8 face is the 16 × 16 one, halved and rounded again. G gets it enlarged by bicubic to
16 × 16. The row goes to `results/extreme.json`, beside the same network's at 8 ×, trained alike.
"""

import argparse
from pathlib import Path

import torch
from rows import about, trained
from torch import Tensor, nn

from urdgn_lite import faces, networks, presets, store
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import metrics
from urdgn_lite.measure.evaluate import ledger, summary
from urdgn_lite.networks import Residual


class FromEight(nn.Module):
    """`residual-s` behind a halving: what reaches it is known in 8 × 8 pixels only."""

    def __init__(self, **arguments: int) -> None:
        super().__init__()
        self.residual = Residual(**arguments)

    def forward(self, lr: Tensor) -> Tensor:
        return self.residual(upsample_bicubic(downsample(lr, size=8), 16))


@torch.no_grad()
def row(G: nn.Module, test: faces.Faces, size: int) -> dict:
    """Gain over bicubic from the same `size` × `size` faces, with its interval."""
    scores: dict[str, list[Tensor]] = {"psnr": [], "gain_psnr": [], "gain_ssim": []}
    for part in test.images.split(50):
        h = to_float(part)
        lr = downsample(h)
        generated = G(lr).clamp(-1, 1)
        baseline = upsample_bicubic(lr if size == 16 else downsample(lr, size=8))
        scores["psnr"].append(metrics.psnr(generated, h))
        scores["gain_psnr"].append(scores["psnr"][-1] - metrics.psnr(baseline, h))
        scores["gain_ssim"].append(metrics.ssim(generated, h) - metrics.ssim(baseline, h))
    found: dict = {}
    for name, values in scores.items():
        found |= summary(name, torch.cat(values), test.people())
    return found


def compare(
    hr: faces.Faces, test: faces.Faces, steps: int, out: Path, preset: str = "residual-s"
) -> dict[str, dict]:
    """Train both, or go on, and measure them: a row for each size of the input."""
    networks.GENERATORS["from-eight"] = FromEight
    plain, found = presets.get(preset), {}
    for size, kind in ((16, "residual"), (8, "from-eight")):
        mine = plain.but(generator={**plain.generator, "kind": kind})
        run = trained(mine, hr, steps=steps, out=out / f"{preset}-{steps}-from-{size}")
        made = {"network": plain.name} | about(run, len(test))
        found[f"from-{size}"] = row(run.G.cpu().eval(), test, size) | made
    return found


def main() -> None:
    """Train both and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/extreme"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--faces", default="celeba128")
    options = parser.parse_args()
    hr, test = (faces.load(options.faces, split) for split in ("train", "test"))
    found = compare(hr, test, options.steps, options.out)
    store.write_json(ledger() / "extreme.json", found)


if __name__ == "__main__":
    main()
