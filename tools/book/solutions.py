"""Folded solutions: code in Markdown, folded in Colab and JupyterLab too, and run all the same.

    <details>
    <summary>Solution</summary>

    ```python
    … the code …
    ```

    ```text
    … what it prints, written by execute.py and compared by the replay …
    ```

    Words.
    </details>

A reader who runs a notebook does not run them. `execute.py` and `replay.py` do, after all cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

FOLDED = re.compile(
    r"(?s)(<summary>Solution[^\n]*</summary>\n\n```python\n)(.*?)(\n```\n)(?:\n```text\n(.*?)\n?```\n)?"
)


def cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The solutions as code cells, which print what stands below them; they keep their tags."""
    found = []
    for cell in notebook.cells:
        for match in FOLDED.finditer(cell.source) if cell.cell_type == "markdown" else ():
            output = new_output("stream", name="stdout", text=f"{match[4]}\n" if match[4] else "")
            found.append(
                new_code_cell(
                    match[2],
                    execution_count=1,
                    outputs=[output] if match[4] else [],
                    metadata={"tags": cell.metadata.get("tags", [])},
                )
            )
    return found


def printed(outputs: Iterable[NotebookNode]) -> str:
    """What outputs say in plain text; pictures are not said."""
    said = []
    for output in outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            said.append(output.text)
        elif not any(kind.startswith("image/") or kind == "text/html" for kind in data):
            said.append(data.get("text/plain", "") + "\n")
    return "".join(said)


def write(notebook: NotebookNode, executed: Iterable[NotebookNode]) -> None:
    """Put below each solution what it printed."""
    texts = iter([printed(cell.outputs).rstrip("\n") for cell in executed])

    def renewed(match: re.Match[str]) -> str:
        text = next(texts)
        return "".join(match.group(1, 2, 3)) + (f"\n```text\n{text}\n```\n" if text else "")

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = FOLDED.sub(renewed, cell.source)
