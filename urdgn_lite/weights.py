"""Train every generator that is released, the most valuable first: `urdgn-lite train --all`.

A call trains for some minutes and leaves the rest for the next one. What it leaves also lies in
`packed/`, in parts small enough to be carried from one machine to another.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from urdgn_lite import presets, zoo
from urdgn_lite.faces import Faces
from urdgn_lite.measure.evaluate import evaluate, write_row
from urdgn_lite.methods import Network
from urdgn_lite.networks import load_weights, save_weights
from urdgn_lite.provenance import circumstances
from urdgn_lite.train import Run, train

PART = 15_000_000  # bytes


@dataclass(frozen=True)
class Job:
    """One generator to train.

    Attributes
    ----------
    name : its preset, and its key in the zoo.
    steps, batch : on a GPU; `minutes` is what that takes on one of the H100 class, an estimate.
    start : the job whose G this one begins as.
    cpu_steps : with the preset's own batch, on a CPU; None where that would take days.
    cpu_minutes : what that took on one CPU core with AMX.
    """

    name: str
    steps: int
    batch: int
    minutes: float
    start: str = ""
    cpu_steps: int | None = None
    cpu_minutes: float = math.inf


PLAN = (
    Job("residual", 20_000, 64, 3, cpu_steps=25_000, cpu_minutes=60),
    Job("residual-s", 20_000, 64, 2, cpu_steps=60_000, cpu_minutes=35),
    Job("lite", 12_000, 64, 2, cpu_steps=30_000, cpu_minutes=60),
    Job("residual-gan", 6_000, 64, 3, "residual", cpu_steps=4_000, cpu_minutes=15),
    Job("lite-gan", 3_000, 64, 1, "lite", cpu_steps=1_500, cpu_minutes=10),
    Job("released-gan", 11_500, 128, 11),
    *(Job(f"lite-gan-{lam}", 3_000, 64, 1, "lite", cpu_steps=1_500, cpu_minutes=10)
      for lam in ("0", "1", "10", "1e3", "1e4")),
    Job("residual-s-gan", 6_000, 64, 1.5, "residual-s", cpu_steps=4_000, cpu_minutes=12),
    Job("gan-star", 6_000, 64, 1.5, cpu_steps=2_000, cpu_minutes=10),
    Job("gan", 6_000, 64, 1, cpu_steps=2_000, cpu_minutes=5),
    Job("paper-gan", 6_000, 64, 2),
    Job("released", 3_000, 128, 2),
    Job("paper", 6_000, 64, 1),
)  # fmt: skip


def describe(plan: Sequence[Job], out: Path) -> str:
    """The plan as text: what is done, what will be, in how many minutes each."""
    lines, total, gpu = [], 0.0, torch.cuda.is_available()
    for job in plan:
        minutes = job.minutes if gpu else job.cpu_minutes
        if finished(out / job.name):
            state = "done"
        elif math.isinf(minutes):
            state = "needs a GPU"
        else:
            total += minutes
            state = f"about {minutes:g} min, after {total:g} min in all"
        lines.append(f"{job.name:16}{state}")
    return "\n".join(lines)


def progress_of(folder: Path) -> tuple[int, int]:
    """(steps taken, steps in all) of the run in a folder; (0, 1) where none is."""
    path = folder / "generator.safetensors"
    card = load_weights(path)[1] if path.exists() else {"step": 0, "steps": 1}
    return card["step"], card["steps"]


def finished(folder: Path) -> bool:
    """Whether a folder holds a finished generator."""
    step, steps = progress_of(folder)
    return step >= steps


def train_all(
    hr: Faces, val: Faces, tests: Sequence[Faces], out: Path, *,
    plan: Sequence[Job], minutes: float = 9, seed: int = 0, bf16: bool | None = None,
    replace: bool = False, say: Callable[[str], None] = print, progress: bool = True,
) -> bool:  # fmt: skip
    """Go on with the plan for some minutes; True when all that can be trained here is done.

    Each generator that gets finished is measured on the `tests` and put on the shelf of the zoo
    and its rows into the ledger, unless what stands there is better.

    Parameters
    ----------
    hr, val : faces to learn from, and to validate on.
    plan : the jobs, as `PLAN`.
    tests : faces whose rows the ledger and the card get.
    out : a folder for each run, and `packed/` for carrying.
    minutes : for training; the step under way ends, and is saved.
    replace : put a generator on the shelf although the one there is better.
    """
    until = time.monotonic() + 60 * minutes
    unpack(out)
    idle = minutes > 0  # a call takes at least one step
    jobs = [job for job in plan if torch.cuda.is_available() or job.cpu_steps is not None]
    for job in jobs:
        folder, left = out / job.name, until - time.monotonic()
        if not finished(folder) and (left > 0 or idle):
            run = resume(job, hr, val, out, left / 60, seed, bf16, progress)
            idle = False
            if not run.done and time.monotonic() < until:
                break  # Ctrl-C: what comes next may begin as this generator
        if finished(folder) and not zoo.holds(folder / "generator.safetensors", job.name):
            say(f"{job.name}: {install(job.name, folder, tests, replace)}")
    pack(out)
    return all(finished(out / job.name) for job in jobs)


def resume(
    job: Job, hr: Faces, val: Faces, out: Path, minutes: float, seed: int,
    bf16: bool | None, progress: bool,
) -> Run:  # fmt: skip
    """Begin a job, or go on with it."""
    gpu = torch.cuda.is_available()
    preset, folder = presets.get(job.name), out / job.name
    if gpu:
        preset = preset.but(batch=job.batch)
    begun = out / job.start / "generator.safetensors"
    start = begun if job.start and begun.exists() else job.start
    return train(
        preset, hr.images, val.images[:100], out=folder, steps=job.steps if gpu else job.cpu_steps,
        seed=seed, start=start, resume=(folder / "checkpoint.safetensors").exists(),
        minutes=minutes, source=hr.source, bf16=bf16, progress=progress,
    )  # fmt: skip


def install(name: str, folder: Path, tests: Sequence[Faces], replace: bool) -> str:
    """Put a finished generator into the zoo and its rows into the ledger; says how it went.

    It is measured on the `tests`, unless its card tells that another machine has done so.
    """
    path = folder / "generator.safetensors"
    network, card = load_weights(path)
    rows = dict(card.get("rows") or {})
    for t in tests:
        if (key := f"{t.source}-{t.split}") not in rows:
            rows[key] = evaluate(Network(network), t, perceptual=True) | circumstances()
            save_weights(network, path, card | {"rows": rows})
    if not replace and (better := zoo.better(card, name)):
        return better
    for t in tests:  # before the shelf, which tells a later call that this is done
        write_row(name, t, rows[f"{t.source}-{t.split}"] | {"trained": card})
    zoo.keep(path, name, replace=True)
    return ", ".join(f"{row['gain_psnr']:+.2f} dB on {faces}" for faces, row in rows.items())


def pack(out: Path) -> None:
    """Write what the next machine needs into `packed/`, in parts of at most 15 MB.

    That is the generator and the history of every run, and the checkpoint of the unfinished one.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in sorted(p.parent for p in out.glob("*/generator.safetensors")):
            names = ["history.csv", "generator.safetensors"]  # last: `unpack` looks at it
            if not finished(folder):
                names.insert(0, "checkpoint.safetensors")
            for name in names:
                tar.add(folder / name, f"{folder.name}/{name}")
    data, packed = archive.getvalue(), out / "packed"
    shutil.rmtree(packed, ignore_errors=True)
    packed.mkdir(parents=True)
    parts = [data[i : i + PART] for i in range(0, len(data), PART)]
    for i, part in enumerate(parts):
        (packed / f"part-{i:02}").write_bytes(part)
    steps = {p.parent.name: progress_of(p.parent)[0] for p in out.glob("*/generator.safetensors")}
    index = {"parts": len(parts), "sha256": hashlib.sha256(data).hexdigest(), "steps": steps}
    (packed / "index.json").write_text(json.dumps(index))  # last: without it nothing is unpacked


def unpack(out: Path) -> None:
    """Take over what another machine has packed, of the runs that are behind it here.

    Raises
    ------
    ValueError : a part is missing or damaged.
    """
    path = out / "packed" / "index.json"
    if not path.exists():
        return
    index: dict[str, Any] = json.loads(path.read_text())
    data = b"".join(_parts(path.parent, index["parts"]))
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise ValueError(f"{path.parent}: a part is damaged; copy it again")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        behind = {run for run, step in index["steps"].items() if progress_of(out / run)[0] < step}
        for member in tar:
            if member.name.split("/")[0] in behind:
                tar.extract(member, out, filter="data")  # refuses to write outside


def _parts(folder: Path, count: int) -> Iterator[bytes]:
    for i in range(count):
        part = folder / f"part-{i:02}"
        if not part.exists():
            raise ValueError(f"{part} is missing")
        yield part.read_bytes()
