"""The Laplacian pyramid of GANs [19], the other road: 16 → 32 → 64 → 128, a game at each level.

`python -m urdgn_lite.methods.lapgan --faces celeba128 --out runs/lapgan` trains it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, cast

import torch
import typer
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from urdgn_lite.checkpoint import Run
from urdgn_lite.compared_networks import Level, PyramidDiscriminators
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import FacesError, load
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.presets import LAPGAN, Preset
from urdgn_lite.progress import bar
from urdgn_lite.train import augment, batch, interruptible, report

Images = list[Float[Tensor, "b 3 _ _"]]


def pyramid(h: Float[Tensor, "b 3 128 128"]) -> Images:
    """The face at 16², 32², 64² and 128² pixels; the smallest is the LR face of all methods."""
    return [*(downsample(h, size=side) for side in (16, 32, 64)), h]


def bands(images: Images) -> tuple[Images, Images]:
    """Each level's blurred image, and the band of detail that it lacks.

    Blurred is the next smaller *real* image, enlarged by bicubic; that and the band add up to the
    image of the level. So every level learns alone, and no error is handed on in training.
    """
    blurred = [upsample_bicubic(low, 2 * low.shape[-1]) for low in images[:-1]]
    return blurred, [h - b for b, h in zip(blurred, images[1:], strict=True)]


def play(run: Run, h: Float[Tensor, "b 3 128 128"], accelerator: Accelerator) -> dict[str, Tensor]:
    """One step of the games of all levels: update the Ds, then the Gs.

    Implements the training of Denton et al. (2015). The levels share nothing, so the gradient of
    the sum of their values is each one's own. λ of the pixel term is 0, as theirs.

    Returns the values of the terms, averages over the levels, still on the device.
    """
    p = run.preset
    G = cast(Iterable[Level], run.plain(run.G))
    D = cast(PyramidDiscriminators, run.plain(cast(nn.Module, run.D)))
    run.set_learning_rates()
    images = pyramid(h)
    blurred, real = bands(images)
    with accelerator.autocast():
        fake = [level.band(low) for level, low in zip(G, images[:-1], strict=True)]
    z_real = judge(D, blurred, real, accelerator)
    z_fake = judge(D, blurred, [f.detach() for f in fake], accelerator)
    value = torch.stack([*map(discriminator_value, z_real, z_fake)])  # Eq. 7, ascended
    run.opt_d.zero_grad()
    accelerator.backward(value.sum())
    run.opt_d.step()
    z = judge(D.requires_grad_(False), blurred, fake, accelerator)
    losses = [
        generator_loss(*terms, p.lam, p.adversarial, p.reduction)
        for terms in zip(z, fake, real, strict=True)
    ]  # Eq. 4
    run.opt_g.zero_grad()
    accelerator.backward(torch.stack(losses).sum())
    run.opt_g.step()
    D.requires_grad_(True)
    mse = [(f.detach() - r).square().mean() for f, r in zip(fake, real, strict=True)]
    means = {"value": value, "loss": torch.stack(losses), "mse": torch.stack(mse)}
    return {name: terms.detach().mean() for name, terms in means.items()}


def judge(
    D: PyramidDiscriminators, blurred: Images, candidates: Images, accelerator: Accelerator
) -> list[Float[Tensor, "b 1"]]:
    """Each level's logits."""
    with accelerator.autocast():
        return [d(b, c).float() for d, b, c in zip(D, blurred, candidates, strict=True)]


def train(
    preset: Preset,
    images: UInt8[Tensor, "n 3 128 128"],
    val: UInt8[Tensor, "m 3 128 128"] | None = None,
    *,
    out: Path | str | None = None,
    steps: int | None = None,
    seed: int = 0,
    start: Path | str = "",
    source: str = "",
    bf16: bool | None = None,
    progress: bool = True,
) -> Run:
    """Train all levels on the same faces; parameters and result as of `train.train`."""
    if len(images) == 0:
        raise FacesError("no faces to train on")
    AcceleratorState._reset_state()
    bf16 = torch.cuda.is_available() if bf16 is None else bf16
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    images = images.cpu().contiguous()
    data: dict[str, Any] = {
        "source": source, "n": len(images), "crc32": zlib.crc32(images.numpy().data)
    }  # fmt: skip
    run = Run.begin(preset, preset.steps if steps is None else steps, seed, data, out, False, start)
    images = images.to(accelerator.device)
    run.prepare(accelerator)
    began, every = time.perf_counter(), max(1, run.steps // 10)
    loop = bar(range(run.steps), preset.name, run.steps, unit="step", show=progress)
    with interruptible() as interrupted:
        for step in loop:
            torch.manual_seed(seed * 1_000_003 + step)
            losses = play(run, augment(batch(images, run), preset.affine), accelerator)
            run.step, run.seconds = step + 1, time.perf_counter() - began
            if run.step % every == 0 or run.done or interrupted:
                report(run, losses, val, loop, accelerator)
                began = time.perf_counter() - run.seconds  # the clock counts training alone
            if interrupted:
                break
    return run


def main(
    faces: Annotated[str, typer.Option(help="as of `urdgn-lite train`")] = "imaginary",
    out: Path = Path("runs/lapgan"),
    steps: Annotated[int | None, typer.Option(min=1)] = None,
    seed: int = 0,
    bf16: bool | None = None,
) -> None:
    """Train the pyramid; `OUT/generator.safetensors` is the chain of its generators."""
    hr, val = load(faces, "train"), load(faces, "val", limit=100)
    train(LAPGAN, hr.images, val.images, out=out, steps=steps, seed=seed, source=faces, bf16=bf16)


if __name__ == "__main__":
    typer.run(main)
