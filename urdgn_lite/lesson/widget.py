"""Sliders over a plain function, and the labelled pictures that stand in for them on a page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets
from PIL import Image

from urdgn_lite.lesson.pictures import Pictures, Tile

Choices = Mapping[str, Any]  # label -> value


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
    eyes : whether the left eye is enlarged below each face but the input.
    """

    def __init__(
        self,
        render: Callable[..., Scene],
        controls: Mapping[str, tuple[Choices, Any]],
        swept: tuple[str, Sequence[Any], Sequence[str]],
        meaning: str = "",
        eyes: bool = False,
    ) -> None:
        self.render, self.swept, self.meaning, self.eyes = render, swept, meaning, eyes
        self.choices = {name: choices for name, (choices, _) in controls.items()}
        self.controls = {
            name: ipywidgets.SelectionSlider(options=[*c.items()], value=start, description=name)
            for name, (c, start) in controls.items()
        }
        self.start = {name: start for name, (_, start) in controls.items()}
        self.picture = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*self.controls.values(), self.picture])
        self._draw()
        for control in self.controls.values():
            control.observe(self._draw, names="value")
        self.checked = self.check()

    def _draw(self, change: Any = None) -> None:
        scene = self.render(**{name: control.value for name, control in self.controls.items()})
        panels = [("", [self._tile(scene, panel)]) for panel in scene.panels]
        self.picture.value = self._pictures(panels)._repr_html_()

    def _tile(self, scene: Scene, panel: str) -> Tile:
        caption = f"{panel} {scene.numbers.get(panel, '')}".strip()
        return Tile(caption, scene.panels[panel], self.eyes and "input" not in panel)

    def _pictures(self, columns: Sequence[tuple[str, Sequence[Tile]]]) -> Pictures:
        says = ", ".join(tile.caption for _, tiles in columns for tile in tiles)
        return Pictures(columns, self.meaning and f"Numbers: {self.meaning}.", says)

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

    def sweep(self) -> Pictures:
        """The labelled pictures of a page without a kernel."""
        name, values, panels = self.swept
        labels = {value: label for label, value in self.choices[name].items()}
        columns = [
            (f"{name} {labels[value]}", [self._tile(scene, panel) for panel in panels])
            for value in values
            for scene in [self.render(**self.start | {name: value})]
        ]
        start = self.render(**self.start)
        rest = [self._tile(start, panel) for panel in start.panels if panel not in panels]
        beside = [rest] if len(rest) <= len(panels) else [[tile] for tile in rest]
        return self._pictures(columns + [("", tiles) for tiles in beside if tiles])

    def __repr__(self) -> str:
        names = ", ".join(f"{name} ({len(c)} values)" for name, c in self.choices.items())
        return f"Sliders: {names}. {self.checked} settings run. They move where a kernel runs."

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """A live front end takes the widget, a page the pictures (see CONTRIBUTING.md)."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**kwargs) or {}
        return bundle | {"text/html": self.sweep()._repr_html_(), "text/plain": repr(self)}
