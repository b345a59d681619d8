"""The exercises of chapters 1, 7, 8 and 10 on pictures: moved, turned, or covered in part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.exercise import Exercise, noise
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.measure.damages import blur, rotate, shift

CHAPTER = "chapter “The problem”, "
SIDE = 128
ANGLES = torch.arange(-40.0, 41.0, 10.0)


def black_and_white(rng: Random, n: int = 1, side: int = SIDE) -> Tensor:
    """Images of pixels that are black or white."""
    return noise(rng, n, 3, side, side).sign()


def bars(rng: Random, upright: bool = False, n: int = 1) -> Tensor:
    """Black and white bars 16 pixels wide: level, or upright, beginning anywhere."""
    level = torch.arange(SIDE).add(rng.choice((3, 5))).div(16, rounding_mode="floor") % 2
    image = (level * 2.0 - 1)[None, :] if upright else (level * 2.0 - 1)[:, None]
    return image.expand(n, 3, SIDE, SIDE).clone()


def waves(rng: Random) -> Tensor:
    """Soft upright waves, which bicubic keeps, under faint lines 3 pixels apart, which it loses."""
    x = (torch.arange(SIDE) + rng.randrange(32)) * 2 * math.pi
    return (0.25 * torch.sin(x / 32) + 0.07 * torch.cos(x / 3)).expand(1, 3, SIDE, SIDE).clone()


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """In dB, a number a face."""
    return -10 * ((a - b).square().flatten(1).mean(1) / 4 + 1e-12).log10()


def _flicker(images: Tensor, method: str, scale: float = 127.5, axis: int = 3) -> Tensor:
    moved = downsample(images.roll(1, axis), method)
    return (moved - downsample(images, method)).abs() * scale


def _flickering(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    image = black_and_white(rng)
    for method in ("antialiased", "aliased"):
        yield f"an image of noise, {method!r}", (image, method)
    grey = torch.cat([image, torch.zeros_like(image)])
    yield "the same image and an even grey one, 'antialiased'", (grey, "antialiased")
    yield "level bars, which look the same after a step to the side", (bars(rng), "antialiased")
    yield "upright bars, 'aliased'", (bars(rng, upright=True), "aliased")


flicker = Exercise(
    "flicker", "Chapter 1, exercise 1: `fn(images, method)` → grey levels.",
    returns="one number", where=CHAPTER + "“Without aliasing”", inputs=_flickering, within=0.1,
    reference=lambda images, method: _flicker(images, method).mean(),
    mistakes={
        "the step goes down, not to the side": lambda i, m: _flicker(i, m, axis=2).mean(),
        "the method that was asked for is not used": lambda i, m: _flicker(i, "antialiased").mean(),
        "from −1 to 1 there are 255 grey levels": lambda i, m: _flicker(i, m, 1).mean(),
        "from −1 to 1 there are 255 grey levels, so 1 is not 255": (
            lambda i, m: _flicker(i, m, 255).mean()),
        "it is the largest change, not the average": lambda i, m: _flicker(i, m).amax(),
        "changes up and down cancel": lambda i, m: i.mean() * 0,
    },
)  # fmt: skip


def _loses(
    images: Tensor, pixels: int, axis: int = 3, method: str = "antialiased"
) -> tuple[Tensor, Tensor]:
    baseline = upsample_bicubic(downsample(images, method))
    return psnr(images.roll(pixels, axis), images), psnr(baseline, images)


def _share(images: Tensor, pixels: int, axis: int = 3, method: str = "antialiased") -> Tensor:
    moved, baseline = _loses(images, pixels, axis, method)
    return (moved < baseline).float().mean()


def _against_the_mean(images: Tensor, pixels: int) -> Tensor:
    moved, baseline = _loses(images, pixels)
    return (moved < baseline.mean()).float().mean()


def _sharing(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    image = black_and_white(rng, 2)
    yield "two images of noise, moved by 3", (image, 3)
    yield "two images of noise, moved by 0", (image, 0)
    yield "level bars, which look the same, moved by 2", (bars(rng), 2)
    mixed = torch.cat([image[:1], bars(rng, n=3)])
    yield "one image of noise, which loses, and three of level bars, moved by 3", (mixed, 3)
    yield "pale noise, moved by 3", (0.05 * image, 3)
    unlike = torch.cat([image[:1], waves(rng)])
    yield "noise, which bicubic spoils, and soft waves under faint lines, moved by 3", (unlike, 3)
    yield "a black image, the same however it is made, moved by 1", (-torch.ones_like(image[:1]), 1)
    grain = noise(rng, 1, 3, SIDE, SIDE)
    smeared = (0.4 * grain + 0.24 * grain.roll(1, 3)).clamp(-1, 1)
    yield "noise that is smeared to the right, moved by 1", (smeared, 1)


shifted = Exercise(
    "shifted", "Chapter 1, exercise 2: `fn(images, pixels)` → share of the faces, 0 … 1.",
    returns="a share between 0 and 1", where=CHAPTER + "“The blurry answer wins”",
    reference=_share, inputs=_sharing,
    mistakes={
        "it is a percentage, not a share": lambda i, p: 100 * _share(i, p),
        "it counts those that win": lambda i, p: (torch.gt(*_loses(i, p))).float().mean(),
        "the original moves down, not to the side": lambda i, p: _share(i, p, 2),
        "it moves by one pixel too many": lambda i, p: _share(i, p + 1),
        "bicubic enlarges the antialiased LR face": lambda i, p: _share(i, p, method="aliased"),
        "each face has a baseline of its own, not the mean of all": _against_the_mean,
        "one verdict on the means is not a share of the faces": (
            lambda i, p: torch.lt(*(v.clamp(max=99).mean() for v in _loses(i, p))).float()),
    },
)  # fmt: skip


def _best(
    generated: Tensor, real: Tensor, reach: int, right: Any = None, down: Any = None
) -> Tensor:
    inner = (..., slice(reach, -reach), slice(reach, -reach))
    steps = range(-reach, reach + 1)
    moves = [(x, y) for x in right or steps for y in down or steps]
    tried = [psnr(shift(generated, *move)[inner], real[inner]) for move in moves]
    return torch.stack(tried).amax(0)


def _moved(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for moves in (((0, 0), (0, 0)), ((2, 0), (-2, 0)), ((0, 2), (0, -2)), ((1, 2), (-2, 1)),
                  ((1, 0), (2, 0)), ((4, 0), (0, -4))):  # fmt: skip
        real = black_and_white(rng, 2, 24)
        paler = 0.98 * torch.cat([shift(r[None], *m) for r, m in zip(real, moves, strict=True)])
        yield f"two images of noise moved by {moves} (right, down), reach 2", (paler, real, 2)


class _Best(Exercise):
    def like(self, got: Tensor, wanted: Tensor) -> bool:
        """Taken back or not: the border, and whether pixels are rounded, change the number."""
        return got.shape == wanted.shape and bool(((got > 11) == (wanted > 11)).all()) and bool(
            (got < 60).all())  # fmt: skip


best_psnr = _Best(
    "best_psnr", "Chapter 7, exercise 1: `fn(generated, real, reach)` → a PSNR a face.",
    returns="a number a face", inputs=_moved, reference=_best,
    where="chapter “Did it work?”, “Detail that is not true costs PSNR”",
    mistakes={
        "moves to the left are not tried": lambda g, r, k: _best(g, r, k, right=range(k + 1)),
        "moves to the right are not tried": lambda g, r, k: _best(g, r, k, right=range(-k, 1)),
        "moves up and down are not tried": lambda g, r, k: _best(g, r, k, down=[0]),
        "moves in both directions at once are not tried": lambda g, r, k: torch.maximum(
            _best(g, r, k, right=[0]), _best(g, r, k, down=[0])),
        "it forgives moves beyond the reach": lambda g, r, k: _best(
            g, r, k, range(-4, 5), range(-4, 5)),
    },
)  # fmt: skip


def _cover(
    images: Tensor, box: Any, over: tuple[int, ...] = (2, 3), inside: bool = False
) -> Tensor:
    left, top, right, bottom = box
    covered = images.clone()
    part = covered[:, :, top:bottom, left:right]
    part[:] = (part if inside else images).mean(over, keepdim=True)
    return covered


def _boxes(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n, box in ((1, (3, 1, 6, 5)), (3, (0, 2, 5, 8))):
        colour = torch.linspace(-0.5, 0.5, 3 * n).view(n, 3, 1, 1)
        yield f"{n} images of 8 × 8, box {box}", (colour + noise(rng, n, 3, 8, 8) / 8, list(box))


covered = Exercise(
    "covered", "Chapter 8, exercise 1: `fn(images, box)`, the box (left, top, right, bottom).",
    returns="images of the same shape", where="chapter “Ablations”, “What convinces D”",
    reference=_cover, inputs=_boxes,
    mistakes={
        "nothing is covered": lambda images, box: images,
        "each colour has its own mean: red, green and blue": lambda images, box: _cover(
            images, box, (1, 2, 3)),
        "each image has its own mean": lambda images, box: _cover(
            images, box, (0, 2, 3)),
        "the mean is that of the whole image": lambda images, box: _cover(
            images, box, inside=True),
        "the box is left, top, right, bottom": lambda images, box: _cover(
            images, (box[1], box[0], box[3], box[2])),
    },
)  # fmt: skip


def _inside(images: Tensor, kept: Tensor) -> Tensor:
    values = images[..., kept].flatten(1)
    values = values - values.mean(1, keepdim=True)
    return values / values.norm(dim=1, keepdim=True)


def _circle(radius: float = 7.5) -> Tensor:
    x = torch.arange(16) - 7.5
    return x[:, None] ** 2 + x[None, :] ** 2 <= radius**2


def _upright(
    lr: Tensor, mean: Tensor, angles: Tensor, way: int = -1, radius: float = 7.5
) -> Tensor:
    kept = _circle(radius)
    fits = [(_inside(rotate(lr, way * d), kept) * _inside(mean, kept)).sum(1)
            for d in angles.tolist()]  # fmt: skip
    return angles[torch.stack(fits).argmax(0)]


def _turned(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    def pattern() -> Tensor:
        image = blur(noise(rng, 1, 3, 16, 16), 1.5)
        image = image - image[..., _circle()].mean()
        return 0.6 * image / image.abs().max()

    mean = pattern()
    yield "the mean face itself", (mean, mean, ANGLES)
    turned = torch.cat([rotate(mean, d) for d in (-30, 10, 20)])
    yield "three patterns, turned by -30°, 10° and 20°", (turned, mean, ANGLES)
    lights = [(0.0, 1.6, 0.0)] * 3 + [(20.0, 1.6, 0.0), (20.0, 0.2, 0.7), (-30.0, 0.2, -0.7)]
    for turn, contrast, light in lights:
        mean = pattern()
        lr, faint = contrast * rotate(mean, turn) + light, mean / (30 if contrast > 1 else 1)
        yield f"a pattern turned by {turn:g}°, contrast × {contrast:g}, {light:+g} brighter", (
            lr, faint, ANGLES)  # fmt: skip
    for turn, other in 2 * ((20.0, -20.0), (-10.0, 30.0)):
        mean = pattern()
        lr = torch.where(_circle(), rotate(mean, turn), 1.5 * rotate(mean, other))
        yield f"a pattern turned by {turn:g}°; in its corners, one turned by {other:g}°", (
            lr, mean, ANGLES)  # fmt: skip


upright = Exercise(
    "upright", "Chapter 10, exercise 1: `fn(lr, mean, angles)` → degrees, a number a face.",
    returns="an angle for each face", where="chapter “Beyond 8 ×”, “Turned faces”",
    reference=_upright, inputs=_turned,
    mistakes={
        "counter-clockwise is positive, as in `rotate`": lambda l, m, a: _upright(l, m, a, 1),
        "it looks at the corners too, where a turn leaves nothing": lambda l, m, a: _upright(
            l, m, a, radius=99),
        "light and contrast do not matter": lambda l, m, a: a[torch.stack(
            [(rotate(l, -d) - m).square()[..., _circle()].sum((1, 2)) for d in a.tolist()]
        ).argmin(0)],
    },
)  # fmt: skip
