"""What must hold in the exercise of chapter 10: by how much is a small face turned?"""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Suite
from urdgn_lite.check.plain import packed, probe_plain, tensor
from urdgn_lite.measure.damages import blur, rotate

CHAPTER = "chapter “Beyond 8 ×”, "
WAY = CHAPTER + "“Turned faces: what the paper left for later”"
EXERCISE = CHAPTER + "“Which way is up?”"
SIDE, RADIUS = 16, 7.5
ANGLES = torch.arange(-40.0, 41.0, 10.0)

UPRIGHT = Suite("upright", probe_plain)


def outside() -> Tensor:
    """The pixels that a turn may move out of the picture."""
    x = torch.arange(SIDE) - (SIDE - 1) / 2
    return x[:, None] ** 2 + x[None, :] ** 2 > RADIUS**2


def pattern(rng: Random) -> Tensor:
    """An image that looks different from every side, values within ±0.6."""
    g = torch.Generator().manual_seed(rng.randrange(10**6))
    image = blur(torch.rand(1, 3, SIDE, SIDE, generator=g) * 2 - 1, 1.5)
    image = image - image[..., ~outside()].mean()
    return 0.6 * image / image.abs().max()


def guesses(ask: Ask, on: str, lr: Tensor, mean: Tensor) -> Tensor:
    """What the learner's function says of some images."""
    got = tensor(ask, on, packed(lr), packed(mean), packed(ANGLES))
    if got.shape != (len(lr),):
        raise Failed(f"one angle a face was expected, not the shape {tuple(got.shape)}", on)
    if strange := [v for v in got.tolist() if v not in ANGLES.tolist()]:
        raise Failed(f"{strange[0]:g} is none of the angles {ANGLES.tolist()}", on)
    return got


def expect(ask: Ask, on: str, lr: Tensor, mean: Tensor, turns: list[float]) -> None:
    """These turns, and no others."""
    if (got := guesses(ask, on, lr, mean).tolist()) != turns:
        raise Failed(f"it says {got}, not {turns}", on)


@UPRIGHT.property("answers", "returns one of the angles for each face", EXERCISE)
def _answers(ask: Ask, rng: Random) -> None:
    mean = pattern(rng)
    turned = torch.cat([rotate(mean, d) for d in (-20, 10, 30)])
    guesses(ask, "three patterns, turned by -20°, 10° and 30°", turned, mean)


@UPRIGHT.property("unturned", "what stands upright is turned by 0°", EXERCISE)
def _unturned(ask: Ask, rng: Random) -> None:
    mean = pattern(rng)
    expect(ask, "the mean face itself", mean, mean, [0.0])


@UPRIGHT.property("way", "counter-clockwise is positive, as in `damages.rotate`", WAY,
                  ("answers", "unturned"), 2)  # fmt: skip
def _way(ask: Ask, rng: Random) -> None:
    for turn in (20.0, -30.0):
        mean = pattern(rng)
        expect(ask, f"a pattern turned by {turn:g}°", rotate(mean, turn), mean, [turn])


@UPRIGHT.property("each", "each face has its own angle", EXERCISE, ("answers", "unturned", "way"))
def _each(ask: Ask, rng: Random) -> None:
    mean = pattern(rng)
    turned = torch.cat([rotate(mean, d) for d in (-30, 10)])
    expect(ask, "two patterns, turned by -30° and 10°", turned, mean, [-30.0, 10.0])


@UPRIGHT.property("light", "light and contrast do not matter", EXERCISE,
                  ("answers", "unturned", "way"))  # fmt: skip
def _light(ask: Ask, rng: Random) -> None:
    for contrast, light in ((1.6, 0.0), (0.2, 0.7), (0.2, -0.7)):
        mean = pattern(rng)
        for turn in (-30.0, 20.0):
            on = f"a pattern turned by {turn:g}°, contrast × {contrast:g}, {light:+g} brighter"
            lr = contrast * rotate(mean, turn) + light
            expect(ask, on, lr, mean / (3 if contrast > 1 else 1), [turn])


@UPRIGHT.property("corners", "looks inside the circle that every turn keeps", EXERCISE,
                  ("answers", "unturned", "way"))  # fmt: skip
def _corners(ask: Ask, rng: Random) -> None:
    for turn, other in 2 * ((20.0, -20.0), (-10.0, 30.0)):
        mean = pattern(rng)
        lr = torch.where(outside(), 1.5 * rotate(mean, other), rotate(mean, turn))
        on = f"a pattern turned by {turn:g}°; in its corners, one turned by {other:g}°"
        expect(ask, on, lr, mean, [turn])
