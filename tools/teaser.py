"""Draw the picture of README and landing page: imaginary faces, LR, bicubic, ours, HR."""

from __future__ import annotations

from pathlib import Path

import torch

from urdgn_lite import faces, zoo
from urdgn_lite.degrade import downsample
from urdgn_lite.figures import sheet

CHOSEN = (3, 13, 22, 8, 28, 34)  # imaginary test faces that differ in age, skin, light and pose


@torch.no_grad()
def main() -> None:
    """Write book/assets/teaser.png."""
    images = faces.load("imaginary", "test").images[list(CHOSEN)]
    h = faces.to_float(images)
    lr = downsample(h)
    picture = sheet(lr, zoo.load("residual-s-imaginary")(lr), h)
    picture.save(Path(__file__).parent.parent / "book" / "assets" / "teaser.png", optimize=True)


if __name__ == "__main__":
    main()
