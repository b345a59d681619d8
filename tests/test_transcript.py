"""The paper's equations as data (`results/equations.yml`), and the code held against them.

Everything is computed once more in float64 NumPy from the transcript's terms alone.
"""

import inspect
import re

import numpy as np
import pytest
import torch
import yaml

from urdgn_lite import objective, optimiser, presets, train
from urdgn_lite.degrade import downsample
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.run import Run

PAPER = yaml.safe_load((ledger() / "equations.yml").read_text())
EQUATIONS = PAPER["equations"]
LAM = 0.7
FUNCTIONS = {
    1: lambda zr, zf, g, h: objective.gan_value(zr, zf),
    2: lambda zr, zf, g, h: objective.urdgn_value(zr, zf, g, h, LAM, "sum"),
    4: lambda zr, zf, g, h: objective.discriminator_value(zr, zf),
    7: lambda zr, zf, g, h: objective.generator_loss(zf, g, h, LAM, "saturating", "sum"),
}
UPDATES = [n for n, e in EQUATIONS.items() if e["kind"] == "update"]
GRADIENTS = [n for n, e in EQUATIONS.items() if e["kind"] == "stochastic gradient"]


def players(seed=0):
    """θ_G, θ_D and pairs {l, h}: G is one matrix, D another."""
    draw = np.random.default_rng(seed)
    return {
        "G": draw.normal(size=(4, 12)),
        "D": draw.normal(size=(12, 1)) / 3,
        "l": draw.normal(size=(5, 4)) / 3,
        "h": draw.normal(size=(5, 12)) / 3,
    }


def by_hand(terms, p):
    """Mean over the batch of the transcript's terms."""
    generated = p["l"] @ p["G"]
    d_real, d_fake = (1 / (1 + np.exp(-x @ p["D"])) for x in (p["h"], generated))
    values = {
        "real": np.log(d_real)[:, 0],
        "fake": np.log(1 - d_fake)[:, 0],
        "pixel": LAM * ((generated - p["h"]) ** 2).sum(1),
    }
    return sum(values[term] for term in terms).mean()


def slope(terms, p, player, step=1e-6):
    """Central differences of `by_hand` by one player's parameters."""
    found = np.zeros_like(p[player])
    for place in np.ndindex(found.shape):
        ends = []
        for side in (step, -step):
            theta = p[player].copy()
            theta[place] += side
            ends.append(by_hand(terms, p | {player: theta}))
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return found


def computed(number, p):
    """The code's value, and its gradients by θ_D and θ_G."""
    t = {name: torch.tensor(value, requires_grad=name in "GD") for name, value in p.items()}
    generated = t["l"] @ t["G"]
    pictures = [x.view(5, 3, 2, 2) for x in (generated, t["h"])]
    value = FUNCTIONS[number](t["h"] @ t["D"], generated @ t["D"], *pictures)
    gradients = torch.autograd.grad(value, [t["G"], t["D"]], allow_unused=True)
    return value.item(), dict(zip("GD", gradients, strict=True))


def test_it_is_a_transcript_of_eight_equations():
    assert list(EQUATIONS) == list(range(1, 9))
    assert [e["player"] for e in EQUATIONS.values()] == ["both"] * 2 + ["D"] * 3 + ["G"] * 3
    for first in (3, 6):  # a derivative in expectation, the same over a batch, an update by it
        kinds = [EQUATIONS[first + i]["kind"] for i in range(3)]
        assert kinds == ["derivative", "stochastic gradient", "update"]
        assert EQUATIONS[first]["terms"] == EQUATIONS[first + 1]["terms"]


def test_values_gradients_and_updates_have_code_and_expectations_have_none():
    tied = {int(label.removeprefix("eq:")) for label in objective.EQUATIONS}
    assert tied == {n for n, e in EQUATIONS.items() if e["kind"] != "derivative"}
    for label, functions in objective.EQUATIONS.items():
        for function in functions:
            assert re.search(rf"Eqs?\. (\d and )?{label[3:]}\b", function.__doc__), label


@pytest.mark.parametrize("number", FUNCTIONS)
def test_the_quantity_is_that_of_the_terms(number):
    p = players()
    assert computed(number, p)[0] == pytest.approx(by_hand(EQUATIONS[number]["terms"], p), 1e-12)


@pytest.mark.parametrize("number", GRADIENTS)
def test_its_gradient_is_the_player_s(number):
    p, equation = players(1), EQUATIONS[number]
    found = computed(number, p)[1][equation["player"]]
    np.testing.assert_allclose(found, slope(equation["terms"], p, equation["player"]), atol=1e-8)


def test_the_players_equations_swapped_would_be_seen():
    p = players(1)
    for number, other in zip(GRADIENTS, reversed(GRADIENTS), strict=True):
        assert abs(computed(number, p)[0] - by_hand(EQUATIONS[other]["terms"], p)) > 1e-3


@pytest.mark.parametrize("number", UPDATES)
def test_an_update_goes_the_way_of_its_sign(number):
    equation, start = EQUATIONS[number], torch.zeros(3, dtype=torch.float64)
    gradient, delta = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64), torch.ones(3).double()
    theta = start.clone()
    assert objective.EQUATIONS[f"eq:{number}"] == [optimiser.rmsprop_step]
    optimiser.rmsprop_step(
        theta, gradient, delta, eta=0.5, alpha=0.01, eps=1e-8, maximize=equation["sign"] == "+"
    )
    new = 0.01 + 0.99 * gradient.numpy() ** 2  # δ
    step = 0.5 * gradient.numpy() / np.sqrt(new + 1e-8)
    np.testing.assert_allclose(theta, step if equation["sign"] == "+" else -step, rtol=1e-12)


# --- Algorithm 1.

STEPS = {"D": train.d_step, "G": train.g_step}


def test_algorithm_1_has_the_paper_s_lines_in_their_order():
    source = inspect.getsource(train.algorithm_1)
    lines = [int(n) for n in re.findall(r"# line (\d)", source)]
    assert lines == list(PAPER["algorithm_1"])
    for number, line in PAPER["algorithm_1"].items():
        if isinstance(line, dict):
            (code,) = [s for s in source.splitlines() if f"# line {number}" in s]
            assert f"{STEPS[line['player']].__name__}(run, h, generated)" in code


@pytest.mark.parametrize("number", [4, 5])
def test_a_line_s_update_names_its_equations_where_they_are_computed(number):
    line = PAPER["algorithm_1"][number]
    gradient, update = line["equations"]
    step = STEPS[line["player"]]
    assert f"Eqs. {gradient} and {update}" in step.__doc__
    assert f"θ_{line['player']}" in step.__doc__
    code = inspect.getsource(step)
    assert re.search(rf"\.backward\(\)  # Eq\. {gradient}\b", code)
    assert re.search(rf"opt_{line['player'].lower()}\.step\(\)  # Eq\. {update}\b", code)


@pytest.mark.parametrize("player", "DG")
def test_a_step_of_algorithm_1_follows_the_gradient_of_its_equation(player, few_faces):
    """Its gradients are those of the terms; its optimiser goes the way of the sign."""
    (line,) = [
        a for a in PAPER["algorithm_1"].values() if isinstance(a, dict) and a["player"] == player
    ]
    gradient, update = (EQUATIONS[n] for n in line["equations"])
    preset = presets.get("smoke-gan").but(adversarial="saturating", reduction="sum", lam=0.01)
    run = Run.begin(preset).to("cpu")
    run.D.eval()
    h = train.to_float(few_faces.images[:2])
    torch.nn.init.normal_(run.G.last.weight, std=0.1)
    optimisers = {"D": run.opt_d, "G": run.opt_g}
    ours, network = optimisers[player], {"D": run.D, "G": run.G}[player]
    assert all(g["maximize"] == (update["sign"] == "+") for g in ours.param_groups)
    ours.step = lambda: None
    generated = run.G(downsample(h))
    STEPS[player](run, h, generated)
    found = [p.grad.clone() for p in network.parameters()]
    again = run.G(downsample(h))
    terms = {
        "real": run.D(h).sigmoid().log().mean(),
        "fake": (1 - run.D(again).sigmoid()).log().mean(),
        "pixel": preset.lam * (again - h).square().flatten(1).sum(1).mean(),
    }
    wanted = torch.autograd.grad(
        sum(terms[term] for term in gradient["terms"]), list(network.parameters())
    )
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
