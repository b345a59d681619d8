"""Equation N of the paper bears the number N in the book, whatever stands before it."""

import re
from pathlib import Path

from sphinx.application import Sphinx

TOOLS = Path(__file__).parent.parent / "tools" / "sphinx"
PAGE = """
Title
=====
.. math:: a
   :label: other
.. math:: b
   :label: eq:7

See :eq:`eq:7`.
"""


def test_the_label_gives_the_number(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    (tmp_path / "index.rst").write_text(PAGE)
    out = tmp_path / "out"
    config = {"extensions": ["paper_equations", "sphinx.ext.mathjax"], "project": "x"}

    Sphinx(tmp_path, None, out, tmp_path / "trees", "html", config, status=None).build()

    page = (out / "index.html").read_text()
    assert re.findall(r'<span class="eqno">\((\d+)\)', page) == ["1", "7"]
    assert re.search(r'href="#equation-eq-7">\(7\)<', page)
