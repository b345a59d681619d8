"""The tool that compares adversarial recipes, on faces of nobody."""

import json
import math
import sys
from dataclasses import replace

import pytest
import recipes
import torch

from urdgn_lite import faces, presets
from urdgn_lite.degrade import to_float
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.run import Run


@pytest.fixture
def small(monkeypatch):
    """Networks of a few channels, nothing to start from, and eight faces."""
    D = presets.get("smoke-gan").discriminator
    monkeypatch.setattr(recipes, "G", {"kind": "deconvolutional", "width": 8})
    monkeypatch.setattr(presets, "SMALL_D", D)
    for name, recipe in recipes.RECIPES.items():
        changes = recipe.changes
        if "discriminator" in changes:
            changes = changes | {"discriminator": {"kind": "spectral", **D}}
        recipe = replace(recipe, start="", changes=changes)
        monkeypatch.setitem(recipes.RECIPES, name, recipe)
    return faces.load("imaginary", "val", limit=8)


def test_every_recipe_is_run_measured_and_keeps_its_curves(small):
    for name, recipe in recipes.RECIPES.items():
        row = json.loads(json.dumps(recipes.measure(name, small, small, small, 2, 4)))
        low, high = row["gain_psnr_interval"]
        assert low <= row["gain_psnr"] <= high
        assert math.isfinite(row["gain_training_mode"])
        assert len(row["curves"]["loss"]) == 2
        assert ("bce_real" in row["curves"]) == (recipe.preset != "lite")
        averages = recipes.preset_of(recipe, 2, 4).average > 0
        assert ("gain_unaveraged" in row) == averages


def test_a_row_that_is_there_is_not_run_again(small, tmp_path, monkeypatch):
    table = tmp_path / "recipes.json"
    rows = {key: {"gain_psnr": 0.0} for key in recipes.RECIPES}
    missing = "literal"
    del rows[missing]
    table.write_text(json.dumps(rows))
    asked = []
    monkeypatch.setattr(recipes, "measure", lambda name, *_: asked.append(name) or {})
    monkeypatch.setattr(sys, "argv", ["recipes", "--faces", "imaginary", "--table", str(table)])
    recipes.main()
    assert asked == [missing]
    assert set(json.loads(table.read_text())) == set(recipes.RECIPES)


def test_only_the_networks_differ_from_the_presets():
    literal = recipes.preset_of(recipes.RECIPES["literal"], 300, 8)
    assert literal.optimiser["alpha"] == 0.01
    assert (literal.reduction, literal.adversarial) == ("sum", "saturating")
    released = recipes.preset_of(recipes.RECIPES["released"], 300, 8)
    assert released.game == "released"
    assert released.optimiser["alpha"] == 0.9
    gentle = recipes.preset_of(recipes.RECIPES["from lite, gentle"], 300, 8)
    assert gentle.rate == presets.get("lite-gan").rate < presets.get("lite").rate


def test_curves_are_means_of_equal_stretches():
    assert recipes.curve([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]
    assert recipes.curve([1.0, 2.0], 40) == [1.0, 2.0]


def test_r1_flattens_d_at_real_faces(small):
    preset = presets.get("smoke-gan").but(rate=1e-2)
    run = Run.begin(preset, data={"n": 8}).to("cpu")
    run.D.eval()
    h = to_float(small.images)

    def slope():
        real = h.clone().requires_grad_()
        (found,) = torch.autograd.grad(run.D(real).sum(), real)
        return found.square().sum().item()

    before, G = slope(), [p.clone() for p in run.G.parameters()]
    for _ in range(5):
        recipes.penalise(run, h)
    assert slope() < before / 2
    assert all(torch.equal(p, q) for p, q in zip(G, run.G.parameters(), strict=True))


def test_spectral_norm_holds_every_layer():
    torch.manual_seed(0)
    D = recipes.spectral(**presets.get("smoke-gan").discriminator)
    with torch.no_grad():
        for p in D.parameters():
            p.mul_(10)
        for _ in range(30):
            D(torch.zeros(1, 3, 128, 128))
        weights = [layer.weight for layer in D if hasattr(layer, "weight")]
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_the_ledger_says_what_the_book_reads_from_it():
    table = json.loads((ledger() / "recipes.json").read_text())
    assert list(table) == list(recipes.RECIPES)
    for row in table.values():
        assert all(len(points) <= recipes.POINTS for points in row["curves"].values())
        assert (row["test"], row["n_test"]) == ("celeba128", 500)
        assert "dirty" not in row["commit"]

    def late(name):  # the kinder half of D's loss over the last quarter
        curves = table[name]["curves"]
        return max(sum(curves[half][-10:]) / 10 for half in ("bce_real", "bce_fake"))

    assert late("literal") < 0.4
    assert late("literal, α = 0.9") < 0.4
    assert late("from lite, gentle") > 0.5
    assert table["literal"]["gain_psnr"] < table["no D"]["gain_psnr"]
    assert table["released"]["lpips"] < table["literal"]["lpips"]
    gentle, alone = (table[name] for name in ("from lite, gentle", "from lite, no D"))
    assert gentle["lpips"] < alone["lpips"]
    assert gentle["gain_psnr"] > gentle["gain_unaveraged"] + 0.2
    low, high = table["from lite, gentle, R1"]["gain_psnr_interval"]
    assert low < gentle["gain_psnr"] < high
    weaker = table["from lite, gentle, spectral norm"]
    assert weaker["gain_psnr"] > gentle["gain_psnr"]
    assert weaker["lpips"] > gentle["lpips"]
