"""One way to write and to read: a file whole or not at all, tensors with a card and a checksum."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

Tensors = Mapping[str, Tensor]
Card = dict[str, Any]
# What code raises that is given a card or tensors which do not fit it.
MISFITS = (LookupError, TypeError, AttributeError, RuntimeError, ValueError, ArithmeticError)
UNREADABLE = (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError)


class DamagedError(ValueError):
    """A file is not what it should be; the message names it and says why."""


class InUseError(ValueError):
    """Another process writes into that folder; the message names the process."""


def write(path: Path, data: bytes | str) -> None:
    """Write a file, whole or not at all: a crash or a full disk leaves the old one.

    Raises
    ------
    OSError : it cannot be written; nothing is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:  # with the umask's mode
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def spare(path: Path, mark: str = "urdgn_lite") -> None:
    """Refuse to replace a file of somebody else: what we write bears a mark at one of its ends.

    Raises
    ------
    FileExistsError : the file is there, without the mark, or a folder of that name.
    """
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder, and a file is to be there: choose another")
    if path.is_file():
        with path.open("rb") as file:
            ends = file.read(4096)
            file.seek(max(file.tell(), path.stat().st_size - 4096))
            ends += file.read()
        if mark.encode() not in ends:
            raise FileExistsError(f"{path} exists, and urdgn_lite did not write it: choose another")


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON, indented by one."""
    write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def write_tensors(path: Path, tensors: Tensors, card: Mapping[str, Any]) -> None:
    """Write tensors as safetensors, with their card and a checksum of both in the header.

    Raises
    ------
    ValueError : a value is not finite. OSError : as `write`.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    if wrong := not_finite(tensors):
        raise ValueError(f"{path.name}: {wrong} is not finite, and is not written")
    text = json.dumps(card, ensure_ascii=False)
    write(path, save(tensors, {"card": text, "sha256": checksum(tensors, text)}))


def read_tensors(path: Path, what: str) -> tuple[dict[str, Tensor], Card]:
    """Read what `write_tensors` wrote; nothing in the file is executed.

    Parameters
    ----------
    what : what the file should be, for the message.

    Raises
    ------
    DamagedError : it is something else, was changed, or holds values that are not finite.
    """
    with _read(path, what) as stored:
        header = stored.metadata() or {}
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        card = json.loads(header["card"])
    if header.get("sha256") != checksum(tensors, header["card"]):
        raise DamagedError(f"{path}: not a {what} as it was written: its checksum differs")
    if wrong := not_finite(tensors):
        raise DamagedError(f"{path}: damaged {what}: {wrong} is not finite")
    return tensors, card


def read_card(path: Path, what: str) -> Card:
    """The card alone, unchecked."""
    with _read(path, what) as stored:
        return dict(json.loads(stored.metadata()["card"]))


@contextmanager
def _read(path: Path, what: str) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as stored:
            yield stored
    except UNREADABLE as error:
        reason = _reason(path, error)
        raise DamagedError(f"{path}: not a {what} of this package ({reason})") from error


def checksum(tensors: Tensors, card: str) -> str:
    """SHA-256 of a card's text and of tensors: names, shapes, types, values."""
    digest = hashlib.sha256(card.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def not_finite(tensors: Tensors) -> str:
    """Name of the first tensor with a NaN or an infinite value; "" if there is none."""
    numbers = {name: value for name, value in tensors.items() if value.is_floating_point()}
    return next((name for name, value in numbers.items() if not value.isfinite().all()), "")


def _reason(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            beginning = file.read(2)
    except OSError:
        return str(error)
    if beginning in (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05"):
        return "a pickle, as torch.save writes it: such files can run programs and are not opened"
    if isinstance(error, KeyError | TypeError):
        return "safetensors of another program: no card"
    return " ".join(str(error).split())


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a folder for this process while it writes there.

    Raises
    ------
    InUseError : another process has it. OSError : it cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / ".process"
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text() if holder.exists() else "?"
        raise InUseError(f"{folder} is in use by process {who}: wait, or choose another") from None
    try:
        for left in folder.glob(".*.part"):  # by a process that was killed while it wrote
            left.unlink(missing_ok=True)
        holder.write_text(str(os.getpid()))
        yield
    finally:
        for path in (holder, folder / ".lock"):
            path.unlink(missing_ok=True)
        lock.release()
