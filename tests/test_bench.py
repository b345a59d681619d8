"""What is measured, not how fast: speed depends on the machine."""

import json
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from urdgn_lite import presets
from urdgn_lite.measure.evaluate import ledger

sys.path.insert(0, str(Path(__file__).parent.parent / "tools" / "runs"))
import bench as b

from urdgn_lite.faces import Shards, write_shards


@pytest.fixture(scope="module")
def row(few_faces, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(b.SIDE, "cpu", 64)
        patch.setitem(b.COPIED, "cpu", 2**16)
        patch.setitem(b.BATCH, "cpu", 3)
        folder = tmp_path_factory.mktemp("bench") / "shards"
        write_shards("gallery", folder)
        names, images = ["smoke-gan", "smoke"], few_faces.images
        yield b.bench(
            names,
            images,
            against="smoke",
            seconds=0.01,
            rounds=3,
            compiled=False,
            shards=Shards(folder, "train"),
        )


def test_every_network_is_measured_in_use_and_every_preset_in_training(row):
    assert [r["preset"] for r in row["use"]] == ["smoke"]
    assert [r["preset"] for r in row["training"]] == ["smoke", "smoke-gan", "smoke"]
    assert row["use"][0]["batch"][0] == 3
    assert set(row["limits"]) == {"matmul_float32", "matmul_bfloat16", "copy"}
    assert json.loads(json.dumps(row)) == row


def test_every_speed_stands_between_its_lowest_and_highest(row):
    for r in [*row["use"], *row["training"][:2]]:
        for key in ("speed", "x_rival", "of_matmul", "of_copy"):
            middle, low, high = r[key]
            assert 0 < low <= middle <= high, key


def test_what_is_compared_with_itself_is_exactly_as_fast(row):
    assert row["use"][0]["x_rival"] == [1, 1, 1]
    assert all(r["x_rival"] == [1, 1, 1] for r in row["training"][:2])


def test_training_from_shards_stands_beside_training_from_memory(row):
    shards = row["training"][2]
    assert shards["feed"] == "shards"
    middle, low, high = shards["x_memory"]
    assert 0 < low <= middle <= high


def test_a_rate_is_what_a_work_returns_by_the_seconds_it_takes():
    def lazy():
        time.sleep(0.02)
        return 4.0

    (rates,) = b.alternate({"lazy": lazy}, seconds=0.1, rounds=2).values()
    assert len(rates) == 2
    assert all(0 < rate <= 200 for rate in rates)


def test_ratios_are_taken_round_by_round():
    assert b.ratio([2, 9, 4], [1, 3, 4], 10) == [20, 10, 30]


def test_flops_and_bytes_of_a_matrix_product_are_counted():
    layer, x = nn.Linear(5, 7, bias=False), torch.ones(3, 5)

    def work():
        with torch.no_grad():
            layer(x)
        return 3

    found = b.cost(work)
    assert found["flops"] == 2 * 5 * 7
    assert found["bytes"] == 4 * (3 * 5 + 5 * 7 + 3 * 7) / 3


def test_a_training_step_costs_more_than_use(row):
    assert row["training"][0]["flops"] > 2 * row["use"][0]["flops"]
    assert row["training"][1]["flops"] > row["training"][0]["flops"]


def test_the_ledger_has_a_run_of_the_whole_family():
    stored = json.loads((ledger() / "bench.json").read_text())
    assert {r["preset"] for r in stored["use"]} <= set(presets.PRESETS) | {"released"}
    assert {"limits", "use", "training", "commit", "hardware"} <= stored.keys()
