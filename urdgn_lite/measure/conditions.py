"""The numbers behind Figs. 5 to 9: where a method fails, on real test faces, with intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from rich.table import Table
from torch import Tensor

from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, to_float, upsample_bicubic
from urdgn_lite.faces import Faces, FacesError, load
from urdgn_lite.measure import metrics
from urdgn_lite.measure.damages import Images, occlude, relight, rotate, shift, warp, zoom
from urdgn_lite.measure.evaluate import Row, read_row, summary, write_row
from urdgn_lite.measure.report import Sheet, cell
from urdgn_lite.measure.table1 import Table1, ready, stored
from urdgn_lite.methods import Method
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
RINGS = {"1": (1, 1), "2": (2, 2), "3–4": (3, 4), "5+": (5, LR_SIZE)}  # LR px from the box
PIXEL = SIZE // LR_SIZE  # HR pixels an LR pixel
Damage = Callable[[Images], Images]
Box = tuple[int, int, int, int]
People = Sequence[str] | None  # who each face shows

LIGHT: dict[Any, Damage] = {
    "half": partial(relight, gain=0.5),
    "three quarters": partial(relight, gain=0.75),
    "one and a quarter": partial(relight, gain=1.25),
    "from the left": partial(relight, slope=-0.5),
    "from the right": partial(relight, slope=0.5),
}
WARP: dict[Any, Damage] = {
    "10 % smaller": partial(zoom, factor=0.9),
    "10 % larger": partial(zoom, factor=1.1),
    "warped by 2 px": partial(warp, pixels=2),
    "warped by 4 px": partial(warp, pixels=4),
}
SERIES: dict[str, tuple[str, dict[Any, Damage]]] = {  # the unit of an entry, and its damage
    "rotation": ("degrees", {d: partial(rotate, degrees=d) for d in DEGREES}),
    "translation_y": ("shift", {d: partial(shift, dx=0, dy=d * PIXEL) for d in SHIFTS}),
    "translation_lr": ("shift", {d: partial(shift, dx=d * PIXEL, dy=0) for d in SHIFTS}),
    "translation_hr": ("shift", {d: partial(shift, dx=d, dy=0) for d in SHIFTS}),
    "light": ("part", LIGHT),
    "warp": ("part", WARP),
}


def bins(method: Method, faces: Faces, series: Iterable[str] = SERIES) -> Row:
    """Measure how pose, expression and damages change what a method gains.

    Parameters
    ----------
    faces : aligned faces, with a table SOURCE.csv in `URDGN_FACES` for pose, expression, people.
    series : those of `SERIES` to measure: each takes as long as all faces as many times.

    Returns
    -------
    Lists of entries, each with n, psnr and gain_psnr (over bicubic of the same LR faces), in dB
    with intervals:
    yaw, mouth (Figs. 6, 5) : bins `from` ≤ value < `to` of the table's |yaw| and mouth_y.
    unaligned (Fig. 7) : SOURCE-SPLIT-unaligned, the same people; `aligned` beside it.
    region : the gain inside the boxes of `BOXES`, and outside of them all.
    rotation : HR faces turned by `degrees`.
    translation_y, translation_lr, translation_hr (Fig. 9) : HR faces moved down by `shift` LR
        pixels, to the right by LR pixels, by HR pixels; the result is compared with the equally
        moved HR faces. light, warp: relit, zoomed, deformed ones alike.
    occlusion (Fig. 8) : boxes on the LR faces; psnr outside of the box, and what the box costs
        there, drop_psnr: how far the damage spreads; `rings` tells it by distance (`RINGS`).
    What cannot be measured is None, and `…_missing` says why.
    """
    clean, people = scores(method, faces.images), faces.people()
    row: Row = {"n": len(faces), "people": len(set(people)), "aligned": entry(clean, people)}
    for name, column, edges in (("yaw", "yaw", YAW), ("mouth", "mouth_y", MOUTH)):
        try:
            value = torch.tensor([*map(float, faces.about(column))], dtype=torch.float64)
            row[name] = split(clean, value.abs(), edges, people)
        except FacesError as error:
            row |= {name: None, f"{name}_missing": str(error)}
    loose = f"{faces.source}-{faces.split}-unaligned"
    try:
        other = load(loose, faces.split, limit=len(faces))
        row["unaligned"] = entry(scores(method, other.images), other.people())
    except FacesError:
        row |= {"unaligned": None, "unaligned_missing": f"no faces {loose} here"}
    row["region"] = regions(method, faces)
    for name in bar(series, "bins", leave=False):
        unit, damages = SERIES[name]
        row[name] = []
        for amount, damage in damages.items():
            found = entry(scores(method, faces.images, damage), people)
            row[name].append({unit: amount} | found)
    row["occlusion"] = [
        {"part": part, "box": list(box)} | occlusion(method, faces.images, box, people)
        for part, box in bar(BOXES.items(), "occlusion", leave=False)
    ]
    return row


@torch.no_grad()
def scores(method: Method, images: Tensor, damage: Damage = lambda h: h) -> dict[str, Tensor]:
    """PSNR and its gain over bicubic a face, where the HR faces (uint8) are damaged first."""
    kept = []
    for part in images.split(50):
        h = damage(to_float(part))
        lr = downsample(h)
        made = method(lr)
        kept.append(torch.stack([metrics.psnr(made, h), metrics.gain(made, lr, h)]))
    psnr, gain = torch.cat(kept, 1)
    return {"psnr": psnr, "gain_psnr": gain}


def split(
    values: dict[str, Tensor], by: Tensor, edges: Sequence[float], people: People = None
) -> list[Row]:
    """The entries of the faces with edge ≤ `by` < next edge; bins without faces are left out."""
    found = []
    for low, high in pairwise(edges):
        inside = (by >= low) & (by < high)
        if inside.any():
            kept = [p for p, i in zip(people, inside, strict=True) if i] if people else None
            part = entry({name: value[inside] for name, value in values.items()}, kept)
            found.append({"from": low, "to": high} | part)
    return found


def regions(method: Method, faces: Faces) -> list[Row]:
    """The gain in dB over the pixels of a part of the face alone, and over all other pixels."""
    places = {part: inside(box) for part, box in BOXES.items() if part != "left eye"}
    places["elsewhere"] = ~torch.stack([*places.values()]).any(0)
    made, plain = (psnr_of_parts(m, faces.images, places) for m in (method, upsample_bicubic))
    gains = {part: {"gain_psnr": made[part] - plain[part]} for part in places}
    people = faces.people()
    return [{"part": part} | entry(gain, people) for part, gain in gains.items()]


def inside(box: Box, margin: int = 0) -> Tensor:
    """Mask `(1, 1, 128, 128)` of a box in LR pixels, wider by a margin on every side."""
    left, top, right, bottom = box
    rows, columns = (torch.arange(SIZE) // PIXEL for _ in range(2))
    tall = (rows >= top - margin) & (rows < bottom + margin)
    wide = (columns >= left - margin) & (columns < right + margin)
    return (tall[:, None] & wide)[None, None]


def occlusion(method: Method, images: Tensor, box: Box, people: People = None) -> Row:
    """PSNR outside of a box that covers the LR faces, and what it lost against clean ones.

    `rings` has the loss at so many LR pixels from the box (1: the pixels that touch it).
    """
    where = {"outside": ~inside(box)}
    for name, (near, far) in RINGS.items():
        where[name] = inside(box, far) & ~inside(box, near - 1)
    clean = psnr_of_parts(method, images, where)
    covered = psnr_of_parts(method, images, where, partial(occlude, box=box))
    lost = {name: metrics.difference(clean[name], covered[name]) for name in where}
    values = {"clean_psnr": clean, "psnr": covered, "drop_psnr": lost}
    row = entry({name: value["outside"] for name, value in values.items()}, people)
    rings = [{"part": name} | summary("drop_psnr", lost[name], people) for name in RINGS]
    return row | {"rings": rings}


@torch.no_grad()
def psnr_of_parts(
    method: Method, images: Tensor, where: Mapping[str, Tensor], damage: Damage = lambda lr: lr
) -> dict[str, Tensor]:
    """PSNR a face in dB over the pixels of each mask alone, where the LR faces are damaged."""
    kept: dict[str, list[Tensor]] = {name: [] for name in where}
    for part in images.split(50):
        h = to_float(part)
        made = method(damage(downsample(h)))
        for name, mask in where.items():
            kept[name].append(psnr_of(made, h, mask))
    return {name: torch.cat(parts) for name, parts in kept.items()}


def psnr_of(generated: Images, real: Images, where: Tensor) -> Tensor:
    """PSNR a face in dB over the pixels of a mask `(1, 1, h, w)` alone."""
    masked = metrics.psnr(torch.where(where, generated, real), real)
    return masked + 10 * where.float().mean().log10()  # the mean is over fewer pixels


def entry(values: dict[str, Tensor], people: People = None) -> Row:
    """How many faces, and the mean and interval of each value."""
    row: Row = {"n": len(next(iter(values.values())))}
    for name, value in values.items():
        row |= summary(name, value, people)
    return row


def measure(
    key: str, faces: Faces, *, again: bool = False, series: Iterable[str] = SERIES, **options: Any
) -> Row:
    """A method's bins: from the ledger, SOURCE-SPLIT-bins/KEY.json, else measured and kept there.

    `options` are those of `table1.ready`. Bins of other faces or weights are measured anew, see
    `table1.stored`.
    """
    place = replace(faces, split=f"{faces.split}-bins")
    if again or not stored(key, place):
        method, made = ready(key, **options)
        write_row(key, place, bins(method, faces, series) | made | circumstances())
    return read(key, f"{faces.source}-{faces.split}")


def sheet(name: str, rows: Mapping[str, Row]) -> Sheet:
    """A series: a line a bin, a column a method, ± half the interval.

    Gains over bicubic in dB; of `occlusion` and `rings` what the box costs outside of itself.
    """
    what = "drop_psnr" if name in ("occlusion", "rings") else "gain_psnr"
    lines = []
    for entries in zip(*(_entries(name, row) for row in rows.values()), strict=True):
        place, number = _place(entries[0]), str(entries[0].get("n", ""))
        lines.append([place, number, *(cell(one, what, 2) for one in entries)])
    return Sheet(name, ["", "faces", *rows], lines)


def _entries(name: str, row: Row) -> list[Row]:
    if name == "unaligned":  # one entry, beside the aligned one
        return [row[which] | {"part": which} for which in ("aligned", name) if row[which]]
    if name == "rings":
        rings = ((box, ring) for box in row["occlusion"] for ring in box["rings"])
        return [r | {"part": f"{box['part']}, {r['part']}", "n": box["n"]} for box, r in rings]
    return row.get(name) or []


NAMES = ("yaw", "mouth", "unaligned", "region", *SERIES, "occlusion", "rings")


def tables(table: Table1) -> list[Table]:
    """For a terminal: all series that all rows have."""
    found = []
    for name in NAMES:
        if rows := {key: row for key, row in table.rows.items() if _entries(name, row)}:
            found.append(sheet(name, rows))
    if table.notes:
        found.append(Sheet("not measured", ["method", "why"], [[*n] for n in table.notes.items()]))
    return [one.printed() for one in found]


def markdown(name: str, methods: Iterable[str]) -> str:
    """One of the series `NAMES` for a notebook, of methods whose bins the ledger has."""
    return sheet(name, {f"`{key}`": read(key) for key in methods}).markdown()


def _place(entry: Row) -> str:
    """What sets a bin apart from the others, in words."""
    if "from" in entry:
        return f"{entry['from']:g} to {entry['to']:g}"
    for name, unit in (("degrees", "°"), ("shift", "")):
        if name in entry:
            return f"{entry[name]:+d}{unit}".replace("-", "−") if entry[name] else f"0{unit}"
    return entry["part"]


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
