"""The built book in a browser: readable by everyone, quick to load, its quizzes answerable.

It is built here, where it is not up to date, while other tests run.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import Visits, serve

BOOK = Path(__file__).parent.parent / "book"
HTML = BOOK.parent / "_build" / "html"
PAGES = re.findall(r"(?m)(?:file|root): (\S+)$", (BOOK / "_toc.yml").read_text())
CHAPTERS = [page for page in PAGES if re.match(r"\d\d-", page)]
BY_THEME = ["color-contrast"]  # rules that look at colours
BY_LOOKS = [*BY_THEME, "scrollable-region-focusable", "target-size"]  # and at places and sizes
# Nearly all elements of a page are tokens of code: one of each class and look is enough for axe.
ONE_OF_EACH = """() => {
  const tokens = [...document.querySelectorAll(':is(pre, .sig) :is(span, em)')].reverse();
  const looks = tokens.map((token) => {
    const { color, fontWeight } = getComputedStyle(token), behind = [];
    for (let at = token; at; at = at.parentElement)
      behind.push(getComputedStyle(at).backgroundColor);
    const names = [token.className, token.parentElement.className];
    return [...names, color, fontWeight, ...new Set(behind)].join();
  });
  const seen = new Set();
  tokens.forEach((token, i) => {  // those within others come before them
    if (token.children.length) return;
    if (seen.has(looks[i])) token.replaceWith(token.textContent);
    seen.add(looks[i]);
  });
}"""
BOXES = """() => [...document.querySelectorAll('a, button, input, select, summary, pre, table')]
  .map((part) => Object.values(part.getBoundingClientRect().toJSON()).join())"""


@pytest.fixture(scope="module")
def site():
    make = ["make", "book", "INSTALLED=", f"BIN={Path(sys.executable).parent}"]
    subprocess.run(make, cwd=BOOK.parent, check=True)
    address, server = serve(HTML)
    yield address
    server.shutdown()
    server.server_close()


def violations(page, rules=None):
    """What axe calls serious or critical: (rule, how often, the first place)."""
    from axe_playwright_python.sync_playwright import Axe

    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options=only | {"resultTypes": ["violations"]}).response["violations"]
    return [
        (v["id"], len(v["nodes"]), v["nodes"][0]["html"][:200], v["nodes"][0]["target"])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module", params=[*PAGES, "404"])
def opened(request, site, browser):
    """One page after the other, loaded once for all that looks at it; nothing was wrong on it."""
    visits = Visits(browser)
    page = visits(f"{site}/{request.param}.html", viewport={"width": 1280, "height": 900})
    page.wait_for_load_state("networkidle")
    page.title_of_file = request.param
    yield page
    visits.close()
    assert not visits.faults, str(visits.faults)


def test_a_page_loads_no_more_than_it_uses(opened):
    name = opened.title_of_file
    asked = [url.rpartition("/")[2] for url in opened.asked if not url.startswith("data:")]
    assert not [url for url in opened.asked if "fontawesome" in url or "thebe" in url]
    formulas = 'class="math' in (HTML / f"{name}.html").read_text()
    assert any("tex-" in url or "mathjax" in url.lower() for url in opened.asked) == formulas
    assert len(asked) <= 60


def test_every_picture_is_shown_at_128_css_pixels_or_more(opened):
    if opened.title_of_file not in CHAPTERS:
        return
    for theme in ("dark", "light"):
        opened.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        shown = opened.evaluate(
            "[...document.querySelectorAll('article .cell_output img')]"
            ".filter(i => i.checkVisibility()).map(i => i.clientWidth"
            " - 2 * parseFloat(getComputedStyle(i).paddingLeft))"
        )
        assert shown
        assert min(shown) >= 128, theme


def test_no_code_scrolls_sideways_at_1280_pixels(opened):
    wide = opened.evaluate(
        "[...document.querySelectorAll('article div.highlight pre')]"
        ".filter(p => p.scrollWidth > p.clientWidth + 1).map(p => p.textContent.slice(0, 80))"
    )
    assert wide == []


def test_everyone_can_read_it(opened):  # the last: it changes the page, its size and theme
    opened.evaluate(ONE_OF_EACH)
    opened.add_style_tag(content="* { transition: none !important; }")  # no colour is on its way
    for width, rules in ((1280, None), (375, BY_LOOKS)):
        opened.set_viewport_size({"width": width, "height": 900})
        boxes = []
        for theme, asked in (("light", rules), ("dark", BY_THEME)):
            opened.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            assert violations(opened, asked) == [], (width, theme)
            sideways = opened.evaluate("document.documentElement.scrollWidth") > width
            assert not sideways, (width, theme)
            boxes.append(opened.evaluate(BOXES))
        assert boxes[0] == boxes[1], "the theme moves what it should colour alone"


def test_the_quiz_is_answered_and_scored_by_keyboard_alone(site, visit):
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


def test_without_scripts_the_answers_are_folded(site, visit):
    page = visit(f"{site}/{CHAPTERS[0]}.html", java_script_enabled=False)
    assert page.locator("#quiz details").count() >= 6
    assert page.locator("#quiz fieldset").count() == 0


@pytest.mark.parametrize("name", [*CHAPTERS, "claims"])
def test_on_a_phone_a_face_keeps_its_128_pixels(site, visit, name):
    page = visit(f"{site}/{name}.html", viewport={"width": 375, "height": 800})
    page.wait_for_load_state("networkidle")
    shrunk = page.evaluate(
        "[...document.querySelectorAll('article img')].filter(i => i.checkVisibility()"
        " && i.clientWidth < (/jpg$/.test(i.src) ? i.getAttribute('width')"
        " : i.closest('.pictures') ? 128 : 0)).map(i => [i.src, i.clientWidth])"
    )
    assert shrunk == []
    wide = page.locator("article .wide")
    for i in range(wide.count()):
        assert wide.nth(i).evaluate("w => w.scrollWidth > w.clientWidth && w.tabIndex === 0")
