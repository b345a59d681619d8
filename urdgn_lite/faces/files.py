"""Files by name, of a folder or an archive: none is written, and each is read in its turn."""

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from urdgn_lite.faces.picture import FacesError

LARGEST = 64 * 2**20  # bytes: no single face needs more
FOLDERS = {  # a split -> what the folders that hold it are called, in any capitals
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
# Told by their first bytes: tarfile would try them all, and zeros without end are padding to xz.
COMPRESSED = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ", "xz"))
Read = Callable[[], bytes]  # a way to get a file's bytes
Source = tuple[str, Read]  # with its name


def folder(path: Path) -> dict[str, Read]:
    """The files below a folder, sorted, linked folders too; hidden ones are passed over.

    A link that leads nowhere is among them: reading it says so.
    """
    found: dict[str, Read] = {}
    seen: set[tuple[int, int]] = set()
    for top, below, files in os.walk(path, followlinks=True):
        here = os.stat(top)
        if (here.st_dev, here.st_ino) in seen:  # a link back up
            below.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        for file in (Path(top, name) for name in files):
            name = printable(file.relative_to(path).as_posix())
            if not hidden(name) and (file.is_file() or not file.exists()):
                found[name] = partial(read_file, name, file)
    return {name: found[name] for name in sorted(found)}


def read_file(name: str, path: Path) -> bytes:
    """The bytes of one file that is called `name` in messages.

    Raises
    ------
    FacesError : it is too large to be a face, no file, or a link that leads nowhere.
    OSError : it cannot be read.
    """
    if path.is_symlink() and not path.exists():
        raise FacesError(f"{name}: a link that leads nowhere")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
        raise FacesError(f"{name}: not a file")
    if status.st_size > LARGEST:
        _refuse(name, status.st_size)
    return path.read_bytes()


def hidden(name: str) -> bool:
    """Whether a file, or a folder that it is in, is passed over: .DS_Store, ._a.png, __MACOSX."""
    return any(part.startswith((".", "__MACOSX")) for part in Path(name).parts if part != ".")


def printable(name: str) -> str:
    """A name in UTF-8: bytes of an older encoding are spelt out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def peeled(names: Iterable[str]) -> dict[str, str]:
    """Names without the folders that wrap them all -> the names themselves.

    `FOLDER.tar.gz` holds FOLDER, Kaggle's `img_align_celeba` another one of that name, and
    torchvision's ImageFolder asks for one class: none of these is a person or a split.
    """
    parts = {name: Path(name).parts for name in names if Path(name).parts}
    while len(tops := {p[0] for p in parts.values()}) == 1 and not is_split(*tops):
        if min(map(len, parts.values())) == 1:
            break
        parts = {name: p[1:] for name, p in parts.items()}
    return {"/".join(parts[name]): name for name in sorted(parts)}


def is_split(folder: str) -> str:
    """The split that a folder of that name holds, or ""."""
    return next((split for split, names in FOLDERS.items() if folder.lower() in names), "")


def _refuse(name: str, size: int) -> NoReturn:
    most = LARGEST // 2**20
    raise FacesError(f"{name}: {size / 2**20:.0f} MiB, and no face needs more than {most}")


class Archive:
    """The files of a tar or zip by name: without hidden ones, and without what wraps them all.

    Parameters
    ----------
    name : of the archive, for messages.
    opened : gives its bytes, anew each time.

    Raises
    ------
    FacesError : no archive, or one whose download broke off.
    """

    def __init__(self, name: str, opened: Callable[[], IO[bytes]]) -> None:
        self.name, self.opened = name, opened
        with self._readable() as archive:
            found: dict[str, Any] = {}  # TarInfo or ZipInfo
            if isinstance(archive, zipfile.ZipFile):
                found = {printable(m.filename): m for m in archive.infolist() if not m.is_dir()}
            else:
                found = {printable(m.name): m for m in archive.getmembers() if m.isfile()}
        kept = peeled(n for n in found if not hidden(n))
        self.members = {short: found[n] for short, n in kept.items()}

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
            for name in sorted(wanted, key=lambda name: _place(self.members[name])):
                member = self.members[name]
                size = member.file_size if isinstance(member, zipfile.ZipInfo) else member.size
                if size > LARGEST:
                    yield name, partial(_refuse, name, size)
                elif isinstance(archive, zipfile.ZipFile):
                    yield name, partial(bytes, self._unzipped(archive, name))
                elif (stream := archive.extractfile(member)) is not None:
                    yield name, partial(bytes, stream.read())

    def _unzipped(self, archive: zipfile.ZipFile, name: str) -> bytes:
        with archive.open(self.members[name]) as stream:
            return stream.read(LARGEST)  # the size that the archive states need not be true

    @contextmanager
    def _readable(self) -> Iterator[tarfile.TarFile | zipfile.ZipFile]:
        damaged = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)
        exotic = (NotImplementedError, RuntimeError)  # encrypted, or packed in a rare way
        try:
            with self.opened() as file:
                zipped = zipfile.is_zipfile(file)
                file.seek(0)
                start = file.read(8)
                file.seek(0)
                kind = next((kind for magic, kind in COMPRESSED if start.startswith(magic)), "")
                mode: Any = f"r:{kind}"
                with (
                    zipfile.ZipFile(file)
                    if zipped
                    else tarfile.open(fileobj=file, mode=mode) as archive
                ):
                    yield archive
        except (OSError, *damaged, *exotic) as error:
            raise FacesError(f"{self.name}: not a readable tar or zip file ({error})") from error


Found = Archive | Mapping[str, Read]


def opened(path: Path, name: str) -> Found:
    """The files of an archive or a folder that is called `name`, without what wraps them all."""
    if path.is_file():
        return Archive(name, lambda: path.open("rb"))
    there = folder(path)
    return {short: there[long] for short, long in peeled(there).items()}


def _place(member: Any) -> int:
    return member.header_offset if isinstance(member, zipfile.ZipInfo) else member.offset_data
