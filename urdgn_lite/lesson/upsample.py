"""Files in, enlarged faces out: what `urdgn-lite upsample` does."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from urdgn_lite import methods
from urdgn_lite.degrade import LR_SIZE, SIZE, downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.faces import SMALLEST, FacesError, align, to_rgb
from urdgn_lite.faces.files import hidden, read_file
from urdgn_lite.lesson.figures import save_png, sheet
from urdgn_lite.measure.identity import dlib_weights
from urdgn_lite.measure.metrics import MetricUnavailableError
from urdgn_lite.progress import bar
from urdgn_lite.store import spare

SHOWN = 16  # faces on the sheet; the others are not kept in memory
Eyes = tuple[tuple[float, float], tuple[float, float]]


@dataclass
class Report:
    """What `upsample_files` wrote, and which files it could not use."""

    written: list[Path]
    skipped: list[tuple[str, str]]
    sheet: Path


def parse_eyes(text: str | None) -> Eyes | None:
    """`"x,y,x,y"` as two points.

    Raises
    ------
    ValueError : not four numbers.
    """
    if text is None:
        return None
    try:
        a, b, c, d = (float(v) for v in text.split(","))
    except ValueError:
        raise ValueError(f"--eyes takes four numbers x,y,x,y, not {text!r}") from None
    return (a, b), (c, d)


def find_eyes(image: Image.Image) -> Eyes | None:
    """The eyes of the largest face in a photo, the one further left first; None where none is seen.

    dlib's face detector and its five landmarks, whose weights come within the package
    `face_recognition_models` (the extra `identity`); without them the answer is None.
    """
    if not (known := _landmarks()):
        return None
    detector, predictor = known
    pixels = np.asarray(image)
    boxes = detector(pixels, 1)  # 1: faces from 40 pixels on
    if not boxes:
        return None
    points = predictor(pixels, max(boxes, key=lambda box: box.area())).parts()
    corners = np.array([(p.x, p.y) for p in points[:4]], dtype=float)
    eyes = sorted(map(tuple, corners.reshape(2, 2, 2).mean(1).tolist()))
    return eyes[0], eyes[1]


@cache
def _landmarks() -> tuple[Any, Any] | None:
    """dlib's detector and landmarks."""
    try:
        weights = dlib_weights("shape_predictor_5_face_landmarks.dat")
    except MetricUnavailableError:
        return None
    import dlib

    return dlib.get_frontal_face_detector(), dlib.shape_predictor(weights)


def to_lr(image: Image.Image, eyes: Eyes | None = None) -> Tensor:
    """LR face `Float (1, 3, 16, 16)` in [-1, 1]: the file itself, or made from a larger photo.

    Raises
    ------
    FacesError : a size between 16 and 64, or eyes that a picture has no use for, or lacks.
    """
    if image.size == (LR_SIZE, LR_SIZE):
        if eyes is not None:
            raise FacesError("a 16 × 16 image needs no --eyes")
        return to_float(_tensor(image))
    if min(image.size) < SMALLEST:
        raise FacesError(
            f"{image.width} × {image.height} px is neither 16 × 16 nor at least {SMALLEST} a side"
        )
    if eyes is None:
        eyes = find_eyes(image)
    if eyes is not None:
        w, h = image.size
        if not all(0 <= x <= w and 0 <= y <= h for x, y in eyes):
            raise FacesError(f"eyes {eyes} do not lie in the picture of {w} × {h} px")
        image = align(image, eyes)
    else:
        why = "no face is seen" if _landmarks() else "'urdgn_lite[identity]' finds eyes"
        warnings.warn(
            f"without --eyes the centre of the picture is taken as the face ({why})", stacklevel=2
        )
        image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return downsample(to_float(_tensor(image)))


def _tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).unsqueeze(0)


def upsample_files(
    source: Path, model: str | Path, folder: Path, eyes: Eyes | None = None
) -> Report:
    """Enlarge an image, or all images of a folder, into 128 × 128 PNGs in `folder`.

    Hidden files of a folder are left out. Neither what is enlarged nor a file that was not made
    here is ever replaced.

    Raises
    ------
    FacesError : nothing usable in `source`. FileExistsError : something would be replaced.
    """
    if not source.exists():
        raise FacesError(f"no such file or folder: {source}")
    files = [source]
    if source.is_dir():
        every = sorted(p for p in source.iterdir() if p.is_file())
        files = [p for p in every if not hidden(p.name)]
        if not files:
            but = ", but for hidden files" if every else ""
            raise FacesError(f"{source}: no usable image (the folder is empty{but})")
    if eyes is not None and len(files) > 1:
        raise FacesError("--eyes belongs to one photo: give a file, not a folder")
    method = methods.get(model)
    report = Report([], [], folder / "comparison.png")
    targets, given = names_of_results(files, folder), {path.resolve() for path in files}
    for target in (*targets.values(), report.sheet):
        if target.resolve() in given:
            raise FileExistsError(f"{target} is one of the files to enlarge: choose another --out")
        spare(target)
    inputs, results = list[Tensor](), list[Tensor]()
    folder.mkdir(parents=True, exist_ok=True)
    for path in bar(files, "upsample", show=len(files) >= 20):
        try:
            lr = to_lr(to_rgb(path.name, read_file(path.name, path)), eyes)
        except (FacesError, OSError) as error:
            report.skipped.append((str(path), str(error)))
            continue
        generated = method(lr)
        array = to_uint8(generated)[0].permute(1, 2, 0).numpy()
        save_png(Image.fromarray(array), targets[path])
        report.written.append(targets[path])
        if len(inputs) < SHOWN:
            inputs.append(lr)
            results.append(generated)
    if not results:
        raise FacesError(f"{source}: no usable image ({report.skipped[0][1]})")
    lr = torch.cat(inputs)
    save_png(sheet(lr, upsample_bicubic(lr), torch.cat(results)), report.sheet)
    return report


def names_of_results(files: Iterable[Path], folder: Path) -> dict[Path, Path]:
    """Where each file's result goes: no two to one name, whatever the capitals."""
    found: dict[Path, Path] = {}
    taken: set[str] = set()
    for path in files:
        stems = (path.stem, path.name, *(f"{path.name}-{i}" for i in range(2, 99)))
        names = (f"{stem}-128.png" for stem in stems)
        found[path] = folder / next(name for name in names if name.lower() not in taken)
        taken.add(found[path].name.lower())
    return found
