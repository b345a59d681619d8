"""Draw the pictures of README, landing page and appendix from imaginary faces."""

from __future__ import annotations

from pathlib import Path

import torch

from urdgn_lite import faces, figures, zoo
from urdgn_lite.degrade import downsample, upsample_bicubic

ASSETS = Path(__file__).parent.parent / "book" / "assets"
CHOSEN = (3, 13, 22, 8, 28, 34)  # imaginary test faces that differ in age, skin, light and pose


@torch.no_grad()
def main() -> None:
    """Write teaser.png: LR, bicubic, ours, HR; and zoo.jpg: ten faces through every generator."""
    images = faces.load("imaginary", "test").images
    h = faces.to_float(images[list(CHOSEN)])
    lr = downsample(h)
    picture = figures.sheet(lr, zoo.load("residual-s-imaginary")(lr), h)
    picture.save(ASSETS / "teaser.png", optimize=True)

    h = faces.to_float(images[:10])
    lr = downsample(h)
    generated = {name: zoo.load(name)(lr) for name in zoo.names()}
    rows = {"LR": lr, "bicubic": upsample_bicubic(lr), **generated, "HR": h}
    figure = figures.grid(rows, inches=0.95)
    figure.savefig(ASSETS / "zoo.jpg", facecolor="white", pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
