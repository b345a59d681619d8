"""Trained generators that come with the package: `zoo.load("residual-s-imaginary")`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from urdgn_lite import store
from urdgn_lite.networks import build_generator
from urdgn_lite.presets import Preset, suggest

SHELF = Path(__file__).parent / "weights"
FAMILY = ("residual", "residual-s", "lite", "released", "paper")  # each without D, and as NAME-gan


def names() -> list[str]:
    """Names that `load` knows."""
    return sorted(path.stem for path in SHELF.glob("*.safetensors"))


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
    return load_weights(path_of(name))[0].to(device)


def card(name: str | Path) -> dict[str, Any]:
    """How the weights came about: preset, data, seed, steps, seconds, commit, hardware."""
    return store.read_card(path_of(name), "generator")


def steps_and_seconds(card: Mapping[str, Any]) -> tuple[int, float]:
    """What the weights of a card took, with what the network that they began as had taken."""
    before = card.get("start") or {"steps": 0, "seconds": 0}
    steps = int(card.get("step", 0)) + int(before["steps"])
    return steps, float(card.get("seconds", 0)) + float(before["seconds"])


def path_of(name: str | Path) -> Path:
    """The file of a generator: on the shelf by its name, else where the path leads."""
    shelved = SHELF / f"{name}.safetensors"
    if str(name) in names():
        return shelved
    if Path(name).is_file():
        return Path(name)
    raise unknown(name, names())


def unknown(name: str | Path, known: Iterable[str]) -> ValueError:
    """What to raise where a name is not among the known ones: near ones are suggested."""
    known = sorted(known)
    hint = suggest(str(name), known) if known else "none came with this copy"
    return ValueError(f"no {str(name)!r}: {hint} (or the path of a generator file)")


def save_weights(network: nn.Module, path: Path, card: Mapping[str, Any]) -> None:
    """Write a generator as fp16 safetensors, its card (with the preset) in the header."""
    tensors = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    store.write_tensors(path, tensors, card)


def load_weights(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Read a generator and its card; nothing in the file is executed.

    Raises
    ------
    ValueError : the file is no generator written by `save_weights`, or damaged.
    """
    tensors, card = store.read_tensors(path, "generator")
    try:
        with torch.device("meta"):  # no weights are drawn that the file's would replace
            network = build_generator(Preset(**card["preset"]))
        values = {n: t.float() if t.dtype == torch.half else t for n, t in tensors.items()}
        network.load_state_dict(values, assign=True)
        steps_and_seconds(card)
    except store.MISFITS as error:
        reason = " ".join(str(error).split())
        raise store.DamagedError(f"{path}: not a generator of this package ({reason})") from error
    return network.eval(), card


def copy_start(G: nn.Module, start: nn.Module | Path | str) -> dict[str, Any]:
    """Let G begin as a copy of a network, or of a generator by name or file ("" leaves it alone).

    Returns
    -------
    name, steps and seconds of what it began as; empty where it was left alone.

    Raises
    ------
    ValueError : it is another network.
    """
    if not isinstance(start, nn.Module) and not str(start):
        return {}
    name, begun, made = "a network", start, dict[str, Any]()
    if not isinstance(start, nn.Module):
        begun, made = load_weights(path_of(start))
        name = str(start) if str(start) in names() else made["preset"]["name"]
    if str(begun) != str(G):
        raise ValueError(f"cannot start from {name}: it is another network")
    G.load_state_dict(begun.state_dict())  # type: ignore[union-attr]
    steps, seconds = steps_and_seconds(made)
    return {"name": name, "steps": steps, "seconds": seconds}
