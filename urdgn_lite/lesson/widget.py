"""Sliders over a plain function, and the labelled picture that stands in for them on a page."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from urdgn_lite.lesson.figures import INK, as_array

Choices = Mapping[str, Any]  # label -> value
GAP, LINE = 6, 18  # pixels between pictures, and for a line of text


class Scene(NamedTuple):
    """What a callback answers: captioned pictures, and the number beside them."""

    panels: dict[str, Image.Image]
    numbers: dict[str, str]  # name of a panel -> its number


class Explorer:
    """Sliders over a plain function, so that nothing hides its errors.

    Shown where a kernel runs it is a widget; in a page or a stored notebook it is `sweep()`.
    By then the callback has run at its start and at its extremes (`check`): an error is raised
    where the explorer is made.

    Parameters
    ----------
    render : the values of the controls, by name -> Scene.
    controls : name -> (label -> value in order, the value to start at).
    swept : (a control's name, the values shown side by side, the panels shown of each).
    meaning : what the number is.
    columns, side : of the sweep; the width of a panel in pixels.
    """

    def __init__(
        self, render: Callable[..., Scene], controls: Mapping[str, tuple[Choices, Any]],
        swept: tuple[str, Sequence[Any], Sequence[str]], meaning: str = "",
        *, columns: int = 4, side: int = 96,
    ) -> None:  # fmt: skip
        self.render, self.swept, self.meaning = render, swept, meaning
        self.columns, self.side = columns, side
        self.choices = {name: choices for name, (choices, _) in controls.items()}
        self.controls = {
            name: ipywidgets.SelectionSlider(options=[*c.items()], value=start, description=name)
            for name, (c, start) in controls.items()
        }
        self.start = {name: start for name, (_, start) in controls.items()}
        self.picture, self.line = ipywidgets.Image(format="png"), ipywidgets.Label()
        self.picture.layout.max_width = "100%"
        self.picture.layout.align_self = "flex-start"
        self.box = ipywidgets.VBox([*self.controls.values(), self.line, self.picture])
        self._draw()
        for control in self.controls.values():
            control.observe(self._draw, names="value")
        self.checked = self.check()

    def _draw(self, change: Any = None) -> None:
        scene = self.render(**{name: control.value for name, control in self.controls.items()})
        several = len(scene.numbers) > 1
        found = (f"{panel} {v}" if several else v for panel, v in scene.numbers.items())
        self.line.value = ": ".join(filter(None, (self.meaning, ", ".join(found))))
        cells = list(scene.panels.items())
        self.picture.value = png(sheet([cells[i : i + 3] for i in range(0, len(cells), 3)], 128))

    def check(self) -> int:
        """Move every slider to its ends, alone and with all others; how many settings ran.

        Raises whatever the callback raises.
        """
        ordered = {name: [*choices.values()] for name, choices in self.choices.items()}
        ends = {name: (values[0], values[-1]) for name, values in ordered.items()}
        settings = [self.start | {name: value} for name, pair in ends.items() for value in pair]
        settings += [{name: pair[i] for name, pair in ends.items()} for i in (0, 1)]
        for setting in (*settings, self.start):
            for name, value in setting.items():
                self.controls[name].value = value
        return len(settings) + 1

    def sweep(self) -> Image.Image:
        """The labelled picture of a page without a kernel."""
        name, values, panels = self.swept
        labels = {value: label for label, value in self.choices[name].items()}
        scenes = {labels[v]: self.render(**self.start | {name: v}) for v in values}
        rows = []
        for i, panel in enumerate(panels):
            found = [s.numbers.get(panel, "") for s in scenes.values()]
            said = [f"{name} {v}" for v in scenes]
            captions = found if i else list(map("\n".join, zip(said, found, strict=True)))
            pictures = [scene.panels[panel] for scene in scenes.values()]
            rows.append(list(zip(captions, pictures, strict=True)))
        wrapped = [row[i : i + self.columns] for i in range(0, len(values), self.columns)
                   for row in rows]  # fmt: skip
        rows_are = " / ".join(panels) if len(panels) > 1 else ""
        return sheet(wrapped, self.side, ", ".join(filter(None, (rows_are, self.meaning))))

    def __repr__(self) -> str:
        names = ", ".join(f"{name} ({len(c)} values)" for name, c in self.choices.items())
        return f"Sliders: {names}. {self.checked} settings run. They move where a kernel runs."

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """A live front end takes the widget, a page the picture (see CONTRIBUTING.md)."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**kwargs) or {}
        picture = base64.b64encode(png(self.sweep(), colours=256)).decode()
        return bundle | {"image/png": picture, "text/plain": repr(self)}


def png(image: Image.Image, colours: int = 0) -> bytes:
    """A picture as a PNG file; with a palette of `colours` it is a third as large."""
    buffer = io.BytesIO()
    (image.quantize(colours) if colours else image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def sheet(
    rows: Sequence[Sequence[tuple[str, Image.Image]]], side: int, title: str = ""
) -> Image.Image:
    """Pictures `side` px wide in rows, each over its caption; legible on white and on black."""
    font = ImageFont.truetype(findfont("DejaVu Sans"), 12)
    sized = [[(caption, resized(picture, side)) for caption, picture in row] for row in rows]
    heights = [
        max(picture.height + LINE * len(caption.strip().splitlines() or "1")
            for caption, picture in row) + GAP
        for row in sized
    ]  # fmt: skip
    width = max(len(row) for row in sized) * (side + GAP) - GAP
    title = textwrap.fill(title, width // 7)
    y = LINE * len(title.splitlines())
    canvas = Image.new("RGBA", (width, y + sum(heights)))
    pen = ImageDraw.Draw(canvas)
    pen.text((0, 0), title, INK, font)
    for row, height in zip(sized, heights, strict=True):
        for i, (caption, picture) in enumerate(row):
            x = i * (side + GAP)
            canvas.paste(picture, (x, y))
            place = x + side / 2, y + picture.height + 2
            pen.text(place, caption, INK, font, "ma", align="center")
        y += height
    return canvas


def resized(picture: Image.Image, width: int) -> Image.Image:
    """The picture at that width."""
    if picture.width == width:
        return picture
    size = (width, round(picture.height * width / picture.width))
    return picture.resize(size, Image.Resampling.LANCZOS)


def picture_of(frame: Any) -> Image.Image:
    """An image of any usual kind: Pillow's, figure, float (3, h, w) in [-1, 1], 8-bit (h, w, 3)."""
    if isinstance(frame, Image.Image):
        return frame.convert("RGB")
    if isinstance(frame, Figure):
        buffer = io.BytesIO()
        frame.savefig(buffer, format="png", facecolor="white")
        return Image.open(buffer).convert("RGB")
    if isinstance(frame, Tensor):
        return Image.fromarray(as_array(frame[None])[0])
    return Image.fromarray(frame).convert("RGB")
