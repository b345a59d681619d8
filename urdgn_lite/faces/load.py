"""`load`: faces from any known place, decoded into memory once."""

import csv
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from urdgn_lite.degrade import SIZE
from urdgn_lite.faces import celeba, lfw
from urdgn_lite.faces.files import Archive, Found, Source, is_split, opened
from urdgn_lite.faces.picture import FacesError, decode_image
from urdgn_lite.progress import bar

SPLITS = ("train", "val", "test")
BUNDLED = ("imaginary", "gallery")  # people who do not exist: to learn from, and for pictures
DATA = Path(__file__).parents[1] / "data"
AT_ONCE = 8  # files in memory at a time, undecoded: at most half a GiB

Decode = Callable[[str, bytes], np.ndarray]  # (name, bytes) -> uint8 (128, 128, 3)


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
        """What SOURCE.csv in the folder `URDGN_FACES`, or a bundled one, says of each face.

        The csv of a source is also that of its parts: `celeba128-test-unaligned` has celeba128's.

        Raises
        ------
        FacesError : no such table or column, or a face that is not in it.
        """
        shelf, stem = Path(os.environ.get("URDGN_FACES", "/nowhere")), self.source
        while "-" in stem and not (shelf / f"{stem}.csv").is_file():
            stem = stem.rpartition("-")[0]
        paths = (shelf / f"{stem}.csv", DATA / f"{stem}128.csv")
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
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
    limit: int | None = None,
) -> Faces:
    """Load faces from one of the known places.

    Parameters
    ----------
    source : "imaginary" (bundled: people who do not exist), "gallery" (48 more, for pictures
        alone), "celeba", "lfw", the path of a folder, tar or zip of images of any size, or a name
        that stands in the folder `URDGN_FACES` as `NAME-SPLIT.tar.gz` or `NAME.tar.gz`.
    split : "train", "val", "test" or "all". A folder or archive with these three at its top (or
        Train, valid …) keeps them; otherwise faces are dealt out 90 : 5 : 5 by identity (the
        enclosing folder's name, else the file's name), so that nobody stands in two splits.
    root : folder that holds `celeba/`, and where scikit-learn keeps LFW.
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
    from urdgn_lite.faces.shards import Shards, shards_of

    if shards_of(source):
        return Shards(source, split).resident(limit)
    names, found, decode, name = find(source, split, root=root)
    return _decode_all(names[:limit], found, decode, name, split)


def find(
    source: str | Path, split: str, *, root: str | Path = "data"
) -> tuple[list[str], Found, Decode, str]:
    """The files of a split by name, where they are, how one is decoded, and the source's name.

    Parameters and errors are those of `load`.
    """
    name = str(source)
    if name == "celeba":
        official = celeba.CelebA(Path(root), split)
        return official.names, official.photos, official.decode, name
    if name == "lfw":
        photos = lfw.photos(Path(root))
        return pick(photos, split, name), photos, lfw.decode, name
    path, stem, whole = _resolve(name, split)
    found = opened(path, name)
    names = list(found) if whole else pick(found, split, name)
    return names, found, decode_image, stem


def _resolve(name: str, split: str) -> tuple[Path, str, bool]:
    """Path and name of a source, and whether the file found already is the split asked for."""
    if name in BUNDLED:
        return DATA / f"{name}128.tar.gz", name, False
    if not name.strip():
        raise FacesError("the source of faces is empty: give a name, a folder or an archive")
    if Path(name).exists():
        return Path(name), Path(name).resolve().name.split(".")[0], False
    shelf = os.environ.get("URDGN_FACES")
    for stem, whole in ((f"{name}-{split}", True), (name, False)):
        if shelf and (found := Path(shelf) / f"{stem}.tar.gz").is_file():
            # as celeba128-test-unaligned says itself
            return found, name, whole or split in name.split("-")[1:]
    where = f"{shelf} (URDGN_FACES)" if shelf else "URDGN_FACES (not set)"
    raise FacesError(
        f"no faces at {name!r}: it is not {', '.join(map(repr, BUNDLED))}, 'celeba' or 'lfw', no "
        f"such folder or archive exists, and {where} holds no {name}-{split}.tar.gz"
    )


def pick(files: Iterable[str], split: str, name: str) -> list[str]:
    """The files of a split: by the folder at their top, else dealt out by identity.

    Raises
    ------
    FacesError : there are none.
    """
    files = list(files)
    if split == "all":
        return files
    if any(is_split(top(n)) for n in files):
        kept = [n for n in files if is_split(top(n)) == split]
        if not kept and files:
            raise FacesError(f"{name}: none of its folders holds the split {split!r}")
        return kept
    dealt = deal({identity_of(n) for n in files})
    kept = [n for n in files if dealt[identity_of(n)] == split]
    if not kept and files:
        raise FacesError(
            f"{name}: {len(files)} files of {len(dealt)} people (a folder is a person) are too few "
            f"for a split {split!r}: three people are needed, or folders train, val and test"
        )
    return kept


def top(name: str) -> str:
    """The folder that a file is in at the top; "" where it is in none."""
    parts = Path(name).parts
    return parts[0] if len(parts) > 1 else ""


def identity_of(name: str) -> str:
    """Whose face a file shows: its folder's name where there is one, else its own name."""
    path = Path(name)
    return path.parent.name or path.stem


def split_of(identity: str) -> str:
    """Deal identities out 90 : 5 : 5, the same way on every machine."""
    ticket = zlib.crc32(identity.encode()) % 100
    return "train" if ticket < 90 else "val" if ticket < 95 else "test"


def deal(identities: set[str]) -> dict[str, str]:
    """The split of each identity: `split_of`, but of few people one each is set aside."""
    dealt = {who: split_of(who) for who in identities}
    if len(dealt) >= len(SPLITS):
        for split in ("val", "test"):
            if split not in dealt.values():
                train = [who for who in dealt if dealt[who] == "train"]
                dealt[min(train, key=lambda who: (zlib.crc32(who.encode()), who))] = split
    return dealt


def room(n: int, source: str) -> np.ndarray:
    """Memory for n faces.

    Raises
    ------
    FacesError : there is not as much.
    """
    try:
        return np.empty((n, 3, SIZE, SIZE), np.uint8)
    except MemoryError:
        size = n * 3 * SIZE * SIZE / 2**30
        raise FacesError(
            f"{source}: {n} faces take {size:.1f} GiB of memory, more than there is: give a limit, "
            "or make shards (urdgn-lite shards), which training reads from disk"
        ) from None


def _decode_all(
    names: Sequence[str], found: Found, decode: Decode, source: str, split: str
) -> Faces:
    """The faces in the order of `names`, each decoded straight to its place in memory."""
    if not names:
        raise FacesError(f"{source}: no files for split {split!r}")
    pixels = room(len(names), source)
    place = {name: i for i, name in enumerate(names)}
    reasons: dict[str, str] = {}

    def attempt(file: Source) -> None:
        name, read = file
        try:
            pixels[place[name]] = decode(name, read()).transpose(2, 0, 1)
        except (FacesError, OSError) as error:
            reasons[name] = str(error)

    shown = bar(
        sources(found, names), f"faces {source}/{split}", len(names), show=len(names) > 2500
    )
    files = iter(shown)
    with ThreadPoolExecutor(AT_ONCE) as pool:  # Pillow decodes outside the interpreter lock
        while part := list(islice(files, AT_ONCE)):
            list(pool.map(attempt, part))
            del part  # before the next ones are read
    skipped = [(name, reasons[name]) for name in names if name in reasons]
    good = [name for name in names if name not in reasons]
    if not good:
        raise FacesError(f"{source}: no usable face among {len(names)} files. {skipped[0][1]}")
    if skipped:
        warnings.warn(
            f"{source}: {len(skipped)} of {len(names)} files skipped, the first: {skipped[0][1]}",
            stacklevel=3,
        )
        for i, name in enumerate(good):  # close the gaps without a second copy
            pixels[i] = pixels[place[name]]
    return Faces(torch.from_numpy(pixels[: len(good)]), good, source, split, skipped)


def sources(found: Found, names: Sequence[str]) -> Iterator[Source]:
    """Names with ways to their bytes, in the order in which they are read fastest."""
    there = set(found)
    yield from ((n, partial(_missing, n)) for n in names if n not in there)
    names = [n for n in names if n in there]
    yield from found.read(names) if isinstance(found, Archive) else ((n, found[n]) for n in names)


def _missing(name: str) -> NoReturn:
    raise FacesError(f"{name}: it is listed, but not there")
