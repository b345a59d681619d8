"""RMSprop against torch and against NumPy; the schedules."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from urdgn_lite.optimiser import (
    RMSprop,
    constant_schedule,
    cosine_schedule,
    paper_schedule,
    rmsprop_step,
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(theta, gradient, delta, *, eta, alpha, eps, eps_inside=True, maximize=False):
    """Eq. 5 (`maximize`) and Eq. 8 in NumPy."""
    delta = alpha * delta + (1 - alpha) * gradient**2
    root = np.sqrt(delta + eps) if eps_inside else np.sqrt(delta) + eps
    return theta + (1 if maximize else -1) * eta * gradient / root, delta


def check_step(step: Callable) -> None:
    """Three updates in a row, in each setting, are those of `by_hand`."""
    for alpha in (0.9, 0.01):
        for eps_inside in (True, False):
            for maximize in (False, True):
                how = {
                    "eta": 0.02,
                    "alpha": alpha,
                    "eps": 1e-3,
                    "eps_inside": eps_inside,
                    "maximize": maximize,
                }
                theta, delta = draw(3, 2, seed=1), draw(3, 2, seed=2).square()
                wanted, average = theta.numpy().copy(), delta.numpy().copy()
                for seed in (3, 4, 5):
                    gradient = draw(3, 2, seed=seed)
                    kept = gradient.clone()
                    wanted, average = by_hand(wanted, kept.numpy(), average, **how)
                    step(theta, gradient, delta, **how)
                    np.testing.assert_allclose(theta, wanted, rtol=1e-12)
                    np.testing.assert_allclose(delta, average, rtol=1e-12)
                    np.testing.assert_array_equal(gradient, kept)


def test_a_step_is_eq_8_and_uphill_eq_5():
    check_step(rmsprop_step)


def _wrong_step(
    keep: Callable = lambda alpha: alpha,
    square: Callable = torch.square,
    first: bool = False,
    sign: Callable = lambda maximize: 1 if maximize else -1,
    inside: Callable = lambda eps_inside: eps_inside,
    root: Callable = torch.sqrt,
) -> Callable:
    """`rmsprop_step` with one thing changed."""

    def step(theta, gradient, delta, *, eta, alpha, eps, eps_inside=True, maximize=False):
        average = keep(alpha) * delta + (1 - keep(alpha)) * square(gradient)
        used = delta if first else average
        below = root(used + eps) if inside(eps_inside) else root(used) + eps
        theta += sign(maximize) * eta * gradient / below
        delta.copy_(average)

    return step


WRONG_STEPS = {
    "α and 1 − α swapped": _wrong_step(keep=lambda alpha: 1 - alpha),
    "gradient not squared": _wrong_step(square=torch.abs),
    "average updated after use": _wrong_step(first=True),
    "never uphill": _wrong_step(sign=lambda maximize: -1),
    "G climbs, D descends": _wrong_step(sign=lambda maximize: -1 if maximize else 1),
    "ε always outside the root": _wrong_step(inside=lambda eps_inside: False),
    "ε always inside the root": _wrong_step(inside=lambda eps_inside: True),
    "root forgotten": _wrong_step(root=lambda x: x),
    "average as in AdaGrad": lambda theta, gradient, delta, alpha, **how: rmsprop_step(
        theta, gradient, delta.add_(gradient.square()), alpha=0.0, **how
    ),
    "average not kept": lambda theta, gradient, delta, **how: rmsprop_step(
        theta, gradient, delta.clone(), **how
    ),
}


def test_the_step_that_the_wrong_ones_are_made_from_is_right():
    check_step(_wrong_step())


@pytest.mark.parametrize("mistake", WRONG_STEPS)
def test_a_plausible_mistake_in_the_step_is_caught(mistake):
    with pytest.raises(AssertionError):
        check_step(WRONG_STEPS[mistake])


def walk(optimiser: torch.optim.Optimizer, steps: int, scale: float = 1.0) -> list[Tensor]:
    """Positions of the optimiser's only parameter under gradients that are the same each time."""
    (theta,) = optimiser.param_groups[0]["params"]
    path = []
    for step in range(steps):
        theta.grad = scale * (draw(*theta.shape, seed=step) + theta.detach())
        optimiser.step()
        path.append(theta.detach().clone())
    return path


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.5, 0.9, 0.99])
def test_with_epsilon_outside_the_root_it_is_torchs_rmsprop_step_for_step(alpha, maximize):
    how = {"lr": 0.01, "alpha": alpha, "eps": 1e-8, "maximize": maximize}
    mine, theirs = draw(4, 3), draw(4, 3)
    ours = walk(RMSprop([mine.requires_grad_()], eps_inside=False, **how), 60)
    reference = walk(torch.optim.RMSprop([theirs.requires_grad_()], **how), 60)
    for step, (a, b) in enumerate(zip(ours, reference, strict=True)):
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14, msg=lambda m, s=step: f"{s}: {m}")


def test_epsilon_inside_the_root_bounds_the_step_of_a_tiny_gradient():
    def first_step(eps_inside: bool, size: float) -> float:
        theta = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        theta.grad = torch.full_like(theta, size)
        RMSprop([theta], lr=1e-3, alpha=0.9, eps=1e-8, eps_inside=eps_inside).step()
        return -theta.item()

    assert first_step(True, 1.0) == pytest.approx(first_step(False, 1.0), rel=1e-6)
    # √Δ = 3e-8 √0.1: inside, the root stays at √ε = 1e-4; outside, √Δ and ε are alike
    tiny = 3e-8
    assert first_step(True, tiny) == pytest.approx(1e-3 * tiny / 1e-4, rel=1e-6)
    assert first_step(False, tiny) == pytest.approx(1e-3 * tiny / (tiny * math.sqrt(0.1) + 1e-8))
    assert first_step(False, tiny) > 1000 * first_step(True, tiny)


@pytest.mark.parametrize("eps_inside", [True, False])
def test_with_a_saved_state_it_goes_on_as_if_never_stopped_and_without_it_does_not(eps_inside):
    how = {"alpha": 0.9, "eps_inside": eps_inside}
    whole = draw(4, 3).requires_grad_()
    first = RMSprop([whole], lr=0.01, **how)
    walk(first, 5)
    resumed, forgetful = (whole.detach().clone().requires_grad_() for _ in range(2))
    second = RMSprop([resumed], lr=1.0, **how)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.param_groups[0]["lr"] == 0.01
    uninterrupted = walk(first, 5)
    for a, b in zip(uninterrupted, walk(second, 5), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(walk(RMSprop([forgetful], lr=0.01, **how), 1)[0], uninterrupted[0])


def test_a_parameter_without_gradient_is_left_alone_and_the_closures_loss_comes_back():
    used, unused = draw(2).requires_grad_(), draw(2).requires_grad_()
    before = unused.detach().clone()
    optimiser = RMSprop([used, unused])

    def closure() -> float:
        loss = used.square().sum()
        loss.backward()
        return loss.item()

    expected = used.detach().square().sum().item()
    assert optimiser.step(closure) == expected
    assert torch.equal(unused, before)
    assert unused not in optimiser.state
    assert used.detach().square().sum() < expected


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"alpha": 1.0}, {"alpha": -0.1}, {"eps": -1e-8}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match="need lr ≥ 0, 0 ≤ α < 1, ε ≥ 0"):
        RMSprop([draw(1).requires_grad_()], **wrong)


# --- Schedules.


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 1 / 20), (9, 10 / 20), (19, 1.0), (20, 1.0), (510, 0.5), (1000, 0.0)],
)
def test_the_cosine_schedule_warms_up_over_two_percent_and_ends_at_zero(step, factor):
    assert cosine_schedule(step, 1000, 7) == pytest.approx(factor, abs=1e-12)


@given(st.integers(1, 5000))
def test_the_cosine_schedule_rises_then_falls_and_every_step_taken_moves(total):
    factors = [cosine_schedule(step, total, 7) for step in range(total)]
    top = factors.index(max(factors))
    assert factors[top] == pytest.approx(1)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert min(factors) > 0


def test_the_constant_schedule_is_constant():
    assert {constant_schedule(step, 100, 10) for step in range(100)} == {1.0}


def test_the_paper_s_schedule_takes_one_per_cent_off_after_each_epoch():
    factors = [paper_schedule(step, 100, 10) for step in range(30)]
    assert factors == [1.0] * 10 + [0.99] * 10 + [0.99**2] * 10
