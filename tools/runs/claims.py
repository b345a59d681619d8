"""Numbers behind the claims: `python tools/runs/claims.py KIND [METHOD …]`.

Kinds: `regions`, gains in eyes, nose, mouth; `detail`, what each method adds to bicubic;
`structure`, in how many results dlib finds a face;
`detector`, in how many LR faces of growing size; `energy`, what eigenfaces keep of a face. The rows
go to `results/claims/`.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from claims_faces import found
from rows import fill
from torch import Tensor

from urdgn_lite import faces, store
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.faces import Faces
from urdgn_lite.measure import conditions, metrics
from urdgn_lite.measure.damages import shift
from urdgn_lite.measure.evaluate import ledger, summary
from urdgn_lite.measure.table1 import ready
from urdgn_lite.methods.base import spread
from urdgn_lite.provenance import circumstances

METHODS = (
    "bicubic",
    "liu",
    "yang2010",
    "yang2013",
    "srcnn",
    "ma2010",
    "lite",
    "lite-gan",
    "residual-gan",
)
SHIFTED = (-2, 2)  # LR px along y
SIZES = (16, 24, 32, 48, 64, 128)
RANKS = (50, 100, 200, 400, 800, 1600)
PERIOD = 8  # px of HR an LR pixel


def few(some: Faces, each: int) -> Faces:
    """At most so many faces of each person, in order."""
    seen: dict[str, int] = {}
    kept = []
    for place, person in enumerate(some.people()):
        seen[person] = seen.get(person, 0) + 1
        if seen[person] <= each:
            kept.append(place)
    return replace(some, images=some.images[kept], names=[some.names[i] for i in kept])


def edges(h: Tensor) -> Tensor:
    """Mask of the tenth of an HR face's pixels where its grey value changes most."""
    grey = h.mean(1, keepdim=True)
    steep = torch.zeros_like(grey)
    steep[..., 1:] += grey.diff(dim=3).abs()
    steep[..., 1:, :] += grey.diff(dim=2).abs()
    return steep >= steep.flatten(1).quantile(0.9, 1)[:, None, None, None]


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of two stacks of pictures, a picture."""
    return (a * b).sum((1, 2, 3))


@torch.no_grad()
def detail(key: str, test: Faces) -> dict[str, Any]:
    """What a method adds to the bicubic face, against what that lacks; gain by yaw and by shift.

    added : energy of y − b over that of h − b. authentic : their correlation, a face. slope : of
    the regression of y on b (> 1: contrast is raised).
    edges, flat : gain over bicubic in dB on the steepest tenth of the pixels, and on the rest.
    """
    method, _ = ready(key)
    people = test.people()
    kept: dict[str, list[Tensor]] = {}
    for part in test.images.split(50):
        h = to_float(part)
        lr = downsample(h)
        y, b = to_float(to_uint8(method(lr))), upsample_bicubic(lr)
        missing, added, level = h - b, y - b, b - b.mean((1, 2, 3), keepdim=True)
        where = edges(h)
        values = {
            "gain_psnr": metrics.gain(y, lr, h),
            "sharpness": metrics.sharpness(y, h),
            "added": inner(added, added) / inner(missing, missing),
            "authentic": inner(added, missing)
            / (inner(added, added) * inner(missing, missing)).sqrt().clamp(min=1e-9),
            "slope": inner(y - y.mean((1, 2, 3), keepdim=True), level) / inner(level, level),
        }
        for name, mask in (("edges", where), ("flat", ~where)):
            error, plain = (((x - h).square() * mask).sum((1, 2, 3)) for x in (y, b))
            values[name] = 10 * (plain / error).log10()
        for name, value in values.items():
            kept.setdefault(name, []).append(value)
    scores = {name: torch.cat(parts) for name, parts in kept.items()}
    row: dict[str, Any] = {"n": len(test)}
    for name, value in scores.items():
        row |= summary(name, value, people)
    yaw = torch.tensor([*map(float, test.about("yaw"))]).abs()
    gains = {"gain_psnr": scores["gain_psnr"]}
    row["yaw"] = conditions.split(gains, yaw, conditions.YAW, people)
    row["translation_y"] = [{"shift": 0} | conditions.entry(gains, people)]
    for dy in SHIFTED:
        moved = conditions.scores(method, test.images, partial(shift, dx=0, dy=dy * PERIOD))
        row["translation_y"].append({"shift": dy} | conditions.entry(moved, people))
    return row | circumstances()


def detector(test: Faces) -> dict[str, dict]:
    """How often dlib finds exactly one face in LR faces of so many pixels, enlarged by bicubic."""
    rows = {}
    for size in SIZES:
        small = (downsample(to_float(part), size=size) for part in test.images.split(50))
        made = torch.cat([to_uint8(upsample_bicubic(l)) for l in small])
        made = made if size < 128 else test.images
        rows[str(size)] = found(made, test.people()) | circumstances()
    return rows


def regions(key: str, test: Faces) -> dict[str, Any]:
    """The gain over bicubic in the parts of the face, see `conditions.regions`."""
    method, _ = ready(key)
    return {"region": conditions.regions(method, test), "n": len(test)} | circumstances()


@torch.no_grad()
def structure(key: str, test: Faces) -> dict[str, Any]:
    """In how many results dlib finds exactly one face; `HR` are the originals."""
    images = test.images
    if key != "HR":
        method, _ = ready(key)
        parts = (downsample(to_float(part)) for part in images.split(50))
        images = torch.cat([to_uint8(method(lr)) for lr in parts])
    return found(images, test.people()) | circumstances()


def energy(train: Faces, test: Faces, number: int = 4000) -> dict[str, dict]:
    """Share of a face's energy about the mean that the first eigenfaces keep: seen and unseen."""
    x = to_float(spread(train.images, number)).flatten(1)
    mean = x.mean(0)
    x = x - mean
    values, vectors = torch.linalg.eigh((x @ x.T).double())
    order = values.argsort(descending=True)[: max(RANKS)]
    basis = (vectors[:, order] / values[order].sqrt()).T.float() @ x
    seen, people = values[order].cumsum(0) / values.sum(), test.people()
    y = to_float(test.images).flatten(1) - mean
    kept = (y @ basis.T).square().cumsum(1) / y.square().sum(1, keepdim=True)
    rows = {
        str(r): summary("unseen", kept[:, r - 1], people) | {"seen": round(seen[r - 1].item(), 4)}
        for r in RANKS
    }
    bicubic = torch.cat([upsample_bicubic(downsample(to_float(p))) for p in test.images.split(50)])
    left = (bicubic.flatten(1) - mean - y).square().sum(1) / y.square().sum(1)
    rows["bicubic"] = summary("unseen", 1 - left, people)
    return {"faces": number, "n": len(test)} | rows | circumstances()


EACH = {  # measured a method at a time: how, which, on how many faces of each person (0: all)
    "detail": (detail, METHODS, 4),
    "regions": (regions, ("lite", "lite-gan"), 0),
    "structure": (structure, ("HR", "bicubic", "lite", "lite-gan", "lite-gan-0"), 8),
}


def main() -> None:
    """Measure, print, and write to the ledger."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=(*EACH, "detector", "energy"))
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--faces", default="celeba128")
    given = parser.parse_args()
    test = faces.load(given.faces, "test")
    path: Path = ledger() / "claims" / f"{given.kind}.json"
    if given.kind in EACH:
        measure, names, faces_each = EACH[given.kind]
        some = few(test, faces_each) if faces_each else test
        fill(path, given.methods or names, partial(measure, test=some))
        return
    rows = (
        detector(few(test, 8))
        if given.kind == "detector"
        else energy(faces.load(given.faces, "train"), test)
    )
    store.write_json(path, rows)
    print(path.read_text())


if __name__ == "__main__":
    main()
