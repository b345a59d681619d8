"""The generators and the discriminator that a preset describes, and their weights on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from urdgn_lite.compared_networks import SRCNN, Pyramid, PyramidDiscriminators
from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.presets import Preset


def _normed(c: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(c), nn.ReLU(inplace=True)]


def _enlarging(w: int) -> list[nn.Module]:
    """From w channels at 16 × 16 to 3 at 128 × 128, linear."""
    layers: list[nn.Module] = []
    for _ in range(3):  # 16 -> 32 -> 64 -> 128
        layers += [nn.ConvTranspose2d(w, w // 2, 4, stride=2, padding=1), *_normed(w // 2)]
        w //= 2
    return [*layers, nn.Conv2d(w, 3, 3, padding=1)]  # b 3 128 128


class Deconvolutional(nn.Sequential):
    """G of Sect. 3.1: transposed convolutions, each doubling the side and halving the channels.

    The paper has no layer table; this is the plainest network that its text describes.

    Parameters
    ----------
    width : channels at 16 × 16; 256 in `paper` (1.30 M parameters), 128 in `lite` (0.33 M).
    """

    def __init__(self, width: int) -> None:
        w = width
        layers: list[nn.Module] = [nn.Conv2d(3, w, 5, padding=2), *_normed(w)]  # b w 16 16
        layers += [nn.Conv2d(w, w, 3, padding=1), *_normed(w)]
        super().__init__(*layers, *_enlarging(w))


class Dense(nn.Sequential):
    """G of the GAN [18] in Fig. 3: a fully connected input layer, then transposed convolutions.

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
        layers += [nn.Unflatten(1, (first, 4, 4)), *_normed(first)]
        for before in (first, width):  # 4 -> 8 -> 16
            layers += [nn.ConvTranspose2d(before, width, 4, stride=2, padding=1), *_normed(width)]
        super().__init__(*layers, *_enlarging(width))


class Resize(nn.Sequential):
    """G of the authors' released code: nearest-neighbour enlargement, then a convolution.

    Parameters
    ----------
    widths : channels of the four hidden convolutions; (16, 64, 128, 256) in `released`.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        a, b, c, d = widths
        super().__init__(
            nn.Conv2d(3, a, 3, padding=1), *_normed(a),  # b 16 16 16
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(a, b, 3, padding=1), *_normed(b),  # b 64 32 32
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(b, c, 5, padding=2), *_normed(c),  # b 128 64 64
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(c, d, 5, padding=2), *_normed(d),  # b 256 128 128
            nn.Conv2d(d, 3, 5, padding=2),  # b 3 128 128, linear
        )  # fmt: skip


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


GENERATORS: dict[str, type[nn.Module]] = {
    "deconvolutional": Deconvolutional,
    "resize": Resize,
    "residual": Residual,
    "dense": Dense,
    "srcnn": SRCNN,
    "pyramid": Pyramid,
}
DISCRIMINATORS: dict[str, type[nn.Module]] = {
    "face": Discriminator,
    "pyramid": PyramidDiscriminators,
}


def build_generator(preset: Preset) -> nn.Module:
    """G of a preset: `Float (b, 3, 16, 16)` in, `Float (b, 3, 128, 128)` out, both in [-1, 1]."""
    arguments = dict(preset.generator)
    return GENERATORS[arguments.pop("kind")](**arguments)


def build_discriminator(preset: Preset) -> nn.Module | None:
    """D of a preset: `Float (b, 3, 128, 128)` in, logits `(b, 1)` out. None where λ = ∞."""
    if preset.discriminator is None:
        return None
    arguments = {"kind": "face", **preset.discriminator}
    return DISCRIMINATORS[arguments.pop("kind")](**arguments)


def count_parameters(network: nn.Module) -> int:
    """Number of learned values."""
    return sum(p.numel() for p in network.parameters())


def save_weights(network: nn.Module, path: Path, card: Mapping[str, Any]) -> None:
    """Write a generator as fp16 safetensors, its card (with the preset) in the header."""
    tensors = {
        name: value.detach().to("cpu", torch.float16 if value.is_floating_point() else None)
        for name, value in network.state_dict().items()
    }
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_suffix(".part")
    save_file(tensors, half_written, {"card": json.dumps(card, ensure_ascii=False)})
    os.replace(half_written, path)  # a crash leaves the old file


def load_weights(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Read a generator and its card; nothing in the file is executed.

    Raises
    ------
    ValueError : the file is no generator written by `save_weights`.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            card = json.loads(stored.metadata()["card"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        with torch.random.fork_rng(devices=[]):  # the weights it draws first are thrown away
            network = build_generator(Preset(**card["preset"]))
        network.load_state_dict({n: t.float() if t.dtype == torch.half else t
                                 for n, t in tensors.items()})  # fmt: skip
    except (SafetensorError, OSError, TypeError, KeyError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: not a generator of this package ({error})") from error
    return network.eval(), card
