"""Checks of the chapters' exercises: the learner's result beside a reference, on random inputs.

A wrong result is held beside what well-known mistakes would give; the one that fits is the hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Plain, Suite, require
from urdgn_lite.check.tensors import Watch, packed, unpacked

Inputs = Callable[[Random], Iterable[tuple[str, tuple[Any, ...]]]]


def probe_plain(function: Callable[..., Any], request: Plain) -> Plain:
    """Call a learner's function once with the arguments in `request["args"]`."""
    given = [unpacked(value) for value in request["args"]]
    watch = Watch({f"argument {i}": v for i, v in enumerate(given, 1) if isinstance(v, Tensor)})
    result = function(*given)
    kind = f"a Python {type(result).__name__}"
    try:
        if isinstance(result, bool | str):
            raise TypeError
        found = numbers(result)
    except (TypeError, ValueError, RuntimeError):
        return {"kind": kind, "result": None, "changed": []}
    if isinstance(result, Tensor) and found.numel() == 1:
        found = found.reshape(())  # a vector of one is a number as well
    return {"kind": kind, "result": packed(found), "changed": watch.changes()}


def numbers(result: Any) -> Tensor:
    """A number, a list of numbers or a tensor, as a tensor in float64."""
    if isinstance(result, list | tuple):
        return torch.stack([numbers(v) for v in result])
    return torch.as_tensor(result).detach().double()


def noise(rng: Random, *shape: int) -> Tensor:
    """Normal random numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng.randrange(10**6)))


class Exercise(Suite):
    """A function that has one right result on each input.

    Parameters
    ----------
    name, doc : as for `Suite`.
    returns : the kind of result, in words.
    where : where the book explains it.
    reference : what is right.
    inputs : draws inputs: each in words, and the arguments.
    mistakes : hint → the function of somebody who makes that mistake.
    within : the share by which a result may differ, for ways that are both right.
    tensors : whether an argument is a tensor: numbers cannot be changed in place.
    """

    def __init__(
        self, name: str, doc: str, *, returns: str, where: str, reference: Callable[..., Any],
        inputs: Inputs, mistakes: dict[str, Callable[..., Any]], within: float = 1e-3,
        tensors: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(name, probe_plain, doc)
        self.reference, self.inputs, self.mistakes = reference, inputs, mistakes
        self.within = within
        self.property("answers", f"returns {returns}", where)(self._answers)
        self.property("right", "is right on random inputs", where)(self._right)
        if tensors:
            self.property("unchanged", "leaves its arguments as they were", where)(self._unchanged)

    def _ask(self, ask: Ask, on: str, args: tuple[Any, ...]) -> tuple[Tensor, list[str]]:
        plain = [packed(a) if isinstance(a, Tensor) else a for a in args]
        response = require(ask(args=plain), on)
        if not isinstance(response.get("result"), dict):
            raise Failed(f"it is {response['kind']}", on)
        return unpacked(response["result"]), response["changed"]

    def _answers(self, ask: Ask, rng: Random) -> None:
        on, args = next(iter(self.inputs(rng)))
        got, wanted = self._ask(ask, on, args)[0], numbers(self.reference(*args))
        if got.shape != wanted.shape and not (got.dim() == 0 and wanted.numel() == 1):
            raise Failed(f"its shape is {tuple(got.shape)}, not {tuple(wanted.shape)}", on)

    def _right(self, ask: Ask, rng: Random) -> None:
        tried = [(on, args, self._ask(ask, on, args)[0]) for on, args in self.inputs(rng)]
        for on, args, got in tried:
            wanted = numbers(self.reference(*args))
            if not self.like(got, wanted):
                hints = (hint for hint, wrong in self.mistakes.items()
                         if all(self._is(g, wrong, a) for _, a, g in tried))  # fmt: skip
                raise Failed(next(hints, difference(got, wanted)), on)

    def _unchanged(self, ask: Ask, rng: Random) -> None:
        for on, args in self.inputs(rng):
            if changed := self._ask(ask, on, args)[1]:
                raise Failed("; ".join(changed), on)

    def like(self, got: Tensor, wanted: Tensor) -> bool:
        """Whether two results are the same one."""
        if got.dim() == 0 and wanted.numel() == 1:
            got = got.reshape(wanted.shape)
        return got.shape == wanted.shape and torch.allclose(
            got, wanted, rtol=self.within, atol=self.within / 10, equal_nan=True
        )

    def _is(self, got: Tensor, wrong: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        copies = (a.clone() if isinstance(a, Tensor) else a for a in args)
        return self.like(got, numbers(wrong(*copies)))


def difference(got: Tensor, wanted: Tensor) -> str:
    """Two results side by side, in a few words."""
    if got.shape != wanted.shape and got.numel() != wanted.numel():
        return f"its shape is {tuple(got.shape)}, not {tuple(wanted.shape)}"
    if wanted.numel() > 4:
        gap = (got - wanted).abs()
        at = [int(i) for i in torch.unravel_index(gap.nan_to_num(torch.inf).argmax(), gap.shape)]
        return f"it is {got[tuple(at)]:.4g} at {at}; {wanted[tuple(at)]:.4g} was expected"
    texts = [", ".join(f"{v:.4g}" for v in side.flatten().tolist()) for side in (got, wanted)]
    return f"it is {texts[0]}; {texts[1]} was expected"
