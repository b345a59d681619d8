"""Numbers to tensors and back: what the probes of `losses` and `updates` share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from urdgn_lite.check.engine import Response


def constant(values: list[float], channels: int = 3, side: int = 4) -> dict[str, Any]:
    """Images of one flat value each, as plain data."""
    size = channels * side * side
    return {"shape": [len(values), channels, side, side],
            "values": [v for v in values for _ in range(size)]}  # fmt: skip


def image(data: dict[str, Any], dtype: torch.dtype, device: str = "cpu") -> Tensor:
    """Plain data {"shape", "values"} as a tensor."""
    return torch.tensor(data["values"], dtype=dtype, device=device).reshape(data["shape"])


def describe(value: Any) -> Response:
    """A result as plain data: the number itself where there is exactly one."""
    if isinstance(value, Tensor):
        shape = tuple(value.shape)
        one = value.numel() == 1 and value.device.type != "meta"
        return {
            "kind": f"a tensor of shape {shape}", "tensor": True, "scalar": shape == (),
            "dtype": str(value.dtype).removeprefix("torch."), "device": value.device.type,
            "value": value.item() if one else None,
        }  # fmt: skip
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    kind = f"a Python {type(value).__name__}"
    return {"kind": kind, "tensor": False, "scalar": False, "value": value if plain else None}


def gradients(value: Any, leaves: dict[str, Tensor]) -> dict[str, list[float] | None]:
    """d value / d leaf by autograd, None where nothing flows."""
    if not isinstance(value, Tensor) or not value.requires_grad or value.numel() != 1:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
    flat = [None if g is None else g.flatten().tolist() for g in found]
    return dict(zip(leaves, flat, strict=True))


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """Names of the arguments that a function wrote into."""
    return [k for k, v in before.items() if not torch.equal(v, after[k].detach())]


class OneDevice(TorchFunctionMode):
    """Refuse to mix devices as a GPU would: the "meta" device alone is more forgiving."""

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim() > 0]
        if len({t.device.type for t in tensors}) > 1:
            raise RuntimeError("expected all tensors to be on the same device")
        return func(*args, **kwargs)


def one_device(device: str) -> AbstractContextManager:
    """`OneDevice` while shapes alone are computed; elsewhere nothing."""
    return OneDevice() if device == "meta" else nullcontext()
