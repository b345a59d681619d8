"""The paper's Fig. 2, drawn from the networks themselves: run once, every shape written down."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import torch
from torch import Tensor, nn

from urdgn_lite.degrade import LR_SIZE, SIZE
from urdgn_lite.lesson.figures import COLOURS, INK
from urdgn_lite.networks import build_discriminator, build_generator
from urdgn_lite.presets import Preset

Shape = tuple[int, ...]
WIDTH, HEIGHT, TOP, BOTTOM = 440, 330, 85, 245  # of the drawing; middle lines of G and D


def shapes(network: nn.Module, entry: Shape) -> list[Shape]:
    """Shapes (channels, side, side) or (features,) inside a network: the last at every size.

    Nothing is computed: the network runs on the meta device, with a hook on every layer.

    Parameters
    ----------
    network : takes one tensor.
    entry : shape of one input, without the batch.
    """
    met: list[Shape] = []

    def note(_layer: nn.Module, _given: tuple, result: Tensor) -> None:
        met.append(tuple(result.shape[1:]))

    network = copy.deepcopy(network).to("meta").eval()
    leaves = [m for m in network.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(note) for m in leaves]
    result = tuple(network(torch.empty(1, *entry, device="meta")).shape[1:])
    for hook in hooks:
        hook.remove()
    inner = met[:-1] if met[-1] == result else met
    sizes = [shape[1:] or shape for shape in inner]
    last = [i for i in range(len(inner)) if i + 1 == len(inner) or sizes[i] != sizes[i + 1]]
    return [*(inner[i] for i in last), result]


@dataclass(frozen=True)
class Drawing:
    """An SVG that Jupyter shows; `str` gives the file's text."""

    name: str
    svg: str

    def __str__(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Fig. 2 of {self.name}>"

    def _repr_svg_(self) -> str:
        return self.svg


def _text(x: float, y: float, words: str, colour: str = INK, size: int = 12) -> str:
    style = "italic" if words in {"l", "h", "ĥ"} else "normal"
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size}" font-style="{style}" '
        f'text-anchor="middle">{escape(words)}</text>'
    )


def _arrow(*points: tuple[float, float]) -> str:
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{line}" fill="none" stroke="{INK}" marker-end="url(#tip)"/>'


def _row(steps: Iterable[tuple[Shape, str, str]], start: float, gap: float, y: float) -> list[str]:
    """Feature maps as slabs from left to right: high as they are large, wide as they are deep."""
    parts: list[str] = []
    for i, (shape, name, colour) in enumerate(steps):
        side = shape[-1] if len(shape) > 1 else 1
        height, width = 12 + side * 0.6, 4 + 2.5 * shape[0].bit_length()
        x = start + i * gap
        parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" '
            f'height="{height:g}" fill="{colour}" fill-opacity="0.25" '
            f'stroke="{colour}"/>'
        )
        parts.append(_text(x, y + 60, f"{shape[0]}", colour))
        parts.append(_text(x, y + 74, f"{side}²" if len(shape) > 1 else "", INK, 11))
        parts.append(_text(x - width / 2 - 10, y + 4, name, colour, 14))
    return parts


def draw(preset: Preset) -> Drawing:
    """Fig. 2: l → G → ĥ, then ĥ or h → D → real? What is used at test time stands in a box.

    Raises
    ------
    ValueError : the preset has no D; its `-gan` form has.
    """
    D = build_discriminator(preset)
    if D is None:
        raise ValueError(f"{preset.name} is trained without D: draw {preset.name}-gan")
    image: Shape = (3, SIZE, SIZE)
    lr: Shape = (3, LR_SIZE, LR_SIZE)
    g = shapes(build_generator(preset), lr)[:-1]
    d = shapes(D, image)
    blue, red, green = COLOURS["pixel-only"], COLOURS["adversarial"], COLOURS["HR"]
    upper = [(lr, "l", COLOURS["LR"]), *((s, "", blue) for s in g), (image, "ĥ", blue)]
    lower = [(image, "h", green), *((s, "", red) for s in d)]
    gap_g, gap_d = 330 / (len(upper) - 1), 330 / (len(lower) - 1)
    parts = [*_row(upper, 40, gap_g, TOP), *_row(lower, 40, gap_d, BOTTOM)]
    parts.append(
        f'<rect x="4" y="8" width="{WIDTH - 40}" height="158" rx="8" fill="none" '
        f'stroke="{INK}" stroke-dasharray="5 4"/>'
    )
    parts += [_text(205, 26, "test phase: G alone", INK, 12), _text(205, BOTTOM - 45, "D", red, 16)]
    parts.append(_text(205, TOP - 38, "G", blue, 16))
    parts.append(_arrow((370 + 16, TOP), (422, TOP), (422, 184), (40, 184), (40, 198)))
    parts.append(_text(230, 180, "D sees ĥ or h;  λ‖ĥ − h‖² compares them", COLOURS["bicubic"], 11))
    parts += [_arrow((384, BOTTOM), (402, BOTTOM)), _text(421, BOTTOM + 4, "real?", INK, 13)]
    tip = (
        f'<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3" '
        f'orient="auto"><path d="M0,0 L7,3 L0,6 z" fill="{INK}"/></marker></defs>'
    )
    title = f"<title>G and D of {escape(preset.name)}, with the shape of every stage</title>"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" font-family="sans-serif" role="img">'
    )
    return Drawing(preset.name, "\n".join([head, title, tip, *parts, "</svg>"]))
