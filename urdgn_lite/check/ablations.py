"""What must hold in exercises of chapter 8: a part of a face covered, batch normalisation."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Suite, require
from urdgn_lite.check.plain import packed, probe_plain, tensor

PARTS = "chapter “Ablations”, “What convinces D”"
MODE = "chapter “Ablations”, “BN in the wrong mode”"

COVERED = Suite("covered", probe_plain)
NORMALISED = Suite("normalised", probe_plain)
BOX = (3, 1, 6, 5)  # left, top, right, bottom


def drawn(rng: Random, n: int = 2, side: int = 8) -> Tensor:
    """Images of random colours, each brighter than the one before it."""
    g = torch.Generator().manual_seed(rng.randrange(10**6))
    level = torch.linspace(-0.5, 0.5, n).view(n, 1, 1, 1)
    tint = torch.tensor([-0.2, 0.0, 0.2]).view(1, 3, 1, 1)
    return level + tint + 0.25 * (torch.rand(n, 3, side, side, generator=g) * 2 - 1)


def cover(ask: Ask, images: Tensor, box: tuple[int, ...] = BOX) -> tuple[Tensor, str]:
    """The learner's covered images, and the input in words."""
    on = f"{len(images)} images of 8 × 8, box {box}"
    found = tensor(ask, on, packed(images), list(box))
    if found.shape != images.shape:
        raise Failed(f"shape {tuple(found.shape)}, not {tuple(images.shape)}", on)
    return found, on


def inside(image: Tensor) -> Tensor:
    """The part of an image, or of several, that the box covers."""
    left, top, right, bottom = BOX
    return image[..., top:bottom, left:right]


@COVERED.property("answers", "returns images of the same shape, and something has changed", PARTS)
def _covers(ask: Ask, rng: Random) -> None:
    images = drawn(rng)
    found, on = cover(ask, images)
    if torch.allclose(found, images.double()):
        raise Failed("they are the same images", on)


@COVERED.property("unchanged", "leaves the images it was given as they were", PARTS)
def _kept(ask: Ask, rng: Random) -> None:
    on = "two images"
    if require(ask(args=[packed(drawn(rng)), list(BOX)]), on)["changed"]:
        raise Failed("they changed: the next region would be hidden on top of this one", on)


@COVERED.property("outside", "changes nothing outside of the box", PARTS, weight=2)
def _outside(ask: Ask, rng: Random) -> None:
    images = drawn(rng)
    found, on = cover(ask, images)
    inside(found)[:] = inside(images.double())
    if not torch.allclose(found, images.double(), atol=1e-5):
        raise Failed("pixels have changed there too (the box is left, top, right, bottom)", on)


@COVERED.property("flat", "inside, each colour is one value", PARTS)
def _flat(ask: Ask, rng: Random) -> None:
    found, on = cover(ask, drawn(rng))
    if inside(found).flatten(2).std(2).max() > 1e-4:
        raise Failed("something can still be seen in the box", on)


@COVERED.property("mean", "that value is the mean of the whole image, for red, green and blue",
                  PARTS, ("answers", "outside", "flat"), 2)  # fmt: skip
def _mean(ask: Ask, rng: Random) -> None:
    images = drawn(rng, n=1)
    found, on = cover(ask, images)
    got, wanted = inside(found).mean((2, 3)), images.double().mean((2, 3))
    if not torch.allclose(got, wanted, atol=1e-4):
        raise Failed(f"the box has the colour {[round(v, 3) for v in got[0].tolist()]}", on)


@COVERED.property("each", "each image has its own mean", PARTS, ("answers", "mean"))
def _own(ask: Ask, rng: Random) -> None:
    images = drawn(rng, n=3)
    found, on = cover(ask, images)
    if not torch.allclose(inside(found).mean((2, 3)), images.double().mean((2, 3)), atol=1e-4):
        raise Failed("the boxes do not have the colours of their images", on)


def normalise(ask: Ask, x: Tensor, mean: Tensor, var: Tensor, training: bool) -> tuple[Tensor, str]:
    """The learner's normalised x, and the input in words."""
    on = f"{len(x)} images of {x.shape[1]} channels, training = {training}"
    found = tensor(ask, on, packed(x), packed(mean), packed(var), training)
    if found.shape != x.shape:
        raise Failed(f"shape {tuple(found.shape)}, not {tuple(x.shape)}", on)
    return found, on


def layer(rng: Random, n: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Activations that differ from channel to channel and face to face; kept statistics."""
    x = drawn(rng, n)
    scale = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    return x * scale, torch.tensor([0.3, -0.2, 0.1]), torch.tensor([4.0, 0.25, 1.5])


def by(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """x, centred and scaled channel by channel."""
    mean, var = (v.double().view(1, -1, 1, 1) for v in (mean, var))
    return (x.double() - mean) / (var + 1e-5).sqrt()


@NORMALISED.property("answers", "returns as many activations as it was given", MODE)
def _normalises(ask: Ask, rng: Random) -> None:
    x, mean, var = layer(rng)
    for training in (True, False):
        found, on = normalise(ask, x, mean, var, training)
        if not found.isfinite().all():
            raise Failed("some are infinite or NaN", on)


@NORMALISED.property("centre", "not training: the kept mean becomes 0", MODE)
def _centre(ask: Ask, rng: Random) -> None:
    _, mean, var = layer(rng)
    x = mean.view(1, 3, 1, 1).expand(2, 3, 4, 4).clone()
    found, on = normalise(ask, x, mean, var, False)
    if found.abs().max() > 1e-3:
        raise Failed(f"the kept mean becomes {found.abs().max():.3g}", on)


@NORMALISED.property("scale", "not training: one standard deviation above it becomes 1", MODE,
                     ("answers", "centre"))  # fmt: skip
def _scale(ask: Ask, rng: Random) -> None:
    _, mean, var = layer(rng)
    x = (mean + var.sqrt()).view(1, 3, 1, 1).expand(2, 3, 4, 4).clone()
    found, on = normalise(ask, x, mean, var, False)
    if (found - 1).abs().max() > 1e-2:
        got = ", ".join(f"{v:.3g}" for v in found[0, :, 0, 0].tolist())
        raise Failed(f"in the three channels it becomes {got}", on)


@NORMALISED.property("company", "not training: a face's result does not depend on its company",
                     MODE, weight=2)  # fmt: skip
def _company(ask: Ask, rng: Random) -> None:
    x, mean, var = layer(rng)
    together, _ = normalise(ask, x, mean, var, False)
    alone, on = normalise(ask, x[:1], mean, var, False)
    if not torch.allclose(together[:1], alone, atol=1e-4):
        raise Failed("alone, the first of four faces is normalised otherwise", on)


@NORMALISED.property("batch", "training: a channel's mean and variance over the whole batch",
                     MODE, weight=2)  # fmt: skip
def _batch(ask: Ask, rng: Random) -> None:
    x, mean, var = layer(rng)
    found, on = normalise(ask, x, mean, var, True)
    wanted = by(x, x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
    if (found - wanted).abs().max() > 0.05:  # n − 1 for n is forgiven
        means = ", ".join(f"{v:+.2f}" for v in found.mean((2, 3))[0].tolist())
        raise Failed(f"the darkest of the four faces ends at {means} in its channels", on)
