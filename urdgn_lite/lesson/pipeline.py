"""The paper's Fig. 2, drawn from the networks themselves: run once, every shape written down."""

import copy
import io
from collections.abc import Iterable
from typing import Any

import torch
from IPython.display import SVG
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
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
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(note)
    result = tuple(network(torch.empty(1, *entry, device="meta")).shape[1:])
    inner = met[:-1] if met[-1] == result else met
    sizes = [shape[1:] or shape for shape in inner]
    last = [i for i in range(len(inner)) if i + 1 == len(inner) or sizes[i] != sizes[i + 1]]
    return [*(inner[i] for i in last), result]


def row(axes: Axes, steps: Iterable[tuple[Shape, str, str]], gap: float, y: float) -> None:
    """Feature maps as slabs from left to right: high as they are large, wide as they are deep."""
    for i, (shape, name, colour) in enumerate(steps):
        side = shape[-1] if len(shape) > 1 else 1
        height, width = 12 + side * 0.6, 4 + 2.5 * shape[0].bit_length()
        x = 40 + i * gap
        corner = x - width / 2, y - height / 2
        axes.add_patch(Rectangle(corner, width, height, fc=(colour, 0.25), ec=colour))
        axes.text(x, y + 60, str(shape[0]), color=colour, size=9)
        axes.text(x, y + 74, f"{side}²" if len(shape) > 1 else "", size=8)
        axes.text(x - width / 2 - 10, y + 4, name, color=colour, size=10, style="italic")


def draw(preset: Preset) -> SVG:
    """Fig. 2: l → G → ĥ, then ĥ or h → D → real? What is used at test time stands in a box.

    Raises
    ------
    ValueError : the preset has no D; its `-gan` form has.
    """
    D = build_discriminator(preset)
    if D is None:
        raise ValueError(f"{preset.name} is trained without D: draw {preset.name}-gan")
    blue, red, green = COLOURS["pixel-only"], COLOURS["adversarial"], COLOURS["HR"]
    lr, hr = (3, LR_SIZE, LR_SIZE), (3, SIZE, SIZE)
    g, d = shapes(build_generator(preset), lr)[:-1], shapes(D, hr)
    upper = [(lr, "l", COLOURS["LR"]), *((shape, "", blue) for shape in g), (hr, "ĥ", blue)]
    lower = [(hr, "h", green), *((shape, "", red) for shape in d)]
    look: Any = {"text.color": INK, "svg.fonttype": "none", "svg.hashsalt": "Fig. 2"}
    with rc_context(look):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), facecolor="none")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        row(axes, upper, 330 / (len(upper) - 1), TOP)
        row(axes, lower, 330 / (len(lower) - 1), BOTTOM)
        box = FancyBboxPatch((12, 16), 384, 142, "round,pad=8", ls="--", fill=False, ec=INK)
        axes.add_patch(box)
        axes.text(205, 26, "test phase: G alone", size=9)
        axes.text(205, TOP - 38, "G", color=blue, size=12)
        axes.text(205, BOTTOM - 45, "D", color=red, size=12)
        note = "D sees ĥ or h;  λ‖ĥ − h‖² compares them"
        axes.text(230, 180, note, color=COLOURS["bicubic"], size=8)
        axes.plot([386, 422, 422, 40, 40], [TOP, TOP, 184, 184, 198], color=INK, lw=1)
        arrow = {"arrowstyle": "->", "color": INK}
        axes.annotate("", (40, 202), (40, 190), arrowprops=arrow)
        axes.annotate("", (402, BOTTOM), (384, BOTTOM), arrowprops=arrow)
        axes.text(421, BOTTOM + 4, "real?", size=10)
        for text in axes.texts:
            text.set_horizontalalignment("center")
        file = io.StringIO()
        about = {"Title": f"Fig. 2: {preset.name}", "Date": None, "Creator": None}
        figure.savefig(file, format="svg", metadata=about)
    return SVG(file.getvalue())
