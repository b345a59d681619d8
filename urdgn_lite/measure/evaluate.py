"""(method, faces) → a row of numbers, and the ledger that keeps the rows: `results/`."""

import json
import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from urdgn_lite import store
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.faces import Faces, load
from urdgn_lite.measure import identity, metrics
from urdgn_lite.measure.metrics import difference
from urdgn_lite.methods import Method, Network
from urdgn_lite.networks import count_parameters
from urdgn_lite.progress import bar
from urdgn_lite.provenance import checksum

MEASURES = {
    "psnr": metrics.psnr,
    "ssim": metrics.ssim,
    "psnr_y": lambda a, b: metrics.psnr(a, b, y=True),
    "ssim_y": lambda a, b: metrics.ssim(a, b, y=True),
    "sharpness": metrics.sharpness,
}
RESAMPLES = 2000
BATCH = 50  # faces at a time
_KNOWN: dict[tuple[int, str], Tensor] = {}  # a table asks for bicubic and originals often
Row = dict[str, Any]


def ledger() -> Path:
    """Folder of the ledger: in a checkout `results/`, else the copy inside the package."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "results"
    return inside if inside.is_dir() else package.parent / "results"


@torch.no_grad()
def evaluate(method: Method, faces: Faces, *, perceptual: bool = False) -> Row:
    """Measure one method on some faces, by the protocol of the book.

    LR faces are antialiased bicubic, rounded to 8 bits; results are clamped and rounded to 8
    bits. Every number is an average over faces, PSNR in dB; its `interval` stands beside it, which
    resamples people.

    Parameters
    ----------
    perceptual : LPIPS and identity too. They take a third of a second a face, and what they need
        is optional: without it their values are None, and `lpips_missing`, `identity_missing`
        and `rank1_missing` say why.

    Returns
    -------
    psnr, ssim (RGB), psnr_y, ssim_y (luma), sharpness, lpips (low is good); these minus
    bicubic's as gain_…; lr_consistency (`consistency`); identity, the cosine between the
    descriptors of result and original; rank1, how often the nearest other face is the same
    person's; seconds_per_face (one face at a time, median); parameters, of a network; n faces of
    so many people.
    """
    measures, missing = dict(MEASURES), {}
    if perceptual:
        try:
            one = to_float(faces.images[:1])
            metrics.lpips(one, one)
            measures["lpips"] = metrics.lpips
        except metrics.MetricUnavailableError as error:
            missing["lpips"] = _reason(error)
    values: dict[str, list[Tensor]] = {}
    errors, results = [], []  # of the LR faces; 8 bits
    for part in bar(faces.images.split(BATCH), "evaluate", leave=False):
        h = to_float(part)
        lr = downsample(h)
        generated = method(lr)
        for name, measure in measures.items():
            values.setdefault(name, []).append(measure(generated, h))
        errors.append(255**2 / 10 ** (metrics.lr_consistency(generated, lr).double() / 10))
        results.append(to_uint8(generated))
    row: Row = {}
    people = faces.people()
    for name, parts in values.items():
        value = torch.cat(parts)
        row |= summary(name, value, people)
        baseline = _of_bicubic(faces, name, measures[name])
        row |= summary(f"gain_{name}", difference(value, baseline), people)
    row |= consistency(torch.cat(errors), people)
    if perceptual:
        found, reasons = _identity(torch.cat(results), faces)
        row, missing = row | found, missing | reasons
    for name, reason in missing.items():
        row |= {name: None, f"{name}_missing": reason}
    row["seconds_per_face"] = float(f"{_seconds(method, faces.images[:1]):.2g}")
    if isinstance(method, Network):
        row["parameters"] = count_parameters(method.network)
    return row | {"n": len(faces), "people": len(set(people))}


def interval(values: Tensor, people: Sequence[str] | None = None) -> tuple[float, float]:
    """Percentile bootstrap: where the mean of 95 % of 2,000 redrawn test sets lies.

    People are redrawn, each with all their faces: photographs of one person resemble each other,
    so 500 of 31 people know less than 500 strangers would. It speaks of other people from the same
    source. The same seed for all, so that every measure sees the same redrawn sets.

    Parameters
    ----------
    values : one a face.
    people : who each face shows (`Faces.people`); without it everybody is a person of their own.
    """
    people = list(map(str, range(len(values)))) if people is None else people
    number = {person: i for i, person in enumerate(dict.fromkeys(people))}
    whose = [number[person] for person in people]
    sums, faces = np.bincount(whose, values.double().numpy()), np.bincount(whose)
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(1) / faces[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5], method="nearest")  # some may be infinite
    return float(low), float(high)


def summary(name: str, values: Tensor, people: Sequence[str] | None = None) -> Row:
    """The mean of a value a face, and its interval, as they stand in a row."""
    low, high = interval(values, people)
    mean = values.double().mean().item()
    return {name: round(mean, 4), f"{name}_interval": [round(low, 4), round(high, 4)]}


def consistency(errors: Tensor, people: Sequence[str] | None = None) -> Row:
    """LR consistency in dB of the *mean* squared error of the LR faces (8 bits).

    A method that projects back is exact on some faces: their PSNR is infinite, and an average of
    PSNRs would be too. An error below that of rounding to 8 bits (1/12) counts as that: 58.9 dB.
    """
    low, high = interval(errors, people)
    mean, best, worst = (
        round(10 * math.log10(255**2 / max(mse, 1 / 12)), 4)
        for mse in (errors.mean().item(), low, high)
    )
    return {"lr_consistency": mean, "lr_consistency_interval": [worst, best]}


def _of_bicubic(faces: Faces, name: str, measure: Callable[..., Tensor]) -> Tensor:
    """What a measure says of the bicubic enlargements of some faces."""
    key = checksum(faces.images), name
    if key not in _KNOWN:
        parts = (to_float(part) for part in faces.images.split(BATCH))
        found = [measure(upsample_bicubic(downsample(h)), h) for h in parts]
        _KNOWN[key] = torch.cat(found)
    return _KNOWN[key]


def _identity(results: Tensor, faces: Faces) -> tuple[Row, dict[str, str]]:
    """`identity` and `rank1`, or the reasons why they cannot be measured here."""
    try:
        key = checksum(faces.images), "identity"
        if key not in _KNOWN:
            _KNOWN[key] = identity.embed(to_float(faces.images))
        real, generated = _KNOWN[key], identity.embed(to_float(results))
    except metrics.MetricUnavailableError as error:
        return {}, dict.fromkeys(("identity", "rank1"), _reason(error))
    people = faces.people()
    row = summary("identity", identity.cosine(generated, real), people)
    if len(set(people)) == len(people):
        return row, {"rank1": "no other photographs of the same people are known"}
    return row | summary("rank1", identity.rank1(generated, real, people), people), {}


def _reason(error: Exception) -> str:
    """Why something is missing, without the folders of this machine: the ledger is published."""
    return re.sub(r"\S*[/\\](?=\S)", "", str(error))


def _seconds(method: Method, image: Tensor) -> float:
    lr, times = downsample(to_float(image)), []
    for _ in range(9):
        began = time.perf_counter()
        to_uint8(method(lr))
        times.append(time.perf_counter() - began)
    return sorted(times)[4]


def check_name(name: str) -> None:
    """Refuse a name of a row that would lead out of the ledger.

    Raises
    ------
    ValueError : it is no name of a file.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a row: it is no name of a file")


def write_row(method: str, faces: Faces, row: Row) -> Path:
    """Keep a row in the ledger as FACES-SPLIT/METHOD.json, with the `crc32` of the faces.

    Raises
    ------
    ValueError : a measured number is infinite or NaN, which JSON cannot hold. (Cards may: λ is ∞
        where there is no D.) Or what `check_name` raises.
    """
    for name in (method, faces.source):
        check_name(name)
    try:
        json.dumps({k: v for k, v in row.items() if k != "trained"}, allow_nan=False)
    except ValueError:
        raise ValueError(
            f"{method} on {faces.source}: a number is not finite, and is not kept. Some result is "
            f"equal to its face; is there a flat one? Leave it out"
        ) from None
    path = ledger() / f"{faces.source}-{faces.split}" / f"{method}.json"
    full = {"method": method, "faces": faces.source, "split": faces.split, **row}
    full["crc32"] = checksum(faces.images)
    store.write_json(path, full)
    return path


def read_row(method: str, faces: str) -> Row:
    """A row of the ledger; `faces` is SOURCE-SPLIT: `read_row("lite", "imaginary-test")`.

    Raises
    ------
    KeyError : it was never measured; the message says how to.
    """
    path = ledger() / faces / f"{method}.json"
    if not path.exists():
        raise KeyError(f"the ledger has no {method} on {faces}: urdgn-lite evaluate {method}")
    return json.loads(path.read_text())


def paper() -> Row:
    """The paper's own numbers, with their places: `results/paper.yml`."""
    return yaml.safe_load((ledger() / "paper.yml").read_text())


def figure(number: int) -> Row:
    """What `results/figures.yml` says of a figure of the paper; there the fields are explained.

    Raises
    ------
    KeyError : it is not in there, as Fig. 2, a diagram.
    """
    listed = yaml.safe_load((ledger() / "figures.yml").read_text())
    if number not in listed:
        raise KeyError(f"no faces are listed for Fig. {number}: there are {sorted(listed)}")
    return listed[number]


def figure_faces(number: int) -> Faces:
    """The imaginary faces that stand in a figure of the paper, redrawn; see `figure`."""
    found, chosen = load("imaginary", "test"), list(figure(number)["faces"])
    places = [found.names.index(name) for name in chosen]
    return Faces(found.images[places], chosen, "imaginary", f"Fig. {number}")
