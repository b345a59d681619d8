"""Clocks and ceilings: rates measured by turns, FLOPs and bytes counted, what the device can do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from urdgn_lite.progress import bar

SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product is timed
COPIED = {"cpu": 2**28, "cuda": 2**31}  # bytes

Spread = list[float]  # median, lowest, highest


@dataclass(frozen=True)
class Work:
    """Something to time: `step` does some of it and returns how much; `ready` goes before."""

    step: Callable[[], float]
    ready: Callable[[], None] = lambda: None


def alternate(
    works: Mapping[Any, Work], seconds: float, rounds: int, device: torch.device, label: str = ""
) -> dict[Any, list[float]]:
    """The rate of each work (what its steps return, a second), once a round, by turns.

    Parameters
    ----------
    seconds : for one work, all its rounds together; a turn takes one step at least.
    """

    def clock() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    turns: dict[Any, int] = {}
    for name, work in bar(works.items(), f"{label}: warming up", leave=False):
        for _ in range(2):  # the first step starts workers and chooses kernels
            began = clock()
            work.step()
            turns[name] = max(1, round(seconds / rounds / (clock() - began)))
    rates: dict[Any, list[float]] = {name: [] for name in works}
    order = [name for _ in range(rounds) for name in works]
    for name in bar(order, label, leave=False):
        works[name].ready()
        began = clock()
        done = sum(works[name].step() for _ in range(turns[name]))
        rates[name].append(done / (clock() - began))
    return rates


def spread(values: Sequence[float]) -> Spread:
    """Median, lowest, highest, to four digits."""
    found = statistics.median(values), min(values), max(values)
    return [float(f"{value:.4g}") for value in found]


def ratio(a: Sequence[float], b: Sequence[float], factor: float = 1) -> Spread:
    """Spread of factor · a / b, round by round."""
    return spread([factor * x / y for x, y in zip(a, b, strict=True)])


class _Traffic(TorchDispatchMode):
    """Counts the bytes that convolutions and matrix products take in and give out."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            tensors = [t for t in tree_leaves((args, result)) if isinstance(t, Tensor)]
            self.total += sum(t.numel() * t.element_size() for t in tensors)
        return result


def cost(work: Work) -> dict[str, float]:
    """FLOPs, and the bytes that must be moved at least, for one face.

    A multiplication and an addition are two FLOPs. Only convolutions and matrix products count,
    forward and backward: each reads its operands (activations and weights) from memory once and
    writes its results once. All else, as activation functions, is taken to be fused into them,
    and the optimiser to be free. So no implementation layer by layer does with less, but caches
    that hold a small network's activations do.
    """
    with FlopCounterMode(display=False) as flops, _Traffic() as traffic:
        faces = work.step()
    return {"flops": flops.get_total_flops() / faces, "bytes": traffic.total / faces}


def probes(device: torch.device) -> dict[str, Work]:
    """What the device can do: FLOPs of square matrix products, bytes read and written by a copy.

    On a GPU the float32 product may use TF32, as torch's convolutions do.
    """
    side, works = SIDE[device.type], {}

    def multiply(a: Tensor, out: Tensor) -> float:
        allowed = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
        torch.mm(a, a, out=out)
        torch.backends.cuda.matmul.allow_tf32 = allowed
        return 2 * side**3

    for name in ("float32", "bfloat16"):
        a = torch.randn(side, side, device=device).to(getattr(torch, name))
        works[f"matmul_{name}"] = Work(partial(multiply, a, torch.empty_like(a)))
    source = torch.ones(COPIED[device.type], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)

    def copy() -> float:
        target.copy_(source)
        return 2 * source.numel()

    return works | {"copy": Work(copy)}
