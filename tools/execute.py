"""Execute notebooks and store their outputs, without widget state, times or progress bars."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"


def main(paths: list[str]) -> None:
    """Execute each notebook in its own folder, as Jupyter would, and write it back."""
    os.environ["TQDM_DISABLE"] = "1"  # a stored progress bar would differ every time
    for path in map(Path, paths):
        notebook = nbformat.read(path, 4)
        began = time.perf_counter()
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", store_widget_state=False,
            record_timing=False, coalesce_streams=True,
            resources={"metadata": {"path": path.parent}},
        )  # fmt: skip
        client.execute()
        for output in (o for cell in notebook.cells for o in cell.get("outputs", ())):
            output.get("data", {}).pop(WIDGET, None)  # it would need a kernel: the picture stays
        nbformat.write(notebook, path)
        print(f"{path}: {time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
