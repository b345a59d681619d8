"""A Sphinx extension: below each check of a chapter, what a reader without Python can answer.

One small input, so that the answer can be worked out on paper. What is right, and what well-known
mistakes would give, comes from the check itself; `book.js` holds the reader's numbers against it.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import torch
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from torch import Tensor, tensor

from urdgn_lite import check
from urdgn_lite.check.exercise import Exercise, numbers
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.optimiser import rmsprop_step


def _step(theta: Tensor, gradient: Tensor, delta: Tensor, **how: float) -> Tensor:
    rmsprop_step(theta, gradient, delta, **how)
    return torch.cat([theta, delta])


_X = torch.linspace(-1, 2, 300_001, dtype=torch.float64)
_FACE = torch.zeros(1, 3, 8, 8)
# check -> the input in words, its arguments
INPUTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "best_value": ("p = ½ from −1 to 1 and q = ½ from 0 to 2, both 0 elsewhere",
                   ((_X <= 1) / 2, (_X >= 0) / 2, _X)),
    "deconvolution": ("the matrix x = (1 1), the kernel with the rows (1 2) and (3 4), stride 1, "
                      "padding 0, row by row",
                      (tensor([[1.0, 1]]), tensor([[1.0, 2], [3, 4]]), 1, 0)),
    "receptive_field": ("the layers (3, 1), (4, 2), (5, 1)", ([(3, 1), (4, 2), (5, 1)],)),
    "cost": ("3 → 16 channels, a kernel of 5 × 5, 16 × 16 outputs", (3, 16, 5, 16)),
    "equal_pushes": ("D's push (3, 4) and the pixel term's (0, 2)",
                     (tensor([3.0, 4]), tensor([0.0, 2]))),
    "same_push": ("λ = 100 with the mean, 2 images of 3 × 4 × 4", (100, torch.zeros(2, 3, 4, 4))),
    "objective": ("the logit 0, ĥ − h = 0.5 everywhere, λ = 4",
                  (tensor([[0.0]]), _FACE + 0.5, _FACE, 4)),
    "rmsprop": ("θ = 1, g = 2, δ = 0, η = 0.1, α = 0.75, ε = 0, downhill: the new θ, the new δ",
                (tensor([1.0]), tensor([2.0]), tensor([0.0]))),
    "unbiased": ("δ = 0.19, α = 0.9, t = 2", (tensor([0.19]), 0.9, 2)),
    "discriminator": ("the logits 2 on the real face and 0 on the generated one",
                      (tensor([[2.0]]), tensor([[0.0]]))),
    "covered": ("one image of one colour with the rows (0 0) and (0 1), the box (1, 0, 2, 1), "
                "row by row", (tensor([[[[0.0, 0], [0, 1]]]]), [1, 0, 2, 1])),
    "normalised": ("x = 5 in three channels, means 1, 3, 5, variances 4, 1, 1, not training",
                   (torch.full((1, 3, 1, 1), 5.0), tensor([1.0, 3, 5]), tensor([4.0, 1, 1]),
                    False)),
}  # fmt: skip
OTHERS: dict[str, Callable[..., Any]] = {  # checks of several right answers have no one reference
    "objective": generator_loss,
    "rmsprop": lambda *a: _step(*a, eta=0.1, alpha=0.75, eps=0.0),
    "discriminator": discriminator_value,
}


def answers(name: str) -> tuple[list[float], list[tuple[list[float], str]]]:
    """What is right for a check's input, and what mistakes give: (numbers, hint)."""
    args, suite = INPUTS[name][1], check.SUITES[name]
    known = suite if isinstance(suite, Exercise) else None

    def of(function: Callable[..., Any]) -> list[float]:
        copies = (a.clone() if isinstance(a, Tensor) else a for a in args)
        with warnings.catch_warnings(action="ignore"):  # some mistakes divide by zero
            return [float(f"{v:.5g}") for v in numbers(function(*copies)).flatten().tolist()]

    right = of(known.reference if known else OTHERS[name])
    mistakes = [(of(wrong), hint) for hint, wrong in (known.mistakes if known else {}).items()]
    return right, [
        (got, hint) for got, hint in mistakes if got != right and all(map(math.isfinite, got))
    ]


def ask(page: str, body: str, colab: str) -> str:
    """The page's HTML with a question below the first cell of each check."""
    soup, asked = BeautifulSoup(body, "html.parser"), set[str]()
    for cell in soup.select(".cell"):
        source = "".join(part.get_text() for part in cell.select(".cell_input"))
        for name in re.findall(r"^check\.(\w+)\(", source, re.MULTILINE):
            if name in check.SUITES and name not in asked:
                asked.add(name)
                cell.insert_after(BeautifulSoup(_question(page, name, colab), "html.parser"))
    return str(soup) if asked else body


def _question(page: str, name: str, colab: str) -> str:
    python = f'your function is checked <a href="{colab}/{page}.ipynb">where Python runs</a>'
    if name not in INPUTS:
        return f'<p class="by-hand">On this page: {python}.</p>'
    right, wrong = answers(name)
    answer = " ".join(f"{v:g}" for v in right).replace("-", "−")
    box = BeautifulSoup(
        f'<div class="by-hand"><p>On this page: {python}; here, say what it answers for '
        f"{INPUTS[name][0]}.</p><details><summary>Answer</summary><p>{answer}</p></details></div>",
        "html.parser",
    )
    assert box.div is not None
    box.div["data-right"], box.div["data-wrong"] = json.dumps(right), json.dumps(wrong)
    return str(box)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it."""

    def add(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
        if "check." in context.get("body", "") or "check</span>" in context.get("body", ""):
            theme = app.config.html_theme_options
            repository = theme["repository_url"].rstrip("/").removeprefix("https://github.com/")
            colab = (
                f"{theme['launch_buttons']['colab_url']}/github/{repository}/blob/"
                f"{theme['repository_branch']}/{theme['path_to_docs']}"
            )
            context["body"] = ask(page, context["body"], colab)

    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
