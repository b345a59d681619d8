"""The tool that trains the readings of the paper, on faces of nobody."""

import json
import math

import pytest
import readings

from urdgn_lite import faces, presets


@pytest.mark.parametrize("name", readings.READINGS)
def test_a_reading_changes_one_thing_of_the_papers_recipe(name):
    paper = presets.get("paper-gan")
    other = paper.but(**readings.READINGS[name])
    fields = vars(paper).keys()
    assert sum(getattr(paper, f) != getattr(other, f) for f in fields) == ("as written" not in name)
    changed = {k for k in paper.optimiser if paper.optimiser[k] != other.optimiser[k]}
    assert len(changed) <= 1


def test_a_row_tells_the_gain_its_way_there_and_what_d_thought(monkeypatch):
    D = presets.get("smoke-gan").discriminator
    small = presets.get("paper-gan").but(
        generator={"kind": "deconvolutional", "width": 8}, discriminator=D, batch=4
    )
    monkeypatch.setattr(presets, "get", lambda name: small)
    some = faces.load("imaginary", "val", limit=8)
    row = json.loads(json.dumps(readings.measure("α = 0.9", some, some, some, 2)))
    low, high = row["gain_psnr_interval"]
    assert low <= row["gain_psnr"] <= high
    assert [step for step, _ in row["gains"]] == [1, 2]
    assert all(math.isfinite(row[half]) and row[half] >= 0 for half in ("bce_real", "bce_fake"))
