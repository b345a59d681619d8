"""Where faces come from: every source ends as `uint8 (N, 3, 128, 128)`.

>>> from urdgn_lite import faces
>>> faces.load("imaginary", "test", limit=4).images.shape
torch.Size([4, 3, 128, 128])
"""

from __future__ import annotations

import csv
import io
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from urdgn_lite.degrade import SIZE, to_float, to_uint8
from urdgn_lite.progress import bar

EYES = ((44.0, 56.0), (84.0, 56.0))  # where the default crop puts the two eyes (x, y)
SPLITS = ("train", "val", "test")
SMALLEST = 64  # px: enlarging smaller files would teach the network blur
MOST_PIXELS = 89_000_000  # no single face needs more; Pillow itself warns from about here on
AT_ONCE = 8  # files in memory at a time, undecoded: at most half a GiB

__all__ = ["EYES", "SIZE", "Faces", "FacesError", "load", "to_float", "to_uint8"]

Read = Callable[[], bytes]  # a way to get a file's bytes
Source = tuple[str, Read]  # with its name
Decode = Callable[[str, bytes], np.ndarray]  # (name, bytes) -> uint8 (128, 128, 3)


class FacesError(ValueError):
    """A source of faces cannot be used; the message names the file and says what to do."""


@dataclass
class Faces:
    """Faces in memory.

    Attributes
    ----------
    images : uint8 Tensor (N, 3, 128, 128), RGB, 0 … 255.
    names : one file name a face.
    source, split : where they came from, for captions and for the ledger.
    skipped : (path, reason) of every file that could not be used.
    """

    images: UInt8[Tensor, "n 3 128 128"]
    names: list[str]
    source: str
    split: str
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)

    def about(self, column: str) -> list[str]:
        """What SOURCE.csv in the folder `URDGN_FACES` says of each face.

        The csv of a source is also that of its parts: `celeba128-test-unaligned` has celeba128's.

        Raises
        ------
        FacesError : no such table or column, or a face that is not in it.
        """
        shelf, stem = Path(os.environ.get("URDGN_FACES", "/nowhere")), self.source
        while "-" in stem and not (shelf / f"{stem}.csv").is_file():
            stem = stem.rpartition("-")[0]
        path = shelf / f"{stem}.csv"
        if not path.is_file():
            raise FacesError(f"no table {self.source}.csv in the folder URDGN_FACES")
        with path.open(newline="") as file:
            known = {Path(row["file"]).name: row.get(column) for row in csv.DictReader(file)}
        found = [known.get(Path(name).name) for name in self.names]
        if None in found:
            raise FacesError(f"{path.name} has no {column} of {self.names[found.index(None)]}")
        return [str(value) for value in found]

    def people(self) -> list[str]:
        """Who each face shows; where no table says so, everybody is a person of their own."""
        try:
            return self.about("identity")
        except FacesError:
            return [str(i) for i in range(len(self))]

    def __repr__(self) -> str:
        lost = f", {len(self.skipped)} files skipped" if self.skipped else ""
        return f"Faces({self.source}, {self.split}: {len(self)} faces of {SIZE} × {SIZE}{lost})"


def load(
    source: str | Path = "imaginary",
    split: str = "all",
    *,
    root: str | Path = "data",
    crop: str = "eyes",
    limit: int | None = None,
) -> Faces:
    """Load faces from one of the known places.

    Parameters
    ----------
    source : "imaginary" (bundled: people who do not exist), "celeba", "lfw", the path of a
        folder or tar file of images of any size, or a name that stands in the folder
        `URDGN_FACES` as `NAME-SPLIT.tar.gz` or `NAME.tar.gz`.
    split : "train", "val", "test" or "all". A folder or tar with these three at its top keeps
        them; otherwise faces are dealt out 90 : 5 : 5 by identity (the enclosing folder's name,
        else the file's name), so that nobody stands in two splits.
    root : folder that holds `celeba/`, and where scikit-learn keeps LFW.
    crop : for CelebA, "eyes" (the default frame) or "authors" (their 100 × 130, squashed).
    limit : keep the first so many files.

    Raises
    ------
    FacesError : nothing usable there, or a wrong name. One bad file among good ones is not an
        error: it is reported once and listed in `Faces.skipped`.
    """
    if split not in (*SPLITS, "all"):
        raise FacesError(f"no split {split!r}: choose one of {', '.join(SPLITS)}, all")
    if limit is not None and limit < 1:
        raise FacesError(f"limit must be at least 1, not {limit}")
    from urdgn_lite.faces.files import Archive, folder

    name, whole = str(source), False
    decode: Decode = decode_image
    found: Archive | dict[str, Read]
    if name == "imaginary":
        packed = resources.files("urdgn_lite") / "data" / "imaginary128.tar.gz"
        found = Archive(name, lambda: packed.open("rb"))
    elif name == "celeba":
        from urdgn_lite.faces import celeba as _celeba

        files, decode = _celeba.files(Path(root), split, crop)
        found, whole = dict(files), True
    elif name == "lfw":
        from urdgn_lite.faces import lfw as _lfw

        files, decode = _lfw.files(Path(root))
        found = dict(files)
    else:
        path, whole = _resolve(name, split)
        found = Archive(name, lambda: path.open("rb")) if path.is_file() else folder(path)
        name = name if not Path(name).exists() else path.resolve().name.split(".")[0]
    names = (list(found) if whole else _pick(list(found), split, str(source)))[:limit]
    sources = found.read(names) if isinstance(found, Archive) else [(n, found[n]) for n in names]
    return _decode_all(names, sources, decode, name, split)


def _resolve(name: str, split: str) -> tuple[Path, bool]:
    """Path of a named source, and whether the file found already is the split asked for."""
    if Path(name).exists():
        return Path(name), False
    shelf = os.environ.get("URDGN_FACES")
    for stem, whole in ((f"{name}-{split}", True), (name, False)):
        if shelf and (found := Path(shelf) / f"{stem}.tar.gz").is_file():
            # as celeba128-test-unaligned says itself
            return found, whole or split in name.split("-")[1:]
    where = f"{shelf} (URDGN_FACES)" if shelf else "URDGN_FACES (not set)"
    raise FacesError(
        f"no faces at {name!r}: it is not 'imaginary', 'celeba' or 'lfw', no such folder or tar "
        f"file exists, and {where} holds no {name}-{split}.tar.gz"
    )


def _pick(files: list[str], split: str, name: str) -> list[str]:
    if split == "all":
        return files
    if {Path(n).parts[0] for n in files} & set(SPLITS):
        kept = [n for n in files if Path(n).parts[0] == split]
    else:
        kept = [n for n in files if split_of(identity_of(n)) == split]
    if not kept:
        raise FacesError(f"{name}: {len(files)} files, but none in split {split!r}")
    return kept


def identity_of(name: str) -> str:
    """Whose face a file shows: its folder's name where there is one, else its own name."""
    path = Path(name)
    return path.parent.name or path.stem


def split_of(identity: str) -> str:
    """Deal identities out 90 : 5 : 5, the same way on every machine."""
    ticket = zlib.crc32(identity.encode()) % 100
    return "train" if ticket < 90 else "val" if ticket < 95 else "test"


def decode_image(name: str, data: bytes) -> UInt8[np.ndarray, "128 128 3"]:
    """One file as a 128 × 128 face: upright, RGB, 8 bits, centre-cropped to a square.

    Raises
    ------
    FacesError : naming the file, if it is not an image, is damaged, or too small.
    """
    image = to_rgb(name, data)
    if min(image.size) < SMALLEST:
        raise FacesError(f"{name}: {image.width} × {image.height} px, at least {SMALLEST} needed")
    if image.size != (SIZE, SIZE):
        image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def to_rgb(name: str, data: bytes) -> Image.Image:
    """Any image file as upright 8-bit RGB: palette, grey, alpha, 16-bit, CMYK, EXIF-rotated."""
    if not data:
        raise FacesError(f"{name}: empty file")
    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith(("I", "F")):  # 16 bits and more: keep the upper eight
            values = np.asarray(image, dtype=np.float64)
            image = Image.fromarray((values / 257).clip(0, 255).round().astype(np.uint8))
        if "A" in image.getbands() or "transparency" in image.info:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
        return image.convert("RGB")
    except Image.UnidentifiedImageError:
        raise FacesError(f"{name}: not an image") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FacesError(f"{name}: too many pixels to be a face") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file
        raise FacesError(f"{name}: damaged image ({error})") from error


def align(image: Image.Image, eyes: Sequence[Sequence[float]] | np.ndarray) -> Image.Image:
    """Turn, scale and crop a photo so that its two eyes fall on `EYES`.

    Parameters
    ----------
    image : any size, RGB.
    eyes : ((x, y), (x, y)) in the image's pixels; the eye further left in the picture first.

    Returns
    -------
    128 × 128 image; what lies outside the photo is black.
    """
    points = np.asarray(eyes, dtype=float)
    if points.shape != (2, 2) or not np.isfinite(points).all():
        raise FacesError(f"eyes must be two (x, y) points, not {eyes!r}")
    distance = float(np.hypot(*(points[1] - points[0])))
    if distance < 4:
        raise FacesError(f"the eyes are {distance:.1f} px apart: too small to align")
    target = np.asarray(EYES)
    shrink = distance / np.hypot(*(target[1] - target[0]))
    if shrink > 1:  # anti-alias first: a transform alone would skip pixels
        size = (max(1, round(image.width / shrink)), max(1, round(image.height / shrink)))
        points = points * (size[0] / image.width, size[1] / image.height)
        image = image.resize(size, Image.Resampling.BICUBIC)
    # as complex numbers a similarity is z -> a z + b; PIL wants the map from target to source
    (s0, s1), (t0, t1) = (points @ (1, 1j)), (target @ (1, 1j))
    a = (s1 - s0) / (t1 - t0)
    b = s0 - a * t0
    matrix = (a.real, -a.imag, b.real, a.imag, a.real, b.imag)
    return image.transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)


def _decode_all(
    names: Sequence[str], sources: Iterable[Source], decode: Decode, source: str, split: str
) -> Faces:
    """The faces in the order of `names`; `sources` has the same files in any order."""
    if not names:
        raise FacesError(f"{source}: no files for split {split!r}")

    def attempt(file: Source) -> tuple[str, np.ndarray | str]:
        try:
            return file[0], decode(file[0], file[1]())
        except (FacesError, OSError) as error:
            return file[0], str(error)

    shown = bar(sources, f"faces {source}/{split}", len(names), show=len(names) > 2500)
    files, results = iter(shown), dict[str, np.ndarray | str]()
    with ThreadPoolExecutor(AT_ONCE) as pool:  # Pillow decodes outside the interpreter lock
        while part := list(islice(files, AT_ONCE)):
            results |= dict(pool.map(attempt, part))
            del part  # before the next ones are read
    decoded = [(name, results[name]) for name in names]
    good = [(n, r) for n, r in decoded if not isinstance(r, str)]
    skipped = [(n, r) for n, r in decoded if isinstance(r, str)]
    if not good:
        raise FacesError(f"{source}: no usable face among {len(names)} files. {skipped[0][1]}")
    if skipped:
        warnings.warn(
            f"{source}: {len(skipped)} of {len(names)} files skipped, the first: {skipped[0][1]}",
            stacklevel=3,
        )
    images = torch.from_numpy(np.stack([r for _, r in good])).permute(0, 3, 1, 2).contiguous()
    return Faces(images, [n for n, _ in good], source, split, skipped)
