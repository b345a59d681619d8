"""What must hold in the exercises of chapter 3: a layer by hand, what it sees, what it costs."""

from __future__ import annotations

import math
from random import Random

import torch
from torch import Tensor, nn

from urdgn_lite.check.engine import Ask, Failed, Suite
from urdgn_lite.check.plain import packed, probe_plain, scalar, tensor, whole_numbers

CHAPTER = "chapter “The networks”, "
BY_HAND = CHAPTER + "“A transposed convolution by hand”"
FIELD = CHAPTER + "“What one output pixel sees”"
COST = CHAPTER + "“What it costs”"

DECONVOLUTION = Suite("deconvolution", probe_plain)
RECEPTIVE_FIELD = Suite("receptive_field", probe_plain)
COSTS = Suite("cost", probe_plain)


def draw(rng: Random, rows: int, columns: int) -> Tensor:
    """A matrix of small whole numbers, none of them 0."""
    values = [rng.choice((-3, -2, -1, 1, 2, 3)) for _ in range(rows * columns)]
    return torch.tensor(values, dtype=torch.float32).reshape(rows, columns)


def spread(ask: Ask, x: Tensor, kernel: Tensor, stride: int, padding: int) -> tuple[Tensor, str]:
    """The learner's result, and the input in words."""
    sides = " × ".join(map(str, x.shape))
    on = f"x of {sides}, kernel {len(kernel)}, stride {stride}, padding {padding}"
    found = tensor(ask, on, packed(x), packed(kernel), stride, padding)
    if found.dim() != 2:
        raise Failed(f"a matrix was expected, not {found.dim()} dimensions", on)
    return found, on


@DECONVOLUTION.property("answers", "returns a matrix that is not zero", BY_HAND)
def _answers(ask: Ask, rng: Random) -> None:
    found, on = spread(ask, draw(rng, 3, 3), draw(rng, 4, 4), 2, 1)
    if not found.isfinite().all() or not found.any():
        raise Failed("it holds nothing but zeros, or no numbers", on)


@DECONVOLUTION.property("size", "has (n − 1) · stride + kernel − 2 · padding rows and columns",
                        BY_HAND)  # fmt: skip
def _size(ask: Ask, rng: Random) -> None:
    for k, s, p in ((4, 2, 1), (3, 2, 0), (3, 1, 1), (2, 3, 0)):
        found, on = spread(ask, draw(rng, 3, 4), draw(rng, k, k), s, p)
        wanted = tuple((n - 1) * s + k - 2 * p for n in (3, 4))
        if tuple(found.shape) != wanted:
            raise Failed(f"it is {tuple(found.shape)}, not {wanted}", on)


@DECONVOLUTION.property("stamp", "a single 1 becomes the kernel, as it is", BY_HAND,
                        ("answers", "size"), 2)  # fmt: skip
def _stamp(ask: Ask, rng: Random) -> None:
    i, j = rng.randrange(3), rng.randrange(3)
    x, kernel = torch.zeros(3, 3), draw(rng, 3, 3)
    kernel[0, 0], kernel[-1, -1], kernel[0, -1], kernel[-1, 0] = 1, 2, 3, -1  # no symmetry
    x[i, j] = 1
    found, on = spread(ask, x, kernel, 3, 0)
    place = found[i * 3 : i * 3 + 3, j * 3 : j * 3 + 3]
    if not torch.equal(place, kernel.double()) or found.abs().sum() != kernel.abs().sum():
        raise Failed("the result is not this kernel at this place", f"{on}, the 1 at ({i}, {j})")


@DECONVOLUTION.property("adds", "where stamps overlap, they add up", BY_HAND,
                        ("answers", "size"), 2)  # fmt: skip
def _adds(ask: Ask, rng: Random) -> None:
    x, kernel = draw(rng, 3, 3).abs(), draw(rng, 4, 4).abs()
    found, on = spread(ask, x, kernel, 2, 0)
    total, wanted = found.sum().item(), (x.sum() * kernel.sum()).item()
    if total != wanted:
        why = f"nine stamps bring {wanted:g} in all; in your result {total:g} are left"
        raise Failed(why, on)


@DECONVOLUTION.property("padding", "padding cuts all four borders", BY_HAND, ("answers", "size"))
def _padding(ask: Ask, rng: Random) -> None:
    x, kernel = draw(rng, 3, 3), draw(rng, 4, 4)
    (whole, _), (cut, on) = spread(ask, x, kernel, 2, 0), spread(ask, x, kernel, 2, 1)
    if not torch.allclose(cut, whole[1:-1, 1:-1]):
        raise Failed("it is not the unpadded result without its outermost rows and columns", on)


def field(ask: Ask, *layers: tuple[int, int]) -> tuple[float, str]:
    """The learner's answer, and the input in words."""
    on = f"layers (kernel, stride): {', '.join(map(str, layers))}"
    return scalar(ask, on, [tuple(layer) for layer in layers]), on


def expect(ask: Ask, wanted: int, *layers: tuple[int, int]) -> None:
    """Fail unless one output sees `wanted` inputs."""
    got, on = field(ask, *layers)
    if got != wanted:
        raise Failed(f"one output does not see {got:g} inputs in a row: draw it", on)


@RECEPTIVE_FIELD.property("answers", "returns a whole number, at least the kernel", FIELD)
def _field(ask: Ask, rng: Random) -> None:
    got, on = field(ask, (5, 1))
    if got != int(got) or got < 2:
        raise Failed(f"{got:g}", on)


@RECEPTIVE_FIELD.property("one", "one layer sees its kernel, whatever its stride", FIELD)
def _one(ask: Ask, rng: Random) -> None:
    kernel = rng.choice((3, 5, 7))
    for stride in (1, 2):
        expect(ask, kernel, (kernel, stride))


@RECEPTIVE_FIELD.property("stacked", "each further layer adds its kernel less 1", FIELD,
                          ("answers", "one"))  # fmt: skip
def _stacked(ask: Ask, rng: Random) -> None:
    a, b, c = (rng.choice((3, 5, 7)) for _ in range(3))
    expect(ask, a + b + c - 2, (a, 1), (b, 1), (c, 1))


@RECEPTIVE_FIELD.property("stride", "behind a stride, every step is longer", FIELD,
                          ("answers", "one", "stacked"))  # fmt: skip
def _stride(ask: Ask, rng: Random) -> None:
    a, b, s = rng.choice((3, 5)), rng.choice((3, 5)), rng.choice((2, 3))
    expect(ask, a + (b - 1) * s, (a, s), (b, 1))


@RECEPTIVE_FIELD.property("strides", "strides multiply", FIELD, ("answers", "one", "stride"))
def _strides(ask: Ask, rng: Random) -> None:
    kernels, strides = [rng.choice((3, 5)) for _ in range(4)], [2, 2, 3, 1]
    jumps = [math.prod(strides[:i]) for i in range(4)]
    wanted = 1 + sum((k - 1) * j for k, j in zip(kernels, jumps, strict=True))
    expect(ask, wanted, *zip(kernels, strides, strict=True))


def costs(ask: Ask, a: int, b: int, kernel: int, side: int) -> tuple[list[int], str]:
    """Parameters and multiplications, and the input in words."""
    on = f"{a} → {b} channels, kernel {kernel}, {side} × {side} outputs"
    found = whole_numbers(ask, on, a, b, kernel, side)
    if len(found) != 2 or min(found) <= 0:
        raise Failed("two whole numbers above 0 were expected", on)
    return found, on


@COSTS.property("answers", "returns two whole numbers", COST)
def _costs(ask: Ask, rng: Random) -> None:
    costs(ask, 3, 16, 3, 8)


@COSTS.property("parameters", "counts the parameters of a real layer", COST, weight=2)
def _parameters(ask: Ask, rng: Random) -> None:
    a, b, kernel, side = rng.randint(2, 9), rng.randint(10, 20), rng.choice((3, 5)), 16
    (got, _), on = costs(ask, a, b, kernel, side)
    wanted = sum(p.numel() for p in nn.Conv2d(a, b, kernel).parameters())
    if got != wanted:
        raise Failed(f"torch's own layer has {'more' if wanted > got else 'fewer'} than {got}", on)


@COSTS.property("places", "multiplies at every place of the output", COST)
def _places(ask: Ask, rng: Random) -> None:
    (_, one), _ = costs(ask, 3, 16, 3, 8)
    (_, two), on = costs(ask, 3, 16, 3, 16)
    if two != 4 * one:
        raise Failed(f"twice the side costs {two / one:.3g} times as much", on)


@COSTS.property("products", "counts products only: adding a bias is none", COST,
                ("answers", "parameters", "places"), 2)  # fmt: skip
def _products(ask: Ask, rng: Random) -> None:
    a, b, kernel = rng.randint(2, 9), rng.randint(10, 20), rng.choice((3, 5))
    (_, got), on = costs(ask, a, b, kernel, 1)
    weights = nn.Conv2d(a, b, kernel).weight.numel()
    if got != weights:
        raise Failed(f"at a single place {got} products, but there are {weights} weights", on)
