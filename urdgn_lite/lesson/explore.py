"""Interactive cells: what λ does, what damages do, methods side by side, a training's course.

`model` is always a zoo name, the path of a generator file, a method, or an `nn.Module` of your
own: `explore.rotation("lite")`. The faces are the gallery's, picked for pictures: what they gain is
no result.
"""

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from urdgn_lite import degrade, faces, store, zoo
from urdgn_lite.checkpoint import GENERATOR
from urdgn_lite.lesson import regions
from urdgn_lite.lesson.pictures import picture_of
from urdgn_lite.lesson.widget import Choices, Explorer, Scene
from urdgn_lite.measure import damages, metrics
from urdgn_lite.methods import Method, Network
from urdgn_lite.methods import get as named
from urdgn_lite.run import Run

PEOPLE = 8  # faces to choose from
SWEEP = {"0": "lite-gan-0", "1": "lite-gan-1", "10": "lite-gan-10"}  # λ -> its generator
SWEEP |= {"100": "lite-gan", "10³": "lite-gan-1e3", "10⁴": "lite-gan-1e4", "∞": "lite"}
Model = str | Path | nn.Module | Method
Box = tuple[int, int, int, int]


def method_of(model: Model) -> Method:
    """Whatever was given, as a method.

    Raises
    ------
    ValueError : no such name or file.
    """
    if isinstance(model, nn.Module):
        return Network(model)
    return named(model) if isinstance(model, str | Path) else model


@cache
def people() -> Tensor:
    """The faces (8, 3, 128, 128) in [-1, 1] that every explorer offers."""
    return degrade.to_float(faces.load("gallery", limit=PEOPLE).images)


def of_faces() -> tuple[Choices, int]:
    """The control that chooses a face."""
    return {str(i + 1): i for i in range(PEOPLE)}, 0


def numbers(*values: float, unit: str = "") -> dict[str, float]:
    """Labels of a control's values."""
    return {f"{value:g}{unit}".replace("-", "−"): value for value in values}


def compared(method: Method, lr: Tensor, h: Tensor, box: Box | None = None) -> Scene:
    """LR face, result and original; the gain over bicubic, outside of the box if there is one."""
    ours, bicubic = method(lr), degrade.upsample_bicubic(lr)
    results = [ours.clone(), bicubic.clone()]
    for result in results if box else ():
        left, top, right, bottom = box  # type: ignore[misc]
        result[:, :, top:bottom, left:right] = h[:, :, top:bottom, left:right]  # no error there
    gain = (metrics.psnr(results[0], h) - metrics.psnr(results[1], h)).item()
    panels = {"input": lr[0], "bicubic": bicubic[0], "result": ours[0], "original": h[0]}
    shown = {name: picture_of(image) for name, image in panels.items()}
    return Scene(shown, {"result": f"{gain:+.1f} dB"})


def damage(model: Model) -> Explorer:
    """Blur (σ in HR pixels), noise on the LR face (σ in grey levels), and light (gain, slope).

    The result is compared with the face in that light, sharp and free of noise.
    """
    method = method_of(model)

    def render(face: int, blur: float, noise: float, light: float, side: float) -> Scene:
        h = damages.relight(people()[face : face + 1], light, side)
        lr = damages.noise(degrade.downsample(damages.blur(h, blur)), noise)
        return compared(method, degrade.to_float(degrade.to_uint8(lr)), h)

    controls = {
        "face": of_faces(),
        "blur": (numbers(0, 1, 2, 3, 4, 6, 8), 0),
        "noise": (numbers(0, 2, 5, 10, 15, 20, 30), 0),
        "light": (numbers(0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.5), 1),
        "side": (numbers(-1, -0.6, -0.3, 0, 0.3, 0.6, 1), 0),
    }
    swept = ("noise", (0, 5, 10, 30), ("input", "result"))
    return Explorer(render, controls, swept, "gain over bicubic")


def occlusion(model: Model) -> Explorer:
    """A black box over the LR face (Fig. 8); the gain counts the pixels outside of it."""
    method = method_of(model)

    def render(face: int, size: int, x: int, y: int) -> Scene:
        h = people()[face : face + 1]
        box = (x, y, min(x + size, degrade.LR_SIZE), min(y + size, degrade.LR_SIZE))
        lr = damages.occlude(degrade.downsample(h), box)
        left, top, right, bottom = (8 * v for v in box)
        return compared(method, lr, h, (left, top, right, bottom))

    places = numbers(*range(degrade.LR_SIZE))
    controls = {"face": of_faces(), "size": (numbers(*range(9)), 4)}
    controls |= {"x": (places, 6), "y": (places, 6)}
    swept = ("y", (2, 5, 8, 11), ("input", "result"))
    return Explorer(render, controls, swept, "gain over bicubic outside of the box")


def rotation(model: Model) -> Explorer:
    """The face turned before it shrinks, counter-clockwise: the paper's stated limit."""
    method = method_of(model)

    def render(face: int, turn: float) -> Scene:
        h = damages.rotate(people()[face : face + 1], turn)
        return compared(method, degrade.downsample(h), h)

    angles = numbers(*range(-90, 91, 10), 180, unit="°")
    swept = ("turn", (0, 20, 40, 90), ("input", "result"))
    return Explorer(render, {"face": of_faces(), "turn": (angles, 0)}, swept, "gain over bicubic")


def lam() -> Explorer:
    """The trade-off of Eq. 2: one face through the zoo's generators with different λ (`SWEEP`)."""
    chosen = {label: named(name) for label, name in SWEEP.items() if name in zoo.names()}
    if not chosen:
        raise ValueError(f"the zoo holds none of {', '.join(SWEEP.values())}")

    def render(face: int, λ: str) -> Scene:
        h = people()[face : face + 1]
        return compared(chosen[λ], degrade.downsample(h), h)

    labels = {label: label for label in chosen}
    controls = {"face": of_faces(), "λ": (labels, next(iter(labels)))}
    swept = ("λ", list(labels), ("result",))
    return Explorer(render, controls, swept, "gain over bicubic", eyes=True)


def methods(names: Sequence[Model]) -> Explorer:
    """One face through several methods, side by side, each with its PSNR."""
    labels = [n if isinstance(n, str) else f"number {i}" for i, n in enumerate(names, 1)]
    chosen = {label: method_of(n) for label, n in zip(labels, names, strict=True)}
    if not chosen:
        raise ValueError("name at least one method")

    def render(face: int) -> Scene:
        h = people()[face : face + 1]
        lr = degrade.downsample(h)
        results = {name: method(lr) for name, method in chosen.items()}
        found = {n: f"{metrics.psnr(result, h).item():.1f}" for n, result in results.items()}
        panels = {"input": picture_of(lr[0])}
        panels |= {name: picture_of(result[0]) for name, result in results.items()}
        panels["original"] = picture_of(h[0])
        return Scene(panels, found)

    shown = ("input", *chosen, "original")
    swept = ("face", (0, 1, 2), shown)
    return Explorer(render, {"face": of_faces()}, swept, "PSNR in dB", eyes=True)


def masked(D: nn.Module) -> Explorer:
    """A part of the real face hidden, and D's logit: which parts speak for "real"?

    Parameters
    ----------
    D : HR faces `(b, 3, 128, 128)` in, logits `(b, 1)` out; a `networks.Discriminator`, say.
    """
    D = copy.deepcopy(D).eval()  # the caller's stays in its mode

    @torch.no_grad()
    def render(face: int, hidden: str) -> Scene:
        h = people()[face : face + 1]
        seen = h if hidden == "nothing" else regions.hide(h, hidden)
        panels = {"original": picture_of(h[0]), "D sees": picture_of(seen[0])}
        return Scene(panels, {"D sees": f"{D(seen).item():+.1f}"})

    parts = ("nothing", *regions.REGIONS)
    controls = {"face": of_faces(), "hidden": ({part: part for part in parts}, parts[0])}
    swept = ("hidden", (*parts[:2], *parts[3::2]), ("original", "D sees"))
    return Explorer(render, controls, swept, "D's logit")


def training(
    frames: Run | str | Path | Sequence[Any],
    titles: Sequence[Any] = (),
    numbers: Sequence[str] = (),
) -> Explorer:
    """A training scrubbed step by step.

    Parameters
    ----------
    frames : a run, its folder (the samples that it kept), or pictures of any usual kind.
    titles : what the slider says of each picture; by default its place, from 1.
    numbers : shown beside each picture. Of a run that is the gain over bicubic, on all its
        validation faces.

    Raises
    ------
    ValueError : no frames, or not as many titles or numbers.
    """
    if isinstance(frames, Run | str | Path):
        return _of_samples(frames.out if isinstance(frames, Run) else Path(frames))
    pictures = [picture_of(frame) for frame in frames]
    labels = [str(t) for t in titles] or [str(i + 1) for i in range(len(pictures))]
    beside = list(numbers) or [""] * len(pictures)
    if not pictures or not len(pictures) == len(labels) == len(beside):
        what = f"{len(pictures)} frames, {len(labels)} titles and {len(beside)} numbers"
        raise ValueError(f"{what}: there must be as many of each, and at least one")

    def render(step: int) -> Scene:
        return Scene({"training": pictures[step]}, {"training": beside[step]})

    places = dict(zip(labels, range(len(pictures)), strict=True))
    swept = ("step", _four_of(len(pictures)), ("training",))
    return Explorer(render, {"step": (places, 0)}, swept)


def _of_samples(folder: Path | None) -> Explorer:
    """The course of a run on the validation faces whose results it kept."""
    files = sorted(folder.glob("samples/step-*.safetensors")) if folder else []
    if folder is None or not files:
        raise ValueError(f"no samples in {folder}: train with out=FOLDER and val faces")
    steps = [int(file.stem.removeprefix("step-")) for file in files]
    gains = {row["step"]: row["gain"] for row in zoo.card(folder / GENERATOR)["history"]}
    beside = [f"{gains[step]:+.2f} dB" for step in steps]
    *kept, original = (
        degrade.to_float(images)
        for file in [*files, files[0].with_name("original.safetensors")]
        for images in store.read_tensors(file, "sample file")[0].values()
    )
    bicubic = degrade.upsample_bicubic(degrade.downsample(original))

    def render(step: int, face: int) -> Scene:
        shown = {"bicubic": bicubic, "G": kept[step], "original": original}
        panels = {name: picture_of(images[face]) for name, images in shown.items()}
        return Scene(panels, {"G": beside[step]})

    places = {str(step): i for i, step in enumerate(steps)}
    controls = {"step": (places, 0), "face": ({str(i + 1): i for i in range(len(bicubic))}, 0)}
    return Explorer(render, controls, ("step", _four_of(len(files)), ("G",)), "gain over bicubic")


def _four_of(count: int) -> list[int]:
    """Up to four places, from the first to the last."""
    return sorted({round(i * (count - 1) / 3) for i in range(4)})
