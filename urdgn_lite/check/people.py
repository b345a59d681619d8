"""The exercises of chapters 9 to 11: pairs, distances from a box, turned faces, who is close."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.exercise import Exercise, noise
from urdgn_lite.measure.damages import blur, rotate

ANGLES = torch.arange(-40.0, 41.0, 10.0)
ROBUST, MADE_UP = "chapter “Robustness”, ", "chapter “What it made up”, "


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """Standard error of the difference of the means: as two groups, over pair by pair."""
    return ((a.var() + b.var()) / (a - b).var()).sqrt()


def _scores(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n in (20, 100):
        faces, own = 25 + 2 * noise(rng, n), rng.uniform(0.2, 0.6)
        yield f"PSNR of two methods on {n} faces", (faces + own * noise(rng, n), faces - 1)


narrower = Exercise(
    "narrower", "Chapter 9, exercise 1: `fn(mine, other)` → how many times narrower pairs make it.",
    returns="one number", where=ROBUST + "“Exercises”", inputs=_scores, within=0.03,
    reference=_ratio,
    mistakes={
        "upside down: pairs are the narrower ones": lambda a, b: 1 / _ratio(a, b),
        "variances are squares of widths": lambda a, b: _ratio(a, b) ** 2,
        "the variances of both means add up": lambda a, b: _ratio(a, b) * (
            a.var() / (a.var() + b.var())).sqrt(),
    },
)  # fmt: skip


def _ring(before: Tensor, after: Tensor, box: Any, reach: int) -> Tensor:
    left, top, right, bottom = box
    y, x = torch.arange(before.shape[2]), torch.arange(before.shape[3])
    dy = torch.maximum(top - y, y - (bottom - 1)).clamp(min=0)
    dx = torch.maximum(left - x, x - (right - 1)).clamp(min=0)
    far = torch.maximum(dy[:, None], dx[None, :])
    return (after - before).abs()[..., (far > 0) & (far <= reach)].mean() * 127.5


def _around(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for box, reach in (((10, 8, 20, 14), 3), ((0, 4, 9, 12), 5)):
        before, after = (noise(rng, 2, 3, 32, 32) / 4 for _ in range(2))
        yield f"two images of 32 × 32, box {box}, reach {reach}", (
            before, after, list(box), reach)  # fmt: skip


ring = Exercise(
    "ring", "Chapter 9, exercise 2: `fn(before, after, box, reach)` → grey levels of change.",
    returns="one number", where=ROBUST + "“Exercises”", inputs=_around, reference=_ring,
    mistakes={
        "what lies inside the box does not count": lambda b, a, box, r: _ring(
            b, a, (box[0], box[1], box[0], box[1]), r),
        "from −1 to 1 there are 255 grey levels": lambda b, a, box, r: _ring(b, a, box, r) / 127.5,
        "the ring is as wide as the reach": lambda b, a, box, r: _ring(b, a, box, r - 1),
        "what lies beyond the reach does not count": lambda b, a, box, r: _ring(b, a, box, 99),
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


def _closest(lr: Tensor, root: bool = True) -> tuple[Tensor, ...]:
    flat = lr.flatten(1)
    distance = (flat[:, None] - flat[None]).square().mean(2)
    distance.fill_diagonal_(torch.inf)
    least = distance.min()
    i, j = sorted(divmod(int(distance.argmin()), len(lr)))
    return torch.tensor(i), torch.tensor(j), least.sqrt() * 127.5 if root else least * 127.5


def _crowd(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n in (12, 30):
        yield f"{n} LR images of noise", (noise(rng, n, 3, 4, 4).clamp(-1, 1),)


closest = Exercise(
    "closest", "Chapter 11, exercise 1: `fn(lr)` → (i, j, grey levels), i < j.",
    returns="three numbers", where=MADE_UP + "“Exercises”", reference=_closest, inputs=_crowd,
    mistakes={
        "root mean square: the root is missing": lambda lr: _closest(lr, False),
        "from −1 to 1 there are 255 grey levels": lambda lr: (
            *_closest(lr)[:2], _closest(lr)[2] / 127.5),
        "everybody is closest to themselves": lambda lr: (0, 0, 0),
        "the smaller number comes first": lambda lr: (
            _closest(lr)[1], _closest(lr)[0], _closest(lr)[2]),
    },
)  # fmt: skip


def _quarters(missed: Tensor, by: Tensor, descending: bool = False) -> Tensor:
    return torch.stack([missed[q].mean() for q in by.argsort(descending=descending).chunk(4)])


def _sorted(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n in (20, 48):
        yield f"{n} faces", (noise(rng, n).abs(), noise(rng, n))


quarters = Exercise(
    "quarters", "Chapter 11, exercise 2: `fn(missed, by)` → mean of `missed` in each quarter.",
    returns="four numbers", where=MADE_UP + "“Exercises”", reference=_quarters, inputs=_sorted,
    mistakes={
        "the quarter with the least comes first": lambda m, by: _quarters(m, by, True),
        "cut by the other measure, not by `missed` itself": lambda m, by: _quarters(m, m),
        "the faces are not sorted": lambda m, by: torch.stack([q.mean() for q in m.chunk(4)]),
        "a mean, not a sum": lambda m, by: _quarters(m, by) * (len(m) // 4),
    },
)  # fmt: skip
