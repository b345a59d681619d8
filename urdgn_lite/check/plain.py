"""What the checks of the chapters' exercises share: plain arguments in, a plain result out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from urdgn_lite.check.engine import Ask, Failed, Request, Response, attempt, number, require
from urdgn_lite.check.tensors import changed, describe


def packed(tensor: Tensor) -> dict[str, Any]:
    """A tensor as plain data, to stand among the arguments of a request."""
    kind = str(tensor.dtype).removeprefix("torch.")
    return {"values": tensor.flatten().tolist(), "shape": list(tensor.shape), "dtype": kind}


def unpacked(value: Any) -> Any:
    """A packed tensor as a tensor; anything else copied, so that nobody can write into it."""
    if isinstance(value, dict) and "values" in value:
        flat = torch.tensor(value["values"], dtype=getattr(torch, value["dtype"]))
        return flat.reshape(value["shape"])
    return copy.deepcopy(value)


def probe_plain(function: Callable[..., Any], request: Request) -> Response:
    """Call a learner's function once with the arguments in `request["args"]`."""
    given = {str(i): unpacked(value) for i, value in enumerate(request["args"])}
    tensors = {k: v for k, v in given.items() if isinstance(v, Tensor)}
    before = {k: v.clone() for k, v in tensors.items()}

    def call() -> Response:
        result = function(*given.values())
        response = describe(result)
        if isinstance(result, Tensor):
            response["tensor"] = packed(result.detach())
        if isinstance(result, list | tuple):
            items = [v.item() if isinstance(v, Tensor) and v.numel() == 1 else v for v in result]
            response["items"] = [v for v in items if isinstance(v, int | float)]
        return response | {"changed": changed(before, tensors)}

    return attempt(call)


def scalar(ask: Ask, on: str, *args: Any) -> float:
    """The one finite number that these arguments give; `on` is the input in words."""
    return number(ask(args=list(args)), on)


def tensor(ask: Ask, on: str, *args: Any) -> Tensor:
    """The tensor that these arguments give."""
    response = require(ask(args=list(args)), on)
    if not isinstance(response.get("tensor"), dict):
        raise Failed(f"a tensor was expected, not {response['kind']}", on)
    return unpacked(response["tensor"]).double()


def whole_numbers(ask: Ask, on: str, *args: Any) -> list[int]:
    """The list (or pair, or flat tensor) of whole numbers that these arguments give."""
    response = require(ask(args=list(args)), on)
    found = response.get("tensor")
    items = found["values"] if isinstance(found, dict) else response.get("items", [])
    if not items or any(v != int(v) for v in items):
        raise Failed(f"whole numbers were expected, not {response['kind']}", on)
    return [int(v) for v in items]
