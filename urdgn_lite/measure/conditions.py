"""The numbers behind Figs. 5 to 9: where a method fails, on real test faces, with intervals."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from urdgn_lite.degrade import (
    LR_SIZE,
    SIZE,
    Images,
    downsample,
    occlude,
    rotate,
    shift,
    to_float,
    upsample_bicubic,
)
from urdgn_lite.faces import Faces, FacesError, load
from urdgn_lite.measure import metrics
from urdgn_lite.measure.evaluate import Enlarge, Row, difference, read_row, summary, write_row
from urdgn_lite.measure.report import cell
from urdgn_lite.measure.table1 import Table1, ready, stored
from urdgn_lite.progress import bar
from urdgn_lite.provenance import circumstances

YAW = (0, 0.05, 0.1, 0.2, 1)  # |nose offset from the middle of the eyes|, in eye distances
MOUTH = (0, 94, 97, 100, SIZE)  # of the mouth's middle, px below the upper edge of HR
DEGREES = (-30, -20, -15, -10, -5, 0, 5, 10, 15, 20, 30)
SHIFTS = range(-4, 5)  # Fig. 9
BOXES = {  # (left, top, right, bottom) in LR pixels of the aligned frame
    "left eye": (4, 6, 7, 8),
    "eyes": (4, 6, 12, 8),
    "nose": (6, 8, 10, 11),
    "mouth": (5, 11, 11, 14),
}
PIXEL = SIZE // LR_SIZE  # HR pixels an LR pixel


def bins(method: Enlarge, faces: Faces) -> Row:
    """Measure how pose, expression and damages change what a method gains.

    Parameters
    ----------
    faces : aligned faces, with a table SOURCE.csv in `URDGN_FACES` for pose and expression.

    Returns
    -------
    Lists of entries, each with n, psnr and gain_psnr (over bicubic of the same LR faces), in dB
    with intervals:
    yaw, mouth (Figs. 6, 5) : bins `from` ≤ value < `to` of the table's |yaw| and mouth_y.
    unaligned (Fig. 7) : SOURCE-SPLIT-unaligned, the same people; `aligned` beside it.
    rotation : HR faces turned by `degrees`.
    occlusion (Fig. 8) : boxes on the LR faces; psnr outside of the box, and what the box costs
        there, drop_psnr: how far the damage spreads.
    translation_lr, translation_hr (Fig. 9) : HR faces moved right by `shift` LR (or HR) pixels;
        the result is compared with the equally moved HR faces.
    What cannot be measured is None, and `…_missing` says why.
    """
    clean = scores(method, faces.images)
    row: Row = {"n": len(faces), "aligned": _entry(clean)}
    for name, column, edges in (("yaw", "yaw", YAW), ("mouth", "mouth_y", MOUTH)):
        try:
            row[name] = split(clean, about(faces, column).abs(), edges)
        except FacesError as error:
            row |= {name: None, f"{name}_missing": str(error)}
    loose = f"{faces.source}-{faces.split}-unaligned"
    try:
        row["unaligned"] = _entry(scores(method, load(loose, faces.split, limit=len(faces)).images))
    except FacesError:
        row |= {"unaligned": None, "unaligned_missing": f"no faces {loose} here"}

    def series(unit: str, amounts: Iterable[int], damage: Callable[[int, Images], Images]) -> Any:
        return [
            {unit: amount} | _entry(scores(method, faces.images, partial(damage, amount)))
            for amount in bar(amounts, unit, leave=False)
        ]

    row["rotation"] = series("degrees", DEGREES, lambda d, h: rotate(h, d))
    row["translation_lr"] = series("shift", SHIFTS, lambda d, h: shift(h, d * PIXEL, 0))
    row["translation_hr"] = series("shift", SHIFTS, lambda d, h: shift(h, d, 0))
    row["occlusion"] = [
        {"part": part, "box": list(box)} | occlusion(method, faces.images, box)
        for part, box in bar(BOXES.items(), "occlusion", leave=False)
    ]
    return row


@torch.no_grad()
def scores(
    method: Enlarge, images: Tensor, damage: Callable[[Images], Images] = lambda h: h
) -> dict[str, Tensor]:
    """PSNR and its gain over bicubic a face, where the HR faces (uint8) are damaged first."""
    kept = []
    for part in images.split(50):
        h = damage(to_float(part))
        lr = downsample(h)
        psnr = metrics.psnr(method(lr), h)
        gain = difference(psnr, metrics.psnr(upsample_bicubic(lr), h))
        kept.append(torch.stack([psnr, gain]))
    psnr, gain = torch.cat(kept, 1)
    return {"psnr": psnr, "gain_psnr": gain}


def split(values: dict[str, Tensor], by: Tensor, edges: tuple[float, ...]) -> list[Row]:
    """The entries of the faces with edge ≤ `by` < next edge; bins without faces are left out."""
    found = []
    for low, high in pairwise(edges):
        inside = (by >= low) & (by < high)
        if inside.any():
            entry = _entry({name: value[inside] for name, value in values.items()})
            found.append({"from": low, "to": high} | entry)
    return found


@torch.no_grad()
def occlusion(method: Enlarge, images: Tensor, box: tuple[int, int, int, int]) -> Row:
    """PSNR outside of a box that covers the LR faces, and what it lost against clean ones."""
    left, top, right, bottom = (PIXEL * edge for edge in box)
    outside = torch.ones(1, 1, SIZE, SIZE, dtype=torch.bool)
    outside[:, :, top:bottom, left:right] = False
    kept = []
    for part in images.split(50):
        h = to_float(part)
        lr = downsample(h)
        kept.append(torch.stack([psnr_of(method(x), h, outside) for x in (lr, occlude(lr, box))]))
    clean, covered = torch.cat(kept, 1)
    return _entry({"clean_psnr": clean, "psnr": covered, "drop_psnr": difference(clean, covered)})


def psnr_of(generated: Images, real: Images, where: Tensor) -> Tensor:
    """PSNR a face in dB over the pixels of a mask `(1, 1, h, w)` alone."""
    masked = metrics.psnr(torch.where(where, generated, real), real)
    return masked + 10 * where.float().mean().log10()  # the mean is over fewer pixels


def about(faces: Faces, column: str) -> Tensor:
    """A column of SOURCE.csv in the folder `URDGN_FACES`, a number a face.

    Raises
    ------
    FacesError : no such table or column, or a face that is not in it.
    """
    shelf = os.environ.get("URDGN_FACES")
    path = Path(shelf or "") / f"{faces.source}.csv"
    if not shelf or not path.is_file():
        raise FacesError(f"no table {path.name} in the folder URDGN_FACES")
    with path.open(newline="") as file:
        known = {Path(row["file"]).name: row.get(column) for row in csv.DictReader(file)}
    found = [known.get(Path(name).name) for name in faces.names]
    if None in found:
        raise FacesError(f"{path.name} has no {column} of {faces.names[found.index(None)]}")
    return torch.tensor([float(str(value)) for value in found], dtype=torch.float64)


def _entry(values: dict[str, Tensor]) -> Row:
    row: Row = {"n": len(next(iter(values.values())))}
    for name, value in values.items():
        row |= summary(name, value)
    return row


def measure(key: str, faces: Faces, *, again: bool = False, **options: Any) -> Row:
    """A method's bins: from the ledger, SOURCE-SPLIT-bins/KEY.json, else measured and kept there.

    `options` are those of `table1.ready`. Bins of other faces or weights are measured anew, see
    `table1.stored`.
    """
    place = replace(faces, split=f"{faces.split}-bins")
    if again or not stored(key, place):
        method, made = ready(key, **options)
        write_row(key, place, bins(method, faces) | made | circumstances())
    return read(key, f"{faces.source}-{faces.split}")


def tables(table: Table1) -> list[Table]:
    """A table a series, a line a method: gains over bicubic in dB (occlusion: what it costs)."""
    printed = [_unaligned(table)]
    for name in ("yaw", "mouth", "rotation", "translation_lr", "translation_hr", "occlusion"):
        rows = {key: row for key, row in table.rows.items() if row[name]}
        part = Table(title=name, title_justify="left")
        part.add_column("method")
        for entry in next(iter(rows.values()), {name: []})[name]:
            place = next(entry[k] for k in ("from", "degrees", "shift", "part") if k in entry)
            part.add_column(f"{place} …" if "from" in entry else str(place), justify="right")
        for key, row in rows.items():
            what = "drop_psnr" if name == "occlusion" else "gain_psnr"
            part.add_row(escape(key), *(f"{entry[what]:+.2f}" for entry in row[name]))
        printed.append(part)
    if table.notes:
        printed.append(Table("method", "not measured"))
        for key, note in table.notes.items():
            printed[-1].add_row(escape(key), escape(note))
    return printed


def markdown(name: str, methods: Iterable[str], on: str = "celeba128-test") -> str:
    """One of the series for a notebook: a line a bin, a column a method, ± half the interval.

    Gains over bicubic in dB; of `occlusion` what the box costs outside of itself.

    Parameters
    ----------
    name : `yaw`, `mouth`, `unaligned`, `rotation`, `occlusion`, `translation_lr`, `…_hr`.
    methods : keys whose bins the ledger has.
    """
    rows = {key: read(key, on) for key in methods}
    if name == "unaligned":  # one entry, beside the aligned one
        rows = {k: {name: [r[n] | {"part": n} for n in ("aligned", name)]} for k, r in rows.items()}
    what = "drop_psnr" if name == "occlusion" else "gain_psnr"
    lines = [f"| | faces | {' | '.join(f'`{key}`' for key in rows)} |", "|---" * (len(rows) + 2)]
    lines[1] = lines[1].replace("---", "---:").replace("---:", "---", 1) + "|"
    for entries in zip(*(row[name] for row in rows.values()), strict=True):
        first, cells = entries[0], []
        for entry in entries:
            cells.append(cell(entry, what, 2, "+" if what == "gain_psnr" else ""))
        lines.append(f"| {_place(first)} | {first['n']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _place(entry: Row) -> str:
    """What sets a bin apart from the others, in words."""
    if "from" in entry:
        return f"{entry['from']:g} to {entry['to']:g}"
    for name, unit in (("degrees", "°"), ("shift", "")):
        if name in entry:
            return f"{entry[name]:+d}{unit}".replace("-", "−") if entry[name] else f"0{unit}"
    return entry["part"]


def _unaligned(table: Table1) -> Table:
    """Fig. 7: gains on aligned faces and on the same people's unaligned ones."""
    part = Table("method", "aligned", "unaligned", title="unaligned", title_justify="left")
    for key, row in table.rows.items():
        gains = (row[name] and row[name]["gain_psnr"] for name in ("aligned", "unaligned"))
        part.add_row(escape(key), *("–" if gain is None else f"{gain:+.2f}" for gain in gains))
    return part


def read(key: str, faces: str = "celeba128-test") -> Row:
    """A method's bins from the ledger.

    Raises
    ------
    KeyError : they were never measured; the message says how to.
    """
    try:
        return read_row(key, f"{faces}-bins")
    except KeyError:
        raise KeyError(f"no bins of {key} on {faces}: urdgn-lite table1 --bins {key}") from None
