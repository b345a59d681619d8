"""Sets larger than memory, as shards: tar files of 1,000 PNGs, written and read by WebDataset."""

import io
import random
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Self, cast

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from urdgn_lite.degrade import SIZE
from urdgn_lite.faces.files import hidden, printable
from urdgn_lite.faces.load import SPLITS, Faces, find, load, room, sources
from urdgn_lite.faces.picture import FacesError, decode_image
from urdgn_lite.progress import bar

EACH = 1000  # faces a shard: about 30 MB
IMAGES = (".png", ".jpg", ".jpeg", ".webp")  # what of a shard is a face; texts beside it are not
MIXED = 1000  # faces among which the next one is drawn


def write_shards(
    source: str | Path, folder: Path, *, root: str | Path = "data"
) -> tuple[dict[str, int], list[str]]:
    """Write the three splits of a source as `FOLDER/train-000000.tar` … `test-….tar`.

    Returns
    -------
    Faces a split, and why others were skipped.

    Raises
    ------
    FacesError : as `load`. FileExistsError : the folder is there. OSError : it cannot be written;
        nothing is left then.
    """
    sets = {split: find(source, split, root=root) for split in SPLITS}
    if folder.exists():
        raise FileExistsError(f"{folder} exists: choose another folder")
    counts, skipped = dict[str, int](), list[str]()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".shards-", dir=folder.parent.resolve()) as beside:
        made = Path(beside, "made")
        made.mkdir()
        for split, (names, found, decode, _) in sets.items():
            names = random.Random(0).sample(names, len(names))  # neighbours are of one person
            pattern = f"{made}/{split}-".replace("%", "%%") + "%06d.tar"
            with webdataset().ShardWriter(
                pattern, EACH, verbose=0, encoder=False, mtime=0
            ) as shards:
                for name, read in bar(sources(found, names), f"shards {split}", len(names)):
                    try:
                        image = Image.fromarray(decode(name, read()))
                    except (FacesError, OSError) as error:
                        skipped.append(str(error))
                        continue
                    image.save(png := io.BytesIO(), "PNG")
                    key = Path(name).with_suffix("").as_posix().replace(".", "_")
                    shards.write({"__key__": key, "png": png.getvalue()})
                counts[split] = shards.total
            if not counts[split]:
                why = skipped[0] if skipped else "is it empty?"
                raise FacesError(f"{source}: no usable face for split {split!r}. {why}")
        made.rename(folder)
    return counts, skipped


def shards_of(source: str | Path, split: str = "all") -> list[Path]:
    """The shards `SPLIT-….tar` of a folder, if it has some."""
    parts = SPLITS if split == "all" else (split,)
    return [path for part in parts for path in sorted(Path(source).glob(f"{part}-*.tar"))]


def webdataset() -> Any:
    """The library.

    Raises
    ------
    FacesError : it is not installed.
    """
    try:
        return import_module("webdataset")
    except ImportError as error:
        raise FacesError("shards need webdataset: pip install 'urdgn_lite[shards]'") from error


class Shards:
    """The faces of a split in shards: what `train` asks of faces, a few batches in memory.

    Attributes
    ----------
    source, split : as in `Faces`.
    crc32 : of the names and sizes of all files.

    Raises
    ------
    FacesError : a shard is damaged, or there are no faces; no webdataset.
    """

    def __init__(self, source: str | Path, split: str) -> None:
        self.source, self.split = Path(source).resolve().name, split
        self.device = torch.device("cpu")
        self.paths = shards_of(source, split)
        self.n = self.crc32 = 0
        for _, _, member in _members(self.paths):
            self.n += 1
            self.crc32 = zlib.crc32(f"{member.name} {member.size}".encode(), self.crc32)
        if not self.n:
            raise FacesError(f"{source}: no files for split {split!r} in its shards")
        self._reader = ThreadPoolExecutor(1)
        self._at: tuple[int, int] | None = None  # seed and place of the faces that are read ahead
        self._faces: Iterator[tuple[str, bytes]]
        self._ahead: Future[UInt8[Tensor, "n 3 128 128"]]

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"Shards({self.source}, {self.split}: {self.n} faces in {len(self.paths)} shards)"

    def to(self, device: torch.device | str) -> Self:
        """Give the faces on that device from now on; returns itself."""
        self.device = torch.device(device)
        return self

    def draw(self, seed: int, place: int, n: int) -> UInt8[Tensor, "n 3 128 128"]:
        """The n faces from a place on, in the order of a seed; meanwhile the next n are read.

        Shards are shuffled, then the next `MIXED` faces.

        Raises
        ------
        FacesError : a face cannot be read, or they are fewer than there were.
        """
        if self._at != (seed, place):
            self._faces = islice(self._shuffled(seed), place, None)
            self._ahead = self._reader.submit(_decoded, self._faces, n)
        images = self._ahead.result()
        if len(images) < n:
            raise FacesError(f"{self.source}: the shards were changed while they were read")
        self._at = seed, place + n
        self._ahead = self._reader.submit(_decoded, self._faces, n)
        return images.to(self.device)

    def resident(self, limit: int | None = None) -> Faces:
        """All of them, or the first so many, in memory."""
        images = room(min(limit or self.n, self.n), self.source)
        names = list[str]()
        for image, (name, data) in zip(images, _files(self.paths), strict=False):
            image[:] = decode_image(name, data).transpose(2, 0, 1)
            names.append(name.partition("/")[2])  # without the shard's
        return Faces(torch.from_numpy(images), names, self.source, self.split)

    def _shuffled(self, seed: int) -> Iterator[tuple[str, bytes]]:
        draw = random.Random(seed)
        paths = draw.sample(self.paths, len(self.paths))
        yield from webdataset().shuffle(MIXED, initial=MIXED, rng=draw)(_files(paths))


def stream(
    source: str | Path, split: str, *, root: str | Path = "data", limit: int | None = None
) -> Faces | Shards:
    """Faces to train on: shards stay on disk, unless there is a limit; all else is loaded."""
    if limit is None and shards_of(source):
        return Shards(source, split)
    return load(source, split, root=root, limit=limit)


def _decoded(files: Iterator[tuple[str, bytes]], n: int) -> UInt8[Tensor, "m 3 128 128"]:
    faces = [decode_image(*file) for file in islice(files, n)]
    return torch.from_numpy(np.array(faces).reshape(-1, SIZE, SIZE, 3)).permute(0, 3, 1, 2)


def _files(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path, shard, member in _members(paths):
        data = cast(IO[bytes], shard.extractfile(member)).read()
        yield f"{path.name}/{printable(member.name)}", data


def _members(paths: Iterable[Path]) -> Iterator[tuple[Path, tarfile.TarFile, tarfile.TarInfo]]:
    """The faces in shards, as these list them."""
    for path in paths:
        try:
            with tarfile.open(path, "r:") as shard:
                for member in shard:
                    if member.name.lower().endswith(IMAGES) and not hidden(member.name):
                        yield path, shard, member
                if path.stat().st_size < shard.offset + tarfile.BLOCKSIZE:
                    raise tarfile.ReadError("its end is missing")
        except (tarfile.TarError, OSError) as error:
            raise FacesError(f"{path}: a damaged shard ({error})") from error
