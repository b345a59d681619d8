"""Self-checks for learners: `check.objective(generator_loss)`.

Each check asks a function on random inputs, says what holds and what does not, and never shows a
solution. `seed=` draws other inputs.

>>> from urdgn_lite import check, objective
>>> check.objective(objective.generator_loss).passed
True
"""

# ruff: noqa: F401 - each suite is named once: where it is imported
from __future__ import annotations

from urdgn_lite.check.engine import Failed, Property, Report, Result, Suite, Unreachable
from urdgn_lite.check.experiments import choose, sweep
from urdgn_lite.check.intervals import interval
from urdgn_lite.check.layers import cost, deconvolution, normalised, receptive_field
from urdgn_lite.check.losses import objective
from urdgn_lite.check.pictures import best_psnr, covered, flicker, shifted, upright
from urdgn_lite.check.quizzes import quiz
from urdgn_lite.check.robustness import damage
from urdgn_lite.check.steps import best_value, equal_pushes, order, same_push, unbiased
from urdgn_lite.check.updates import rmsprop
from urdgn_lite.check.value import discriminator

SUITES: dict[str, Suite] = {s.name: s for s in list(globals().values()) if isinstance(s, Suite)}

__all__ = ["SUITES", "Failed", "Property", "Report", "Result", "Unreachable", "quiz", *SUITES]
