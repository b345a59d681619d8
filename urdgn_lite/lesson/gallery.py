"""Figs. 1 and 3 to 9 of the paper, redrawn from imaginary faces as it lays them out."""

import io
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from IPython.display import Image as Shown
from IPython.display import Markdown
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from urdgn_lite.degrade import SIZE, downsample, to_float
from urdgn_lite.faces import Faces, load
from urdgn_lite.lesson.pictures import picture_of
from urdgn_lite.measure import claims
from urdgn_lite.measure.conditions import BOXES, PIXEL, SHIFTS
from urdgn_lite.measure.damages import Images, occlude, shift
from urdgn_lite.measure.evaluate import figure, figure_faces, ledger
from urdgn_lite.measure.table1 import COLUMNS
from urdgn_lite.methods import Method, get
from urdgn_lite.methods.base import Learnt
from urdgn_lite.methods.yang2010 import Yang2010

REFERENCE = {
    column.key: column.reference + (" ≈" if "approximated" in column.note else "")
    for column in COLUMNS
    if column.reference.startswith("[")
}
CLASSICAL = ("liu", "yang2010", "yang2013", "ma2010")
PAPER, TEXT, FAINT = (32, 32, 32), (232, 232, 232), (165, 165, 165)  # colours
GAP, HEAD = 4, 44  # px: between faces, for names
ABREAST = 5  # columns; more go on below
EYE = (64, 28)  # px of HR that the enlarged eye region shows, twice as large
Eyes = tuple[tuple[float, float], tuple[float, float]]
Pictures = Tensor | Sequence[Tensor | Image.Image] | str  # one a row, or why there are none
Column = tuple[str, str, Pictures]  # letter, name


def learn(keys: Sequence[str] = CLASSICAL, *, limit: int = 1600) -> dict[str, Method | str]:
    """Fit classical columns here and now: on embedded imaginary faces, far fewer than Table 1's.

    `yang2010` learns 256 atoms from a quarter of the faces: a row of Table 1 takes minutes.

    Returns
    -------
    key -> the fitted method; or, where something optional is not installed, what to do.
    """
    h = to_float(load("imaginary", "train", limit=limit).images)
    found: dict[str, Method | str] = {}
    for key in keys:
        method = Yang2010(faces=limit // 4, atoms=256) if key == "yang2010" else get(key)
        if not isinstance(method, Learnt):
            raise ValueError(f"{key} is a network: methods.get({key!r}) loads it")
        try:
            method.fit(h)
            method(downsample(h[:1]))
        except ValueError as error:
            found[key] = str(error)
        else:
            found[key] = method
    return found


@torch.no_grad()
def redraw(
    number: int,
    methods: Mapping[str, Method | str] | None = None,
    more: Sequence[str] = (),
) -> Shown:
    """A figure of the paper: a person a row, methods as columns, its panel letters above them.

    Fig. 8 covers one person in several places, Fig. 9 moves one up and down; there the upper row
    are LR faces, as in the paper.

    Parameters
    ----------
    number : of the figure.
    methods : by name, for panels that must be learnt (see `learn`) and for your own; a text
        stands in for one that cannot run. Names that are not in it are taken from the zoo.
    more : names to add after the paper's columns (in Figs. 8 and 9: below its rows).

    Raises
    ------
    KeyError : no faces are listed for this figure.
    """
    drawn, given = figure(number), dict(methods or {})
    found, panels = figure_faces(number), drawn["panels"]
    h = to_float(found.images[: drawn["rows"]])

    def run(name: str, lr: Tensor) -> Tensor | str:
        method = given[name] if name in given else get(name)
        return method if isinstance(method, str) else method(lr).clamp(-1, 1)

    if number in DAMAGED:
        names = [panels["b"], *more]
        columns = DAMAGED[number](h[:1], lambda lr: [run(name, lr)[0] for name in names])
    else:
        lr = downsample(h)
        known: dict[str, Pictures] = {"LR": lr, "HR": h}
        if "gan-noise" in panels.values():
            known["gan-noise"] = imagined(len(h))
        named = [(f"({letter})", name) for letter, name in panels.items()]
        named += [("ours", name) for name in more]
        columns = [(a, name, known[name] if name in known else run(name, lr)) for a, name in named]
    canvas = picture(columns, eyes_of(found)[: len(h)] if drawn["eyes"] else ())
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=54, optimize=True)  # six in a chapter: 1 MB
    return Shown(buffer.getvalue(), format="jpeg")


def caption(number: int) -> Markdown:
    """What stands below a figure: its panels, the paper's claim, and the number that judges it."""
    drawn = figure(number)
    panels = ", ".join(f"({letter}) {label(name)}" for letter, name in drawn["panels"].items())
    judged = " ".join(claims.judged(claim) for claim in drawn["judged"])
    return Markdown(
        f"*Fig. {number}, redrawn.* {panels}. **The paper:** {drawn['claim']} “{drawn['quote']}” "
        f"({drawn['place']}). **Measured:** {judged}"
    )


def label(name: str) -> str:
    """A column's name, with the paper's reference."""
    return f"{REFERENCE[name]} {name}" if name in REFERENCE else name


def imagined(number: int) -> Sequence[Image.Image]:
    """Fig. 3 (c): what a GAN without a fully connected layer made of noise."""
    with Image.open(ledger() / "claims" / "noise-alone.png") as sheet:
        side = sheet.height
        tiles = [sheet.crop((i * side, 0, (i + 1) * side, side)) for i in range(number)]
    return [tile.resize((SIZE, SIZE), Image.Resampling.BICUBIC) for tile in tiles]


def occluded(h: Images, run: Callable[[Tensor], list[Any]]) -> list[Column]:
    """Fig. 8: one person under several boxes; below each result, where it differs from (a)'s."""
    lr = downsample(h)
    free = run(lr)
    columns: list[Column] = [("(a)", "LR, HR", [lr[0], h[0]]), ("", "no box", [lr[0], *free])]
    for place, box in enumerate(BOXES):
        covered = occlude(lr, BOXES[box])
        rows = [covered[0]]
        for made, plain in zip(run(covered), free, strict=True):
            rows += [made, (made - plain).abs().mean(0).expand(3, -1, -1) * 2 - 1]
        columns.append(("" if place else "(b)", box, rows))
    return columns


def translated(h: Images, run: Callable[[Tensor], list[Any]]) -> list[Column]:
    """Fig. 9: one person, moved along y by −4 … +4 LR pixels; + is down."""
    columns: list[Column] = [("(a)", "LR, HR", [downsample(h)[0], h[0]])]
    for place, dy in enumerate(SHIFTS):
        moved = downsample(shift(h, 0, dy * PIXEL))
        name = f"{dy:+d}".replace("-", "−") if dy else "0"
        columns.append(("" if place else "(b)", name, [moved[0], *run(moved)]))
    return columns


DAMAGED = {8: occluded, 9: translated}


def eyes_of(some: Faces) -> list[Eyes]:
    """Where the eyes of bundled faces are, (x, y) in HR pixels."""
    names = ("left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y")
    columns = (map(float, some.about(name)) for name in names)
    return [((a, b), (c, d)) for a, b, c, d in zip(*columns, strict=True)]


def picture(
    columns: Sequence[Column],
    eyes: Sequence[Eyes] = (),
) -> Image.Image:
    """Columns of faces, no more than five abreast: so a page shows a face at its 128 px.

    Parameters
    ----------
    eyes : of the people, if each row is one; a person's columns then stay together, with the eyes
        enlarged below each face.
    """
    across = math.ceil(len(columns) / math.ceil(len(columns) / ABREAST))
    bands = []
    for rows in [slice(i, i + 1) for i in range(len(eyes))] or [slice(None)]:
        some = [(a, name, x if isinstance(x, str) else x[rows]) for a, name, x in columns]
        bands += [band(some[i : i + across], eyes[rows]) for i in range(0, len(some), across)]
    height = bands[0].height
    canvas = Image.new("RGB", (bands[0].width, len(bands) * height), PAPER)
    for i, one in enumerate(bands):
        canvas.paste(one, (0, i * height))
    return canvas


def band(columns: Sequence[Column], eyes: Sequence[Eyes]) -> Image.Image:
    """Columns side by side below their letters and names."""
    n = max(len(images) for *_, images in columns if not isinstance(images, str))
    height = SIZE + GAP + (2 * EYE[1] + GAP if eyes else 0)
    canvas = Image.new("RGB", (len(columns) * (SIZE + GAP) + GAP, HEAD + n * height), PAPER)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.truetype(findfont("DejaVu Sans"), 15)
    for i, (letter, name, images) in enumerate(columns):
        x = GAP + i * (SIZE + GAP)
        pen.text((x + SIZE / 2, 17), letter, FAINT, font, "ms")
        pen.text((x + SIZE / 2, 37), label(name), TEXT, font, "ms")
        if isinstance(images, str):
            pen.text((x, HEAD + 4), textwrap.fill(images, 15), FAINT, font)
            continue
        for row, image in enumerate(images):
            y = HEAD + row * height
            face = picture_of(image).resize((SIZE, SIZE), Image.Resampling.NEAREST)
            canvas.paste(face, (x, y))
            if eyes:
                canvas.paste(enlarged(face, eyes[row]), (x, y + SIZE + GAP))
    return canvas


def enlarged(face: Image.Image, eyes: Eyes) -> Image.Image:
    """The region around the eyes, twice as large."""
    x, y = (sum(e[k] for e in eyes) / 2 for k in (0, 1))
    left = min(max(round(x) - EYE[0] // 2, 0), SIZE - EYE[0])
    top = min(max(round(y) - EYE[1] // 2, 0), SIZE - EYE[1])
    region = face.crop((left, top, left + EYE[0], top + EYE[1]))
    return region.resize((2 * EYE[0], 2 * EYE[1]), Image.Resampling.BICUBIC)
