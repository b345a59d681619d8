"""Execute notebooks and their folded solutions, and store what they say and show.

Widget state and progress bars are left out; pictures in HTML get their cell's alt text. What each
took goes to `results/minutes.json` (`tools/book/minutes.py`).
"""

from __future__ import annotations

import os
import re
import sys
import time
from html import escape
from itertools import pairwise
from pathlib import Path

import minutes
import nbformat
import solutions
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
LABEL = re.compile(r'aria-label="[^"]*"')


def execute(path: Path) -> None:
    """Execute a notebook in its own folder, as Jupyter would, and write it back."""
    notebook = nbformat.read(path, 4)
    starts: list[float] = []  # of the code cells
    began = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
        on_cell_execute=lambda **_: starts.append(time.perf_counter()),
    )
    own = len(notebook.cells)
    notebook.cells += solutions.cells(notebook)
    client.execute()
    starts.append(time.perf_counter())
    solved, notebook.cells = notebook.cells[own:], notebook.cells[:own]
    solutions.write(notebook, solved)
    for cell in notebook.cells:
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for data in (output.get("data", {}) for output in cell.get("outputs", ())):
            data.pop(WIDGET, None)  # it would need a kernel: the pictures stay
            if alt and "text/html" in data:
                said, page = f'aria-label="{escape(alt)}"', data["text/html"]
                data["text/html"] = LABEL.sub(lambda _, said=said: said, page, count=1)
    nbformat.write(notebook, path)
    seconds, longest = starts[-1] - began, max(b - a for a, b in pairwise(starts))
    if path.resolve().parent == minutes.BOOK:
        minutes.record(path.stem, notebook, seconds, longest)
    print(f"{path}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    os.environ["TQDM_DISABLE"] = "1"  # a stored progress bar would differ every time
    for name in sys.argv[1:]:
        execute(Path(name))
