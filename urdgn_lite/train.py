"""Algorithm 1 of Yu & Porikli (2016): train G against D, or by the pixel term alone.

Every random draw of step t follows from (seed, t). So a run that is stopped, saved and resumed
between any two steps ends exactly where an uninterrupted one ends.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, logsigmoid

from urdgn_lite.checkpoint import opened
from urdgn_lite.degrade import SIZE, downsample, to_float
from urdgn_lite.faces import Faces, FacesError, Shards
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.presets import Preset, find
from urdgn_lite.progress import bar, interruptible
from urdgn_lite.provenance import described
from urdgn_lite.run import Place, Run, Start
from urdgn_lite.watch import report

Losses = dict[str, Tensor]
HR = Float[Tensor, "b 3 128 128"]
Game = Callable[[Run, HR], Losses]


def algorithm_1(run: Run, h: HR) -> Losses:
    """One iteration of Algorithm 1 on a minibatch of HR faces h; the values of its terms."""
    l = downsample(h, run.preset.downsampling)  # line 2: the pairs {l, h}
    generated = run.G(l).float()  # line 3: ĥ = G(l)
    losses = {} if run.D is None else d_step(run, h, generated)  # line 4
    return losses | g_step(run, h, generated)  # line 5


def d_step(run: Run, h: HR, generated: HR) -> Losses:
    """Update θ_D by Eqs. 4 and 5."""
    z_real, z_fake = run.D(torch.cat([h, generated.detach()])).float().chunk(2)
    value = discriminator_value(z_real, z_fake)
    run.opt_d.zero_grad()
    value.backward()  # Eq. 4
    run.opt_d.step()  # Eq. 5: uphill
    return {"bce_real": -logsigmoid(z_real).mean().detach(),
            "bce_fake": -logsigmoid(-z_fake).mean().detach()}  # fmt: skip


def g_step(run: Run, h: HR, generated: HR) -> Losses:
    """Update θ_G by Eqs. 7 and 8."""
    p = run.preset
    with resting(run.D) as D:
        z_fake = None if D is None else D(generated).float()
        loss = generator_loss(z_fake, generated, h, p.lam, p.adversarial, p.reduction)
        run.opt_g.zero_grad()
        loss.backward()  # Eq. 7
        run.opt_g.step()  # Eq. 8: downhill
    return {"loss": loss.detach(), "mse": (generated.detach() - h).square().mean()}


GAMES: dict[str, Game] = {"algorithm_1": algorithm_1}  # `methods` adds others


def train(
    preset: Preset,
    faces: Faces | Shards | UInt8[Tensor, "n 3 128 128"],
    val: Faces | UInt8[Tensor, "m 3 128 128"] | None = None,
    *,
    out: Place = None,
    steps: int | None = None,
    seed: int = 0,
    start: Start = None,
    resume: bool = False,
    minutes: float = math.inf,
) -> Run:
    """Run a preset's game on faces; LR faces are made on the device.

    A GPU computes in bfloat16; a CPU does so within `torch.autocast("cpu", torch.bfloat16)`.

    Parameters
    ----------
    preset : what to train (see `presets`).
    faces, val : HR faces to learn from (shards stay on disk, all others go to the device), and to
        validate on: at every epoch, 10 … 100 times.
    out : folder for `checkpoint.safetensors`, `generator.safetensors`, `history.csv` and
        `samples/`; None keeps everything in memory.
    steps : updates in all; the preset's number without it.
    start : the generator that G begins as: a network, a name in the zoo, or a file. None is the
        preset's own `start`, "" draws new weights.
    resume : go on from the checkpoint in `out`.
    minutes : stop (and save) after so long; a later call with `resume` goes on as long again.

    Returns
    -------
    The run: its networks, its history, and whether it is `done`.

    Raises
    ------
    FacesError : no faces. DivergedError : a loss became NaN; the last good checkpoint stays.
    CheckpointError, InUseError, OSError : `out` holds another run, is in use, cannot be written.
    """
    images: Any = getattr(faces, "images", faces)
    tests: Any = getattr(val, "images", val)
    if len(images) == 0:
        raise FacesError("no faces to train on")
    if not minutes >= 0:
        raise ValueError(f"minutes must be 0 or more, not {minutes}")
    preset = preset if steps is None else preset.but(steps=steps)
    run = Run.begin(preset, seed, "" if resume else start, described(faces), out)
    with opened(run, resume), interruptible() as interrupted:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        images, game = images.to(device), find(GAMES, preset.game, "game")
        enough = run.seconds + 60 * minutes
        every = max(1, min(run.epoch, run.steps // 10), run.steps // 100)
        left = range(run.to(device).step, run.steps)
        for _ in bar(left, preset.name, run.steps, initial=run.step, unit="step"):
            began = time.perf_counter()
            losses = step(run, images, game)
            due = run.step % every == 0 or run.done
            values = {name: value.item() for name, value in losses.items()} if due else {}
            run.seconds += time.perf_counter() - began  # training alone, without the reports
            late = run.seconds > enough or bool(interrupted)
            if due or late:
                report(run, values or {k: v.item() for k, v in losses.items()}, tests)
            if late:
                break
    return run


def step(run: Run, images: Shards | UInt8[Tensor, "n 3 128 128"], game: Game) -> Losses:
    """One step of a run: choose faces, turn them a little, play, average."""
    device = images.device.type
    bf16 = device == "cuda" or torch.is_autocast_enabled(device)
    torch.manual_seed(run.seed * 1_000_003 + run.step)
    h = augment(batch(images, run), run.preset.affine)
    run.set_learning_rates()
    # No cache of rounded weights: they change within a step, and an outer autocast keeps it.
    with torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=False):
        losses = game(run, h)
    if run.averaged is not None:
        run.averaged.update_parameters(run.G)
    run.step += 1
    return losses


def batch(images: Shards | UInt8[Tensor, "n 3 h w"], run: Run) -> Float[Tensor, "b 3 h w"]:
    """The faces of step `run.step`: every face once an epoch."""
    size = min(run.preset.batch, len(images))
    epoch, place = divmod(run.step, len(images) // size)
    if isinstance(images, Shards):
        return to_float(images.draw(run.seed + epoch, place * size, size))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(run.seed + epoch))
    return to_float(images[order[place * size :][:size].to(images.device)])


def augment(h: HR, affine: Sequence[float]) -> HR:
    """Mirror half of the faces; turn, zoom and shift all by random small amounts (see `Preset`)."""
    n, (degrees, zoom, shift) = len(h), affine
    mirror = torch.rand(n, 1, 1, 1, device=h.device) < 0.5
    h = torch.where(mirror, h.flip(3), h)
    if not any(affine):
        return h
    turn, scale, dx, dy = torch.rand(4, n, device=h.device) * 2 - 1
    turn, scale = turn * math.radians(degrees), 1 + scale * zoom
    cos, sin = scale * turn.cos(), scale * turn.sin()
    theta = torch.stack([cos, -sin, dx * 2 * shift, sin, cos, dy * 2 * shift], 1).view(n, 2, 3)
    grid = affine_grid(theta, [n, 3, SIZE, SIZE], align_corners=False)
    return grid_sample(h, grid, "bilinear", "reflection", align_corners=False)


@contextmanager
def resting(network: nn.Module | None) -> Iterator[Any]:
    """Gradients pass through a network whose own weights get none.

    DistributedDataParallel would wait for those; what it wraps does not.
    """
    inner = getattr(network, "module", network)
    if inner is not None:
        inner.requires_grad_(False)
    yield inner
    if inner is not None:
        inner.requires_grad_(True)
