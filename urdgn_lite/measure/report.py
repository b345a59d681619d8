"""Table 1 in print: the paper beside ours, and what the numbers allow to say."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from urdgn_lite.measure.evaluate import Row, ledger, paper
from urdgn_lite.measure.table1 import COLUMNS, FULL, Table1, keys, label
from urdgn_lite.zoo import steps_and_seconds

OURS = COLUMNS[-1].key
SETTLED = 0.02  # dB of validation gain
WORDS = ("", "method", "there", "verdict", "what it is", "why")  # headings of words: left
Columns = Mapping[str, tuple[str, int]]  # name in a row -> heading, digits


def verdict(key: str, row: Row) -> str:
    """What the numbers allow to say, and no more.

    A column of the paper is held against its own gain in PSNR there, every other row against that
    of UR-DGN, by the interval. "reproduced" takes all of these: the paper's own method, at least
    15,000 real faces, training until it had `converged` by the card's history, and a gain that
    reaches the paper's. A run on fewer faces is called scaled down, whatever its gain, and one that
    was stopped early not shown to have converged; on other faces than CelebA nothing is said.
    """
    if row["faces"] not in ("celeba", "celeba128"):
        return "not the paper's faces"
    column = next((c for c in COLUMNS if c.key == key), None)
    if key == "bicubic":
        level = _side(row["psnr_interval"], paper()["table1"]["bicubic"]["psnr"]) == "level"
        return "agrees" if level else "differs"
    side = _side(
        row["gain_psnr_interval"], published_gain(column.published if column else "ur-dgn")
    )
    whose = "the paper" if column else "UR-DGN"
    words = f"level with {whose}" if side == "level" else f"{side} {whose}"
    if small := scaled_down(row):
        return f"{small}; {words}"
    return "reproduced" if key == OURS and side != "below" else words


def published_gain(name: str) -> float:
    """The paper's gain in PSNR of a row of `results/paper.yml` over its bicubic one (Table 1)."""
    rows = paper()["table1"]
    return rows[name]["psnr"] - rows["bicubic"]["psnr"]


def _side(interval: Iterable[float], value: float) -> str:
    low, high = interval
    return "above" if low > value else "below" if high < value else "level"


def scaled_down(row: Row) -> str | None:
    """How a run falls short of the paper's, in words; None if it does not, or learns nothing."""
    if "fit" in row:
        n, source, seconds = (row["fit"][name] for name in ("faces", "source", "seconds"))
        finished = True  # no iterations whose end anybody chose
    elif "trained" in row:
        card = row["trained"]
        n, source, seconds = card["data"]["n"], card["data"]["source"], steps_and_seconds(card)[1]
        batch = card.get("preset", {}).get("batch", 1)
        finished = converged(card.get("history", []), max(1, n // batch))
    else:
        return None
    spent = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    if n < FULL or source == "imaginary":
        kind = "imaginary faces" if source == "imaginary" else "faces"
        return f"scaled down: {n:,} {kind}, {spent}"
    return None if finished else f"not shown to have converged: {spent}"


def converged(history: Sequence[Mapping[str, float]], epoch: int = 1) -> bool:
    """Whether a training had settled: its last fifth moved the validation gain by < 0.02 dB.

    Parameters
    ----------
    history : rows with `step` and, where it was validated, `gain` in dB, as a run and its card
        keep them.
    epoch : steps an epoch. The last fifth must be an epoch at least: a learning rate that
        falls to zero settles every run, also a short one.

    Returns
    -------
    False too where the history is too thin to tell. Up or down, a move is a move: a gain that D
    is still pulling down has not settled either.
    """
    gains = {row["step"]: row["gain"] for row in history if "gain" in row}
    if not gains:
        return False
    last = max(gains)
    before = [step for step in gains if step <= 0.8 * last]
    if not before or last / 5 < epoch:
        return False
    late = [gain for step, gain in gains.items() if step >= max(before)]
    return max(late) - min(late) < SETTLED


@dataclass
class Sheet:
    """A table of text that fits 80 columns, in a terminal and in a book.

    What stands below the heading "method" is the key of one, set as code.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]

    def printed(self) -> Table:
        """For a terminal."""
        look: dict[str, Any] = {"box": SIMPLE_HEAD, "show_edge": False, "pad_edge": False}
        table = Table(title=escape(self.title), title_justify="left", padding=(0, 1, 0, 0), **look)
        for heading in self.headings:
            words = heading in WORDS
            look = {"justify": "left" if words else "right", "overflow": "fold"}
            table.add_column(escape(heading).replace(", ", ",\n"), no_wrap=not words, **look)
        for row in self.rows:
            table.add_row(*map(escape, row))
        return table

    def markdown(self) -> str:
        """For a notebook; the title is left to the text around it."""
        marks = ["---" if heading in WORDS else "---:" for heading in self.headings]
        tick = "`" if self.headings[0] == "method" else ""
        rows = ([f"{tick}{first}{tick}", *cells] for first, *cells in self.rows)
        return pipes(self.headings, marks, *rows)


def pipes(*lines: Sequence[str]) -> str:
    """A table in Markdown: its headings, marks of alignment, rows; minus signs outside of code."""
    table = "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
    return re.sub(r"`[^`]*`|(?<![\w.)-])-(?=\d)", lambda m: "−" if m[0] == "-" else m[0], table)


def seven(table: Table1) -> Sheet:
    """Table 1, its seven columns in the paper's order, here a line each: theirs beside ours.

    Gains are over the bicubic row of the same table; ± is half of the 95 % interval, which
    resamples people. Without a row of ours, dashes.
    """
    published, lines = paper()["table1"], []
    for column in COLUMNS:
        theirs, ours = published[column.published], table.rows.get(column.key)
        line = [column.key, column.reference]
        for measure, digits in (("psnr", 2), ("ssim", 3)):
            line += [f"{theirs[measure]:.2f}", f"{ours[measure]:.{digits}f}" if ours else "–"]
        line.append(f"{published_gain(column.published):+.2f}")
        line.append(cell(ours, "gain_psnr", 2) if ours else "–")
        lines.append(line)
    headings = ["method", "there", "PSNR, paper", "ours", "SSIM, paper", "ours "]
    headings += ["gain, paper", "gain, ours"]
    return Sheet("Table 1: PSNR in dB and SSIM, RGB", headings, lines)


def best_before(table: Table1) -> str:
    """What the paper's own method gains over bicubic and over the best before it (Sect. 4.3)."""
    theirs = {column.key: published_gain(column.published) for column in COLUMNS}
    ours = {key: table.rows[key]["gain_psnr"] for key in theirs if key in table.rows}
    lines = []
    for whose, gains in (("paper", theirs), ("ours", ours)):
        if OURS in gains:
            over = gains.pop(OURS)
            best = f"{over - max(gains.values()):+.2f} dB over the previous best"
            lines.append(f"{whose}: {over:+.2f} dB over bicubic, {best}")
    return "\n".join(lines)


def variants() -> Sheet:
    """The compared methods set up in other ways: gains over bicubic in dB, and what they look like.

    sharpness and blocks (steps at the borders of 4 × 4 LR pixels) are ratios to the original's.
    More of it is in the ledger: `tools/runs/ranking.py`.
    """
    rows = {}
    for key, row in json.loads((ledger() / "ranking.json").read_text()).items():
        loose = {
            f"gain_loose{end}": row["unaligned"][f"gain_psnr{end}"] for end in ("", "_interval")
        }
        rows[key] = row["aligned"] | loose
    columns = {"gain_psnr": ("aligned", 2), "gain_loose": ("unaligned", 2)}
    columns |= {"sharpness": ("sharpness", 2), "blockiness": ("blocks", 2)}
    return of_rows("The compared methods, set up in other ways", rows, columns)


def of_rows(title: str, rows: Mapping[str, Row], columns: Columns) -> Sheet:
    """Values with their intervals, a line a method."""
    digits = {name: number for name, (_, number) in columns.items()}
    lines = [[key, *(cell(row, *how) for how in digits.items())] for key, row in rows.items()]
    return Sheet(title, ["method", *(heading for heading, _ in columns.values())], lines)


def sheets(table: Table1, title: str = "") -> dict[str, Sheet]:
    """Table 1 in parts, by name; ± is half the 95 % interval, arrows point to the better end.

    table1 : the paper's seven columns, see `seven`.
    psnr : every row's PSNR and SSIM with their gains, and the verdict.
    luma : PSNR and SSIM with their intervals, and the same on Y.
    seen : LPIPS, sharpness, identity, rank-1 retrieval, LR consistency in dB.
    cost : seconds a face; faces and minutes that `fit` or the training took.
    missing : why a row is not there.
    """
    place = {key: number for number, key in enumerate(keys())}
    order = sorted(
        {**table.rows, **table.notes}, key=lambda k: (place.get(k.removesuffix("+"), 99), k)
    )
    rows = {key: table.rows[key] for key in order if key in table.rows}

    whole, cost = [], []
    for key, row in rows.items():
        gains = cell(row, "gain_psnr", 2), cell(row, "gain_ssim", 3)
        line = [key, f"{row['psnr']:.2f}", gains[0], f"{row['ssim']:.3f}", gains[1]]
        whole.append([*line, verdict(key, row)])
        cost.append([key, label(key), f"{row['seconds_per_face']:.2g}", *_made(row)])
    heading = "Every row: PSNR in dB and SSIM, RGB"
    luma = {"psnr": ("PSNR ↑", 2), "psnr_y": ("PSNR, Y ↑", 2)}
    luma |= {"ssim": ("SSIM ↑", 3), "ssim_y": ("SSIM, Y ↑", 3)}
    seen = {"lpips": ("LPIPS ↓", 3), "sharpness": ("sharpness", 2), "identity": ("identity ↑", 3)}
    seen |= {"rank1": ("rank-1 ↑", 2), "lr_consistency": ("LR cons. ↑", 1)}
    also = "Seen by networks, as sharp as HR, and in the LR face (dB)"
    made = ["method", "what it is", "s / face", "faces", "min"]
    parts = {
        "table1": seven(table),
        "psnr": Sheet(
            title or heading, ["method", "PSNR", "gain", "SSIM", "gain ", "verdict"], whole
        ),
        "luma": of_rows("PSNR in dB and SSIM, RGB and luma", rows, luma),
        "seen": of_rows(also, rows, seen),
        "cost": Sheet("Cost of a face, and of learning", made, cost),
    }
    if table.notes:
        absent = [[key, table.notes[key]] for key in order if key in table.notes]
        parts["missing"] = Sheet("Not there", ["method", "why"], absent)
    return parts


def measured(rows: Mapping[str, Row], title: str) -> Sheet:
    """What `evaluate` gave, a line a method; identity where it could be computed."""
    columns = {"psnr": ("PSNR", 2), "gain_psnr": ("gain", 2), "ssim": ("SSIM", 3)}
    columns |= {"gain_ssim": ("gain ", 3), "psnr_y": ("PSNR Y", 2), "lpips": ("LPIPS", 3)}
    columns |= {"sharpness": ("sharp", 2), "identity": ("identity", 3)}
    columns |= {"lr_consistency": ("LR cons.", 1), "seconds_per_face": ("s/face", 4)}
    if all(row.get("identity") is None for row in rows.values()):
        del columns["identity"]  # it takes an extra
    short = {key: {name: row.get(name) for name in columns} for key, row in rows.items()}
    return of_rows(title, short, columns)


def tables(table: Table1, title: str) -> list[Table]:
    """`sheets`, to print."""
    return [sheet.printed() for sheet in sheets(table, title).values()]


def cell(row: Row, name: str, digits: int) -> str:
    """A value of a row, ± half of its interval where it has one; a dash if it was not measured."""
    value, sign = row.get(name), "+" if name.startswith("gain") else ""
    if value is None:
        return "–"
    low, high = row.get(f"{name}_interval", (0, 0))
    if low == high:
        return f"{value:{sign}.{digits}f}"
    return f"{value:{sign}.{digits}f} ± {(high - low) / 2:.{digits}f}"


def _made(row: Row) -> tuple[str, str]:
    if "trained" in row:
        card = row["trained"]
        return f"{card['data']['n']:,}", f"{steps_and_seconds(card)[1] / 60:.1f}"
    if not (fit := row.get("fit")):
        return "–", "–"
    return f"{fit['faces']:,}", f"{fit['seconds'] / 60:.1f}"
