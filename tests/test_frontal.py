"""The tool that compares frontal training faces with all poses, on faces of nobody."""

import json

import frontal
import pytest

from urdgn_lite import faces
from urdgn_lite.measure.evaluate import ledger


@pytest.fixture(scope="module")
def some():
    return faces.load("imaginary", "train", limit=100)


def test_yaw_is_the_offset_of_the_nose(some):
    # 0000: eyes at 44.0 and 84.5, nose at 65.4; 0001: 52.8, 98.8, 58.5
    expected = [abs(65.4 - 64.25) / 40.5, abs(58.5 - 75.8) / 46.0]
    assert frontal.yaws(some)[:2] == pytest.approx(expected)


def test_both_generators_are_measured_in_every_bin_and_written(some, tmp_path):
    result = frontal.compare(some, some, "smoke", 3, tmp_path)
    assert json.loads(json.dumps(result)) == result
    again = frontal.compare(some, some, "smoke", 3, tmp_path)  # nothing is trained twice
    assert again == result
    assert sum(row["n"] for row in result["bins"]) == len(some)
    assert result["train"]["n"] == (frontal.yaws(some) < 0.1).sum()
    for row in result["bins"]:
        one, other, change = (row[k]["mean"] for k in ("frontal", "random", "random - frontal"))
        assert change == pytest.approx(other - one, abs=2e-3)
        assert row["random"]["low"] <= other <= row["random"]["high"]


def test_the_ledger_says_what_the_chapter_reads_from_it():
    first, *middle, last = json.loads((ledger() / "frontal.json").read_text())["bins"]
    assert first["random - frontal"]["high"] < 0 < last["random - frontal"]["low"]
    assert all(row["frontal"]["mean"] > 1 for row in (first, *middle, last))


def test_the_faces_of_a_shelf_state_their_yaw(development_faces):
    real = faces.load("celeba128", "test", limit=20)
    assert (frontal.yaws(real) < 0.5).all()
