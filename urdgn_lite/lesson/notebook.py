"""What every chapter calls first, and how it shows the package's real code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import torch
from IPython.display import Markdown, display

import urdgn_lite
from urdgn_lite.lesson.figures import use_style


def setup() -> None:
    """Set the book's figure style, and print versions and device. Harmless to run twice."""
    use_style()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(f"urdgn_lite {urdgn_lite.__version__} · torch {torch.__version__} · device {device}")


def source(function: Callable[..., Any]) -> None:
    """Display a function's source, its docstring cut to the first line."""
    text = textwrap.dedent(inspect.getsource(function))
    lines = text.splitlines()
    definition = ast.parse(text).body[0]
    first = definition.body[0]  # type: ignore[attr-defined]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if documented and first.end_lineno > first.lineno:
        opening = lines[first.lineno - 1]
        lines[first.lineno - 1 : first.end_lineno] = [opening.rstrip() + '"""']
    display(Markdown("```python\n" + "\n".join(lines) + "\n```"))
