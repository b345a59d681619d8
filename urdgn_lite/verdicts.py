"""Table 1 in print: the paper beside ours, and what the numbers allow to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table

from urdgn_lite.evaluate import Row, paper
from urdgn_lite.table1 import COLUMNS, FULL, Table1, keys

PUBLISHED = {"bicubic": "bicubic", "lite-gan": "ur-dgn", "released-gan": "ur-dgn"}


def verdict(key: str, row: Row, published: Mapping[str, Row]) -> str:
    """What the numbers allow to say, and no more.

    "reproduced" takes all of these: a column of the paper, at least 15,000 real faces, training
    to convergence by the card's own word (`converged: true`), and a gain in PSNR whose interval
    reaches the paper's, or lies above it. A run that was smaller is called scaled down, whatever
    its gain; on other faces than CelebA nothing is said.
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
        n, source, seconds = card["data"]["n"], card["data"]["source"], card["seconds"]
        finished = card.get("converged") is True
    else:
        return None
    if n >= FULL and finished and source != "imaginary":
        return None
    kind = "imaginary faces" if source == "imaginary" else "faces"
    return f"scaled down: {n:,} {kind}, {seconds / 60:.0f} min"


def tables(table: Table1, title: str) -> list[Table]:
    """Two to print: paper against ours, and the other measures; ± is half the 95 % interval."""
    rows, notes = table.rows, table.notes
    published = paper()["table1"]
    first = _table(title, "method", "paper", "ours", "gain, paper", "gain, ours", "verdict")
    second = _table(
        "", "method", "PSNR Y", "SSIM Y", "LPIPS ↓", "identity", "rank-1", "LR cons.", "s/face",
        "fit: faces", "min", "GiB",
    )  # fmt: skip
    place = {key: number for number, key in enumerate(keys())}
    for key in sorted({**rows, **notes}, key=lambda k: (place[k.removesuffix("+")], k)):
        known = published.get(PUBLISHED.get(key, ""))
        theirs = theirs_gain = "–"
        if known:
            base = published["bicubic"]
            theirs = f"{known['psnr']:.2f} / {known['ssim']:.2f}"
            gains = known["psnr"] - base["psnr"], known["ssim"] - base["ssim"]
            theirs_gain = f"{gains[0]:+.2f} / {gains[1]:+.2f}"
        name = f"{key}\n  {COLUMNS[key]}" if COLUMNS.get(key, key) != key else key
        if key not in rows:
            first.add_row(name, theirs, "", theirs_gain, "", notes[key])
            continue
        row = rows[key]
        first.add_row(
            name, theirs, f"{_cell(row, 'psnr', 2)}\n{_cell(row, 'ssim', 3)}", theirs_gain,
            f"{_cell(row, 'gain_psnr', 2, '+')}\n{_cell(row, 'gain_ssim', 3, '+')}",
            verdict(key, row, published),
        )  # fmt: skip
        second.add_row(
            key, _cell(row, "psnr_y", 2), _cell(row, "ssim_y", 3), _cell(row, "lpips", 3),
            _cell(row, "identity", 3), _cell(row, "rank1", 2), _cell(row, "lr_consistency", 1),
            f"{row['seconds_per_face']:.2g}", *_made(row),
        )  # fmt: skip
    return [first, second]


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title or None, title_justify="left", show_lines=False)
    for heading in headings:
        left = heading in ("method", "verdict")
        table.add_column(heading, justify="left" if left else "right")
    return table


def _cell(row: Row, name: str, digits: int, sign: str = "") -> str:
    value = row.get(name)
    if value is None:
        return "–"
    low, high = row[f"{name}_interval"]
    return f"{value:{sign}.{digits}f} ± {(high - low) / 2:.{digits}f}"


def _made(row: Row) -> tuple[str, str, str]:
    if "trained" in row:
        card = row["trained"]
        return f"{card['data']['n']:,}", f"{card['seconds'] / 60:.1f}", "–"
    if not (fit := row.get("fit")):
        return "–", "–", "–"
    return f"{fit['faces']:,}", f"{fit['seconds'] / 60:.1f}", str(fit["peak_gib"] or "–")
