"""Sheets for files and grids for notebooks, in one restrained style."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from torch.nn.functional import interpolate

from urdgn_lite import store
from urdgn_lite.degrade import SIZE, to_float, to_uint8
from urdgn_lite.lesson.pictures import Pictures, Tile, picture_of

# One colour a thing, the same through the whole book; all legible on white and on black.
COLOURS = {
    "LR": "#8c8c8c",
    "bicubic": "#c77b0f",
    "pixel-only": "#2f7fd1",
    "adversarial": "#d1495b",
    "HR": "#3a9b5c",
}
INK = "#7f7f7f"  # axes and labels: readable in both themes; a lighter one, and JupyterLab goes dark
STYLE: dict[str, Any] = {
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "savefig.dpi": 100, "figure.dpi": 100, "font.size": 11,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "axes.titlecolor": INK,
    "xtick.color": INK, "ytick.color": INK, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[COLOURS[k] for k in
                                         ("pixel-only", "adversarial", "HR", "bicubic", "LR")]),
}  # fmt: skip


def use_style() -> None:
    """Draw all following matplotlib figures in the book's style."""
    plt.rcParams.update(STYLE)  # type: ignore[arg-type]


def as_array(images: Tensor) -> np.ndarray:
    """Images (n, 3, h, w), 8-bit or float in [-1, 1], as 8-bit (n, h, w, 3).

    Faces smaller than 128 × 128 are blown up so that one sees their pixels.
    """
    if not images.is_floating_point():
        images = to_float(images)
    if images.shape[-1] < SIZE:
        images = interpolate(images, size=(SIZE, SIZE), mode="nearest-exact")
    return to_uint8(images.detach()).permute(0, 2, 3, 1).cpu().numpy()


def sheet(*rows: Tensor) -> Image.Image:
    """Faces (n, 3, h, w) side by side, a row a tensor; shorter rows end in black."""
    lines = [np.concatenate([*as_array(row)], axis=1) for row in rows]
    width = max(line.shape[1] for line in lines)
    wide = [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0))) for line in lines]
    return Image.fromarray(np.concatenate(wide, axis=0))


def grid(
    rows: Mapping[str, Tensor | tuple[Tensor, Sequence[str]]],
    titles: Sequence[str] = (),
    eyes: bool = False,
) -> Pictures:
    """Images to compare: a column each, rows below one another; a single one's side by side.

    Parameters
    ----------
    rows : name -> images (n, 3, h, w), 8-bit or float in [-1, 1], of any size; or these and n
        short notes, which stand behind the name.
    titles : text above each column.
    eyes : show below each 128 × 128 face its left eye, fourfold.
    """
    columns: list[list[Tile]] = []
    for name, row in rows.items():
        images, notes = row if isinstance(row, tuple) else (row, [""] * len(row))
        columns += [[] for _ in range(len(images) - len(columns))]
        for column, image, note in zip(columns, images, notes, strict=False):
            picture = picture_of(image)
            face = picture.size == (SIZE, SIZE)
            column.append(Tile(" ".join(filter(None, (name, note))), picture, eyes and face))
    says = f"{', '.join(filter(None, rows))}: {len(columns)} side by side"
    if len(columns) == 1:
        return Pictures([("", [tile]) for tile in columns[0]], "".join(titles[:1]), says)
    return Pictures(list(zip(titles or [""] * len(columns), columns, strict=True)), says=says)


def save_png(image: Image.Image, path: Path) -> None:
    """Write a picture as a PNG that says who made it; nobody else's file is replaced.

    Raises
    ------
    FileExistsError : somebody else's. OSError : it cannot be written. ValueError : no .png.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: unknown file extension: pictures are written as .png")
    store.spare(path)
    made_by, data = PngInfo(), io.BytesIO()
    made_by.add_text("Software", "urdgn_lite")
    image.save(data, "PNG", pnginfo=made_by)
    store.write(path, data.getvalue())
