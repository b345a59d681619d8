import json
import re
from pathlib import Path

import pytest
import yaml

from urdgn_lite.measure import claims, evaluate

BOOK = Path(__file__).parent.parent / "book"
ROWS = list(claims.load().values())


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A ledger of one small file."""
    (tmp_path / "one.json").write_text(
        '{"gain": 1.5, "gain_interval": [1.0, 2.0], "loss": 0.5, "key with, words": {"x": -3},'
        ' "series": [{"shift": -1, "gain": 4, "gain_interval": [3, 5]}, {"shift": 0, "gain": 5}]}'
    )
    (tmp_path / "paper.yml").write_text("psnr: 24.82")
    monkeypatch.setattr(claims, "ledger", lambda: tmp_path)
    claims._read.cache_clear()
    yield tmp_path
    claims._read.cache_clear()


def true(inequality):
    """Whether `A > B` or `A < B` holds; each side is a reference or a number."""
    left, sign, right = re.split(r" ([<>]) ", inequality)
    a, b = (float(side) if "#" not in side else claims.value(side)[0] for side in (left, right))
    return a > b if sign == ">" else a < b


def row(**changes):
    return claims.Claim(
        **{"id": "C0", "section": "1", "claim": "", "verdict": "partly", "found": "", **changes}
    )


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("{one#gain|+.2f}", "+1.50 ± 0.50"),
        ("{one#loss|.1f}", "0.5"),
        ("{one#key with, words/x|.0f}", "−3"),
        ("{one#series/-1/gain|.0f}", "4 ± 1"),
        ("{paper#psnr|.2f}", "24.82"),
        ("{one#gain - one#loss|+.1f}", "+1.0"),
    ],
)
@pytest.mark.usefixtures("ledger")
def test_a_number_comes_from_the_ledger_with_its_interval(reference, text):
    assert row(found=f"It is {reference}.").text == f"It is {text}."


@pytest.mark.parametrize("missing", ["two#gain", "one#gains", "one#series/7/gain", "one#loss/low"])
@pytest.mark.usefixtures("ledger")
def test_what_the_ledger_lacks_is_named(missing):
    with pytest.raises(KeyError, match=f"the ledger has no {missing.split('#')[0]}"):
        claims.value(missing)


@pytest.mark.usefixtures("ledger")
def test_a_verdict_rests_on_inequalities():
    assert true("one#gain > 1")
    assert not true("one#gain < one#loss")
    assert true("one#gain/low < one#gain/high")


def test_there_is_a_row_for_every_claim_of_the_list():
    assert [r.id for r in ROWS] == [f"C{n:02}" for n in range(1, 76)]
    assert {r.verdict for r in ROWS} <= set(claims.VERDICTS)
    assert all(r.claim and r.found and r.section for r in ROWS)


@pytest.mark.parametrize("claim", ROWS, ids=lambda r: r.id)
def test_a_rows_numbers_are_in_the_ledger_and_bear_the_verdict(claim):
    assert "{" not in claim.text
    assert [one for one in claim.holds if not true(one)] == []
    if claim.verdict in ("reproduced", "contradicted") and claims.REFERENCE.search(claim.found):
        assert claim.holds, "a verdict by a number rests on an inequality"
        assert claim.command, "a number has a command"


def test_a_finding_types_no_number_that_the_ledger_could_hold():
    for claim in ROWS:
        words = re.sub(r"\]\(.*?\)", "", claims.REFERENCE.sub("", claim.found))  # without links
        typed = re.findall(r"\d\.\d\d", words)
        assert not typed, claim.id


@pytest.mark.parametrize("page", ["claims", "related-work"])
def test_a_page_shows_what_the_ledger_says_today(page):
    cells = json.loads((BOOK / f"{page}.ipynb").read_text())["cells"]
    shown, scope = [], {"Markdown": lambda text: shown.append(text)}
    for cell in cells:
        code = "".join(cell["source"])
        stored = [
            o["data"]["text/markdown"]
            for o in cell.get("outputs", ())
            if "text/markdown" in o.get("data", {})
        ]
        if stored:
            code = code.replace("from IPython.display import Markdown\n", "")
            exec(code, scope)
            assert "".join(stored[0]) == shown.pop(), code[:60]


def test_everything_in_the_list_of_references_is_cited():
    pages = "".join(
        p.read_text()
        for p in BOOK.iterdir()
        if p.suffix in (".md", ".ipynb") and p.stem != "bibliography"
    )
    for line in (BOOK / "bibliography.md").read_text().splitlines():
        if line.startswith("- "):
            first, year = re.match(r"- ([^,(]+?)[,(].*?\((\d{4})\)", line).groups()
            assert re.search(rf"{re.escape(first.strip())}[^\]]{{0,60}}?\(?{year}", pages), line[
                :60
            ]


def test_tables_have_all_rows_once():
    text = "\n".join(claims.table(part) for part in claims.PARTS.values())
    for claim in ROWS:
        assert text.count(f"| {claim.id} |") == 1
    assert sum(int(line.split("|")[2]) for line in claims.counts(ROWS).splitlines()[2:]) == 75


def test_the_list_is_plain_data():
    rows = yaml.safe_load((evaluate.ledger() / "claims.yml").read_text())
    assert {key for r in rows for key in r} <= set(claims.Claim.__dataclass_fields__)
