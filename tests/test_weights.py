"""The tool that makes the released generators, on faces of nobody and networks of a few weights."""

import json

import pytest
import torch
import weights

from urdgn_lite import presets, zoo
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import evaluate, metrics

SMOKE, GAN = presets.get("smoke"), presets.get("smoke-gan").but(start="smoke")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty shelf and an empty ledger."""
    monkeypatch.setattr(zoo, "SHELF", tmp_path / "shelf")
    monkeypatch.setattr(evaluate, "ledger", lambda: tmp_path / "results")
    monkeypatch.setitem(presets.PRESETS, "smoke-gan", GAN)
    return tmp_path


def go_on(place, few_faces, **how):
    plan = [SMOKE.but(steps=2), GAN.but(steps=2)]
    return weights.go_on(plan, few_faces, few_faces, [few_faces], place / "runs", **how)


def test_all_released_presets_are_in_the_plan_each_after_its_start():
    names = [preset.name for preset in weights.released()]
    assert set(zoo.names()) <= set(names)
    assert len(set(names)) == len(names)
    for preset in weights.released():
        assert not preset.start or names.index(preset.start) < names.index(preset.name)
    assert not {"smoke", "smoke-gan"} & set(names)


def test_a_plan_is_gone_on_with_until_all_is_on_the_shelf_and_in_the_ledger(place, few_faces):
    calls = 0
    while not go_on(place, few_faces, minutes=0):
        calls += 1
        assert calls < 9
    assert zoo.names() == ["smoke", "smoke-gan"]
    for name in zoo.names():
        row = json.loads((place / "results" / "imaginary-test" / f"{name}.json").read_text())
        assert row["trained"] == json.loads(json.dumps(zoo.card(name)))
        assert row["n"] == len(few_faces)
    assert zoo.card("smoke-gan")["start"]["name"] == "smoke"
    assert calls == 2  # a step each, and what one call leaves the next one finishes
    assert go_on(place, few_faces)


def test_what_learnt_from_other_lr_faces_is_measured_on_those_too(place, few_faces):
    plan = [SMOKE.but(steps=2), GAN.but(steps=1, start="", downsampling="aliased")]
    assert weights.go_on(plan, few_faces, few_faces, [few_faces], place / "runs")
    plain, other = (
        json.loads((place / "results" / "imaginary-test" / f"{name}.json").read_text())
        for name in ("smoke", "smoke-gan")
    )
    assert "on_own_lr" not in plain
    h = to_float(few_faces.images)
    lr = downsample(h, "aliased")
    with torch.no_grad():
        generated = zoo.load("smoke-gan")(lr).clamp(-1, 1)
    gain = metrics.psnr(generated, h) - metrics.psnr(upsample_bicubic(lr), h)
    assert other["on_own_lr"]["gain_psnr"] == pytest.approx(gain.mean().item(), abs=1e-3)


def test_what_is_better_on_the_shelf_stays_unless_it_is_to_be_replaced(place, few_faces):
    assert go_on(place, few_faces)
    file = place / "runs" / "smoke" / "generator.safetensors"
    network, card = zoo.load_weights(file)
    worse = card | {"history": [{"gain": weights.gain(card) - 1}]}
    zoo.save_weights(network, place / "worse.safetensors", worse)
    with pytest.raises(weights.BetterKeptError, match="not replaced"):
        weights.keep(place / "worse.safetensors", "smoke")
    assert zoo.card("smoke")["history"] == card["history"]
    weights.keep(place / "worse.safetensors", "smoke", replace=True)
    assert zoo.card("smoke")["history"] == worse["history"]
    other = worse | {"data": {"source": "others"}}
    zoo.save_weights(network, place / "other.safetensors", other)
    weights.keep(place / "other.safetensors", "smoke")  # of other faces: no telling which is better


def test_only_generators_are_kept(place):
    (place / "other.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="not a generator"):
        weights.keep(place / "other.safetensors", "other")
    assert zoo.names() == []
