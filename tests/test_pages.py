"""The built book in a browser: readable by everyone, quick to load, its quizzes answerable.

`make test` builds it first. Elsewhere: `make book`, and the tests of the page as it was then.
"""

import re
from pathlib import Path

import pytest
from browser import browser, serve, visit  # noqa: F401 - fixtures

BOOK = Path(__file__).parent.parent / "book"
HTML = BOOK.parent / "_build" / "html"
PAGES = re.findall(r"(?m)(?:file|root): (\S+)$", (BOOK / "_toc.yml").read_text())
CHAPTERS = [page for page in PAGES if re.match(r"\d\d-", page)]
BY_LOOKS = ["color-contrast", "scrollable-region-focusable", "target-size"]


@pytest.fixture(scope="module")
def site():
    if not (HTML / "intro.html").exists():
        pytest.skip("NO PAGE IS TESTED: the book is not built (make book)")
    address, server = serve(HTML)
    yield address
    server.shutdown()
    server.server_close()


def violations(page, rules=None):
    """What axe calls serious or critical: (rule, how often, the first place)."""
    from axe_playwright_python.sync_playwright import Axe

    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options=only | {"resultTypes": ["violations"]}).response["violations"]
    return [(v["id"], len(v["nodes"]), v["nodes"][0]["html"][:200], v["nodes"][0]["target"])
            for v in found if v["impact"] in ("serious", "critical")]  # fmt: skip


@pytest.mark.parametrize("name", [*PAGES, "404"])
def test_everyone_can_read_it(name, site, visit):  # noqa: F811
    page = visit(f"{site}/{name}.html", viewport={"width": 1280, "height": 900})
    page.wait_for_load_state("networkidle")
    assert violations(page) == []
    for width, theme in ((1280, "dark"), (375, "dark"), (375, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.wait_for_timeout(150)
        assert violations(page, BY_LOOKS) == [], (width, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_no_more_than_it_uses(name, site, visit):  # noqa: F811
    page = visit(f"{site}/{name}.html", viewport={"width": 1280, "height": 900})
    page.wait_for_load_state("networkidle")
    asked = [url.rpartition("/")[2] for url in page.asked if not url.startswith("data:")]
    assert not [url for url in page.asked if "fontawesome" in url or "thebe" in url]
    formulas = 'class="math' in (HTML / f"{name}.html").read_text()
    assert any("tex-" in url or "mathjax" in url.lower() for url in page.asked) == formulas
    assert len(asked) <= 60


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_picture_is_shown_at_128_css_pixels_or_more(name, site, visit):  # noqa: F811
    page = visit(f"{site}/{name}.html", viewport={"width": 1280, "height": 900})
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        shown = page.evaluate(
            "[...document.querySelectorAll('article .cell_output img')]"
            ".filter(i => i.checkVisibility()).map(i => i.clientWidth"
            " - 2 * parseFloat(getComputedStyle(i).paddingLeft))"
        )
        assert shown
        assert min(shown) >= 128, theme


@pytest.mark.parametrize("name", PAGES)
def test_no_code_scrolls_sideways_at_1280_pixels(name, site, visit):  # noqa: F811
    page = visit(f"{site}/{name}.html", viewport={"width": 1280, "height": 900})
    wide = page.evaluate(
        "[...document.querySelectorAll('article div.highlight pre')]"
        ".filter(p => p.scrollWidth > p.clientWidth + 1).map(p => p.textContent.slice(0, 80))"
    )
    assert wide == []


def test_the_quiz_is_answered_and_scored_by_keyboard_alone(site, visit):  # noqa: F811
    page = visit(f"{site}/{CHAPTERS[0]}.html", viewport={"width": 375, "height": 800})
    fields = page.locator("#quiz fieldset.quiz")
    assert fields.count() >= 3
    status = page.locator("#quiz [role=status]")
    number = fields.count()
    for i in range(number):
        choices = fields.nth(i).locator("input")
        choices.first.focus()
        page.keyboard.press("Space")
        for _ in range(choices.count()):
            if fields.nth(i).locator("label.right").count():
                break
            assert fields.nth(i).locator("label.wrong").count() == 1
            page.keyboard.press("ArrowDown")
        assert fields.nth(i).locator("div:visible").inner_text().startswith("Yes")
    assert status.inner_text() == f"{number} of {number} right, 0 to go."


def test_without_scripts_the_answers_are_folded(site, visit):  # noqa: F811
    page = visit(f"{site}/{CHAPTERS[0]}.html", java_script_enabled=False)
    assert page.locator("#quiz details").count() >= 6
    assert page.locator("#quiz fieldset").count() == 0
