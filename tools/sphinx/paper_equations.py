"""A Sphinx extension of ten lines: the equation labelled `eq:N` bears the number N.

Sphinx counts equations anew in every document; here they must have the paper's numbers.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain


class PaperNumbers(MathDomain):
    """Sphinx's equations, with N as the number of the label `eq:N`."""

    def note_equation(self, docname: str, labelid: str, location: Any = None) -> None:
        """Record an equation under its label."""
        super().note_equation(docname, labelid, location)
        if labelid.startswith("eq:"):
            self.equations[labelid] = (docname, int(labelid.removeprefix("eq:")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_domain(PaperNumbers, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
