"""Faces in shards, the tar files of WebDataset: read while they are needed, never all in memory."""

from __future__ import annotations

import random
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from urdgn_lite.faces.files import LARGEST, hidden, is_split, printable
from urdgn_lite.faces.load import Faces, identity_of, load, room, split_of
from urdgn_lite.faces.picture import FacesError, decode_image

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
BESIDE = (".tar", ".json", ".txt", ".csv", ".parquet")  # what a folder of shards may hold
MIXED = 2**26  # bytes of files among which the next face is drawn


def stream(
    source: str | Path, split: str, *, root: str | Path = "data", limit: int | None = None
) -> Faces | Shards:
    """Faces to train on: shards stay on disk, unless there is a limit; all else is loaded."""
    if limit is None and shards_of(source):
        return Shards(source, split)
    return load(source, split, root=root, limit=limit)


def shards_of(source: str | Path) -> list[Path]:
    """The shards of a folder that holds them (itself, or in folders `train`, `val`), else none."""
    top = Path(source)
    if not str(source).strip() or not top.is_dir():
        return []
    below = (p for p in top.iterdir() if p.is_dir() and is_split(p.name))
    found = []
    for path in (p for place in (top, *below) for p in place.iterdir() if p.is_file()):
        if not path.name.startswith((".", "_")):
            if not path.name.endswith(BESIDE):
                return []
            found.append(path)
    return sorted(p for p in found if p.suffix == ".tar")


class Shards:
    """The faces of a split in shards: what `train` asks of faces, a few batches in memory.

    Shards `train-….tar` (or in a folder `train`) are that split; of others, faces are dealt out by
    identity as `load` does it.

    Attributes
    ----------
    source, split : as in `Faces`.
    crc32 : of the names and sizes of all files.

    Raises
    ------
    FacesError : a shard is damaged, or there are no faces; no webdataset.
    """

    def __init__(self, source: str | Path, split: str) -> None:
        try:
            import webdataset  # noqa: F401
        except ImportError as error:
            raise FacesError("shards need webdataset: pip install 'urdgn_lite[shards]'") from error
        self.source, self.split = Path(source).resolve().name, split
        self.device = torch.device("cpu")
        parts = {p: is_split(re.split(r"\W|_", p.name)[0]) or is_split(p.parent.name)
                 for p in shards_of(source)}  # fmt: skip
        self.whole = any(parts.values()) or split == "all"
        self.paths = [p for p, part in parts.items() if split in ("all", part) or not self.whole]
        self.n = self.crc32 = largest = 0
        for name, size in (one for path in self.paths for one in _listed(path)):
            if self._wanted(name):
                self.n, largest = self.n + 1, max(largest, size)
                self.crc32 = zlib.crc32(f"{name} {size}".encode(), self.crc32)
        if not self.n:
            raise FacesError(f"{source}: no files for split {split!r} in its shards")
        if largest > LARGEST:
            raise FacesError(f"{source}: one of {largest / 2**20:.0f} MiB, too large for a face")
        self.mixed = min(self.n, max(1, MIXED // max(1, largest)))
        self._reader = ThreadPoolExecutor(1)
        self._at: tuple[int, int] | None = None  # seed and place of the faces that are read ahead
        self._order: Iterator[tuple[str, bytes]] = iter(())
        self._ahead: Future[UInt8[Tensor, "n 3 128 128"]]

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        where = f"{len(self.paths)} shards"
        return f"Shards({self.source}, {self.split}: {len(self)} faces in {where})"

    def to(self, device: torch.device | str) -> Shards:
        """Give the faces on that device from now on; returns itself."""
        self.device = torch.device(device)
        return self

    def draw(self, seed: int, place: int, n: int) -> UInt8[Tensor, "n 3 128 128"]:
        """The n faces from a place on, in the order of a seed; meanwhile the next n are read.

        Shards are shuffled, then files among those of the next `MIXED` bytes.

        Raises
        ------
        FacesError : a face cannot be read, or they are fewer than there were.
        """
        if self._at != (seed, place):
            self._order = islice(self._shuffled(seed), place, None)
            self._read(n)
        images = self._ahead.result()
        if len(images) < n:
            raise FacesError(f"{self.source}: the shards were changed while they were read")
        self._at = seed, place + n
        self._read(n)
        return images.to(self.device)

    def resident(self, limit: int | None = None) -> Faces:
        """All of them, or the first so many, in memory."""
        images = room(min(limit or len(self), len(self)), self.source)
        names: list[str] = []
        for name, data in islice(self._files(self.paths), limit):
            images[len(names)] = decode_image(name, data).transpose(2, 0, 1)
            names.append(name.partition("/")[2])  # without the shard's
        return Faces(torch.from_numpy(images), names, self.source, self.split)

    def _read(self, n: int) -> None:
        order = self._order

        def take() -> Tensor:
            faces = [decode_image(*file) for file in islice(order, n)]
            return torch.from_numpy(np.array(faces).reshape(-1, 128, 128, 3)).permute(0, 3, 1, 2)

        self._ahead = self._reader.submit(take)

    def _shuffled(self, seed: int) -> Iterator[tuple[str, bytes]]:
        from webdataset import shuffle

        draw = random.Random(seed)
        paths = draw.sample(self.paths, len(self.paths))
        mix: Any = shuffle(self.mixed, initial=self.mixed, rng=draw)
        yield from mix(self._files(paths))

    def _files(self, paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
        from webdataset.tariterators import tar_file_expander

        for path in paths:
            with path.open("rb") as file:
                opened = iter([{"url": str(path), "stream": file}])
                wanted = tar_file_expander(opened, select_files=self._wanted, eof_value=None)
                try:
                    for one in wanted:
                        yield f"{path.name}/{printable(one['fname'])}", one["data"]
                except (tarfile.TarError, OSError) as error:
                    raise FacesError(f"{path}: a damaged shard ({error.args[0]})") from error

    def _wanted(self, name: str) -> bool:
        if not name.lower().endswith(IMAGES) or hidden(name) or name.startswith("__"):
            return False
        return self.whole or split_of(identity_of(printable(name))) == self.split


def _listed(path: Path) -> Iterator[tuple[str, int]]:
    """Name and size of a shard's files, by its headers alone.

    Raises
    ------
    FacesError : it is no tar file, or its end is missing.
    """
    try:
        with tarfile.open(path, "r:") as shard:
            for member in shard:
                shard.members = []  # type: ignore[attr-defined]  # as they would fill the memory
                if member.isfile():
                    yield printable(member.name), member.size
        with path.open("rb") as file:
            file.seek(-512, 2)
            if any(file.read()):
                raise tarfile.ReadError("its end is missing")
    except (tarfile.TarError, OSError) as error:
        raise FacesError(f"{path}: a damaged shard ({error})") from error
