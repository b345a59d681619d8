"""What a run leaves in its folder, and how it goes on from there: safetensors, never pickle."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from urdgn_lite import store, zoo
from urdgn_lite.degrade import downsample, to_float, to_uint8
from urdgn_lite.presets import Preset
from urdgn_lite.run import Run

NAME = "checkpoint.safetensors"
GENERATOR, HISTORY, SAMPLES = "generator.safetensors", "history.csv", "samples"


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or belongs to another run."""


@contextmanager
def opened(run: Run, resume: bool) -> Iterator[None]:
    """Keep a run's folder for this process, and take over what it holds if the run is resumed.

    Raises
    ------
    CheckpointError : nothing to resume, or a run that would be overwritten. InUseError : another
        process trains there. OSError : it cannot be written to, or holds files of somebody else.
    """
    if run.out is None:
        if resume:
            raise CheckpointError("resuming needs the folder of the checkpoint (out)")
        yield
        return
    path = run.out / NAME
    if resume and not path.is_file():
        raise CheckpointError(f"no checkpoint to resume at {path}")
    with store.claimed(run.out):
        if resume:
            load(run, path)
        elif path.exists():
            raise CheckpointError(f"{path} exists: resume it (--resume), or choose another folder")
        store.spare(run.out / GENERATOR, '"card":')
        store.spare(run.out / HISTORY, "step,seconds")
        if (run.out / SAMPLES).is_file():
            raise CheckpointError(f"{run.out / SAMPLES} is a file: choose another folder")
        yield


def save(run: Run, val: Tensor | None = None) -> None:
    """Write generator, history, samples and checkpoint; a crash leaves the old ones."""
    if run.out is None:
        return
    tensors: dict[str, Tensor] = {}
    for name, network, optimiser in _parts(run):
        tensors |= {f"{name}.{k}": v for k, v in network.state_dict().items()}
        for i, state in optimiser.state_dict()["state"].items() if optimiser else ():
            tensors |= {f"{name}.optimiser.{i}.{k}": v for k, v in state.items()}
    card = run.card()
    zoo.save_weights(run.generator, run.out / GENERATOR, card)
    table = io.StringIO(newline="")
    rows = csv.DictWriter(table, dict.fromkeys(k for row in run.history for k in row))
    rows.writeheader()
    rows.writerows(run.history)
    store.write(run.out / HISTORY, table.getvalue())
    if val is not None and len(val):
        samples, generated = run.out / SAMPLES, {"generated": _results(run.generator, val)}
        store.write_tensors(samples / f"step-{run.step:06d}.safetensors", generated, {})
        store.write_tensors(samples / "original.safetensors", {"original": val}, {})
    # The checkpoint comes last: a run whose checkpoint is at its end writes nothing any more.
    store.write_tensors(run.out / NAME, tensors, card)


def load(run: Run, path: Path) -> None:
    """Take over the state that a file holds.

    Raises
    ------
    CheckpointError : damaged, or of another preset, seed or length, or of other faces.
    """
    try:
        tensors, card = store.read_tensors(path, "checkpoint")
        preset = Preset(**card["preset"])
        for what, stored, mine in (
            ("seed", card["seed"], run.seed),
            ("steps", preset.steps, run.steps),
            ("preset", preset, run.preset),
            ("set of faces", card["data"]["crc32"], run.data.get("crc32")),
        ):
            if stored != mine:
                raise CheckpointError(f"{path} was made with another {what}: {stored}")
        for name, network, optimiser in _parts(run):
            names = [k for k in tensors if k.startswith(f"{name}.")]
            own = {k.removeprefix(f"{name}."): tensors.pop(k) for k in names}
            states: dict[int, dict[str, Tensor]] = {}
            for key in [k for k in own if k.startswith("optimiser.")]:
                _, index, slot = key.split(".")
                states.setdefault(int(index), {})[slot] = own.pop(key)
            if optimiser:
                optimiser.load_state_dict(optimiser.state_dict() | {"state": states})
            network.load_state_dict(own)
        if tensors:
            raise ValueError(f"nobody's: {', '.join(tensors)}")
        run.step, run.seconds = int(card["step"]), float(card["seconds"])
        run.history, run.start = [dict(row) for row in card["history"]], dict(card["start"])
        zoo.steps_and_seconds(card)
    except CheckpointError:
        raise
    except store.MISFITS as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path}: damaged, or no checkpoint ({reason})") from error


def _parts(run: Run) -> Iterator[tuple[str, nn.Module, Any]]:
    yield "G", run.G, run.opt_g
    if run.D is not None:
        yield "D", run.D, run.opt_d
    if run.averaged is not None:
        yield "averaged", run.averaged, None


@torch.no_grad()
def _results(G: nn.Module, h: Tensor) -> Tensor:
    """What G makes of the LR faces of h; 8 bits."""
    training, device = G.training, next(G.parameters()).device
    generated = G.eval()(downsample(to_float(h.to(device))))
    G.train(training)
    return to_uint8(generated)
