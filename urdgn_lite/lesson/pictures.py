"""Pictures side by side for a page, JupyterLab and Colab alike: HTML with nothing to fetch."""

import io
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from urdgn_lite.degrade import SIZE, to_float, to_uint8

LEFT_EYE = (28, 44, 60, 68)  # left, top, right, bottom in an aligned face: 32 × 24, shown fourfold
BOX = "display:flex;flex-wrap:wrap;gap:8px;font:12px/1.4 sans-serif;text-align:center"
TILE = "display:block;margin:0 auto;max-width:100%;height:auto;image-rendering:pixelated"


class Tile(NamedTuple):
    """A picture over its caption; with `eye`, the left eye of the face enlarged below it."""

    caption: str
    picture: Image.Image
    eye: bool = False


@dataclass(frozen=True)
class Pictures:
    """Captioned pictures in columns, which wrap where a screen is narrow.

    All are equally wide: a whole multiple of the widest one's pixels, and at least 128 CSS pixels.

    Attributes
    ----------
    columns : title and tiles, from the top.
    heading : a line above all.
    says : what stands for the whole where it cannot be seen.
    """

    columns: Sequence[tuple[str, Sequence[Tile]]]
    heading: str = ""
    says: str = ""

    @property
    def width(self) -> int:
        """Of each picture, in CSS pixels."""
        widest = max(tile.picture.width for _, tiles in self.columns for tile in tiles)
        return widest * -(-SIZE // widest)

    def _repr_html_(self) -> str:
        columns = "".join(
            f'<div style="max-width:100%">{_line(title)}{"".join(map(self._tile, tiles))}</div>'
            for title, tiles in self.columns
        )
        head = f'<div style="width:100%;text-align:left">{escape(self.heading)}</div>'
        return (
            f'<div class="pictures" role="img" aria-label="{_minus(self.says)}" style="{BOX}">'
            f"{head if self.heading else ''}{columns}</div>"
        )

    def __repr__(self) -> str:
        return self.says or "pictures"

    def _tile(self, tile: Tile) -> str:
        eye = self._image(tile.picture.crop(LEFT_EYE)) if tile.eye else ""
        return self._image(tile.picture) + eye + _line(tile.caption)

    def _image(self, picture: Image.Image) -> str:
        height = round(self.width * picture.height / picture.width)
        return (
            f'<img alt="" width="{self.width}" height="{height}" style="{TILE}" '
            f'src="data:image/webp;base64,{webp(picture, self.width)}">'
        )


def _line(words: str) -> str:
    return f"<div>{_minus(words)}</div>" if words else ""


def _minus(words: str) -> str:
    return escape(re.sub(r"(?<!\w)-(?=\d)", "−", words))


def webp(picture: Image.Image, width: int) -> str:
    """A picture to be shown that wide, as a WebP file in base64; of few pixels, all are squares."""
    buffer, small = io.BytesIO(), picture.width < SIZE
    if (times := width // picture.width) > 3:  # JupyterLab drops `pixelated`, and would blur it
        size = (times * picture.width, times * picture.height)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    picture.save(buffer, "WEBP", quality=90, lossless=small, method=4)
    return b64encode(buffer.getvalue()).decode()


def picture_of(frame: Any) -> Image.Image:
    """An image of any usual kind: Pillow's, figure, (3, h, w) in [-1, 1] or 8-bit, (h, w, 3)."""
    if isinstance(frame, Image.Image):
        return frame.convert("RGB")
    if isinstance(frame, Figure):
        buffer = io.BytesIO()
        frame.savefig(buffer, format="png", facecolor="white", dpi=100)
        return Image.open(buffer).convert("RGB")
    if isinstance(frame, Tensor):
        whole = to_float(frame) if not frame.is_floating_point() else frame.detach()
        frame = np.asarray(to_uint8(whole).permute(1, 2, 0).cpu())
    return Image.fromarray(frame).convert("RGB")
