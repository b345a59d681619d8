"""Figs. 1 and 4 to 9 of the paper, redrawn from imaginary faces: LR, HR, bicubic, methods, ours."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice

import torch
from IPython.display import Image as Shown
from jaxtyping import Float
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from urdgn_lite.degrade import Images, downsample, occlude, shift, to_float
from urdgn_lite.faces import load
from urdgn_lite.lesson.figures import as_array
from urdgn_lite.measure.conditions import BOXES, PIXEL, SHIFTS
from urdgn_lite.measure.evaluate import Enlarge, figure_faces
from urdgn_lite.methods import get
from urdgn_lite.methods.base import Learnt
from urdgn_lite.methods.yang2010 import Yang2010

ABOUT = {  # what stands after the name of a row
    "LR": "16 × 16",
    "HR": "the original, 128 × 128",
    "nearest": "the nearest training face",
    "liu": "[5]",
    "yang2010": "[7]",
    "ma2010": "[8]",
    "yang2013": "[10], an approximation",
    "srcnn": "[16]",
    "gan": "[18], fed the LR face",
    "gan-star": "GAN* of Fig. 3",
    "lapgan": "[19]",
    "lite": "UR-DGN without D",
    "lite-gan": "UR-DGN",
    "residual-gan": "UR-DGN, another G",
}
CLASSICAL = ("liu", "yang2010", "yang2013", "ma2010")
PAPER, TEXT, GAP, LINE = (32, 32, 32), (225, 225, 225), 4, 24  # colours; pixels
# LR faces, their HR faces, a title each
Case = tuple[Float[Tensor, "n 3 16 16"], Float[Tensor, "n 3 128 128"], Sequence[str]]


def learn(
    keys: Sequence[str] = CLASSICAL, *, limit: int = 1600, progress: bool = False
) -> dict[str, Enlarge | str]:
    """Fit classical columns here and now: on embedded imaginary faces, far fewer than Table 1's.

    `yang2010` learns 256 atoms from a quarter of the faces: a row of Table 1 takes minutes.

    Returns
    -------
    key -> the fitted method; or, where something optional is not installed, what to do.
    """
    h = to_float(load("imaginary", "train", limit=limit).images)
    found: dict[str, Enlarge | str] = {}
    for key in keys:
        method = Yang2010(faces=limit // 4, atoms=256) if key == "yang2010" else get(key)
        if not isinstance(method, Learnt):
            raise ValueError(f"{key} is a network: methods.get({key!r}) loads it")
        try:
            method.fit(h, progress=progress)
            method(downsample(h[:1]))
        except ValueError as error:
            found[key] = str(error)
        else:
            found[key] = method
    return found


def plain(h: Images) -> Case:
    """The faces as they are."""
    return downsample(h), h, ()


def occluded(h: Images) -> Case:
    """Fig. 8: a black box over a part of each LR face, the parts in turn."""
    parts = list(islice(cycle(BOXES), len(h)))
    lr = downsample(h)
    covered = [occlude(face[None], BOXES[part]) for face, part in zip(lr, parts, strict=True)]
    return torch.cat(covered), h, parts


def translated(h: Images) -> Case:
    """Fig. 9: the first face, moved to the right by -4 … +4 LR pixels."""
    moved = torch.cat([shift(h[:1], d * PIXEL, 0) for d in SHIFTS])
    return downsample(moved), moved, [f"{d:+d}".replace("-", "−") if d else "0" for d in SHIFTS]


CASES: dict[int, Callable[[Images], Case]] = {8: occluded, 9: translated}


@torch.no_grad()
def redraw(
    figure: int, methods: Mapping[str, Enlarge | str], faces: Images | None = None, side: int = 72
) -> Shown:
    """A figure of the paper: LR, HR, then the methods, a row each.

    Parameters
    ----------
    figure : its number: 8 covers a part of each face, 9 moves the first one (see `CASES`).
    methods : by name, in the order of the rows; a text stands in for one that cannot run.
    faces : other ones in [-1, 1] than those that `results/figures.yml` lists for the figure.
    side : of a face, in pixels.

    Raises
    ------
    KeyError : no faces are listed for this figure.
    """
    h = to_float(figure_faces(figure).images) if faces is None else faces
    lr, h, titles = CASES.get(figure, plain)(h)
    rows: dict[str, Tensor | str] = {"LR": lr, "HR": h}
    for name, method in methods.items():
        rows[name] = method if isinstance(method, str) else method(lr).clamp(-1, 1)
    buffer = io.BytesIO()
    picture(rows, titles, side).save(buffer, "JPEG", quality=64, optimize=True)
    return Shown(buffer.getvalue(), format="jpeg")


def picture(
    rows: Mapping[str, Tensor | str], titles: Sequence[str] = (), side: int = 72
) -> Image.Image:
    """Rows of faces below their names; a row without faces says why."""
    n = max(len(images) for images in rows.values() if isinstance(images, Tensor))
    width = n * (side + GAP) + GAP
    heights = [LINE + (0 if isinstance(images, str) else side) for images in rows.values()]
    canvas = Image.new("RGB", (width, sum(heights) + GAP + (LINE if titles else 0)), PAPER)
    pen = ImageDraw.Draw(canvas)
    font, small = (ImageFont.truetype(findfont("DejaVu Sans"), size) for size in (16, 13))
    y = LINE if titles else 0
    for i, title in enumerate(titles):
        pen.text((GAP + i * (side + GAP) + side / 2, LINE - 3), title, TEXT, small, "ms")
    for (name, images), height in zip(rows.items(), heights, strict=True):
        line, size = f"{name}  {ABOUT.get(name, '')}".strip(), font
        if isinstance(images, str):
            line, size = images, small
        pen.text((GAP, y + LINE - 6), line, TEXT, size, "ls")
        if isinstance(images, Tensor):
            for i, tile in enumerate(as_array(images)):
                face = Image.fromarray(tile).resize((side, side), Image.Resampling.LANCZOS)
                canvas.paste(face, (GAP + i * (side + GAP), y + LINE))
        y += height
    return canvas
