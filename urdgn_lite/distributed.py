"""One run by several processes: `torchrun --nproc-per-node 2 -m urdgn_lite train --preset …`.

torch's DistributedDataParallel averages the gradients; Algorithm 1 knows nothing of it. Each
process takes its share of every batch, so the batch stays the preset's. Batch normalisation sees a
share alone: a network with it does not learn quite the same as in one process.
"""

import os
from contextlib import nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from urdgn_lite import train as alone
from urdgn_lite.checkpoint import NAME, load, opened
from urdgn_lite.faces import Faces, Shards
from urdgn_lite.presets import Preset
from urdgn_lite.provenance import described
from urdgn_lite.run import Place, Run, Start
from urdgn_lite.watch import report


def train(
    preset: Preset,
    faces: Faces | Shards,
    val: Faces | None = None,
    *,
    out: Place = None,
    steps: int | None = None,
    seed: int = 0,
    start: Start = None,
    resume: bool = False,
) -> Run:
    """What `train.train` does, by all processes that `torchrun` started; the first one saves.

    Raises
    ------
    ValueError : another game than Algorithm 1, or a batch that does not split evenly; and what
        `train.train` raises.
    """
    gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        rank, ranks = dist.get_rank(), dist.get_world_size()
        if preset.game != "algorithm_1" or min(preset.batch, len(faces)) % ranks:
            raise ValueError(f"{preset.name} cannot be split over {ranks} processes")
        preset = preset if steps is None else preset.but(steps=steps)
        run = Run.begin(preset, seed, "" if resume else start, described(faces), out)
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpu else torch.device("cpu")
        if gpu:
            torch.cuda.set_device(device)
        with opened(run, resume) if rank == 0 else nullcontext():
            if rank and resume and run.out:
                load(run, run.out / NAME)
            images: Any = getattr(faces, "images", faces)
            images = images.to(device)
            run.to(device)

            def share(run: Run, h: Tensor) -> alone.Losses:
                torch.manual_seed(torch.initial_seed() + 2**40 * (rank + 1))  # dropout differs
                return alone.algorithm_1(run, h[rank::ranks])

            G, D = run.G, run.D
            wrapped = DistributedDataParallel(G), None if D is None else DistributedDataParallel(D)
            while not run.done:
                run.G, run.D = wrapped
                losses = alone.step(run, images, share)
                run.G, run.D = G, D  # as one process saves them
                if rank == 0 and (run.step % run.epoch == 0 or run.done):
                    row = {name: value.item() for name, value in losses.items()}
                    report(run, row, val.images if val else None)
            dist.barrier()
        return run
    finally:
        dist.destroy_process_group()
