"""The networks of Table 1's other columns: SRCNN [16], and a Laplacian pyramid of GANs [19]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite.degrade import upsample_bicubic


class SRCNN(nn.Sequential):
    """Three convolutions (9-1-5, 64-32 channels) that mend the bicubic image, in colour.

    Implements the network of Dong et al. (2014), 20,099 parameters. As in Sect. 4.2 of Yu and
    Porikli it enlarges 2 × and is applied three times, 16 → 32 → 64 → 128 (431 MMAC a face).

    Parameters
    ----------
    factor : of one pass; 8 does it at once (328 MMAC), as `srcnn-8x`.
    widths : channels of the two hidden convolutions.
    """

    def __init__(self, factor: int = 8, widths: Sequence[int] = (64, 32)) -> None:
        a, b = widths
        super().__init__(
            nn.Conv2d(3, a, 9, padding=4), nn.ReLU(),  # patches of the bicubic image
            nn.Conv2d(a, b, 1), nn.ReLU(),  # what they mean
            nn.Conv2d(b, 3, 5, padding=2),  # sharp patches, averaged
        )  # fmt: skip
        self.factor = factor

    def enlarge(self, low: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 n n"]:
        """One pass, by `factor`."""
        return super().forward(upsample_bicubic(low.float(), self.factor * low.shape[-1]))

    def forward(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 8*s 8*s"]:
        images, size = lr, 8 * lr.shape[-1]
        while images.shape[-1] < size:
            images = self.enlarge(images)
        return images


class Level(nn.Module):
    """G of one level of the pyramid: the band of detail that the next larger image has more.

    The last convolution starts at zero, so that training starts from bicubic.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, 3 * 4, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.band = nn.Sequential(
            nn.Conv2d(3, width, 5, padding=2), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            last, nn.PixelShuffle(2),
        )  # fmt: skip

    def forward(self, low: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 2*s 2*s"]:
        return upsample_bicubic(low, 2 * low.shape[-1]) + self.band(low)


class Pyramid(nn.Sequential):
    """The generators of a Laplacian pyramid in a chain, 2 × each: 16 → 32 → 64 → 128.

    Implements the sampling of Denton et al. (2015), from a given LR face instead of a drawn one:
    319,812 parameters and 340 MMAC a face in `lapgan`. They get no noise: one LR face, one answer,
    as from all other methods here.

    Parameters
    ----------
    widths : channels of each level's convolutions, the coarsest first.
    """

    def __init__(self, widths: Iterable[int]) -> None:
        super().__init__(*map(Level, widths))


class LevelDiscriminator(nn.Module):
    """D of one level: does this band of detail belong to this low-pass image? Returns logits.

    Denton et al. (2015) add the two images up; side by side in six channels, D cannot mistake one
    for the other.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            nn.Conv2d(6, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, 2 * w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.5), nn.Linear(2 * w * 16, 1),
        )  # fmt: skip

    def forward(
        self, blurred: Float[Tensor, "b 3 s s"], band: Float[Tensor, "b 3 s s"]
    ) -> Float[Tensor, "b 1"]:
        return self.layers(torch.cat([blurred, band], 1))


class PyramidDiscriminators(nn.ModuleList):
    """One discriminator a level, the coarsest first; none of them sees another's image."""

    def __init__(self, widths: Iterable[int]) -> None:
        super().__init__(map(LevelDiscriminator, widths))
