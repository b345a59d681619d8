"""Slides and quizzes for a lecture, made of the chapters as they stand.

`python tools/book/lecture.py --out lecture` writes `quizzes.gift` (Moodle and most others import
it), and a page of slides for each of two lectures: headings, first sentences, and the chapters'
own figures, without code. A browser shows them; it fetches reveal.js from the network.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbconvert.filters import markdown2html

BOOK = Path(__file__).resolve().parents[2] / "book"
LECTURES = {
    "lecture-1": ("01-problem", "02-gan-recap", "03-networks"),
    "lecture-2": ("04-objective", "06-training", "07-metrics"),
}
LEFT_OUT = ("Quiz", "Exercises", "References", "You need", "What you will learn")
SPECIAL = re.compile(r"([\\~=#{}:])")  # GIFT's own signs


def gift(path: Path) -> str:
    """A chapter's quiz in Moodle's GIFT format, with the feedback to each answer."""
    cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "markdown"]
    quiz = "\n".join(c.source for c in cells).partition("## Quiz\n")[2].split("\n## ")[0]
    made = []
    for number, block in enumerate(re.split(r"(?m)^### Question \d+$", quiz)[1:], 1):
        asked = block.partition("<details>")[0]
        options = re.findall(r"(?s)<summary>[A-Z]\. (.+?)</summary>(.+?)</details>", block)
        lines = [f"::{path.stem} {number}::[html]{_gift(asked)} {{"]
        for option, feedback in options:
            sign = "=" if feedback.strip().strip("*").startswith("Yes") else "~"
            lines.append(f"{sign}{_gift(option)} #{_gift(feedback)}")
        made.append("\n".join([*lines, "}"]))
    return "\n\n".join(made)


def _gift(text: str) -> str:
    """Markdown as HTML with the formulas as Moodle wants them, the format's own signs escaped."""
    html = " ".join(markdown2html(text.strip()).split()).removeprefix("<p>").removesuffix("</p>")
    formulas = re.sub(r"(?<!\$)\$([^$]+)\$(?!\$)", r"\\(\1\\)", html)
    return SPECIAL.sub(r"\\\1", formulas)


def slides(names: tuple[str, ...]) -> str:
    """One lecture as a page: a slide a heading, with what the chapter shows below it."""
    deck = nbformat.v4.new_notebook()
    for name in names:
        section = ""
        for cell in nbformat.read(BOOK / f"{name}.ipynb", 4).cells:
            if head := re.match(r"#+ (.+)", cell.source) if cell.cell_type == "markdown" else None:
                section = head[1]
            if section in LEFT_OUT or re.match(r"Question|\d\. ", section):
                continue
            if cell.cell_type == "markdown" and head:
                cell.source = shortened(cell.source)
                cell.metadata = {"slideshow": {"slide_type": "slide"}}
                deck.cells.append(cell)
            elif cell.cell_type == "code" and _pictures(cell):
                cell.outputs = _pictures(cell)
                cell.metadata = {"slideshow": {"slide_type": "-"}}
                deck.cells.append(cell)
    exporter = SlidesExporter(exclude_input=True, exclude_input_prompt=True)
    return exporter.from_notebook_node(deck)[0]


def shortened(text: str) -> str:
    """A heading, and what stands below it up to sixty words; formulas stay whole."""
    head, _, rest = text.partition("\n")
    kept: list[str] = []
    for paragraph in re.split(r"\n\s*\n", rest.strip()):
        if len(" ".join([*kept, paragraph]).split()) > 60 and "$$" not in paragraph:
            break
        kept.append(paragraph)
    return "\n\n".join([head, *kept])


def _pictures(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    kinds = ("image/png", "image/webp", "image/svg+xml", "text/html")
    return [o for o in cell.outputs if any(k in o.get("data", {}) for k in kinds)]


def main() -> None:
    """Write everything into one folder."""
    options = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    options.add_argument("--out", type=Path, default=Path("lecture"))
    folder = options.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    chapters = sorted(BOOK.glob("[0-9][0-9]-*.ipynb"))
    (folder / "quizzes.gift").write_text("\n\n".join(map(gift, chapters)) + "\n", encoding="utf-8")
    for name, names in LECTURES.items():
        (folder / f"{name}.html").write_text(slides(names), encoding="utf-8")
    print(json.dumps({p.name: p.stat().st_size for p in sorted(folder.iterdir())}))


if __name__ == "__main__":
    main()
