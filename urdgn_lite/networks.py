"""The generators and the discriminator that a preset describes."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.presets import Preset, find


def normed(c: int) -> list[nn.Module]:
    """Batch normalisation and ReLU after c channels: ours, not the paper's."""
    return [nn.BatchNorm2d(c), nn.ReLU(inplace=True)]


def enlarging(w: int) -> list[nn.Module]:
    """From w channels at 16 × 16 to 3 at 128 × 128, linear."""
    layers: list[nn.Module] = []
    for _ in range(3):  # 16 -> 32 -> 64 -> 128
        layers += [nn.ConvTranspose2d(w, w // 2, 4, stride=2, padding=1), *normed(w // 2)]
        w //= 2
    return [*layers, nn.Conv2d(w, 3, 3, padding=1)]  # b 3 128 128


class Deconvolutional(nn.Sequential):
    """Convolutions at 16 × 16, then transposed ones: twice the side, half the channels each.

    Sect. 3.2 calls G "a deconvolutional neural network" and leaves its layers open; these are ours.

    Parameters
    ----------
    width : channels at 16 × 16; 128 in `paper` and `lite` (0.33 M parameters).
    """

    def __init__(self, width: int) -> None:
        w = width
        layers: list[nn.Module] = [nn.Conv2d(3, w, 5, padding=2), *normed(w)]  # b w 16 16
        layers += [nn.Conv2d(w, w, 3, padding=1), *normed(w)]
        super().__init__(*layers, *enlarging(w))


class Block(nn.Module):
    """x + conv(relu(conv(x))): a residual block without batch normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(torch.relu(self.a(x)))


class Residual(nn.Module):
    """Residual blocks at 16 × 16, pixel shuffles × 2 and × 4, added to the bicubic image.

    All arithmetic happens on 16² and 32² pixels instead of 128², and the network learns only what
    bicubic misses: the last convolution starts at zero, so that training starts from bicubic.

    Parameters
    ----------
    width, blocks : channels and number of the residual blocks.
    middle : channels at 32 × 32.
    """

    def __init__(self, width: int, blocks: int, middle: int = 32) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)  # b width 16 16
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.twice = nn.Sequential(  # b middle 32 32
            nn.Conv2d(width, 4 * middle, 3, padding=1), nn.PixelShuffle(2), nn.ReLU()
        )
        self.last = nn.Conv2d(middle, 3 * 16, 3, padding=1)  # each pixel's 4 × 4 colours
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 8*s 8*s"]:
        detail = self.last(self.twice(self.body(self.head(lr))))
        return upsample_bicubic(lr, 8 * lr.shape[-1]) + pixel_shuffle(detail, 4)


class Discriminator(nn.Sequential):
    """D: four convolutions and two linear layers. Returns *logits* z, with D(h) = σ(z).

    Parameters
    ----------
    widths : channels of the 5 × 5 convolutions, each followed by max pooling, ReLU, dropout.
    hidden : size of the fully connected layer.
    dropout : share of the channels that is dropped in training; half of the hidden units is.
    """

    def __init__(self, widths: Sequence[int], hidden: int, dropout: float) -> None:
        layers: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):  # 128 -> 64 -> 32 -> 16 -> 8
            layers += [nn.Conv2d(before, after, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()]
            layers += [nn.Dropout2d(dropout)]
        layers += [nn.Flatten(), nn.Linear(widths[-1] * 8 * 8, hidden), nn.ReLU()]
        super().__init__(*layers, nn.Dropout(0.5), nn.Linear(hidden, 1))


GENERATORS: dict[str, type[nn.Module]] = {"deconvolutional": Deconvolutional, "residual": Residual}
DISCRIMINATORS: dict[str, type[nn.Module]] = {"face": Discriminator}


def build_generator(preset: Preset) -> nn.Module:
    """G of a preset: `Float (b, 3, 16, 16)` in, `Float (b, 3, 128, 128)` out, both in [-1, 1]."""
    arguments = dict(preset.generator)
    return find(GENERATORS, arguments.pop("kind"), "generator")(**arguments)


def build_discriminator(preset: Preset) -> nn.Module | None:
    """D of a preset: `Float (b, 3, 128, 128)` in, logits `(b, 1)` out. None where λ = ∞."""
    if preset.discriminator is None:
        return None
    arguments = {"kind": "face", **preset.discriminator}
    return find(DISCRIMINATORS, arguments.pop("kind"), "discriminator")(**arguments)


def count_parameters(network: nn.Module) -> int:
    """Number of learned values."""
    return sum(p.numel() for p in network.parameters())
