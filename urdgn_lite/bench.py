"""How fast: faces a second of every preset, in use and in training, beside the device's limits.

Everything that is compared takes turns in one run (A, B, A, B, …), so that a busy or a hot machine
slows all alike; a ratio is taken round by round, and given as median, lowest, highest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from jaxtyping import Float, UInt8
from PIL import Image
from rich.box import SIMPLE
from rich.table import Table
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from urdgn_lite import presets
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.networks import build_generator
from urdgn_lite.presets import Preset
from urdgn_lite.provenance import circumstances
from urdgn_lite.run import Run
from urdgn_lite.timing import Spread, Work, alternate, cost, probes, ratio, spread
from urdgn_lite.train import algorithm_1, augment, batch

FAMILY = [f"{name}{gan}" for name in ("residual", "residual-s", "lite", "released", "paper")
          for gan in ("", "-gan")]  # fmt: skip
AT_A_TIME = {"cpu": 1, "cuda": 256}  # faces in use
AT_MOST = {"cpu": 4}  # faces an update: `released` takes seconds for four on one CPU core
EPOCH = 15_000  # faces, as in the paper: so seldom does a DataLoader start over
CORES = os.cpu_count() or 1
PREFETCHED = 2  # batches that a worker holds ready, torch's default
MEMORY = "memory"  # the device's, where `train` keeps all faces

Row = dict[str, Any]
Feed = Callable[[Run], Float[Tensor, "b 3 128 128"]]


class Files(Dataset):
    """Image files as `uint8 (3, 128, 128)`, decoded by Pillow, over and over up to `EPOCH`."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.iterdir())

    def __len__(self) -> int:
        return EPOCH

    def __getitem__(self, index: int) -> UInt8[Tensor, "3 128 128"]:
        with Image.open(self.paths[index % len(self.paths)]) as image:
            return torch.from_numpy(np.array(image)).permute(2, 0, 1)


class Loader:
    """An endless `DataLoader` of a folder: shuffled, workers persistent, pinned beside a GPU."""

    def __init__(self, folder: Path, size: int, workers: int, device: torch.device) -> None:
        loader = DataLoader(
            Files(folder), size, shuffle=True, drop_last=True, num_workers=workers,
            persistent_workers=workers > 0, pin_memory=device.type == "cuda",
        )  # fmt: skip
        self.batches: Iterator[Tensor] = (h for _ in iter(int, 1) for h in loader)
        self.device, self.workers = device, workers

    def __call__(self, run: Run) -> Float[Tensor, "b 3 128 128"]:
        return to_float(next(self.batches).to(self.device, non_blocking=True))

    def ready(self) -> None:
        """Drop what was decoded while others had their turn."""
        for _ in range(PREFETCHED * self.workers):
            next(self.batches)


def using(preset: Preset, lr: Float[Tensor, "b 3 16 16"], bf16: bool) -> Work:
    """G of a preset in evaluation mode, on LR faces that are on the device already."""
    G = build_generator(preset).to(lr.device).eval()

    @torch.no_grad()
    def step() -> float:
        with torch.autocast(lr.device.type, torch.bfloat16, enabled=bf16):
            G(lr)
        return len(lr)

    return Work(step)


def training(
    preset: Preset, images: UInt8[Tensor, "n 3 128 128"], loaders: Sequence[Loader],
    accelerator: Accelerator,
) -> dict[str, Work]:  # fmt: skip
    """Algorithm 1 as `train` runs it, on faces that stay in memory, and on those of loaders."""
    run = Run.begin(preset, preset.steps, 0, {"n": len(images)}, None, resume=False)
    run.prepare(accelerator)

    def step(feed: Feed) -> float:
        h = augment(feed(run), run.preset.affine)
        algorithm_1(run, h, accelerator)
        if run.averaged is not None:
            run.averaged.update_parameters(run.plain(run.G))
        run.step += 1
        return len(h)

    works = {MEMORY: Work(partial(step, partial(batch, images)))}
    for loader in loaders:
        works[f"{loader.workers} workers"] = Work(partial(step, loader), loader.ready)
    return works


def bench(
    names: Sequence[str], images: UInt8[Tensor, "n 3 128 128"], *, against: str = "released",
    seconds: float = 5, rounds: int = 5, bf16: bool = False,
    show: Callable[[Table], object] = lambda table: None,
) -> Row:  # fmt: skip
    """Measure presets: first what a face costs, then faces a second in use, then in training.

    Parameters
    ----------
    names : presets. Their weights are freshly drawn: speed does not depend on them.
    images : HR faces, which train from the device's memory and from JPEG files.
    against : the bare preset to compare with; who trains against a D, with its `-gan`.
    seconds : for one measurement, its rounds together; a round takes one step at least.
    bf16 : compute in bfloat16, in use and in training.
    show : is given each table as soon as it is complete.

    Returns
    -------
    For the ledger: `limits` (FLOP/s of matrix products, bytes/s of a copy), and rows in `use` and
    `training`. `of_…` are shares of the device's rates, `x_…` ratios of speeds. The balancing rule
    is off, so that a step of both players is always the same work.
    """
    chosen = _chosen(names, against)
    AcceleratorState._reset_state()  # there a precision is chosen once a process, here once a run
    accelerator = Accelerator(
        mixed_precision="bf16" if bf16 else "no", cpu=not torch.cuda.is_available()
    )
    device, peak = accelerator.device, "matmul_bfloat16" if bf16 else "matmul_float32"
    images = images.to(device)
    sizes = {n: min(p.batch, AT_MOST.get(device.type, p.batch)) for n, p in chosen.items()}
    lr = downsample(to_float(images[torch.arange(AT_A_TIME[device.type]) % len(images)]))
    first: dict[str, str] = {}  # of the presets that share a G; it is measured once
    G = {n: first.setdefault(str(p.generator), n) for n, p in chosen.items()}
    use: dict[Any, Work] = {n: using(chosen[n], lr, bf16) for n in first.values()}
    train: dict[Any, Work] = {}
    measure = partial(alternate, seconds=seconds, rounds=rounds, device=device)
    with TemporaryDirectory() as folder:
        write(images, Path(folder))
        loaders = {
            size: [Loader(Path(folder), size, n, device) for n in sorted({0, 2, CORES})]
            for size in set(sizes.values())
        }
        for name, p in chosen.items():
            p = p.but(batch=sizes[name], balanced=False)
            works = training(p, images, loaders[p.batch], accelerator)
            train |= {(name, feed): work for feed, work in works.items()}
        costs = {n: cost(work) for n, work in use.items()}
        steps = {n: cost(train[n, MEMORY]) for n in chosen}
        show(cost_table({n: costs[G[n]] for n in chosen}, steps))
        ceilings = probes(device)
        used = measure(use | ceilings, label="use")
        rows = []
        for name in use:
            row = {"preset": name, "at_a_time": len(lr), "speed": spread(used[name])}
            row |= {"x_rival": ratio(used[name], used[G[against]])} | costs[name]
            rows.append(row | shares(used[name], costs[name], used, peak))
        show(use_table(rows, against))
        trained = measure(train | ceilings, label="training")
        train_rows = []
        for name, feed in train:
            speed, rival = trained[name, feed], _rival(chosen[name], against)
            row = {"preset": name, "batch": sizes[name], "feed": feed, "speed": spread(speed)}
            row |= {"x_rival": ratio(speed, trained[rival, MEMORY])}
            row |= {"memory_over_this": ratio(trained[name, MEMORY], speed)} | steps[name]
            train_rows.append(row | shares(speed, steps[name], trained, peak))
        show(train_table(train_rows, against))
    limits = {name: spread(used[name]) for name in ceilings}
    return {
        "against": against, "bf16": bf16, "seconds": seconds, "rounds": rounds,
        "limits": limits, "use": rows, "training": train_rows, **circumstances(),
    }  # fmt: skip


def _chosen(names: Sequence[str], against: str) -> dict[str, Preset]:
    """The presets asked for, after those that they are compared with."""
    wanted = [presets.get(name) for name in names]
    rivals = [against, *(_rival(p, against) for p in wanted)]
    return {name: presets.get(name) for name in [*sorted(set(rivals)), *names]}


def _rival(preset: Preset, against: str) -> str:
    """Whom a preset is compared with in training: both play against a D, or neither."""
    return against if preset.discriminator is None else f"{against}-gan"


def shares(
    speed: Sequence[float], cost: Row, rates: Mapping[Any, Sequence[float]], peak: str
) -> dict[str, Spread]:
    """Which share of the device's matrix-product rate and of its copy rate a speed amounts to."""
    return {
        "of_matmul": ratio(speed, rates[peak], cost["flops"]),
        "of_copy": ratio(speed, rates["copy"], cost["bytes"]),
    }


def write(images: UInt8[Tensor, "n 3 128 128"], folder: Path) -> None:
    """Each face as a JPEG file of quality 95, as CelebA comes."""
    for i, image in enumerate(images.cpu()):
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        picture.save(folder / f"{i:06d}.jpg", quality=95)


def _table(title: str, *headings: str) -> Table:
    looks: dict[str, Any] = {"box": SIMPLE, "pad_edge": False, "collapse_padding": True}
    table = Table(title=title, title_justify="left", **looks)
    table.add_column(headings[0], no_wrap=True)
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    return table


def _short(value: float, digits: int = 3) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"


def _times(found: Spread) -> str:
    middle, low, high = found
    return f"{_short(middle)}\n{_short(low, 2)}–{_short(high, 2)}"


def _percent(found: Spread) -> str:
    return f"{_short(100 * found[0])} %"


def cost_table(use: Mapping[str, Row], training: Mapping[str, Row]) -> Table:
    """What has to be done for one face, before any clock runs."""
    headings = ("preset", "use: GFLOP", "MB", "training: GFLOP", "MB")
    table = _table("A face costs at least", *headings)
    for name, step in training.items():
        both = use[name], step
        amounts = [amount for c in both for amount in (c["flops"] / 1e9, c["bytes"] / 1e6)]
        table.add_row(name, *map(_short, amounts))
    return table


def use_table(rows: Sequence[Row], against: str) -> Table:
    """Upsampling, one row a network."""
    title = f"Upsampling, {rows[0]['at_a_time']} at a time (median; lowest–highest)"
    headings = ("preset", "faces/s", f"× {against}", "of matmul", "of copy")
    table = _table(title, *headings)
    for row in rows:
        shares = _percent(row["of_matmul"]), _percent(row["of_copy"])
        table.add_row(row["preset"], _times(row["speed"]), _times(row["x_rival"]), *shares)
    return table


def train_table(rows: Sequence[Row], against: str) -> Table:
    """Training, one row a preset: from memory, and how much faster that is than each loader."""
    feeds = list(dict.fromkeys(row["feed"] for row in rows))[1:]
    title = f"Training from memory, with D × {against}-gan; its speed ÷ a DataLoader's"
    headings = ("preset", "batch", "images/s", f"× {against}", "of matmul", "of copy")
    table = _table(title, *headings, *(f"÷ {feed}" for feed in feeds))
    for row in (row for row in rows if row["feed"] == MEMORY):
        others = [r for r in rows if r["preset"] == row["preset"] and r["feed"] != MEMORY]
        table.add_row(
            row["preset"], str(row["batch"]), _times(row["speed"]), _times(row["x_rival"]),
            _percent(row["of_matmul"]), _percent(row["of_copy"]),
            *(_times(other["memory_over_this"]) for other in others),
        )  # fmt: skip
    return table
