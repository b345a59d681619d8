"""Self-checks for learners: `check.objective(generator_loss)`.

Each check runs a list of small properties on random inputs and says which hold. It needs nothing
but this package, compares no stored values, and never shows a solution.

>>> from urdgn_lite import check, objective
>>> check.objective(objective.generator_loss).passed
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from urdgn_lite.check import discriminator as _discriminator
from urdgn_lite.check import experiments, losses, robustness, updates
from urdgn_lite.check.engine import Failed, Property, Report, Result, Suite, Unreachable

__all__ = [
    "SUITES", "Failed", "Property", "Report", "Result", "Suite", "Unreachable", "choice", "choose",
    "damage", "discriminator", "interval", "objective", "rmsprop", "sweep",
]  # fmt: skip

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        losses.OBJECTIVE, _discriminator.DISCRIMINATOR, updates.RMSPROP, experiments.SWEEP,
        experiments.CHOOSE, robustness.DAMAGE, robustness.INTERVAL,
    )
}  # fmt: skip


def objective(fn: Callable, *, adversarial: str = "saturating", seed: int = 0) -> Report:
    """Check what G minimises (Eq. 4): `fn(z_fake, generated, real, lam)`.

    Parameters
    ----------
    fn : takes D's logits z on ĥ `(n, 1)`, ĥ and h `(n, c, h, w)`, and λ; returns a number to
        minimise, with the *mean* of the squared differences (the note beside Eq. 2).
    adversarial : "saturating" or "non-saturating", the term that was asked for.
    seed : another seed draws other inputs.
    """
    return SUITES["objective"].check(fn, seed, adversarial=adversarial)


def discriminator(fn: Callable, *, seed: int = 0) -> Report:
    """Check what D maximises (Eq. 7): `fn(D, generated, real)`.

    `D(images)` returns logits. `generated` still hangs on G's graph, as in Algorithm 1.
    """
    return SUITES["discriminator"].check(fn, seed)


def rmsprop(fn: Callable, *, seed: int = 0) -> Report:
    """Check Eqs. 5 and 8: `fn(theta, gradient, delta, eta, alpha, eps, maximize=False)`.

    It returns the new θ and the new Δ, and leaves its arguments as they are.
    """
    return SUITES["rmsprop"].check(fn, seed)


def sweep(fn: Callable, *, seed: int = 0) -> Report:
    """Check an experiment: `fn(lams, run, seeds)`.

    `run(lam, seed)` returns a dict of measures; `fn` returns a row (dict) for each λ, in order:
    "lam", and every measure averaged over the seeds.
    """
    return SUITES["sweep"].check(fn, seed)


def choose(fn: Callable, *, seed: int = 0) -> Report:
    """Check a choice: `fn(rows, tolerance)`.

    It returns the λ of the row with most "sharpness" among those whose "gain" is at most
    `tolerance` dB below the best.
    """
    return SUITES["choose"].check(fn, seed)


def damage(fn: Callable, *, seed: int = 0) -> Report:
    """Check a damage to LR faces: `fn(images, severity, seed)`, severity 0 … 1."""
    return SUITES["damage"].check(fn, seed)


def interval(fn: Callable, *, seed: int = 0) -> Report:
    """Check an interval: `fn(clean, damaged, level=0.95, seed=0)` → (mean, low, high).

    `clean` and `damaged` hold one number a face, the same faces in the same order.
    """
    return SUITES["interval"].check(fn, seed)


def choice(answer: str, feedback: Mapping[str, str], right: str) -> str:
    """Answer a quiz: a mark, and the feedback that belongs to the answer given.

    Parameters
    ----------
    answer : the letter chosen, in any case.
    feedback : letter → why it is right, or what it mixes up.
    right : the right letter.
    """
    given: Any = str(answer).strip().lower()
    known = {k.lower(): v for k, v in feedback.items()}
    if given not in known:
        return f"Choose one of {', '.join(sorted(known))}."
    return f"{'✓' if given == right.lower() else '✗'} {known[given]}"
