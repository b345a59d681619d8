"""Table 1 in print: the paper beside ours, and what the numbers allow to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from urdgn_lite.measure.evaluate import Row, paper
from urdgn_lite.measure.table1 import COLUMNS, FULL, Table1, keys
from urdgn_lite.zoo import steps_and_seconds

PUBLISHED = {"bicubic": "bicubic", "lite-gan": "ur-dgn", "released-gan": "ur-dgn"}
SETTLED = 0.02  # dB of validation gain
APPROXIMATED = {"yang2013": " (approx.)"}  # wherever it is named
WORDS = ("method", "verdict", "what it is", "why")


def verdict(key: str, row: Row, published: Mapping[str, Row]) -> str:
    """What the numbers allow to say, and no more.

    "reproduced" takes all of these: a column of the paper, at least 15,000 real faces, training
    until it had `converged` by the card's history, and a gain in PSNR whose interval reaches the
    paper's, or lies above it. A run on fewer faces is called scaled down, whatever its gain, and
    one that was stopped early not shown to have converged; on other faces than CelebA nothing is
    said.
    """
    if row["faces"] not in ("celeba", "celeba128"):
        return "not the paper's faces"
    bicubic, urdgn = published["bicubic"]["psnr"], published["ur-dgn"]["psnr"]
    if key == "bicubic":
        return "agrees" if _side(row["psnr_interval"], bicubic) == "level" else "differs"
    side = _side(row["gain_psnr_interval"], urdgn - bicubic)
    own = key in PUBLISHED
    if "trained" not in row:
        words = ["no number of the paper to hold it against"]
    elif own:
        words = ["below" if side == "below" else "reproduced"]
    else:
        words = [f"{side} UR-DGN" if side != "level" else "level with UR-DGN"]
    if small := scaled_down(row):
        words = [small] + ([side] if own else words if "trained" in row else [])
    return "; ".join(words)


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
    """A part of Table 1 that fits 80 columns, in a terminal and in a book."""

    title: str
    headings: list[str]
    rows: list[list[str]]

    def printed(self) -> Table:
        """For a terminal."""
        table = Table(title=escape(self.title), title_justify="left", box=SIMPLE_HEAD,
                      show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)  # fmt: skip
        for heading in self.headings:
            table.add_column(heading, justify="left" if heading in WORDS else "right")
        for key, *cells in self.rows:
            table.add_row(*map(escape, (key + APPROXIMATED.get(key, ""), *cells)))
        return table

    def markdown(self) -> str:
        """For a notebook; the title is left to the text around it."""
        marks = ["---" if heading in WORDS else "---:" for heading in self.headings]
        rows = ([f"`{key}`{APPROXIMATED.get(key, '')}", *cells] for key, *cells in self.rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in (self.headings, marks, *rows))


def sheets(table: Table1, title: str = "") -> dict[str, Sheet]:
    """Table 1 in parts, by name; ± is half the 95 % interval, arrows point to the better end.

    psnr, ssim : paper, ours, gain over bicubic of both; the verdict.
    luma : PSNR with its interval, and the same on Y.
    seen : LPIPS, identity, rank-1 retrieval, LR consistency in dB.
    cost : seconds a face; faces, minutes and peak memory that `fit` or the training took.
    missing : why a row is not there.
    """
    place = {key: number for number, key in enumerate(keys())}
    order = sorted(
        {**table.rows, **table.notes}, key=lambda k: (place.get(k.removesuffix("+"), 99), k)
    )
    rows = {key: table.rows[key] for key in order if key in table.rows}
    published = paper()["table1"]

    def beside(measure: str, digits: int) -> list[list[str]]:
        lines = []
        for key, row in rows.items():
            theirs = theirs_gain = "–"
            if known := published.get(PUBLISHED.get(key, "")):
                theirs = f"{known[measure]:.2f}"
                theirs_gain = f"{known[measure] - published['bicubic'][measure]:+.2f}"
            ours = f"{row[measure]:.{digits}f}"
            gain = cell(row, f"gain_{measure}", digits, "+")
            lines.append([key, theirs, ours, theirs_gain, "–" if key == "bicubic" else gain])
        return lines

    compared = ["method", "paper", "ours", "gain, paper", "gain, ours"]
    judged = [[*line, verdict(line[0], rows[line[0]], published)] for line in beside("psnr", 2)]
    parts = {
        "psnr": Sheet(title or "PSNR in dB, RGB", [*compared, "verdict"], judged),
        "ssim": Sheet("SSIM, RGB", compared, beside("ssim", 3)),
        "luma": Sheet(
            "PSNR in dB and SSIM, RGB and luma",
            ["method", "PSNR ↑", "PSNR, Y ↑", "SSIM ↑", "SSIM, Y ↑"],
            [[k, cell(r, "psnr", 2), cell(r, "psnr_y", 2), cell(r, "ssim", 3),
              cell(r, "ssim_y", 3)] for k, r in rows.items()],
        ),
        "seen": Sheet(
            "Seen by networks, and in the LR face (dB)",
            ["method", "LPIPS ↓", "identity ↑", "rank-1 ↑", "LR cons. ↑"],
            [[k, cell(r, "lpips", 3), cell(r, "identity", 3), cell(r, "rank1", 2),
              cell(r, "lr_consistency", 1)] for k, r in rows.items()],
        ),
        "cost": Sheet(
            "Cost of a face, and of learning",
            ["method", "what it is", "s / face", "faces", "min", "GiB"],
            [[k, COLUMNS.get(k, ""), f"{r['seconds_per_face']:.2g}", *_made(r)]
             for k, r in rows.items()],
        ),
    }  # fmt: skip
    if table.notes:
        absent = [[key, table.notes[key]] for key in order if key in table.notes]
        parts["missing"] = Sheet("Not there", ["method", "why"], absent)
    return parts


def measured(rows: Mapping[str, Row], title: str) -> Table:
    """What `evaluate` gave, a line a method; identity where it could be computed."""
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, show_edge=False,
                  padding=(0, 1, 0, 0), pad_edge=False)  # fmt: skip
    columns = {
        "PSNR": ("psnr", ".2f"), "gain": ("gain_psnr", "+.2f"), "SSIM": ("ssim", ".3f"),
        "gain ": ("gain_ssim", "+.3f"), "PSNR Y": ("psnr_y", ".2f"), "LPIPS": ("lpips", ".3f"),
        "identity": ("identity", ".3f"), "LR cons.": ("lr_consistency", ".1f"),
        "s/face": ("seconds_per_face", ".4f"),
    }  # fmt: skip
    if all(row.get("identity") is None for row in rows.values()):
        del columns["identity"]  # it takes an extra
    table.add_column("method", overflow="fold")  # where space is short, a path and no number
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for method, row in rows.items():
        values = ((row[name], digits) for name, digits in columns.values())
        cells = ["–" if value is None else f"{value:{digits}}" for value, digits in values]
        table.add_row(escape(method), *cells)
    return table


def tables(table: Table1, title: str) -> list[Table]:
    """`sheets`, to print."""
    return [sheet.printed() for sheet in sheets(table, title).values()]


def cell(row: Row, name: str, digits: int, sign: str = "") -> str:
    """A value of a row, ± half of its interval; a dash where it was not measured."""
    value = row.get(name)
    if value is None:
        return "–"
    low, high = row[f"{name}_interval"]
    return f"{value:{sign}.{digits}f} ± {(high - low) / 2:.{digits}f}"


def _made(row: Row) -> tuple[str, str, str]:
    if "trained" in row:
        card = row["trained"]
        return f"{card['data']['n']:,}", f"{steps_and_seconds(card)[1] / 60:.1f}", "–"
    if not (fit := row.get("fit")):
        return "–", "–", "–"
    return f"{fit['faces']:,}", f"{fit['seconds'] / 60:.1f}", str(fit["peak_gib"] or "–")
