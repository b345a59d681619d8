"""The Laplacian pyramid of GANs [19], the other road: 16 → 32 → 64 → 128, a game at each level.

`python -m urdgn_lite.methods.lapgan --faces celeba128 --out runs/lapgan` trains it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, cast

import torch
import typer
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite._console import plain_errors
from urdgn_lite.compared_networks import Level, PyramidDiscriminators
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import load
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.presets import LAPGAN
from urdgn_lite.run import Run
from urdgn_lite.train import train

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


def main(
    faces: Annotated[str, typer.Option(help="as of `urdgn-lite train`")] = "imaginary",
    out: Path = Path("runs/lapgan"),
    steps: Annotated[int | None, typer.Option(min=1)] = None,
    seed: int = 0,
    resume: Annotated[bool, typer.Option("--resume")] = False,
    bf16: bool | None = None,
) -> None:
    """Train the pyramid; `OUT/generator.safetensors` is the chain of its generators."""
    with plain_errors():
        hr, val = load(faces, "train"), load(faces, "val", limit=100)
        train(LAPGAN, hr.images, val.images, out=out, steps=steps, seed=seed, resume=resume,
              source=faces, bf16=bf16, play=play)  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
