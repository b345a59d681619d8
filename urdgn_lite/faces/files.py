"""Files by name, of a folder or of a tar: none is written, and each is read when it is its turn."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from urdgn_lite.faces import SPLITS, FacesError, Read, Source

LARGEST = 64 * 2**20  # bytes: no single face needs more


def folder(path: Path) -> dict[str, Read]:
    """The files below a folder, sorted; hidden ones are passed over."""
    files = sorted(p for p in path.rglob("*") if p.is_file())
    named = [(p.relative_to(path).as_posix(), p) for p in files]
    return {name: partial(read_file, name, p) for name, p in named if not hidden(name)}


def read_file(name: str, path: Path) -> bytes:
    """The bytes of one file that is called `name` in messages.

    Raises
    ------
    FacesError : it is too large to be a face.
    OSError : it cannot be read.
    """
    if (size := path.stat().st_size) > LARGEST:
        _refuse(name, size)
    return path.read_bytes()


def hidden(name: str) -> bool:
    """Whether a file, or a folder that it is in, is passed over: .DS_Store, ._a.png, __MACOSX."""
    return any(part.startswith((".", "__MACOSX")) for part in Path(name).parts if part != ".")


def _refuse(name: str, size: int) -> NoReturn:
    most = LARGEST // 2**20
    raise FacesError(f"{name}: {size / 2**20:.0f} MiB, and no face needs more than {most}")


class Archive:
    """The files of a tar by name: without hidden ones, and without a folder that wraps them all.

    Parameters
    ----------
    name : of the archive, for messages.
    opened : gives its bytes, anew each time.

    Raises
    ------
    FacesError : no tar file, or one whose download broke off.
    """

    def __init__(self, name: str, opened: Callable[[], IO[bytes]]) -> None:
        self.name, self.opened = name, opened
        with self._readable() as archive:
            found = {m.name: m for m in archive.getmembers() if m.isfile() and not hidden(m.name)}
        paths = {n: Path(n).parts for n in sorted(found)}
        tops = {parts[0] for parts in paths.values()}  # one: `tar czf FOLDER.tar.gz FOLDER`
        wrapped = len(tops) == 1 and not tops & set(SPLITS) and min(map(len, paths.values())) > 1
        self.members = {"/".join(parts[wrapped:]): found[n] for n, parts in paths.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def read(self, wanted: Sequence[str]) -> Iterator[Source]:
        """Some of the files in the order they have in the archive, each read when it is its turn.

        In that order one pass is enough: what is compressed cannot be read backwards.

        Raises
        ------
        FacesError : the archive cannot be read any more.
        """
        with self._readable() as archive:
            for name in sorted(wanted, key=lambda name: self.members[name].offset_data):
                member = self.members[name]
                if member.size > LARGEST:
                    yield name, partial(_refuse, name, member.size)
                elif (stream := archive.extractfile(member)) is not None:
                    yield name, partial(bytes, stream.read())

    @contextmanager
    def _readable(self) -> Iterator[tarfile.TarFile]:
        try:
            with self.opened() as file, tarfile.open(fileobj=file) as archive:
                yield archive
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            reason = str(error).partition(":\n")[0]  # tarfile lists what it tried on further lines
            raise FacesError(f"{self.name}: not a readable tar file ({reason})") from error
