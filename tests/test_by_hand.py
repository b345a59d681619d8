"""What a reader without Python answers: held against the checks, with their hints, in a browser."""

import json
import re
import sys
from pathlib import Path

import pytest
from browser import serve
from bs4 import BeautifulSoup

sys.path.insert(0, str(Path(__file__).parents[1] / "tools/sphinx"))
import by_hand

from urdgn_lite import check

BOOK = Path(__file__).parents[1] / "book"
CELL = '<div class="cell"><div class="cell_input"><pre>check.{0}({0})</pre></div></div>'


def test_every_check_of_a_chapter_says_what_can_be_done_without_python():
    seen = set()
    for chapter in BOOK.glob("[0-9]*.ipynb"):
        for cell in json.loads(chapter.read_text())["cells"]:
            found = re.findall(r"^check\.(\w+)\((\w+)\)", "".join(cell["source"]), re.MULTILINE)
            seen |= {name for name, _ in found if cell["cell_type"] == "code"}
    assert seen > set(by_hand.INPUTS)
    assert len(by_hand.INPUTS) > len(seen) / 2
    for name in seen:
        body = by_hand.ask("03-networks", CELL.format(name), "https://colab")
        (place,) = BeautifulSoup(body, "html.parser").select(".by-hand")
        assert place.a["href"] == "https://colab/03-networks.ipynb"
        assert place.has_attr("data-right") == (name in by_hand.INPUTS)


def test_the_second_check_of_a_page_asks_nothing_again():
    body = by_hand.ask("a", CELL.format("cost") * 2, "https://colab")
    assert body.count("by-hand") == 1


def test_a_page_without_checks_is_left_as_it_is():
    body = CELL.format("quiz") + "<br>"
    assert by_hand.ask("a", body, "https://colab") is body


WORKED_OUT = {
    "receptive_field": [1 + 2 + 3 + 4 * 2], "cost": [3 * 16 * 25 + 16, 3 * 16 * 25 * 256],
    "equal_pushes": [5 / 2], "same_push": [100 / 48], "rmsprop": [1 - 0.1 * 2, 1],
    "unbiased": [0.19 / (1 - 0.81)], "covered": [0, 0.25, 0, 1], "normalised": [2, 2, 0],
    "objective": [-0.693147 + 4 * 0.25], "discriminator": [-0.126928 - 0.693147],
    "best_value": [-0.693147], "deconvolution": [1, 3, 2, 3, 7, 4],
}  # fmt: skip


@pytest.mark.parametrize("name", by_hand.INPUTS)
def test_what_is_right_is_what_paper_says(name):
    right, wrong = by_hand.answers(name)
    assert right == pytest.approx(WORKED_OUT[name], rel=1e-3)
    assert all(hint in check.SUITES[name].mistakes for _, hint in wrong)
    assert all(got != right for got, _ in wrong)


@pytest.fixture(scope="module")
def page(tmp_path_factory, visits):
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "book.js").write_bytes((BOOK / "assets/book.js").read_bytes())
    body = by_hand.ask("a", CELL.format("receptive_field") + CELL.format("cost"), "/a")
    (folder / "index.html").write_text(
        f'<!doctype html><link rel="icon" href="data:,"><article>{body}</article>'
        '<script src="book.js" defer></script>'
    )
    address, server = serve(folder)
    yield visits(f"{address}/index.html")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("number", "typed", "said"),
    [(0, "14", "✓ right"), (0, "14.02", "✓ right"), (0, "15", "✗ not that"),
     (0, "12", "✗ each further layer adds its kernel less 1"),
     (0, "fourteen", "✗ numbers only, with a point"), (0, "1 4", "✗ one number is asked for"),
     (1, "1216 307200", "✓ right"), (1, "1,216, 307,200", "✓ right"),
     (1, "307200 1216", "✗ not that"),
     (1, "1200, 307200", "✗ a layer has a bias for each channel that it makes"),
     (1, "", "")],
)  # fmt: skip
def test_an_answer_is_judged_with_a_hint(page, number, typed, said):
    place = page.locator(".by-hand").nth(number)
    place.locator("input").fill(typed)
    page.keyboard.press("Tab")
    assert place.locator("[role=status]").inner_text() == said
