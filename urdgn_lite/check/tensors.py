"""Numbers to tensors and back, and what a function did to the tensors that it was lent."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from urdgn_lite.check.engine import Plain


def constant(values: list[float], side: int = 4) -> dict[str, Any]:
    """Images of three channels and one flat value each, as plain data."""
    size = 3 * side * side
    return {"shape": [len(values), 3, side, side],
            "values": [v for v in values for _ in range(size)]}  # fmt: skip


def packed(tensor: Tensor) -> dict[str, Any]:
    """A tensor as plain data, to stand among the arguments of a request."""
    kind = str(tensor.dtype).removeprefix("torch.")
    return {"values": tensor.flatten().tolist(), "shape": list(tensor.shape), "dtype": kind}


def unpacked(value: Any, dtype: torch.dtype | None = None, device: str = "cpu") -> Any:
    """Plain data as a tensor; anything else copied, so that nobody can write into it."""
    if isinstance(value, dict) and "values" in value:
        dtype = dtype or getattr(torch, value["dtype"])
        return torch.tensor(value["values"], dtype=dtype, device=device).reshape(value["shape"])
    return copy.deepcopy(value)


def describe(value: Any) -> Plain:
    """A result as plain data: the number itself, or the mean where there are several."""
    if isinstance(value, Tensor):
        shape = tuple(value.shape)
        readable = value.numel() > 0 and value.device.type != "meta" and not value.is_complex()
        return {
            "kind": f"a tensor of shape {shape}", "scalar": shape == (),
            "dtype": str(value.dtype).removeprefix("torch."),
            "value": value.detach().double().mean().item() if readable else None,
        }  # fmt: skip
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    kind = f"a Python {type(value).__name__}"
    return {"kind": kind, "scalar": False, "value": value if plain else None}


def several(value: Any, n: int) -> list[Any] | None:
    """Whatever `a, b = value` takes apart: a tuple, a list, a tensor, an array. Else None."""
    try:
        parts = list(value)
    except TypeError:
        return None
    return parts if len(parts) == n and not isinstance(value, str | dict | set) else None


def gradients(value: Any, leaves: dict[str, Tensor]) -> dict[str, list[float] | None]:
    """d value / d leaf by autograd, None where nothing flows."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(value.mean(), list(leaves.values()), allow_unused=True)
    flat = [None if g is None else g.flatten().tolist() for g in found]
    return dict(zip(leaves, flat, strict=True))


class Watch:
    """Remembers tensors that a function is lent, and says what it did to them.

    Parameters
    ----------
    lent : name → tensor.
    leaves : what they were computed from, or D's weights: no gradient may arrive there.
    """

    def __init__(self, lent: dict[str, Tensor], leaves: dict[str, Tensor] | None = None) -> None:
        self.lent, self.leaves = lent, leaves or {}
        self.before = {k: (v.detach().clone(), v.requires_grad, v.grad_fn) for k, v in lent.items()}
        self.grads = {k: None if v.grad is None else v.grad.clone() for k, v in self.leaves.items()}

    def changes(self) -> list[str]:
        """One entry a fault, in words."""
        found = []
        for name, now in self.lent.items():
            value, asked, origin = self.before[name]
            if now.device.type != "meta" and not _same(now.detach(), value):
                found.append(f"{name} changed: something works in place")
            elif now.requires_grad != asked or (origin is not None and now.grad_fn is None):
                found.append(f"{name} was cut from its graph, for its owner as well")
        for name, leaf in self.leaves.items():
            old = self.grads[name]
            kept = leaf.grad is None if old is None else (
                leaf.grad is not None and _same(leaf.grad, old))  # fmt: skip
            if not kept:
                found.append(f"the gradient of {name} changed: backward() is the caller's to call")
        return found


def _same(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.equal(one.nan_to_num(), two.nan_to_num())


MOVES = ("to", "type_as", "copy_")  # these may take a tensor of another device


class OneDevice(TorchFunctionMode):
    """Refuse to mix devices as a GPU would: the "meta" device alone is more forgiving."""

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim() > 0]
        if len({t.device.type for t in tensors}) > 1 and func.__name__ not in MOVES:
            raise RuntimeError("expected all tensors to be on the same device")
        return func(*args, **kwargs)


@contextmanager
def one_device(device: str) -> Iterator[None]:
    """`OneDevice` while shapes alone are computed; elsewhere nothing.

    torch loads its compiler, 800 modules in a second, to switch it off where it computes shapes:
    what is not loaded need not be.
    """
    if device != "meta":
        yield
        return
    compiler = "torch._dynamo"
    absent = compiler not in sys.modules
    if absent:
        idle = ModuleType(compiler)
        idle.disable = lambda function, *_, **__: function  # type: ignore[attr-defined]
        sys.modules[compiler] = idle
    try:
        with OneDevice():
            yield
    finally:
        if absent:
            sys.modules.pop(compiler, None)
