"""Self-checks for learners: `check.objective(generator_loss)`.

Each check runs a list of small properties on random inputs and says which hold. It needs nothing
but this package, compares no stored values, and never shows a solution.

>>> from urdgn_lite import check, objective
>>> check.objective(objective.generator_loss).passed
True
"""

from __future__ import annotations

from collections.abc import Callable

from urdgn_lite.check import ablations as _ablations
from urdgn_lite.check import angles as _angles
from urdgn_lite.check import discriminator as _discriminator
from urdgn_lite.check import experiments, layers, losses, pictures, players, robustness, updates
from urdgn_lite.check import steps as _steps
from urdgn_lite.check.engine import Failed, Property, Report, Result, Suite, Unreachable
from urdgn_lite.check.quizzes import quiz

__all__ = [
    "SUITES", "Failed", "Property", "Report", "Result", "Suite", "Unreachable", "best_psnr",
    "best_value",
    "choose", "cost", "covered", "damage", "deconvolution", "discriminator", "equal_pushes",
    "flicker", "interval", "normalised", "objective", "order", "quiz", "receptive_field", "rmsprop",
    "same_push", "shifted", "sweep", "unbiased", "upright",
]  # fmt: skip

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        losses.OBJECTIVE, _discriminator.DISCRIMINATOR, updates.RMSPROP, experiments.SWEEP,
        experiments.CHOOSE, robustness.DAMAGE, robustness.INTERVAL, pictures.FLICKER,
        pictures.SHIFTED, pictures.BEST_PSNR, players.BEST_VALUE, players.EQUAL_PUSHES,
        players.SAME_PUSH,
        layers.DECONVOLUTION, layers.RECEPTIVE_FIELD, layers.COSTS, _steps.UNBIASED, _steps.ORDER,
        _angles.UPRIGHT, _ablations.COVERED, _ablations.NORMALISED,
    )
}  # fmt: skip


def objective(fn: Callable, *, adversarial: str = "saturating", seed: int = 0) -> Report:
    """Check what G minimises: `fn(z_fake, generated, real, lam)`, the terms of Eq. 2 with G.

    Parameters
    ----------
    fn : takes D's logits z on ĥ `(n, 1)`, ĥ and h `(n, c, h, w)`, and λ; returns a number to
        minimise, with the *mean* of the squared differences (the note beside Eq. 2).
    adversarial : "saturating" or "non-saturating", the term that was asked for.
    seed : another seed draws other inputs.
    """
    return SUITES["objective"].check(fn, seed, adversarial=adversarial)


def discriminator(fn: Callable, *, seed: int = 0) -> Report:
    """Check what D maximises, the terms of Eq. 2 with D: `fn(D, generated, real)`.

    `D(images)` returns logits. `generated` still hangs on G's graph, as in Algorithm 1.
    """
    return SUITES["discriminator"].check(fn, seed)


def rmsprop(fn: Callable, *, seed: int = 0) -> Report:
    """Check a step of RMSprop, Eq. 8; with `maximize`, Eq. 5.

    `fn(theta, gradient, delta, eta, alpha, eps, maximize=False)`.

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


def flicker(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 1, exercise 1: `fn(images, method)` → grey levels."""
    return SUITES["flicker"].check(fn, seed)


def shifted(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 1, exercise 2: `fn(images, pixels)` → share of the faces, 0 … 1."""
    return SUITES["shifted"].check(fn, seed)


def best_value(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 2, exercise 2: `fn(p_x, q_x, x)`, two densities on the grid x."""
    return SUITES["best_value"].check(fn, seed)


def best_psnr(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 7, exercise 1: `fn(generated, real, reach)` → a PSNR a face."""
    return SUITES["best_psnr"].check(fn, seed)


def deconvolution(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 3, exercise 1: `fn(x, kernel, stride, padding)`, all of them matrices."""
    return SUITES["deconvolution"].check(fn, seed)


def receptive_field(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 3, exercise 2: `fn(layers)`, a list of (kernel, stride), the first first."""
    return SUITES["receptive_field"].check(fn, seed)


def cost(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 3, exercise 3: `fn(c_in, c_out, kernel, side)` → (parameters, products)."""
    return SUITES["cost"].check(fn, seed)


def equal_pushes(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 4, exercise 1: `fn(by_d, by_pixels)` → λ."""
    return SUITES["equal_pushes"].check(fn, seed)


def same_push(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 4, exercise 2: `fn(lam_mean, images)` → λ for the sum."""
    return SUITES["same_push"].check(fn, seed)


def unbiased(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 5, exercise 2: `fn(delta, alpha, t)` → Δ without its start at zero."""
    return SUITES["unbiased"].check(fn, seed)


def order(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 6, exercise 1: `fn(n, batch, steps, seed)` → numbers of the faces."""
    return SUITES["order"].check(fn, seed)


def upright(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 10, exercise 1: `fn(lr, mean, angles)` → degrees, a number a face."""
    return SUITES["upright"].check(fn, seed)


def covered(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 8, exercise 1: `fn(images, box)`, the box as (left, top, right, bottom)."""
    return SUITES["covered"].check(fn, seed)


def normalised(fn: Callable, *, seed: int = 0) -> Report:
    """Check chapter 8, exercise 2: `fn(x, mean, var, training)` → normalised x."""
    return SUITES["normalised"].check(fn, seed)
