"""Table 1 of the paper, rebuilt: every method that is there, on the same faces, in one ledger."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urdgn_lite import methods, store, zoo
from urdgn_lite.degrade import to_float
from urdgn_lite.faces import Faces, load
from urdgn_lite.measure.evaluate import Row, evaluate, ledger, read_row, write_row
from urdgn_lite.methods import Method, Network
from urdgn_lite.methods.base import Learnt, spread
from urdgn_lite.progress import bar
from urdgn_lite.provenance import checksum, circumstances


@dataclass(frozen=True)
class Column:
    """A column of Table 1, in the paper's order, and the row of ours that stands beside it.

    Attributes
    ----------
    key : of the method, and of its row in the ledger.
    name, reference : whose method, and what stands above the column.
    note : what ours does otherwise, or chose where the paper is silent.
    published : the paper's row in `results/paper.yml`.
    """

    key: str
    name: str
    reference: str
    note: str
    published: str


COLUMNS = (
    Column("bicubic", "", "Bicubic", "a = −0.5", "bicubic"),
    Column("liu", "Liu et al.", "[5]", "aligned to the pixel; without bilateral filter", "liu"),
    Column("yang2010", "Yang et al.", "[7]", "a dictionary for each of three 2 × levels, "
           "back-projection to the LR face", "yang2010"),
    Column("yang2013", "Yang et al.", "[10]", "approximated: boxes for landmarks", "yang2013"),
    Column("srcnn", "Dong et al.", "[16]", "one 2 × network, three times", "srcnn"),
    Column("ma2010", "Ma et al.", "[8]", "aligned to the pixel; patches overlap by two thirds",
           "ma2010"),
    Column("paper-gan", "UR-DGN,", "Ours", "Sect. 3.2 to the letter, layer sizes ours", "ur-dgn"),
)  # fmt: skip
FURTHER = {  # rows that the paper has not
    "nearest": "nearest training face, Fig. 1 (c)",
    "srcnn-8x": "[16], 8 × at once",
    "gan": "fully connected layer, λ = 0, LR face in",
    "gan-star": "UR-DGN with λ = 0",
    "lapgan": "conditional Laplacian pyramid of GANs",
    "lite-gan": "UR-DGN, a small G that began as `lite`",
    "released-gan": "UR-DGN, the authors' released G",
    "released-quarter-gan": "UR-DGN, the authors' code at a quarter of its widths",
    "lite": "UR-DGN without D, Fig. 1 (f)",
}
FULL = 15_000  # training faces of the paper, Sect. 4.1


def keys() -> list[str]:
    """Every row: the paper's columns, whether they are there yet or not, then all others."""
    first = [*(column.key for column in COLUMNS), *FURTHER]
    return [*first, *sorted(set(methods.names()) - set(first))]


def label(key: str) -> str:
    """What stands beside a key in captions and tables: whose it is, or what it is."""
    for column in COLUMNS:
        if column.key == key:
            named = f"{column.name} {column.reference}".strip()
            return named + (", approximated" if "approximated" in column.note else "")
    return FURTHER.get(key, "")


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

    It must be of as many faces with the same checksum, and of the same card where it is a
    network's. A row from before there were checksums counts without one.
    """
    try:
        row = read_row(key, f"{faces.source}-{faces.split}")
    except KeyError:
        return None
    single = key.removesuffix("+")
    card = zoo.card(single) if single in zoo.names() else None
    same = row.get("trained") == card and row["n"] == len(faces)
    return row if same and row.get("crc32") in (None, checksum(faces.images)) else None


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
    (source, faces, seconds) with `stages`; commit, hardware, date.
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
    key: str,
    *,
    training: str = "celeba128",
    limit: int = FULL,
    folder: Path = Path("runs/table1"),
    root: Path = Path("data"),
) -> tuple[Method, Row]:
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
        images = load(training, "train", root=root, limit=limit).images
        images = spread(images, method.settings().get("faces", len(images)))
        began = time.perf_counter()
        method.fit(to_float(images))
        seconds = round(time.perf_counter() - began, 1)
        method.save(path)
        store.write_json(about, {"source": training, "faces": len(images), "seconds": seconds})
    return type(method).load(path), {"fit": json.loads(about.read_text())}


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
    rows = {path.stem: read_row(path.stem, on) for path in sorted((ledger() / on).glob("*.json"))}
    columns = (column.key for column in COLUMNS)
    return Table1(rows, {k: missing(k) or "not measured" for k in columns if k not in rows})
