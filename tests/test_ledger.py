"""Prose quotes no measured number that the ledger does not hold: README, pages, markdown cells.

A quote is a number with a decimal point that is called dB, PSNR, SSIM or LPIPS. (Whole decibels
are how one speaks of the unit itself: 3 dB is half the squared error.) Rows are looked up among
the methods that the paragraph names in code font, else among all.
"""

import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
N = r"(?<![\d.\w])([+\-−±]?\d+\.\d+)(?![\d.]*\d)"
OTHER_UNIT = r"(?!\s*(?:[MGk]\b|%|px|ms\b|s\b|min|hours?\b|°|×))"
BINS = re.compile("yaw|mouth|turn|rotat|shift|translat|occlu|cover|align|degree|pose|bin", re.I)
Values = list[tuple[str, str, str, float]]  # (file, method, key, value)


@dataclass(frozen=True)
class Quote:
    number: str
    kind: str  # dB, SSIM or LPIPS
    block: str = field(repr=False)


def blocks(text):
    """Paragraphs and table rows; no code, formulas or addresses."""
    text = re.sub(r"(?s)```.*?```|~~~.*?~~~|\$\$.*?\$\$|<!--.*?-->", "\n", text)
    text = re.sub(r"\$[^$\n]+\$|\]\([^)\s]*\)|https?://\S+", " ", text)
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.splitlines()
        rows = [line for line in lines if line.lstrip().startswith("|")]
        yield " ".join(line for line in lines if line not in rows)
        header = rows[0] if rows else ""
        for row in rows:  # a cell is read together with its column's heading
            for heading, cell in itertools.zip_longest(header.split("|"), row.split("|")):
                named = re.findall("PSNR|SSIM|LPIPS", (heading or "").replace("dB", "PSNR"))
                yield f"{row}\n{named[0] if len(set(named)) == 1 else ''} {cell or ''}".strip()


def quotes(text):
    found = []
    for block in blocks(text):
        said = re.sub(r"`[^`]*`", " ", block.rpartition("\n")[2])
        matches = [(m[1], "dB") for m in re.finditer(rf"{N}\s*dB\b", said)]
        for m in re.finditer(rf"{N}\s*(?:in |of )?(SSIM|LPIPS)\b", said):
            matches.append((m[1], m[2]))
        for m in re.finditer(rf"\b(PSNR|SSIM|LPIPS)\b[^.\d\n|;]{{0,25}}?{N}{OTHER_UNIT}", said):
            known = re.match(r"\s*(dB|SSIM|LPIPS)", said[m.end() :])  # its own unit follows
            matches.append((m[2], known[1] if known else m[1].replace("PSNR", "dB")))
        for m in re.finditer(rf"{N}(?: dB)? / {N}", said):
            matches += [(m[1], "dB"), (m[2], "SSIM")]
        for m in re.finditer(rf"(?<![\d.\w])([1-4]\d\.\d\d)(?!\d){OTHER_UNIT}", said):
            matches.append((m[1], "dB"))
        found += [Quote(n.replace("−", "-"), kind, block) for n, kind in dict.fromkeys(matches)]
    return found


def kind_of(key):
    for kind, words in (("SSIM", "ssim"), ("LPIPS", "lpips"), ("dB", "psnr|gain|consistency|_db")):
        if re.search(words, key):
            return kind
    return None


def ledger(folder):
    """Every published or measured value; not what a network's card says of its training."""
    values: Values = []

    def walk(file, method, key, value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name not in ("trained", "fit", "stages", "history"):
                    walk(file, method, name, inner)
        elif isinstance(value, list):
            for inner in value:
                walk(file, method, key, inner)
        elif isinstance(value, (int, float)) and kind_of(key):
            values.append((file, method, key, float(value)))

    for path in sorted(folder.rglob("*.json")):
        table = json.loads(path.read_text())
        rows = table if path.stem == "ranking" else {path.stem: table}  # "liu, bilateral filter"
        for name, row in rows.items():
            walk(path.parent.name, name.partition(",")[0], "", row)
    published = yaml.safe_load((folder / "paper.yml").read_text())["table1"]
    for method, row in published.items():
        walk("paper", method, "", row)
        for key in row:
            gain = row[key] - published["bicubic"][key]
            values.append(("paper", method, f"gain_{key}", gain))
    return values


def is_held(quote, values):
    """Whether the ledger has it, at the precision quoted; a sign must be the gain's."""
    named = set(re.findall(r"`([^`]+)`", quote.block)) & {method for _, method, _, _ in values}
    wanted = [
        (file, method, key, value)
        for file, method, key, value in values
        if kind_of(key) == quote.kind
        and (not named or method in named | {"bicubic"} or file == "paper")
        and ("[" in quote.block or not key.endswith("_interval"))
        and (BINS.search(quote.block) or not file.endswith("-bins"))
    ]
    numbers = [value for *_, value in wanted]
    for (f, a, k, x), (g, b, l, y) in itertools.combinations(wanted, 2):
        if {a, b} <= named and (f, k) == (g, l):
            numbers += [x - y, y - x]
    digits = len(quote.number.partition(".")[2])
    number = float(quote.number.lstrip("±"))
    signed = quote.number[0] in "+-"
    return any(
        abs((value if signed else abs(value)) - number) <= 0.5 * 10**-digits + 1e-9
        for value in numbers
    )


def pages():
    found = {path.name: path.read_text() for path in [ROOT / "README.md"]}
    for path in sorted((ROOT / "book").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if re.search("_build|nbgrader|solutions", name):  # solutions: a learner's own thresholds
            continue
        if path.suffix == ".md":
            found[name] = path.read_text()
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text())["cells"]
            markdown = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
            found[name] = "\n\n".join(markdown)
    return found


PAGES = pages()
VALUES = ledger(ROOT / "results")


@pytest.mark.parametrize("page", PAGES)
def test_every_number_in_prose_stands_in_the_ledger(page):
    unknown = {
        f"{q.number} {q.kind}": q.block for q in quotes(PAGES[page]) if not is_held(q, VALUES)
    }
    assert not unknown


def test_the_derived_tables_are_read():
    for page in ("README.md", "book/intro.md"):
        found = quotes(PAGES[page])
        assert len(found) >= 10
        assert {"+1.60", "+0.03"} <= {q.number for q in found}


@pytest.mark.parametrize("page", ["README.md", "book/intro.md"])
def test_a_derived_table_with_other_digits_is_caught(page):
    rows = re.findall(r"(?m)^\| `.*dB.*$", PAGES[page])
    assert rows
    for row in rows:
        altered = re.sub(
            r"(\d\.\d*?)(\d)( dB| SSIM)", lambda m: m[1] + str(9 - int(m[2])) + m[3], row
        )
        assert altered != row
        assert not all(is_held(q, VALUES) for q in quotes(altered)), altered


# The reader of quotes itself, on a small ledger


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    lite = {"psnr": 24.8743, "gain_psnr": 1.6508, "gain_psnr_interval": [1.58, 1.7213]}
    lite |= {"ssim": 0.7068, "lpips": 0.3117, "trained": {"history": [{"gain": 1.111}]}}
    residual = {"psnr": 26.3716, "gain_psnr": 3.148, "ssim": 0.7699, "lpips": 0.2051}
    rows = {"lite": lite, "residual": residual}
    for name, row in rows.items():
        path = folder / "celeba128-test" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(row))
    path = folder / "celeba128-test-bins" / "lite.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"rotation": [{"degrees": 10, "gain_psnr": 0.9321}]}))
    published = {"bicubic": {"psnr": 23.22, "ssim": 0.67}, "ur-dgn": {"psnr": 24.82, "ssim": 0.70}}
    (folder / "paper.yml").write_text(yaml.safe_dump({"table1": published}))
    return ledger(folder)


RIGHT = [
    "It gains +1.65 dB.",
    "It gains 1.7 dB over bicubic.",
    "The paper reports 24.82 dB, bicubic 23.22, a gain of +1.60 dB.",
    "The paper: 24.82 / 0.70.",
    "An SSIM of 0.707, and 0.312 LPIPS.",
    "LPIPS falls from 0.312 with `lite` to 0.205 with `residual`.",
    "`residual` reaches 1.50 dB more than `lite`.",
    "The interval of `lite` is [1.58 dB, 1.72 dB].",
    "Turned by 10°, `lite` gains only +0.93 dB.",
    "| method | PSNR | parameters |\n|---|---|---|\n| `lite` | 24.87 | 0.33 M |",
]
WRONG = [
    "It gains +1.66 dB.",
    "It gains -1.65 dB.",
    "The paper reports 24.83 dB.",
    "The paper: 24.82 / 0.72.",
    "An SSIM of 0.708.",
    "A PSNR of about 24.9123 in the end.",
    "The value 24.81 stands alone.",
    "`residual` gains +1.65 dB.",  # that is the other one's
    "`residual` reaches 1.51 dB more than `lite`.",
    "`lite` reaches 1.72 dB.",  # the end of an interval is not the value
    "`lite` gains +0.93 dB.",  # nor is a bin the whole
    "It was at 1.111 dB during training.",
    "An LPIPS of 0.707.",  # right as an SSIM
    "| method | PSNR |\n|---|---|\n| `lite` | 24.88 |",
    "| method | gain |\n|---|---|\n| `lite` | +1.64 dB, 0.7068 SSIM |",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_ledger_holds_may_be_quoted(small, text):
    assert quotes(text)
    assert [q for q in quotes(text) if not is_held(q, small)] == []


@pytest.mark.parametrize("text", WRONG)
def test_an_altered_or_borrowed_number_is_caught(small, text):
    assert [q for q in quotes(text) if not is_held(q, small)]


@pytest.mark.parametrize(
    "text",
    [
        "3 dB is half the squared error, 6 dB half the error.",
        "Set λ = 0.01 and watch the PSNR.",
        "```\npsnr 99.99 dB\n```",
        "SSIM uses a Gaussian window with $\\sigma = 1.5$.",
        "| | parameters |\n|---|---|\n| `lite` | 0.33 M |",
    ],
)
def test_what_is_no_measured_number_is_let_be(text):
    assert quotes(text) == []


def test_chapter_7_tells_the_detector_s_count():
    found = json.loads((ROOT / "results" / "detector.json").read_text())["as_it_is"]
    chapter = " ".join((ROOT / "book" / "07-metrics.ipynb").read_text().split())
    assert (
        f"{found['found_bicubic']} of 500 bicubic faces, and on {found['found_hr']} of" in chapter
    )
