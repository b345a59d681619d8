"""The tool that counts channels which no gradient reaches, on faces of nobody."""

import json

import dead
import pytest
import torch

from urdgn_lite import faces, networks, presets
from urdgn_lite.optimiser import SCHEDULES, cosine_schedule


def test_a_channel_is_dead_if_no_place_of_any_face_wakes_it() -> None:
    some = faces.load("imaginary", "val", limit=60)  # two batches
    G = networks.Residual(8, 2, 4)
    with torch.no_grad():
        G.body[0].a.bias[:3] = -1e3
        G.body[1].a.weight[5] = 0.0
        G.body[1].a.bias[5] = 0.0  # zero is as dead as less
    before, after = dead.dead(G, some)
    assert (before, after) == (3, 1)


@pytest.mark.parametrize("name", dead.RECIPES)
def test_a_row_is_the_beginning_of_the_preset_by_another_recipe(name, monkeypatch) -> None:
    preset = presets.get("residual")
    small = preset.but(generator={**presets.SMOKE, "width": 48}, batch=4)
    monkeypatch.setattr(presets, "get", lambda name: small)
    monkeypatch.setitem(SCHEDULES, "residual's", None)  # known while the test runs
    some = faces.load("imaginary", "val", limit=8)
    row = json.loads(json.dumps(dead.measure(name, some, some, 2)))
    assert f"rate {row['rate']:.0e}".replace("-0", "-") in name
    assert str(row["optimiser"]["weight_decay"]) in name
    assert (row["steps"], row["channels"], len(row["dead"])) == (2, 48, 1)
    factor = SCHEDULES["residual's"](1, 2, 4)  # of two steps: still at the beginning
    assert factor == cosine_schedule(1, preset.steps, 4) < 0.01


def test_one_of_the_recipes_is_the_presets() -> None:
    preset = presets.get("residual")
    assert {"rate": preset.rate, "optimiser": dict(preset.optimiser)} in dead.RECIPES.values()
