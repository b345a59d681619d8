"""Why bicubic is last here and second in the paper: the compared methods, set up in other ways.

    python tools/runs/ranking.py --faces celeba128

The paper gives no settings of the methods that it compares. Each row of results/ranking.json
changes one thing: Liu's bilateral filter (Sect. 2), Yang's dictionaries and back-projection, Ma's
overlap, SRCNN's passes; on aligned faces and on the same people's unaligned ones. The five methods
as they are at 2 × and 4 × too. Gains are over bicubic in dB, on every fifth test face, with
intervals of people.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import rows
import torch
from torch import Tensor
from torch.nn.functional import pad

from urdgn_lite import faces, methods
from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, to_float, upsample_bicubic
from urdgn_lite.faces import Faces
from urdgn_lite.measure import metrics, table1
from urdgn_lite.measure.evaluate import ledger, summary
from urdgn_lite.methods.back_projection import back_project
from urdgn_lite.methods.base import spread
from urdgn_lite.provenance import circumstances

EVERY = 5  # one test face in so many
FILTER = 0.1  # σ of the bilateral filter: 13 grey levels
BATCH = 10  # faces at a time: a dictionary looks at 3,721 patches of each


def blockiness(images: Tensor, side: int = SIZE // 4) -> Tensor:
    """Mean step across the borders of blocks ÷ mean step elsewhere, a face; 1 has no seams.

    `side` : of a block in px; 32 are 4 LR pixels, Ma's patches side by side.
    """
    at = torch.arange(SIZE - 1) % side == side - 1
    across, down = images.diff(dim=3).abs(), images.diff(dim=2).abs().mT
    steps = torch.cat([across, down], 2).mean((1, 2))
    return steps[:, at].mean(1) / steps[:, ~at].mean(1)


def pixellation(images: Tensor) -> Tensor:
    """Amplitude of waves as long as an LR pixel ÷ that of their neighbours, a face.

    A pattern of the LR grid repeats every 8 px: 16 waves a side. A face has no such line; about 1.
    """
    grey = images.mean(1)
    found = []
    for axis in (1, 2):
        waves = torch.fft.rfft(grey, dim=axis).abs().mean(3 - axis)
        found.append(
            waves[:, LR_SIZE]
            / waves[:, [LR_SIZE - 2, LR_SIZE - 1, LR_SIZE + 1, LR_SIZE + 2]].mean(1)
        )
    return torch.stack(found).mean(0)


def contrast(images: Tensor, bicubic: Tensor) -> Tensor:
    """Least-squares slope of a result on the bicubic one, a face; above 1 is more contrast."""
    y, x = (i.flatten(1) - i.flatten(1).mean(1, keepdim=True) for i in (images, bicubic))
    return (x * y).sum(1) / x.square().sum(1)


def back_projected(lr: Tensor) -> Tensor:
    """Bicubic made to explain the LR face, and nothing else."""
    return back_project(upsample_bicubic(lr), lr, 10)


def bilateral(images: Tensor, colour: float) -> Tensor:
    """Average over 5 × 5 px of what is near in place (σ = 1.5 px) and alike in colour.

    Implements the filter of Tomasi and Manduchi (1998): it takes grain away and leaves edges.
    Sect. 2 names it for Liu's method, "to mitigate artifacts"; theirs is blind, it estimates σ.
    """
    radius = 2
    around = torch.arange(-radius, radius + 1)
    apart = around[:, None] ** 2 + around[None] ** 2  # 5 5
    padded = pad(images, (radius,) * 4, mode="replicate")
    near = padded.unfold(2, 5, 1).unfold(3, 5, 1)  # b 3 h w 5 5
    unlike = (near - images[..., None, None]).square().sum(1, keepdim=True)
    weight = (-apart / (2 * 1.5**2) - unlike / (2 * colour**2)).exp()
    return (weight * near).sum((4, 5)) / weight.sum((4, 5))


def passes(lr: Tensor) -> Tensor:
    """`srcnn`, as many 2 × passes as the LR face needs."""
    while lr.shape[-1] < SIZE:
        lr = methods.get("srcnn").network.enlarge(lr)
    return lr


def anew(key: str, factor: int, training: str) -> Any:
    """A method learnt for another factor; a patch covers as much of the face as at 8 ×."""
    size = SIZE // factor
    places = {"patch": 3 * size // LR_SIZE, "step": size // LR_SIZE} if key == "ma2010" else {}
    method = replace(methods.get(key), size=size, **places)
    return method.fit(to_float(spread(faces.load(training, "train").images, method.faces)))


def ways(folder: Path, training: str) -> dict[str, Callable[[], Callable[[Tensor], Tensor]]]:
    """Every set-up, by the name of its row; what is fitted lies in `folder`."""

    @cache
    def fitted(key: str) -> Any:
        return table1.ready(key, training=training, folder=folder)[0]

    def other(key: str, **changes: Any) -> Any:
        method = replace(fitted(key), **changes)
        method.arrays = fitted(key).arrays
        return method

    def filtered() -> Callable[[Tensor], Tensor]:
        liu = fitted("liu")
        return lambda lr: bilateral(liu(lr), FILTER)

    return {
        "bicubic": lambda: upsample_bicubic,
        "bicubic, back-projection": lambda: back_projected,
        "ma2010": partial(fitted, "ma2010"),
        "ma2010, patches side by side": partial(other, "ma2010", patch=4, step=4),
        "liu": partial(fitted, "liu"),
        "liu, bilateral filter": filtered,
        "liu, global step alone": partial(other, "liu", local=False),
        "yang2010, one dictionary, no back-projection": partial(
            other, "yang2010", shared=True, back_projection=0
        ),
        "yang2010, one dictionary": partial(other, "yang2010", shared=True),
        "yang2010": partial(fitted, "yang2010"),
        "yang2013": partial(fitted, "yang2013"),
        "srcnn": lambda: passes,
        "srcnn-8x": partial(methods.get, "srcnn-8x"),
    }


@torch.no_grad()
def scores(method: Callable[[Tensor], Tensor], some: Faces, factor: int = 8) -> dict[str, Any]:
    """Gains in PSNR and SSIM, sharpness, and the artefacts, each with its interval."""
    kept: dict[str, list[Tensor]] = {}
    for part in some.images.split(BATCH):
        h = to_float(part)
        lr = downsample(h, size=SIZE // factor)
        generated = method(lr)
        for name, value in {
            "gain_psnr": metrics.gain(generated, lr, h),
            "gain_ssim": metrics.gain(generated, lr, h, metrics.ssim),
            "sharpness": metrics.sharpness(generated, h),
            "blockiness": blockiness(generated) / blockiness(h),
            "pixellation": pixellation(generated) / pixellation(h),
            "contrast": contrast(generated, upsample_bicubic(lr)),
        }.items():
            kept.setdefault(name, []).append(value)
    people, row = some.people(), {"n": len(some)}
    for name, values in kept.items():
        row |= summary(name, torch.cat(values), people)
    return row


def main() -> None:
    """Fill results/ranking.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows; default: all")
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--fitted", type=Path, default=Path("runs/table1"))
    given = parser.parse_args()
    tests = {}
    for name, source in (("aligned", given.faces), ("unaligned", f"{given.faces}-test-unaligned")):
        all_faces = faces.load(source, "test")
        tests[name] = replace(
            all_faces, images=all_faces.images[::EVERY], names=all_faces.names[::EVERY]
        )
    known = ways(given.fitted, given.faces)

    def measure(name: str) -> dict[str, Any]:
        method = known[name]()
        row = {view: scores(method, some) for view, some in tests.items()}
        for factor in (2, 4):
            if name in ("liu", "yang2013", "ma2010"):
                method = anew(name, factor, given.faces)
            elif name not in ("yang2010", "srcnn"):  # these two double, as often as it takes
                break
            row[f"{factor}x"] = scores(method, tests["aligned"], factor)
        return row | {"gain_psnr": row["aligned"]["gain_psnr"]} | circumstances()

    rows.fill(ledger() / "ranking.json", given.names or known, measure)


if __name__ == "__main__":
    main()
