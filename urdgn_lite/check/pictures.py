"""What must hold in exercises of chapters 1 and 7: what a small step to the side does to a face."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Suite, close
from urdgn_lite.check.plain import packed, probe_plain, scalar, tensor
from urdgn_lite.measure.damages import shift

CHAPTER = "chapter “The problem”, "
ALIASING = CHAPTER + "“Without aliasing”"
PSNR = CHAPTER + "“PSNR: what a decibel means”"
BASELINE = CHAPTER + "“The baseline: bicubic”"
MISSED = CHAPTER + "“The blurry answer wins”"
SIDE = 128

FLICKER = Suite("flicker", probe_plain)
SHIFTED = Suite("shifted", probe_plain)
BEST_PSNR = Suite("best_psnr", probe_plain)
FOOLED = "chapter “Did it work?”, “Detail that is not true costs PSNR”"


def noise(rng: Random, n: int = 1, contrast: float = 1.0) -> Tensor:
    """Images of black and white pixels drawn at random."""
    g = torch.Generator().manual_seed(rng.randrange(10**6))
    return contrast * (torch.randint(0, 2, (n, 3, SIDE, SIDE), generator=g) * 2.0 - 1)


def bars(rng: Random, upright: bool = False, n: int = 1) -> Tensor:
    """Black and white bars 16 pixels wide: level, or upright, beginning anywhere."""
    level = torch.arange(SIDE).add(rng.randrange(3, 6)).div(16, rounding_mode="floor") % 2
    image = (level * 2.0 - 1)[None, :] if upright else (level * 2.0 - 1)[:, None]
    return image.expand(n, 3, SIDE, SIDE).clone()


def flicker(ask: Ask, on: str, images: Tensor, method: str = "antialiased") -> float:
    """What the learner's function says."""
    return scalar(ask, f"{on}, {method!r}", packed(images), method)


@FLICKER.property("answers", "returns one number, above 0 where there is something to see",
                  ALIASING)  # fmt: skip
def _answers(ask: Ask, rng: Random) -> None:
    if flicker(ask, "an image of noise", noise(rng)) <= 0:
        raise Failed("the LR image has changed, your number says it has not", "an image of noise")


@FLICKER.property("sideways", "the step goes to the side", ALIASING)
def _sideways(ask: Ask, rng: Random) -> None:
    on = "level bars, which look the same after a step to the side"
    if not close(flicker(ask, on, bars(rng)), 0):
        raise Failed("they are said to change: they moved up or down", on)


@FLICKER.property("method", "the LR faces are made by the method that was asked for", ALIASING)
def _method(ask: Ask, rng: Random) -> None:
    image = noise(rng)
    careful, careless = (flicker(ask, "noise", image, m) for m in ("antialiased", "aliased"))
    if careless <= careful:
        raise Failed(f"both methods flicker alike: {careful:.3g} and {careless:.3g}", "noise")


@FLICKER.property("average", "averages over all pixels of all LR faces", ALIASING)
def _average(ask: Ask, rng: Random) -> None:
    image = noise(rng)
    alone = flicker(ask, "an image of noise", image)
    on = "the same image and an even grey one"
    both = flicker(ask, on, torch.cat([image, torch.zeros_like(image)]))
    if not close(both, alone / 2, 0.02, 0.01):
        raise Failed(f"noise alone gives {alone:.3g}; with grey beside it {both:.3g}", on)


@FLICKER.property("levels", "counts in grey levels, 0 … 255", PSNR,
                  ("answers", "sideways", "average"))  # fmt: skip
def _levels(ask: Ask, rng: Random) -> None:
    on = "upright bars, black and white: an edge moves through every second LR pixel"
    got = flicker(ask, on, bars(rng, upright=True))
    if not 10 < got < 24:  # eight edges, an eighth of an LR pixel each: about 16
        raise Failed(f"{got:.3g} grey levels of change are hardly possible here", on)


def share(ask: Ask, on: str, images: Tensor, pixels: int) -> float:
    """What the learner's function says."""
    return scalar(ask, f"{on}, moved by {pixels}", packed(images), pixels)


@SHIFTED.property("answers", "returns a share between 0 and 1", PSNR)
def _share(ask: Ask, rng: Random) -> None:
    got = share(ask, "two images of noise", noise(rng, 2), 3)
    if not 0 < got <= 1:
        raise Failed(f"{got:.3g}, although the moved noise is far off", "two images of noise")


@SHIFTED.property("unmoved", "moved by 0 pixels, the original never loses", PSNR)
def _unmoved(ask: Ask, rng: Random) -> None:
    if got := share(ask, "two images of noise", noise(rng, 2), 0):
        raise Failed(f"it loses on a share of {got:.3g}", "two images of noise, moved by 0")


@SHIFTED.property("sideways", "the original moves to the side", MISSED)
def _moved_sideways(ask: Ask, rng: Random) -> None:
    on = "level bars, which look the same after a step to the side"
    if share(ask, on, bars(rng), 2):
        raise Failed("they are said to lose: they moved up or down", on)


@SHIFTED.property("each", "decides for each face on its own", MISSED, ("answers", "sideways"), 2)
def _each(ask: Ask, rng: Random) -> None:
    images = torch.cat([noise(rng), bars(rng, n=3)])
    on = "one image of noise, which loses, and three of level bars, which do not"
    if not close(got := share(ask, on, images, 3), 0.25):
        raise Failed(f"the share of those that lose is not {got:.3g}", on)


@SHIFTED.property("bicubic", "the opponent is the face's own bicubic enlargement", BASELINE)
def _bicubic(ask: Ask, rng: Random) -> None:
    for contrast in (1.0, 0.05):
        on = f"an image of noise with contrast {contrast:g}"
        got: Any = share(ask, on, noise(rng, contrast=contrast), 3)
        if not close(got, 1):
            raise Failed("it is said not to lose; whether it does is not a matter of contrast", on)


def forgiving(ask: Ask, on: str, real: Tensor, moves: list[tuple[int, int]], reach: int) -> Tensor:
    """What the learner's function says of images moved so, and a little paler: 39 dB in place."""
    moved = [shift(image[None], *move) for image, move in zip(real, moves, strict=True)]
    generated = 0.98 * torch.cat(moved)
    got = tensor(ask, on, packed(generated), packed(real), reach)
    if got.shape != (len(real),):
        raise Failed(f"one number a face was expected, not the shape {tuple(got.shape)}", on)
    return got


def forgiven(ask: Ask, rng: Random, *moves: tuple[int, int]) -> None:
    """Each move is within a reach of 2: put back, the image is almost the original."""
    for move in moves:
        on = f"noise moved by {move} (to the right, down), reach 2"
        if (got := forgiving(ask, on, noise(rng), [move], 2).item()) < 12:
            raise Failed(f"{got:.1f} dB, although that move can be taken back", on)


@BEST_PSNR.property("answers", "returns a PSNR a face, in dB", FOOLED)
def _best_answers(ask: Ask, rng: Random) -> None:
    on = "two images of noise, not moved, paler by 2 %"
    got = forgiving(ask, on, noise(rng, 2), [(0, 0)] * 2, 2)
    if (got - 39.3).abs().max() > 1.5:  # 38.6 where rounded to 8 bits, else 40
        raise Failed(f"{got.tolist()} dB; in place they have about 39", on)


@BEST_PSNR.property("sideways", "tries moves to the left and to the right", FOOLED)
def _best_sideways(ask: Ask, rng: Random) -> None:
    forgiven(ask, rng, (2, 0), (-2, 0))


@BEST_PSNR.property("upright", "tries moves up and down", FOOLED)
def _best_upright(ask: Ask, rng: Random) -> None:
    forgiven(ask, rng, (0, 2), (0, -2))


@BEST_PSNR.property("together", "tries both directions at once", FOOLED,
                    ("answers", "sideways", "upright"))  # fmt: skip
def _best_together(ask: Ask, rng: Random) -> None:
    forgiven(ask, rng, (1, 2), (-2, 1))


@BEST_PSNR.property("reach", "forgives no move beyond the reach", FOOLED)
def _best_reach(ask: Ask, rng: Random) -> None:
    on = "noise moved by 4 to the right, reach 2"
    if (got := forgiving(ask, on, noise(rng), [(4, 0)], 2).item()) > 8:
        raise Failed(f"{got:.1f} dB: it was moved back by more than 2", on)


@BEST_PSNR.property("each", "finds the best move of each face on its own", FOOLED,
                    ("answers", "sideways"))  # fmt: skip
def _best_each(ask: Ask, rng: Random) -> None:
    on = "two images of noise, moved to the right by 1 and by 2"
    if (got := forgiving(ask, on, noise(rng, 2), [(1, 0), (2, 0)], 2)).min() < 12:
        raise Failed(f"{got.tolist()} dB, although both moves can be taken back", on)
