"""Trained generators that come with the package: `zoo.load("residual-s-imaginary")`."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from urdgn_lite.networks import load_weights
from urdgn_lite.presets import suggest

SHELF = Path(__file__).parent / "weights"


def _index() -> dict[str, str]:
    """Name -> SHA-256 of the weights' file."""
    path = SHELF / "index.json"
    return json.loads(path.read_text()) if path.exists() else {}


def names() -> list[str]:
    """Names that `load` knows."""
    return sorted(_index())


def load(name: str | Path, device: str | torch.device = "cpu") -> nn.Module:
    """A trained generator, ready to use: LR `(b, 3, 16, 16)` in, HR `(b, 3, 128, 128)` out.

    Parameters
    ----------
    name : one of `names()`, or the path of a `generator.safetensors` of your own.
    device : where to put it.

    Raises
    ------
    ValueError : no such name (near ones are suggested), or a file that is damaged.
    """
    return _load(name)[0].to(device)


def card(name: str | Path) -> dict[str, Any]:
    """How the weights came about: preset, data, seed, steps, seconds, commit, hardware."""
    return _load(name)[1]


def steps_and_seconds(card: Mapping[str, Any]) -> tuple[int, float]:
    """What the weights of a card took, with what the network that they began as had taken."""
    before = card.get("start") or {"steps": 0, "seconds": 0}
    return card["step"] + before["steps"], card["seconds"] + before["seconds"]


def _load(name: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    index = _index()
    if str(name) not in index:
        if Path(name).is_file():
            return load_weights(Path(name))
        raise unknown(name, index)
    path = SHELF / f"{name}.safetensors"
    if not path.exists() or sha256(path) != index[str(name)]:
        raise ValueError(f"{path.name} is missing or damaged: reinstall the package")
    return load_weights(path)


def unknown(name: str | Path, known: Iterable[str]) -> ValueError:
    """What to raise where a name is not among the known ones: near ones are suggested."""
    known = sorted(known)
    hint = suggest(str(name), known) if known else "none came with this copy"
    return ValueError(f"no {str(name)!r}: {hint} (or the path of a generator file)")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class BetterKeptError(ValueError):
    """The zoo holds a better generator under that name."""


def keep(path: Path, name: str, *, replace: bool = False) -> None:
    """Copy a run's `generator.safetensors` into the package under a name, and index it.

    Raises
    ------
    BetterKeptError : unless `replace`, where the one there learnt from the same faces and gained
        more on their validation split. (A gain in pixels: it does not see what D adds.)
    ValueError : `path` is no generator.
    """
    new = load_weights(path)[1]
    if not replace and (reason := better(new, name)):
        raise BetterKeptError(reason)
    SHELF.mkdir(exist_ok=True)
    shelf = {f"{name}.safetensors": path.read_bytes()}
    index = _index() | {name: sha256(path)}
    shelf["index.json"] = (json.dumps(index, indent=1, sort_keys=True) + "\n").encode()
    for file, data in shelf.items():
        (SHELF / f"{file}.part").write_bytes(data)
    for file in shelf:  # at once: a file that the index does not know is taken for a damaged one
        (SHELF / f"{file}.part").replace(SHELF / file)


def better(new: Mapping[str, Any], name: str) -> str:
    """Why the zoo keeps its generator of that name instead of the card's; "" if it need not."""
    if name not in _index():
        return ""
    old = card(name)
    mine, theirs = gain(new), gain(old)
    if old.get("data") != new.get("data") or mine >= theirs:
        return ""
    return f"{name} in the zoo gains {theirs:+.3f} dB, this one {mine:+.3f}: not replaced"


def holds(path: Path, name: str) -> bool:
    """Whether the zoo's generator of that name is that very file."""
    return _index().get(name) == sha256(path)


def gain(card: Mapping[str, Any]) -> float:
    """The last validation gain over bicubic in dB that a card tells of; −∞ where it tells none."""
    gains = [row["gain"] for row in card.get("history", []) if "gain" in row]
    return gains[-1] if gains else -math.inf


if __name__ == "__main__":  # python -m urdgn_lite.zoo RUN/generator.safetensors NAME
    keep(Path(sys.argv[1]), sys.argv[2])
