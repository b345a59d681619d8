"""A Sphinx extension: two things that the theme leaves undone.

No page loads thebe, which nothing here uses and which declares its constants twice. And the site's
bare address, which only leads on to the first page, shows that page's social card.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def without_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Take thebe's two scripts from a page."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in str(script) + str(getattr(script, "attributes", ""))
    ]


def share_card(app: Sphinx, exception: Exception | None) -> None:
    """Give the redirect at the site's root the first page's title and meta tags."""
    root = Path(app.outdir) / "index.html"
    if exception is None and app.builder.name == "html" and root.exists():
        first = (Path(app.outdir) / f"{app.config.root_doc}.html").read_text()
        tags = re.findall(
            r"<title>.*?</title>|<meta (?:property|name)=\"(?:og|twitter):.*?/>", first
        )
        (refresh,) = re.findall(r"<meta http-equiv=.*?/>", root.read_text())
        root.write_text(
            "\n".join(["<!doctype html>", '<meta charset="utf-8">', *tags, refresh]) + "\n"
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both; the second after the one that writes the redirect."""
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("build-finished", share_card, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
