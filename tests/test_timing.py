"""Rates, ratios and costs, with works whose speed and arithmetic are known."""

import math
import time

import pytest
import torch
from torch import nn

from urdgn_lite import timing
from urdgn_lite.timing import Work, alternate, cost, probes, ratio, spread

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when a work says so, and never by itself."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def worker(clock, seconds, amount=1.0, seen=None, name=""):
    def step():
        clock[0] += seconds
        if seen is not None:
            seen.append(name)
        return amount

    return step


def test_a_rate_is_what_the_steps_return_by_the_seconds_they_take(clock):
    works = {"a": Work(worker(clock, 0.25, 4)), "b": Work(worker(clock, 0.5, 1))}
    rates = alternate(works, seconds=6, rounds=3, device=CPU)
    assert rates == {"a": pytest.approx([16] * 3), "b": pytest.approx([2] * 3)}


def test_works_take_turns_of_equal_time(clock):
    seen = []
    works = {n: Work(worker(clock, s, 1, seen, n)) for n, s in (("a", 0.25), ("b", 0.5))}
    alternate(works, seconds=3, rounds=3, device=CPU)
    assert "".join(seen) == "aabb" + 3 * "aaaabb"


def test_a_step_longer_than_its_budget_is_taken_once_a_round(clock):
    seen = []
    alternate({"a": Work(worker(clock, 60, 1, seen, "a"))}, seconds=1, rounds=5, device=CPU)
    assert len(seen) == 2 + 5


def test_a_slow_first_step_shortens_no_turn(clock):
    seen = []

    def step():
        clock[0] += 1 if seen else 100
        seen.append("a")
        return 1

    alternate({"a": Work(step)}, seconds=8, rounds=2, device=CPU)
    assert len(seen) == 2 + 2 * 4


def test_what_goes_before_a_turn_costs_it_nothing(clock):
    ready = worker(clock, 1000)
    rates = alternate({"a": Work(worker(clock, 1, 3), ready)}, seconds=1, rounds=2, device=CPU)
    assert rates == {"a": [3, 3]}


def test_a_ratio_is_taken_round_by_round_so_that_a_busy_machine_cancels_out():
    load = [1, 10, 2, 5, 4]
    fast, slow = [30 / x for x in load], [3 / x for x in load]
    assert ratio(fast, slow) == [10, 10, 10]
    assert ratio([2, 4, 9], [1, 1, 3]) == [3, 2, 4]
    assert ratio([2, 4, 9], [1, 1, 3], factor=100) == [300, 200, 400]


def test_a_spread_is_median_lowest_and_highest_to_four_digits():
    assert spread([5, 1, 2.00004, 900, 0.123456]) == [2.0, 0.1235, 900]


def test_the_cost_of_a_convolution_is_that_computed_by_hand():
    conv, x = nn.Conv2d(3, 5, 3, padding=1), torch.zeros(2, 3, 16, 16)

    def step():
        with torch.no_grad():
            conv(x)
        return 2

    found = cost(Work(step))
    assert found["flops"] == 2 * (3 * 3 * 3) * 5 * 16 * 16  # bias not counted
    values = 2 * 3 * 16 * 16 + (3 * 5 * 9 + 5) + 2 * 5 * 16 * 16
    assert found["bytes"] == 4 * values / 2


def test_the_backward_pass_of_a_product_costs_twice_its_forward_pass():
    a, b = (torch.zeros(s, requires_grad=True) for s in ((4, 8), (8, 16)))

    def step():
        (a @ b).sum().backward()
        return 1

    found = cost(Work(step))
    assert found["flops"] == 3 * 2 * 4 * 8 * 16
    assert found["bytes"] == 4 * 3 * (4 * 8 + 8 * 16 + 4 * 16)  # three products of these sizes


def test_half_the_precision_is_half_the_traffic():
    a = torch.zeros(4, 4)
    single, half = (cost(Work(lambda x=x: len(x @ x))) for x in (a, a.bfloat16()))
    assert single["bytes"] == 2 * half["bytes"]
    assert single["flops"] == half["flops"]


def test_activation_functions_are_free():
    assert cost(Work(lambda: len(torch.zeros(4).relu().exp()))) == {"flops": 0, "bytes": 0}


def test_the_probes_return_the_arithmetic_and_the_bytes_that_they_do(monkeypatch):
    monkeypatch.setitem(timing.SIDE, "cpu", 32)
    monkeypatch.setitem(timing.COPIED, "cpu", 1000)
    done = {name: work.step() for name, work in probes(CPU).items()}
    assert done == {"matmul_float32": 2 * 32**3, "matmul_bfloat16": 2 * 32**3, "copy": 2000}
    assert cost(probes(CPU)["matmul_float32"])["flops"] == 1
    assert not torch.backends.cuda.matmul.allow_tf32


def test_rates_are_finite_on_a_real_clock():
    rates = alternate({"sum": Work(lambda: float(torch.ones(9).sum()))}, 0.01, 2, CPU)
    assert all(math.isfinite(rate) and rate > 0 for rate in rates["sum"])
