"""What every chapter calls first, and how it shows the package's real code."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import torch
from IPython.display import Markdown, display

import urdgn_lite
from urdgn_lite.lesson.figures import use_style

WIDTH = 76  # characters of code that the page shows without scrolling
KEPT = re.compile(r"torch\.|property$|staticmethod$|classmethod$|dataclass")  # they do something


def setup() -> None:
    """Set the book's figure style, and print versions and device. Harmless to run twice."""
    use_style()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(f"urdgn_lite {urdgn_lite.__version__} · torch {torch.__version__} · device {device}")


def source(function: Callable[..., Any]) -> None:
    """Display a function's source as a learner would write it.

    Of a docstring the first line stays; annotations, our decorators and marks for tools go.
    """
    text = textwrap.dedent(inspect.getsource(function))
    lines = re.sub(r"(?m) *# (?:fmt|type|noqa|ruff)\b.*$", "", text).splitlines()
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    for node in sorted(found, key=lambda node: -node.lineno):  # from the end: lines stay in place
        first = node.body[0]
        if ast.get_docstring(node) and first.end_lineno:
            summary = lines[first.lineno - 1].rstrip().removesuffix('"""')
            lines[first.lineno - 1 : first.end_lineno] = [summary + '"""']
        if isinstance(node, ast.FunctionDef):
            lines[node.lineno - 1 : first.lineno - 1] = signature(node)
        for decorator in reversed(node.decorator_list):
            if not KEPT.match(ast.unparse(decorator)):
                del lines[decorator.lineno - 1 : decorator.end_lineno]
    display(Markdown("```python\n" + "\n".join(lines) + "\n```"))


def signature(node: ast.FunctionDef) -> list[str]:
    """`def name(…):` without annotations, in lines that fit the book's column."""
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    indent = " " * node.col_offset
    arguments = ast.unparse(node.args).replace("'", '"')
    head = f"{indent}def {node.name}({arguments}):"
    if len(head) <= WIDTH:
        return [head]
    inside = textwrap.wrap(arguments, WIDTH - len(indent) - 4)
    return [f"{indent}def {node.name}(", *(f"{indent}    {line}" for line in inside), f"{indent}):"]
