"""Checks of the chapters' exercises: the learner's result beside a reference, on random inputs.

A wrong result is held beside what well-known mistakes would give; the one that fits is the hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from random import Random
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import Failed, Plain, Property, Suite, holds
from urdgn_lite.check.tensors import Watch, packed, unpacked

Inputs = Callable[[Random], Iterable[tuple[str, tuple[Any, ...]]]]


def called(function: Callable[..., Any], given: list[Any]) -> Plain:
    """Call a learner's function once: what kind of result, its numbers, what was changed."""
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
    name, doc : key of the task, and what the function takes and returns.
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
        self.name, self.__doc__, self.returns, self.where = name, doc, returns, where
        self.reference, self.inputs, self.mistakes = reference, inputs, mistakes
        self.within, self.tensors = within, tensors

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        return called(function, [unpacked(value) for value in request["args"]])

    def tell(self, request: Plain) -> str:
        return str(request["on"])

    @cached_property
    def properties(self) -> list[Property]:
        """Those of every exercise, the last one where something can be changed."""
        answers, right, unchanged = super().properties
        answers = replace(answers, says=f"returns {self.returns}")
        return [answers, right, *[unchanged] * self.tensors]

    def question(self, on: str, args: tuple[Any, ...]) -> Plain:
        """An input as plain data."""
        return {"on": on, "args": [packed(a) if isinstance(a, Tensor) else a for a in args]}

    def result(self, on: str, args: tuple[Any, ...]) -> Tensor:
        """What the learner's function makes of an input."""
        response = self.ask(**self.question(on, args))
        if not isinstance(response.get("result"), dict):
            raise Failed(f"it is {response['kind']}")
        found: Tensor = unpacked(response["result"])
        return found

    @holds("returns …")
    def answers(self) -> None:
        on, args = next(iter(self.inputs(self.rng)))
        got, wanted = self.result(on, args), numbers(self.reference(*args))
        if got.shape != wanted.shape and not (got.dim() == 0 and wanted.numel() == 1):
            raise Failed(f"its shape is {tuple(got.shape)}, not {tuple(wanted.shape)}")

    @holds("is right on random inputs")
    def right(self) -> None:
        tried = [(on, args, self.result(on, args)) for on, args in self.inputs(self.rng)]
        for on, args, got in tried:
            wanted = numbers(self.reference(*args))
            if not self.like(got, wanted):
                hints = (hint for hint, wrong in self.mistakes.items()
                         if all(self._is(g, wrong, a) for _, a, g in tried))  # fmt: skip
                raise Failed(next(hints, difference(got, wanted)), on)

    @holds("leaves its arguments as they were")
    def unchanged(self) -> None:
        for on, args in self.inputs(self.rng):
            self.kept(**self.question(on, args))

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
