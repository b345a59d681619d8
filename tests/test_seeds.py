"""The tool that trains a preset again with other seeds, on faces of nobody."""

import math

import pytest
import seeds
import torch

from urdgn_lite import faces, presets, zoo


def test_every_row_is_a_preset_that_can_be_trained_on_two_cores():
    assert len(set(seeds.ROWS)) == 6
    assert all(presets.get(name.partition(",")[0]) for name in seeds.ROWS)


@pytest.mark.parametrize("name", ["smoke-gan, seed 1", "smoke-gan, seed 2"])
def test_a_row_begins_with_its_own_seeds_start_and_goes_on_where_it_was(
    name, tmp_path, monkeypatch
):
    begun = presets.get("smoke-gan").but(start="smoke")
    monkeypatch.setitem(presets.PRESETS, "smoke-gan", begun)
    some = faces.load("imaginary", "val", limit=8)
    row = seeds.measure(name, some, some, tmp_path, 2)
    assert math.isfinite(row["gain_psnr"])
    assert row["seed"] == int(name[-1])
    assert {path.name for path in tmp_path.iterdir()} == {
        f"smoke-{name[-1]}",
        f"smoke-gan-{name[-1]}",
    }
    again = seeds.measure(name, some, some, tmp_path, 2)  # nothing is left to train
    assert again["gain_psnr"] == row["gain_psnr"]


def test_seeds_differ(tmp_path):
    some = faces.load("imaginary", "val", limit=8)
    for seed in (1, 2):
        seeds.measure(f"smoke, seed {seed}", some, some, tmp_path, 2)
    first, other = (
        zoo.load(tmp_path / f"smoke-{seed}" / "generator.safetensors") for seed in (1, 2)
    )
    pairs = zip(first.parameters(), other.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)
