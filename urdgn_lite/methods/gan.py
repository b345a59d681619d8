"""The GANs of Fig. 3, fed the LR face: Eq. 1 alone, with and without a fully connected layer."""

from torch import nn

from urdgn_lite.networks import GENERATORS, enlarging, normed
from urdgn_lite.presets import LITE, PRESETS, SMALL_D, Preset


class Dense(nn.Sequential):
    """A fully connected input layer, then transposed convolutions: GAN of Fig. 3 (d).

    After DCGAN (Radford et al. 2016), its noise replaced by the flattened LR face: every pixel
    reaches every other one, and where it came from must be learnt. From 16 × 16 on it is
    `Deconvolutional`. In `gan` 1,813,699 parameters and 129 MMAC a face.

    Parameters
    ----------
    width : channels at 8 × 8 and 16 × 16.
    first : channels at 4 × 4, where the fully connected layer ends.
    """

    def __init__(self, width: int, first: int) -> None:
        layers: list[nn.Module] = [nn.Flatten(), nn.Linear(3 * 16 * 16, first * 4 * 4)]
        layers += [nn.Unflatten(1, (first, 4, 4)), *normed(first)]
        for before in (first, width):  # 4 -> 8 -> 16
            layers += [nn.ConvTranspose2d(before, width, 4, stride=2, padding=1), *normed(width)]
        super().__init__(*layers, *enlarging(width))


GENERATORS["dense"] = Dense
DENSE = {"kind": "dense", "width": 128, "first": 96}
DCGAN = {"kind": "adamw", "betas": (0.5, 0.999)}  # Radford et al. 2016

# fmt: off
PRESETS |= {p.name: p for p in (
    # `lite` behind the fully connected layer that UR-DGN does without (Sect. 3.4).
    Preset("dense", DENSE, rate=3e-3, steps=1900),
    Preset("dense-gan", DENSE, SMALL_D, 100.0, rate=3e-3, steps=1900),
    # Eq. 1 alone.
    Preset("gan", DENSE, SMALL_D, 0.0, optimiser=DCGAN, rate=2e-4, schedule="constant", steps=800),
    Preset("gan-star", LITE, SMALL_D, 0.0,
           optimiser=DCGAN, rate=2e-4, schedule="constant", steps=800),
)}
# fmt: on
