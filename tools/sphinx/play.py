"""A Sphinx extension: the live component where a page has a still picture of an explorer.

It wraps the picture in an element that `start.js` finds; without JavaScript the picture stays.
What the component loads lies in the built book: the zoo's files and some faces of the gallery.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import torch
from bs4 import BeautifulSoup, Tag
from PIL import Image
from safetensors.torch import save
from sphinx.application import Sphinx
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import urdgn_lite
from urdgn_lite import zoo
from urdgn_lite.degrade import to_uint8
from urdgn_lite.lesson import eyes
from urdgn_lite.networks import Residual

ASSETS = Path(__file__).parents[2] / "book/assets/play"
PACKAGE = Path(urdgn_lite.__file__).parent
SWEEP = tuple(f"lite-gan-{lam}" for lam in ("0", "1", "10", "1e3", "1e4"))
NETWORKS = (
    *("residual", "residual-gan", "residual-s", "residual-s-gan", "residual-s-imaginary"),
    *("lite", "lite-gan", *SWEEP),
)
SHOWN = 8  # faces to choose from
STRIPS, ROW = 300, 20  # pairs of eyes, and how many stand in a row of their sheet
LAM = {"network": "lite-gan", "open": "lambda", "label": "Move λ yourself"}
DAMAGE = {"network": "residual-s-imaginary", "open": "damage", "label": "Damage it yourself"}
PHOTO = {"network": "residual-s-gan", "open": "photo", "label": "Try it, with your own photo"}
# (page, what the source of the picture's cell holds; nothing: the first picture) -> what it becomes
PLACES = [
    ("", "explore.lam(", LAM),
    ("", "explore.methods(", LAM),
    *(("", f"explore.{name}(", DAMAGE) for name in ("occlusion", "shift", "rotation", "damage")),
    ("intro", "", PHOTO),
    ("01-problem", "", PHOTO),
    ("10-beyond", "", PHOTO),
    ("04-objective", "eyes.bicubic(", {"kind": "eyes", "label": "Train two λ here"}),
    ("02-gan-recap", "explore.training(", {"kind": "toy", "label": "Play this game"}),
]


def live(page: str, body: str) -> str:
    """The page's HTML with an element of class `play` around each picture of `PLACES`."""
    soup = BeautifulSoup(body, "html.parser")
    cells = soup.select(".cell")
    sources = ["".join(part.get_text() for part in c.select(".cell_input")) for c in cells]
    for where, call, data in PLACES:
        if where not in ("", page):
            continue
        called = [c for c, source in zip(cells, sources, strict=True) if call in source]
        pictures = _of_cells(called) if call else soup.select("img")[: not soup.select(".play")]
        for picture in pictures:
            attributes = {f"data-{name}": value for name, value in data.items()}
            # a button must not stand in a link, nor in what is one picture for a screen reader
            whole = picture.find_parent("a") or picture.find_parent(class_="pictures") or picture
            whole.wrap(soup.new_tag("div", attrs={"class": "play", **attributes}))
    return str(soup) if soup.select(".play") else body


def _of_cells(cells: list[Tag]) -> list[Tag]:
    """What shows pictures below these cells."""
    outputs = [out for c in cells for out in c.select(".cell_output > *")]
    return [out for out in outputs if out.name == "img" or out.select_one("img, svg, canvas")]


def publish(folder: Path) -> None:
    """Put what the component loads beside its scripts: its runtime, weights, faces.

    Raises
    ------
    ValueError : a vendored file is not the one of the manifest.
    """
    for name, about in json.loads((ASSETS / "vendor/manifest.json").read_text()).items():
        data = (ASSETS / "vendor" / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"]:
            raise ValueError(f"{name} is not the file of vendor/manifest.json")
        (folder / "vendor" / name).unlink(missing_ok=True)
        _pack(folder / "vendor" / name, data)
    for network in NETWORKS:
        _pack(folder / f"weights/{network}.safetensors", for_the_page(zoo.load(network)))
    _eyes(folder)
    (folder / "faces").mkdir(exist_ok=True)
    with tarfile.open(PACKAGE / "data/gallery128.tar.gz") as gallery:
        for i in range(SHOWN):
            face = gallery.extractfile(f"gallery/{i:02}.webp")
            assert face is not None
            (folder / f"faces/{i}.webp").write_bytes(face.read())


def _pack(path: Path, data: bytes) -> None:
    """Write a file compressed: few hosts compress what they do not know."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data, mtime=0))


def for_the_page(network: nn.Module) -> bytes:
    """A generator as `runtime.js` reads it: one convolution after another, without BN, in fp16."""
    layers = _layers(network)
    tensors: dict[str, Tensor] = {}
    for i, (conv, about) in enumerate(layers):
        filters, bias = _as_stored(conv, about.get("shuffle", 1))
        tensors[f"{i}.filter"] = filters.contiguous().half()
        tensors[f"{i}.bias"] = bias.contiguous().half()
    adds = "bicubic" if isinstance(network, Residual) else ""
    return save(tensors, {"layers": json.dumps([about for _, about in layers]), "adds": adds})


def _as_stored(conv: Any, n: int) -> tuple[Tensor, Tensor]:
    """Filters (height, width, in, out) and bias, `out` in the order (n x n places, colours).

    A transposed convolution with a stride becomes a plain one, which WebAssembly does many times
    as fast: it makes the 2 x 2 places of a pixel at once, of a picture with a frame of zeros, each
    from 2 x 2 inputs. With 4 x 4 weights, stride 2 and padding 1, place p sees tap t by the weight
    2 (1 - t) + p of each direction.
    """
    weight, bias = conv.weight.detach(), conv.bias.detach()
    if isinstance(conv, nn.ConvTranspose2d):
        taps = weight.unflatten(3, (2, 2)).unflatten(2, (2, 2)).flip(2, 4)  # in out t p t p
        return taps.permute(2, 4, 0, 3, 5, 1).flatten(3), bias.repeat(4)
    if n > 1:  # torch's pixel shuffle has (colours, n x n places)
        weight, bias = (
            v.unflatten(0, (-1, n * n)).transpose(0, 1).flatten(0, 1) for v in (weight, bias)
        )
    return weight.permute(2, 3, 1, 0), bias


@torch.no_grad()
def _layers(network: nn.Module) -> list[tuple[Any, dict[str, Any]]]:
    """Its convolutions; of each, what follows, and whether it enlarges."""
    if isinstance(network, Residual):
        body = [
            pair
            for block in network.body
            for pair in ((block.a, {"relu": True}), (block.b, {"skip": True}))
        ]
        ends = (network.twice[0], {"shuffle": 2, "relu": True}), (network.last, {"shuffle": 4})
        return [(network.head, {}), *body, *ends]
    *normed, last = network.children()
    layers: list[tuple[Any, dict[str, Any]]] = []
    for conv, norm in zip(normed[::3], normed[1::3], strict=True):
        double = isinstance(conv, nn.ConvTranspose2d)
        enlarges = {"shuffle": 2, "framed": True} if double else {}
        fused = fuse_conv_bn_eval(conv, norm, transpose=double)
        layers.append((fused, {"relu": True, **enlarges}))
    return [*layers, (last, {})]


def _eyes(folder: Path) -> None:
    """Two sheets of eye strips, `ROW` a row: HR as WebP, their LR strips as PNG. No test faces."""
    l, h = eyes.load("train", limit=STRIPS)
    for images, name in ((l, "eyes-lr.png"), (h, "eyes.webp")):
        array = to_uint8(images).numpy()
        _, _, height, width = array.shape
        rows = array.reshape(-1, ROW, 3, height, width).transpose(0, 3, 1, 4, 2)
        sheet = Image.fromarray(rows.reshape(-1, ROW * width, 3))
        sheet.save(folder / name, quality=90)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both."""

    def wrap(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
        if "body" not in context:
            return
        context["body"] = live(page, context["body"])
        if 'class="play"' in context["body"]:
            app.add_js_file("play/start.js", type="module")
            app.add_css_file("play/play.css")

    def copy(app: Sphinx, exception: Exception | None) -> None:
        if exception is None and app.builder.name == "html":
            publish(Path(app.outdir) / "_static/play")

    app.connect("html-page-context", wrap)
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
