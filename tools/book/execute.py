"""Execute notebooks and store their outputs, without widget state or progress bars.

What each took goes to `results/minutes.json` (`tools/book/minutes.py`).
"""

from __future__ import annotations

import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import minutes
import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(path: Path) -> None:
    """Execute a notebook in its own folder, as Jupyter would, and write it back."""
    notebook = nbformat.read(path, 4)
    starts: list[float] = []  # of the code cells
    began = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", store_widget_state=False,
        record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
        on_cell_execute=lambda **_: starts.append(time.perf_counter()),
    )  # fmt: skip
    client.execute()
    starts.append(time.perf_counter())
    for output in (o for cell in notebook.cells for o in cell.get("outputs", ())):
        output.get("data", {}).pop(WIDGET, None)  # it would need a kernel: the picture stays
    nbformat.write(notebook, path)
    seconds, longest = starts[-1] - began, max(b - a for a, b in pairwise(starts))
    if path.resolve().parent == minutes.BOOK:
        minutes.record(path.stem, notebook, seconds, longest)
    print(f"{path}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    os.environ["TQDM_DISABLE"] = "1"  # a stored progress bar would differ every time
    for name in sys.argv[1:]:
        execute(Path(name))
