"""The exercises of chapters 3 and 8 on layers: by hand, what one sees, what it costs, its mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv_transpose2d

from urdgn_lite.check.exercise import Exercise, noise

CHAPTER = "chapter “The networks”, "


def _spread(x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return conv_transpose2d(x[None, None], kernel[None, None], None, stride, padding)[0, 0]


def _last_stamp(x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    k, (h, w) = len(kernel), ((n - 1) * stride + len(kernel) for n in x.shape)
    out = torch.zeros(h, w)
    for i in range(len(x)):
        for j in range(len(x[0])):
            out[i * stride : i * stride + k, j * stride : j * stride + k] = x[i, j] * kernel
    return out[padding : h - padding, padding : w - padding]


def _stamps(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for k, stride, padding in ((3, 3, 0), (4, 2, 0), (4, 2, 1), (3, 1, 1), (2, 3, 0)):
        x, kernel = (noise(rng, *shape).mul(3).round() for shape in ((3, 4), (k, k)))
        on = f"x of 3 × 4, kernel {k}, stride {stride}, padding {padding}"
        yield on, (x, kernel, stride, padding)


deconvolution = Exercise(
    "deconvolution",
    "Chapter 3, exercise 1: `fn(x, kernel, stride, padding)`, all matrices.",
    returns="a matrix of (n − 1) · stride + kernel − 2 · padding rows",
    where=CHAPTER + "“A transposed convolution by hand”",
    reference=_spread,
    inputs=_stamps,
    mistakes={
        "the kernel is stamped as it is, not turned round": (
            lambda x, k, s, p: _spread(x, k.flip(0, 1), s, p)
        ),
        "the kernel is stamped as it is, not transposed": lambda x, k, s, p: _spread(x, k.T, s, p),
        "where stamps overlap, they add up": _last_stamp,
        "padding cuts all four borders": (lambda x, k, s, p: _spread(x, k, s, 0)[2 * p :, 2 * p :]),
        "padding is not cut off": lambda x, k, s, p: _spread(x, k, s, 0),
    },
)


def _sees(layers: Any, jumps: Any = None) -> int:
    strides = [1, *(s for _, s in layers)]
    jumps = jumps or [math.prod(strides[: i + 1]) for i in range(len(layers))]
    return 1 + sum((k - 1) * j for (k, _), j in zip(layers, jumps, strict=True))


def _stacks(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for strides in ((2,), (1, 1, 1), (2, 1), (2, 2, 3, 1)):
        layers = [[rng.choice((3, 5, 7)), s] for s in strides]
        yield f"layers (kernel, stride) {', '.join(f'({k}, {s})' for k, s in layers)}", (layers,)


receptive_field = Exercise(
    "receptive_field", "Chapter 3, exercise 2: `fn(layers)`, (kernel, stride), the first first.",
    returns="one number", where=CHAPTER + "“What one output pixel sees”",
    reference=_sees, inputs=_stacks, tensors=False,
    mistakes={
        "each further layer adds its kernel less 1": lambda l: sum(k for k, _ in l),
        "behind a stride, every step is longer": lambda l: _sees(l, [1] * len(l)),
        "a layer's own stride counts for those behind it": lambda l: _sees(
            l, [math.prod(s for _, s in l[: i + 1]) for i in range(len(l))]),
        "strides multiply": lambda l: _sees(
            l, [1 + sum(s - 1 for _, s in l[:i]) for i in range(len(l))]),
    },
)  # fmt: skip


def _layers(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for side in (1, 8, 16):
        a, b, kernel = rng.randint(2, 9), rng.randint(10, 20), rng.choice((3, 5))
        yield f"{a} → {b} channels, kernel {kernel}, {side} × {side} outputs", (a, b, kernel, side)


cost = Exercise(
    "cost", "Chapter 3, exercise 3: `fn(c_in, c_out, kernel, side)` → (parameters, products).",
    returns="two numbers", where=CHAPTER + "“What it costs”", inputs=_layers, tensors=False,
    reference=lambda a, b, k, side: (a * b * k**2 + b, a * b * k**2 * side**2),
    mistakes={
        "a layer has a bias for each channel that it makes": (
            lambda a, b, k, s: (a * b * k**2, a * b * k**2 * s**2)),
        "a kernel is k × k": lambda a, b, k, s: (a * b * k + b, a * b * k * s**2),
        "an output has side × side places": lambda a, b, k, s: (a * b * k**2 + b, a * b * k**2 * s),
        "adding a bias is no product": (
            lambda a, b, k, s: (a * b * k**2 + b, (a * b * k**2 + b) * s**2)),
    },
)  # fmt: skip


def _by(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    mean, var = mean.reshape(-1, 3, 1, 1), var.reshape(-1, 3, 1, 1)
    return (x - mean) / (var + 1e-5).sqrt()


def _normalise(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Tensor:
    if training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    return _by(x, mean, var)


def _activations(rng: Random) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for n, training in ((4, False), (1, False), (2, True)):
        level = torch.linspace(-1, 1, 3 * n).view(n, 3, 1, 1)
        kept = torch.tensor([0.3, -0.2, 0.1]), torch.tensor([4.0, 1e-4, 1.5])
        on = f"{n} images of 3 channels, training = {training}"
        yield on, (level + noise(rng, n, 3, 4, 4), *kept, training)


normalised = Exercise(
    "normalised", "Chapter 8, exercise 2: `fn(x, mean, var, training)` → normalised x.",
    returns="as many activations as it was given", inputs=_activations, reference=_normalise,
    where="chapter “Ablations”, “BN in the wrong mode”",
    mistakes={
        "the kept mean becomes 0 when not training": lambda x, m, v, t: _normalise(x, 0 * m, v, t),
        "divided by the standard deviation, not by the variance": lambda x, m, v, t: _normalise(
            x, m, v.square(), t),
        "training: the batch's own mean and variance count": lambda x, m, v, t: _by(x, m, v),
        "not training: the kept ones count, whatever the batch": lambda x, m, v, t: _normalise(
            x, m, v, True),
        "training: a channel's mean is over the whole batch": lambda x, m, v, t: _by(
            x, x.mean((2, 3)), x.var((2, 3), unbiased=False)),
        "training: divided by n, not by n − 1": lambda x, m, v, t: _by(
            x, x.mean((0, 2, 3)), x.var((0, 2, 3))),
    },
)  # fmt: skip
