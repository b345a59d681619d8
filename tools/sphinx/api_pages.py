"""A Sphinx extension: the API reference from the package's docstrings, module by module.

It fills the page that holds `<!-- modules -->`, so that a new module appears there by itself, and
sets the docstrings' NumPy sections (`name : description`) as definition lists.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx

import urdgn_lite

PLACE = "<!-- modules -->"
SECTION = re.compile(r"^[A-Z]\w+$")
SPECIAL = re.compile(r"(?m)(`+[^`]*`+|^>>>.*$)|([*_|])")  # code stays, signs of markup are escaped
ENTRY = re.compile(r"^(\S.*?) : (.*)$")


def modules() -> list[str]:
    """Dotted names of the public modules in alphabetical order; `check` and `grading` as wholes."""
    found = pkgutil.walk_packages(urdgn_lite.__path__, "urdgn_lite.")
    inner = ("urdgn_lite.check.", "urdgn_lite.grading.")
    return sorted(m.name for m in found if "._" not in m.name and not m.name.startswith(inner))


def sections(names: Iterable[str]) -> str:
    """A Markdown section for each module: its docstring and its documented members."""
    return "\n".join(
        f"## `{name.removeprefix('urdgn_lite.')}`\n\n"
        f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```\n"
        for name in names
    )


def to_rst(lines: list[str]) -> list[str]:
    """NumPy sections of one docstring as rubrics, their entries as definition lists."""
    lines = SPECIAL.sub(lambda m: m[1] or f"\\{m[2]}", "\n".join(lines)).split("\n")
    done: list[str] = []
    in_section = in_entry = False
    for i, line in enumerate(lines):
        underlined = i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1])
        if SECTION.match(line) and underlined:
            in_section = True
            done += ["", f".. rubric:: {line}", ""]
        elif re.fullmatch(r"-{3,}", line):
            continue
        elif in_section and (entry := ENTRY.match(line)):
            if not in_entry and done[-1]:
                done.append("")
            in_entry = True
            names = entry[1].replace("\\", "")
            done += [f"``{names}``", f"    {entry[2]}"]
        else:
            if in_entry and line and not line.startswith(" "):  # what follows the list
                done.append("")
                in_entry = False
            in_entry = in_entry and bool(line)
            done.append(line)
    return done


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""

    def fill(app: Sphinx, docname: str, source: list[str]) -> None:
        if PLACE in source[0]:
            source[0] = source[0].replace(PLACE, sections(modules()))

    def convert(
        app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
    ) -> None:
        lines[:] = to_rst(lines)

    app.setup_extension("sphinx.ext.autodoc")
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
