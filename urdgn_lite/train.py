"""Algorithm 1 of Yu & Porikli (2016): train G against D, or by the pixel term alone.

Every random draw of step t follows from (seed, t). So a run that is stopped, saved and resumed
between any two steps ends exactly where an uninterrupted one ends.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, logsigmoid
from tqdm.auto import tqdm

from urdgn_lite.degrade import SIZE, downsample, to_float, upsample_bicubic
from urdgn_lite.faces import FacesError
from urdgn_lite.measure import metrics
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.optimiser import balance
from urdgn_lite.presets import Preset
from urdgn_lite.progress import bar
from urdgn_lite.provenance import checksum
from urdgn_lite.run import Run

Play = Callable[[Run, Float[Tensor, "b 3 128 128"], Accelerator], dict[str, Tensor]]


class DivergedError(FloatingPointError):
    """A loss became infinite or NaN; the message says what to change."""


def train(
    preset: Preset,
    images: UInt8[Tensor, "n 3 128 128"],
    val: UInt8[Tensor, "m 3 128 128"] | None = None,
    *,
    out: Path | str | None = None,
    steps: int | None = None,
    seed: int = 0,
    start: Path | str = "",
    resume: bool = False,
    minutes: float = math.inf,
    reports: int = 10,
    source: str = "",
    bf16: bool | None = None,
    play: Play | None = None,
    progress: bool = True,
) -> Run:
    """Run Algorithm 1 on faces that stay on the device; LR faces are made there too.

    Parameters
    ----------
    preset : what to train (see `presets`).
    images, val : HR faces to learn from, and to measure the gain over bicubic on.
    out : folder for `checkpoint.safetensors`, `generator.safetensors`, `history.csv` and
        `samples/`; None keeps everything in memory.
    steps : updates in all; the preset's number without it.
    start : a trained generator that G begins as: a name in the zoo, or a file.
    resume : go on from the checkpoint in `out`.
    minutes : stop (and save) after so long; a later call with `resume` goes on as long again.
    reports : how many times to validate, save and draw samples on the way.
    source : name of the faces, for the card of the weights.
    bf16 : compute in bfloat16. None does so on GPUs alone, so that every CPU counts alike; True
        trains two to three times as fast on a CPU with AMX.
    play : another game than Algorithm 1: what one iteration does (see `methods.lapgan`).
    progress : show a progress bar.

    Returns
    -------
    The run: its networks, its history, and whether it is `done`.

    Raises
    ------
    DivergedError : a loss became NaN. The last good checkpoint stays.
    FacesError : no faces, or not the faces that the checkpoint was trained on.
    """
    if len(images) == 0:
        raise FacesError("no faces to train on")
    bf16 = torch.cuda.is_available() if bf16 is None else bf16
    AcceleratorState._reset_state()  # there a precision is chosen once a process, here once a run
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    images = images.cpu().contiguous()
    data = {"source": source, "n": len(images), "crc32": checksum(images)}
    steps = preset.steps if steps is None else steps
    run = Run.begin(preset, steps, seed, data, out, resume, start)
    play = play or algorithm_1
    images = images.to(accelerator.device)
    run.prepare(accelerator)
    rank, ranks = accelerator.process_index, accelerator.num_processes
    began, every = time.perf_counter() - run.seconds, max(1, run.steps // max(1, reports))
    enough = run.seconds + 60 * minutes
    shown = progress and accelerator.is_main_process
    steps_left = range(run.step, run.steps)
    loop = bar(steps_left, preset.name, run.steps, initial=run.step, unit="step", show=shown)
    with interruptible() as interrupted:
        for step in loop:
            torch.manual_seed(draw := run.seed * 1_000_003 + step)
            h = augment(batch(images, run), preset.affine)[rank::ranks]  # this process's share
            torch.manual_seed(draw + 2**40 * (rank + 1))  # dropout differs between processes
            losses = play(run, h, accelerator)
            if run.averaged is not None:
                run.averaged.update_parameters(run.plain(run.G))
            run.step += 1
            due = run.step % every == 0 or run.done
            if due and images.is_cuda:
                torch.cuda.synchronize()  # a GPU works behind: what is under way counts too
            run.seconds = time.perf_counter() - began
            late = agreed(run.seconds > enough or bool(interrupted), accelerator)
            if due or late:
                report(run, losses, val, loop, accelerator)
                began = time.perf_counter() - run.seconds  # the clock counts training alone
            if late:
                break
    return run


def algorithm_1(
    run: Run, h: Float[Tensor, "b 3 128 128"], accelerator: Accelerator
) -> dict[str, Tensor]:
    """One iteration of Algorithm 1 on the HR faces h: make l, generate ĥ, update D, update G.

    Returns the values of the terms, still on the device.
    """
    p, G, D = run.preset, run.G, run.D
    run.set_learning_rates()
    l = downsample(h, p.downsampling)
    generated = G(l)  # ĥ = G(l)
    losses: dict[str, Tensor] = {}
    z, d_plays, g_plays = None, True, True
    if D is not None:
        half = len(h) // 2
        real, fake = (h[:half], generated[half:]) if p.split_batch else (h, generated)
        z_real, z_fake = D(torch.cat([real, fake.detach()])).split([len(real), len(fake)])
        value = discriminator_value(z_real, z_fake)  # Eq. 7, ascended by Eqs. 6 and 8
        bce = torch.stack([-logsigmoid(z_real).mean(), -logsigmoid(-z_fake).mean()]).detach()
        losses |= {"bce_real": bce[0], "bce_fake": bce[1]}
        if p.balanced:
            d_plays, g_plays = balance(*accelerator.reduce(bce, "mean").tolist())
        if d_plays:
            run.opt_d.zero_grad()
            accelerator.backward(value)
            run.opt_d.step()
        z = run.plain(D).requires_grad_(False)(generated)  # D's weights rest, gradients pass
    loss = generator_loss(z, generated, h, p.lam, p.adversarial, p.reduction)  # Eq. 4
    if g_plays:
        run.opt_g.zero_grad()
        accelerator.backward(loss)  # Eq. 3
        run.opt_g.step()  # Eq. 5
    if D is not None:
        run.plain(D).requires_grad_(True)
    return losses | {"loss": loss.detach(), "mse": (generated.detach() - h).square().mean()}


def batch(images: UInt8[Tensor, "n 3 h w"], run: Run) -> Float[Tensor, "b 3 h w"]:
    """The faces of step `run.step`, those of all processes: every face once an epoch."""
    size = min(run.preset.batch, len(images))
    epoch, place = divmod(run.step, len(images) // size)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(run.seed + epoch))
    return to_float(images[order[place * size :][:size].to(images.device)])


def agreed(wish: bool, accelerator: Accelerator) -> bool:
    """Whether any process wishes so: all must stop after the same step."""
    if accelerator.num_processes == 1:
        return wish
    votes = accelerator.reduce(torch.tensor(float(wish), device=accelerator.device))
    return votes.item() > 0


def augment(
    h: Float[Tensor, "b 3 128 128"], affine: Sequence[float]
) -> Float[Tensor, "b 3 128 128"]:
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


def report(
    run: Run,
    losses: dict[str, Tensor],
    val: Tensor | None,
    loop: tqdm,
    accelerator: Accelerator,
) -> None:
    """Check the losses, validate, and save: the history's next row."""
    row: dict[str, Any] = {"step": run.step, "seconds": round(run.seconds, 1)}
    row |= {name: round(value.item(), 5) for name, value in losses.items()}
    G, p = run.generator, run.preset
    finite = all(math.isfinite(v) for v in row.values())
    if not (finite and all(theta.isfinite().all() for theta in G.parameters())):
        tame = "" if math.isinf(p.lam) else f", a larger λ than {p.lam}"
        kept = run.out and run.path.exists() and f" The last good checkpoint is in {run.out}."
        raise DivergedError(
            f"{p.name} diverged: the loss is {row['loss']} at step {run.step}. Try a smaller "
            f"learning rate than {p.rate}{tame}, or α = 0.9 if RMSprop runs with less.{kept or ''}"
        )
    if val is not None and len(val):
        row["gain"] = round(gain(G, val[:100].to(accelerator.device)), 3)
    run.history.append(row)
    if not loop.disable:
        loop.set_postfix({k: v for k, v in row.items() if k in ("loss", "gain")})
    if accelerator.is_main_process:
        run.save(None if val is None else val[:8].to(accelerator.device))
    accelerator.wait_for_everyone()


@torch.no_grad()
def gain(G: nn.Module, images: UInt8[Tensor, "n 3 128 128"]) -> float:
    """PSNR of G minus PSNR of bicubic in dB, the average over the faces."""
    training, device = G.training, next((p.device for p in G.parameters()), images.device)
    G.eval()
    gains = []
    for part in images.split(50):
        h = to_float(part.to(device))
        lr = downsample(h)
        gains.append(metrics.psnr(G(lr), h) - metrics.psnr(upsample_bicubic(lr), h))
    G.train(training)
    return torch.cat(gains).mean().item()


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn the first Ctrl-C (or SIGTERM) into a note, so that the step under way can finish."""
    seen: list[int] = []
    kept: dict[signal.Signals, Any] = {}

    def note(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        print("\nStopping after this step; press Ctrl-C again to drop it.")

    try:
        for name in (signal.SIGINT, signal.SIGTERM):
            kept[name] = signal.signal(name, note)
    except ValueError:  # only the main thread may do this
        pass
    try:
        yield seen
    finally:
        for name, handler in kept.items():
            signal.signal(name, handler)
