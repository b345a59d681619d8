"""What holds for every loss: one number of both terms, for any batch, dtype and device, no trace.

Most inputs are as plain as they can be (flat images, equal logits), so that one mistake shows in
one property: a sum instead of a mean, for example, never spoils the judgement on λ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import HALF, SMALL, Failed, Plain, Suite, close, holds, number, same
from urdgn_lite.check.tensors import Watch, describe, gradients, one_device

BOOK = "chapter “The objective”, "
LOGITS = BOOK + "“Why logits”"
Given = tuple[list[Any], dict[str, Tensor], dict[str, Tensor]]


class Loss(Suite):
    """A suite for a loss: a subclass says what it is given, and on which inputs it is asked."""

    def given(self, request: Plain, dtype: torch.dtype, device: str) -> Given:
        """The arguments; by name, the tensors to watch and the leaves of the graph."""
        raise NotImplementedError

    def traces(self, *arguments: Any) -> list[str]:
        """What else was changed, in words; it is undone."""
        return []

    def batch(self, n: int) -> Plain:
        """A random question about n faces."""
        raise NotImplementedError

    def terms(self) -> tuple[Plain, dict[str, Plain]]:
        """A question; what must not be said → the change that must show in the number."""
        raise NotImplementedError

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function once, on any dtype and device."""
        dtype = getattr(torch, request.get("dtype", "float32"))
        device = request.get("device", "cpu")
        with one_device(device):
            arguments, lent, leaves = self.given(request, dtype, device)
            watch = Watch(lent, leaves)
            try:
                value = function(*arguments)
            except Exception as error:
                if device == "cpu":
                    raise
                return {"mixed": device == "cuda" or "same device" in str(error)}
        if device != "cpu":
            return {}
        response = describe(value) | {"changed": watch.changes() + self.traces(*arguments)}
        if request.get("grad"):
            response["grads"] = gradients(value, leaves)
        return response

    @holds("returns one finite number made of both terms")
    def answers(self) -> None:
        question, changes = self.terms()
        here = number(self.ask(**question))
        for why, change in changes.items():
            if close(here, number(self.ask(**question | change))):
                raise Failed(why, self.tell(question))

    @holds("the number is a tensor without dimensions")
    def scalar(self) -> None:
        response = self.ask(**self.batch(3))
        if not response["scalar"]:
            raise Failed(f"it is {response['kind']}")

    @holds("works for a batch of one", costs=SMALL)
    def one_face(self) -> None:
        number(self.ask(**self.batch(1)))

    @holds("keeps the dtype, stays on the device", needs=("scalar",), costs=SMALL)
    def dtype_device(self) -> None:
        request = self.batch(3)
        for dtype in ("float64", "bfloat16"):
            got = self.ask(**request, dtype=dtype).get("dtype")
            if got != dtype:
                raise Failed(f"{dtype} went in, {got} came out", f"tensors of {dtype}")
        device = "cuda" if torch.cuda.is_available() else "meta"  # "meta" computes shapes only
        if self.ask(**request, device=device).get("mixed"):
            raise Failed("it mixes devices: a tensor was made on the CPU", f"tensors on {device!r}")

    @holds("leaves its arguments as they were", costs=HALF)
    def unchanged(self) -> None:
        self.kept(**self.batch(3))

    def averages(self, value: Callable[[list], float], alike: list, unlike: list) -> None:
        """Fail unless a batch is worth what its faces are worth one by one, on average."""
        once, thrice = value(alike), value(alike * 3)
        why = f"the same face 6 times instead of twice turns {once:.4g} into {thrice:.4g}"
        same(once, thrice, why)
        alone = math.fsum(value([face] * 2) for face in unlike) / len(unlike)
        together = value(unlike)
        why = f"six different faces give {together:.4g}, one by one {alone:.4g} on average"
        same(alone, together, why)

    def by_autograd(self, found: float, request: Plain, ends: tuple[Plain, Plain]) -> None:
        """Fail unless the gradient is the slope between two questions, 0.1 apart."""
        above, below = (number(self.ask(**request | end)) for end in ends)
        slope = (above - below) / 0.1
        why = f"it changes by {slope:.3g} a unit, autograd says {found:.3g}: "
        same(slope, found, why + "part of the graph is cut", relative=0.02, absolute=1e-3)


def for_one(two: float, four: float) -> float:
    """What a value of 2 and of 4 faces would be for one, even if it is a sum."""
    if abs(two) < 1e-9 or abs(four) < 1e-9:
        return two
    return two / 2 ** math.log2(abs(four / two))
