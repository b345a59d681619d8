"""The tool that runs against the clock, on faces of nobody."""

import json
import sys

import pytest
import race

from urdgn_lite import faces, presets


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A tiny network in place of `residual`, for three steps."""
    monkeypatch.setitem(presets.PRESETS, "residual", presets.get("smoke"))
    few = {"cpu": 3, "cuda": 3}
    monkeypatch.setattr(race, "RACES", {"easy": race.Race(-1.0, few), "vain": race.Race(9.0, few)})
    monkeypatch.setattr(race, "BATCH", {"cpu": 4, "cuda": 4})


def test_a_row_says_whether_the_gain_was_reached_and_how_long_it_took():
    some = faces.load("imaginary", "test", limit=8)
    easy, vain = (race.measure(which, some, some, 1.4) for which in race.RACES.values())
    assert (easy["reached"], vain["reached"]) == (True, False)
    assert easy["gain_psnr"] == vain["gain_psnr"]  # the same seed
    assert (easy["steps"], easy["n"], easy["seconds_reading"]) == (3, 8, 1)
    assert easy["preset"]["batch"] == 4
    assert 0 < easy["seconds"] < 60


def test_only_what_was_asked_for_is_run_and_kept_for_its_hardware(tmp_path, monkeypatch):
    some = faces.load("imaginary", "test", limit=8)
    monkeypatch.setattr(race, "ledger", lambda: tmp_path)
    monkeypatch.setattr(race.faces, "load", lambda name, split: some)
    monkeypatch.setattr(sys, "argv", ["race.py", "--races", "vain"])
    race.main()
    (name,) = json.loads((tmp_path / "race.json").read_text())
    assert name.startswith("vain, ")
    assert "CPU" in name or "NVIDIA" in name
