"""Table 1 of the paper, rebuilt: every method that is there, on the same faces, in one ledger."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from urdgn_lite import methods, store, zoo
from urdgn_lite.faces import Faces, load
from urdgn_lite.measure.evaluate import Row, evaluate, ledger, origin, read_row, write_row
from urdgn_lite.methods import Method, Network
from urdgn_lite.methods.base import Learnt
from urdgn_lite.progress import bar
from urdgn_lite.provenance import checksum, circumstances

COLUMNS = {  # in the paper's order; [n] are its references
    "bicubic": "bicubic",
    "nearest": "nearest neighbour, Fig. 1 c",
    "liu": "Liu et al. 2007 [5]",
    "yang2010": "Yang et al. 2010 [7]",
    "ma2010": "Ma et al. 2010 [8]",
    "yang2013": "Yang et al. 2013 [10], approximated",
    "srcnn": "Dong et al. 2014 [16]",
    "gan": "GAN [18]",
    "gan-star": "GAN*, Fig. 3",
    "lapgan": "Laplacian pyramid of GANs [19]",
    "lite-gan": "UR-DGN, a small G",
    "released-gan": "UR-DGN, the authors' G",
    "lite": "UR-DGN without D",
}
FULL = 15_000  # training faces of the paper, Sect. 4.1


def keys() -> list[str]:
    """Every row: the paper's columns, whether they are there yet or not, then all others."""
    return [*COLUMNS, *sorted(set(methods.names()) - set(COLUMNS))]


def missing(key: str) -> str | None:
    """What to do for a row that cannot be measured yet; None if it can."""
    if key.removesuffix("+") in methods.names():
        return None
    return (
        f"not there yet: urdgn-lite train --preset {key} --faces celeba128, "
        f"then python tools/runs/weights.py keep runs/{key}/generator.safetensors {key}"
    )


def stored(key: str, faces: Faces) -> Row | None:
    """The ledger's row, or bins (`faces.split` says so), if it still speaks of method and faces.

    It must be of as many faces with the same checksum, of the same card where it is a network's,
    and have intervals. A row from before there were checksums counts without one.
    """
    try:
        row = read_row(key, f"{faces.source}-{faces.split}")
    except KeyError:
        return None
    single = key.removesuffix("+")
    card = json.loads(json.dumps(origin(zoo.card(single)))) if single in zoo.names() else None
    same = row.get("trained") == card and row["n"] == len(faces)
    same = same and ("crc32" not in row or row["crc32"] == checksum(faces.images))
    return row if same and "psnr_interval" in row.get("aligned", row) else None


def measure(key: str, faces: Faces, *, again: bool = False, **options: Any) -> Row:
    """A row of Table 1: from the ledger, else measured and written there at once.

    Parameters
    ----------
    key : one of `methods.names()`.
    faces : to measure on.
    again : measure although the ledger has the row. Nothing is fitted again: delete its file.
    options : those of `ready`.

    Returns
    -------
    what `evaluate` gives, and how the method came about: `trained` (a network's card), or `fit`
    (faces, seconds, peak_gib of its whole process) with `stages`; commit, hardware, date.
    """
    if not again and (row := stored(key, faces)):
        return row
    method, made = ready(key, **options)
    row = evaluate(method, faces, perceptual=True) | made
    if isinstance(method, Learnt):  # read now: calls report too
        row["stages"] = {name: round(value, 4) for name, value in method.stages.items()}
    write_row(key, faces, row | circumstances())
    return read_row(key, f"{faces.source}-{faces.split}")


def ready(
    key: str, *, training: str = "celeba128", limit: int = FULL,
    folder: Path = Path("runs/table1"), root: Path = Path("data"),
) -> tuple[Method, Row]:  # fmt: skip
    """A method that can enlarge, and how it came about, see `measure`.

    One that learns is fitted on the first `limit` training faces of the source `training` (below
    `root`), unless `folder` has it as KEY.safetensors.
    """
    method = methods.get(key)
    if isinstance(method, Network):
        return method, {"trained": method.card}
    if not isinstance(method, Learnt):
        return method, {}
    path, about = folder / f"{key}.safetensors", folder / f"{key}.json"
    if not (path.exists() and about.exists()):
        fit = apart(method, training, limit, root, path)
        store.write_json(about, fit)
    return type(method).load(path), {"fit": json.loads(about.read_text())}


def apart(method: Learnt, training: str, limit: int, root: Path, path: Path) -> Row:
    """Fit in a process of its own, so that its peak of memory is nobody else's, and save.

    Raises
    ------
    ValueError : the process died, as it does where memory runs out.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_fit, method, training, limit, root, path).result()
        except BrokenProcessPool:
            name = type(method).__name__
            raise ValueError(f"fitting {name} died, probably for want of memory") from None


def _fit(method: Learnt, training: str, limit: int, root: Path, path: Path) -> Row:
    images = load(training, "train", root=root, limit=limit).images
    h = images.float().div_(127.5).sub_(1)  # to_float, without its copies: 3 GB each
    began = time.perf_counter()
    method.fit(h)
    seconds = time.perf_counter() - began
    method.save(path)
    faces = min(len(h), method.settings().get("faces", len(h)))  # many take a subset of these
    return {"source": training, "faces": faces, "seconds": round(seconds, 1),
            "peak_gib": _peak_gib()}  # fmt: skip


def _peak_gib() -> float | None:
    """Most memory that this process ever held, in GiB; None on Windows, which does not say."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30, 2)


@dataclass
class Table1:
    """Rows by key, reasons for the keys without one, and whether Ctrl-C cut it short."""

    rows: dict[str, Row] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


def build(
    wanted: Iterable[str], faces: Faces, measure: Callable[..., Row] = measure, **options: Any
) -> Table1:
    """`measure` all that can be measured; one method that fails does not stop the others.

    Raises
    ------
    ValueError : a key that is none of `keys()`; near ones are suggested.
    """
    wanted, table = list(wanted), Table1()
    for key in wanted:
        if key.removesuffix("+") not in keys():
            raise zoo.unknown(key, keys())
    try:
        for key in (parts := bar(wanted, "table 1")):
            parts.set_postfix_str(key)
            if note := missing(key):
                table.notes[key] = note
                continue
            try:
                table.rows[key] = measure(key, faces, **options)
            except (ValueError, ImportError, OSError) as error:
                table.notes[key] = f"not measured: {error}"
    except KeyboardInterrupt:
        table.interrupted = True
        table.notes |= {k: "interrupted" for k in wanted if k not in table.rows | table.notes}
    return table


def recorded(on: str = "celeba128-test") -> Table1:
    """What the ledger holds on SOURCE-SPLIT; the paper's columns that it lacks have a note."""
    found = {path.stem: read_row(path.stem, on) for path in sorted((ledger() / on).glob("*.json"))}
    rows = {key: row for key, row in found.items() if "psnr_interval" in row}
    return Table1(rows, {key: missing(key) or "not measured" for key in COLUMNS if key not in rows})
