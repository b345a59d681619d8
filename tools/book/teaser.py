"""Draw the pictures of README, landing page, social card and appendix from imaginary faces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from urdgn_lite import faces, zoo
from urdgn_lite.degrade import SIZE, downsample, to_float, upsample_bicubic
from urdgn_lite.faces import EYES
from urdgn_lite.lesson import figures, upsample

ASSETS = Path(__file__).resolve().parents[2] / "book" / "assets"

CARD = (1200, 630)  # pixels: what a link's preview asks for
FACE = 192  # pixels of a face on the card: six fill it, and an LR pixel is twelve


def card(lr: Tensor, generated: Tensor) -> Image.Image:
    """What a link to the book shows: its title above what goes in and what comes out."""
    picture = Image.new("RGB", CARD, "white")
    draw = ImageDraw.Draw(picture)
    fonts = Path(get_data_path()) / "fonts" / "ttf"
    left, top = (CARD[0] - len(lr) * FACE) // 2, CARD[1] - 2 * FACE - 24
    for text, file, size, y, ink in (
        ("Sixteen pixels to a face", "DejaVuSans-Bold.ttf", 68, 36, "#2f7fd1"),
        (
            "Learn a deep-learning paper by running it: UR-DGN, ECCV 2016",
            "DejaVuSans.ttf",
            33,
            138,
            "#444444",
        ),
    ):
        draw.text((left, y), text, ink, ImageFont.truetype(fonts / file, size))
    for row, images in enumerate((lr, generated)):
        for column, pixels in enumerate(figures.as_array(images)):
            smooth = Image.Resampling.BICUBIC if row else Image.Resampling.NEAREST
            face = Image.fromarray(pixels)
            if row == 0:
                face = face.resize(lr.shape[-2:], Image.Resampling.NEAREST)
            place = (left + column * FACE, top + row * FACE)
            picture.paste(face.resize((FACE, FACE), smooth), place)
    return picture


def named(rows: Mapping[str, Tensor]) -> Image.Image:
    """Rows of faces, each below its name."""
    line, side = 26, SIZE
    width = side * max(map(len, rows.values()))
    picture = Image.new("RGB", (width, (side + line) * len(rows)), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", 17)
    for i, (name, images) in enumerate(rows.items()):
        draw.text((4, i * (side + line) + 3), name, "#333333", font)
        picture.paste(figures.sheet(images), (0, i * (side + line) + line))
    return picture


def found(face: np.ndarray) -> Image.Image:
    """What `upsample` makes of a photo in which it finds the eyes, and what the centre would give.

    The photo is an imaginary face, tilted and beside the middle of a larger picture.
    """
    wide = np.pad(face, ((70, 70), (60, 140), (0, 0)), mode="edge")
    photo = Image.fromarray(wide).resize((2 * wide.shape[1], 2 * wide.shape[0]))
    photo = photo.rotate(-14, Image.Resampling.BICUBIC).crop((60, 60, 596, 476))
    eyes = upsample.find_eyes(photo)
    if eyes is None:
        raise SystemExit("no eyes are found: install the extra `identity`")
    method, centre = zoo.load("residual-s"), ImageOps.fit(photo, (SIZE, SIZE))
    lr = torch.cat([upsample.to_lr(centre, EYES), upsample.to_lr(photo, eyes)])
    draw = ImageDraw.Draw(photo)
    for x, y in eyes:
        draw.ellipse((x - 13, y - 13, x + 13, y + 13), outline="white", width=4)
    rows = named({"centre · by the eyes": lr, "results": method(lr)})
    photo = ImageOps.contain(photo, (CARD[0], rows.height))
    picture = Image.new("RGB", (photo.width + 12 + rows.width, rows.height), "white")
    picture.paste(photo, (0, 0))
    picture.paste(rows, (photo.width + 12, 0))
    return picture


@torch.no_grad()
def main() -> None:
    """Write the pictures: teaser and card from six faces, zoo through every generator, found."""
    h = to_float(faces.load("gallery", limit=6).images)
    lr = downsample(h)
    generated = zoo.load("residual-s-imaginary")(lr)
    rows = (lr, upsample_bicubic(lr), generated, h)
    figures.sheet(*rows).save(ASSETS / "teaser.webp", quality=88, method=6)
    card(lr, generated).save(ASSETS / "card.jpg", quality=88)
    by_name = {name: zoo.load(name)(lr) for name in zoo.names()}
    by_name = {"LR": lr, "bicubic": upsample_bicubic(lr), **by_name, "HR": h}
    named(by_name).save(ASSETS / "zoo.webp", quality=88, method=6)
    found(figures.as_array(h)[2]).save(ASSETS / "found.webp", quality=88, method=6)


if __name__ == "__main__":
    main()
