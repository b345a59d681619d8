"""A Sphinx extension: what the theme leaves undone, on every page of the finished book.

Small: WebP in place of PNG, loaded when scrolled to, and on a phone as wide as drawn, in a part
that scrolls; the few icons in use in place of all of Font
Awesome; MathJax where there is a formula; no thebe, which nothing here uses. Readable by all:
tables without empty headers, names that are what is written. And a page for addresses that lead
nowhere, and a social card for the site's bare one.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image
from sphinx.application import Sphinx

DRAWN = re.compile(  # not yet in its frame
    r'(?<!picture">)<img\b([^>]*?)src="((?:\.\./)*_images/)([\w.-]+)\.(png|jpg|webp)"([^>]*?)/?>'
)
WIDE = 600  # CSS px: wider, a figure would be unreadable on a phone, and a face small
INLINE = re.compile(r'<img\b([^>]*?)src="data:image/webp;base64,([\w+/=]+)"([^>]*?)/?>')
ICON = re.compile(r'class="[^"]*\bfa[srb]?(?:-solid|-regular|-brands)? fa-([\w-]+)')
AWESOME = re.compile(r"<(?:link|script)[^>]*vendor/fontawesome[^>]*>(?:</script>)?\n?")
ICONS = """.fa-solid, .fa-regular, .fa-brands, .fas, .far, .fab {
  display: inline-block; width: 1.25em; height: 1em; vertical-align: -0.125em;
  background: currentColor; -webkit-mask: var(--icon) center / contain no-repeat;
  mask: var(--icon) center / contain no-repeat;
}
.fa-lg { font-size: 1.25em; }
"""
MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><title>No such page</title>
<style>body {{ font: 1.2rem/1.6 sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem }}
a {{ color: light-dark(#0b5cad, #8ab8ff) }}</style>
<main><h1>No such page</h1>
<p>This address leads nowhere, or no longer. The book begins <a href="{site}">here</a>; its
<a href="{site}search.html">search</a> finds words.</p></main></html>
"""


def scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Leave out the scripts and styles that a page does not use."""
    context["css_files"] = [css for css in context["css_files"] if "thebe" not in f"{css}"]
    unused = ["thebe"] + ["mathjax"] * ('class="math' not in context.get("body", ""))
    context["script_files"] = [
        script
        for script in context["script_files"]
        if not any(
            word in f"{script}{getattr(script, 'attributes', '')}".lower() for word in unused
        )
    ]


def tidy(page: str) -> str:
    """Tables and names as a screen reader wants them."""
    page = re.sub(
        r"(?s)<thead>.*?</thead>\n?",
        lambda m: m[0] if re.sub(r"<[^>]*>|\s", "", m[0]) else "",
        page,
    )
    page = re.sub(r'<th class="head[^"]*">\s*(?:<p>\s*</p>)?\s*</th>', "<td></td>", page)
    page = page.replace(' aria-label="Toggle hidden content"', "")
    return re.sub(r'(class="[^"]*search-button[^"]*"[^>]*?) aria-label="Search"', r"\1", page)


def pictures(page: str, folder: Path) -> str:
    """Pictures as WebP files that are loaded when they are scrolled to."""

    def drawn(match: re.Match[str]) -> str:
        before, place, name, kind, after = match.groups()
        with Image.open(folder / f"{name}.{kind}") as image:
            size, dpi = image.size, image.info.get("dpi", (100, 100))[0]
            lazy = "" if kind == "webp" else ' loading="lazy"'  # the first page opens with one
            if kind == "png":
                kind = "webp"
                image.convert("RGBA").save(folder / f"{name}.webp", lossless=True, quality=80)
        width, height = (round(side * 100 / max(dpi, 100)) for side in size)
        sized = "" if " width=" in before + after else f' width="{width}" height="{height}"'
        shown = f'<img{before}src="{place}{name}.{kind}"{after.rstrip()}{sized}{lazy}/>'
        if kind != "jpg" and width < WIDE:  # JPEGs are faces
            return shown
        look = "wide chart" if match[4] == "png" else "wide"
        return f'<div class="{look}" role="group" aria-label="A wide picture">{shown}</div>'

    def inline(match: re.Match[str]) -> str:
        before, text, after = match.groups()
        data = b64decode(text)
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.webp"
        (folder / name).write_bytes(data)
        return f'<img{before}src="_images/{name}"{after.rstrip()} loading="lazy"/>'

    return INLINE.sub(inline, DRAWN.sub(drawn, page))


def icons(names: set[str], out: Path) -> str:
    """A style sheet of those icons, from the theme's own copy of Font Awesome."""
    (source,) = (out / "_static" / "vendor" / "fontawesome").glob("*/js/all.min.js")
    script, rules = source.read_text(), [ICONS]
    for name in sorted(names):
        found = re.search(rf'[{{,]"?{name}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"', script)
        if found:  # `fa-lg` and its like are sizes
            width, height, path = found.groups()
            svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
            url = quote(f"{svg}<path d='{path}'/></svg>", safe="/:='<> ")
            rules.append(f'.fa-{name} {{ --icon: url("data:image/svg+xml,{url}"); }}\n')
    return "".join(rules)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Go over all pages once."""
    out = Path(app.outdir)
    root = out / "index.html"
    if exception is not None or app.builder.name != "html" or not root.exists():
        return
    used = set()
    for path in out.glob("*.html"):
        page = pictures(tidy(path.read_text()), out / "_images")
        used |= set(ICON.findall(page))
        path.write_text(AWESOME.sub("", page))
    for path in (out / "_images").glob("*.png"):
        path.unlink(missing_ok=True)
    theme, basic = (out / "_static" / name for name in ("styles/theme.css", "basic.css"))
    theme.write_text(theme.read_text().replace('@import "../basic.css";', basic.read_text()))
    (out / "_static" / "icons.css").write_text(icons(used, out))
    (out / "404.html").write_text(MISSING.format(site=app.config.ogp_site_url))
    first = (out / f"{app.config.root_doc}.html").read_text()
    tags = re.findall(r"<title>.*?</title>|<meta (?:property|name)=\"(?:og|twitter):.*?/>", first)
    (refresh,) = re.findall(r"<meta http-equiv=.*?/>", root.read_text())
    root.write_text("\n".join(["<!doctype html>", '<meta charset="utf-8">', *tags, refresh]) + "\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both; the second after the one that writes the redirect."""
    app.connect("html-page-context", scripts, priority=900)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
