"""Pictures made to fool a measure, measured: `python tools/runs/fooled.py`."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from urdgn_lite import faces, store
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.lesson import fool
from urdgn_lite.measure import identity, metrics
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.progress import bar
from urdgn_lite.provenance import circumstances


def measure(h: Tensor) -> dict[str, dict[str, float]]:
    """Every measure of every picture, an average over the faces h.

    Returns
    -------
    name → psnr, psnr_y (dB), ssim, lr_consistency (dB; 99 for the same file), lpips, and
    recognised: the share of pictures whose nearest original, by identity, is the right one.

    Raises
    ------
    MetricUnavailableError : the weights of LPIPS or of the identity network are not there.
    """
    lr, real = downsample(h), identity.embed(h)
    found = {}
    for name, make in bar(fool.FOOLS.items(), "fool"):
        g = make(h)
        nearest = (normalize(identity.embed(g)) @ normalize(real).T).argmax(1)
        values = {
            "psnr": metrics.psnr(g, h),
            "psnr_y": metrics.psnr(g, h, y=True),
            "ssim": metrics.ssim(g, h),
            "lr_consistency": metrics.lr_consistency(g, lr).clamp(max=99),  # 99: the same file
            "lpips": metrics.lpips(g, h),
            "recognised": nearest == torch.arange(len(h)),
        }
        found[name] = {k: round(v.float().mean().item(), 4) for k, v in values.items()}
    return found


def main() -> None:
    """Measure, and write the ledger's file."""
    h = to_float(faces.load("imaginary", "test", limit=fool.N).images)
    row = {"pictures": measure(h), "n": fool.N, **circumstances()}
    store.write_json(ledger() / "fooled.json", row)


if __name__ == "__main__":
    main()
