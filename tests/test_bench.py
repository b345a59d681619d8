"""What is measured, not how fast: speed depends on the machine."""

import json

import pytest
import torch
from typer.testing import CliRunner

from urdgn_lite import bench as b
from urdgn_lite import faces, presets, timing
from urdgn_lite.cli import app
from urdgn_lite.measure.evaluate import ledger

# workers are forked beside torch's threads, and may be more than the machine has cores
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def little():
    with pytest.MonkeyPatch.context() as patch:
        for device in ("cpu", "cuda"):
            patch.setitem(timing.SIDE, device, 128)
            patch.setitem(timing.COPIED, device, 2**16)
        patch.setattr(b, "CORES", 2)
        yield


@pytest.fixture(scope="module")
def tables():
    return []


@pytest.fixture(scope="module")
def row(little, tables, few_faces):
    names = ["smoke-gan", "smoke"]
    options = {"against": "smoke", "seconds": 0.01, "rounds": 3, "show": tables.append}
    return b.bench(names, few_faces.images, **options)


def test_every_network_is_measured_once_in_use_and_by_every_feed_in_training(row):
    assert [r["preset"] for r in row["use"]] == ["smoke"]
    trained = [(r["preset"], r["feed"]) for r in row["training"]]
    feeds = ["memory", "0 workers", "2 workers"]
    assert trained == [(name, feed) for name in ("smoke", "smoke-gan") for feed in feeds]


def test_every_speed_stands_between_its_lowest_and_highest(row):
    for r in [*row["use"], *row["training"]]:
        for key in ("speed", "x_rival", "of_matmul", "of_copy"):
            middle, low, high = r[key]
            assert 0 < low <= middle <= high, key


def test_what_is_compared_with_itself_is_exactly_as_fast(row):
    assert row["use"][0]["x_rival"] == [1, 1, 1]
    for r in row["training"]:
        if r["feed"] == "memory":
            assert r["x_rival"] == r["memory_over_this"] == [1, 1, 1]


def test_ratios_to_the_rival_and_to_memory_are_each_others_inverse(row):
    for r in row["training"]:  # here the rival is the same network, fed from memory
        (_, low, high), (_, ilow, ihigh) = r["x_rival"], r["memory_over_this"]
        assert low * ihigh == pytest.approx(1, rel=1e-3)
        assert high * ilow == pytest.approx(1, rel=1e-3)


def test_shares_are_cost_times_speed_by_the_devices_rates():
    cost, rates = {"flops": 50.0, "bytes": 8.0}, {"mm": [1000.0, 500.0], "copy": [160.0, 160.0]}
    found = b.shares([10.0, 10.0], cost, rates, "mm")
    assert found == {"of_matmul": [0.75, 0.5, 1.0], "of_copy": [0.5, 0.5, 0.5]}


def test_a_face_costs_the_arithmetic_of_its_network(row):
    # smoke: 3 → 4, block 4 → 4 → 4, 4 → 16 at 16 × 16; 4 → 48 at 32 × 32; all 3 × 3
    macs = 9 * 256 * (3 * 4 + 2 * 4 * 4 + 4 * 16) + 9 * 1024 * 4 * 48
    assert row["use"][0]["flops"] == 2 * macs
    backward = 2 * 2 * macs - 2 * 9 * 256 * 3 * 4  # the LR face itself needs no gradient
    memory = {r["preset"]: r for r in row["training"] if r["feed"] == "memory"}
    assert memory["smoke"]["flops"] == 2 * macs + backward
    assert memory["smoke-gan"]["flops"] > 3 * memory["smoke"]["flops"]


def test_the_cost_is_shown_before_anything_is_timed(tables, row, monkeypatch, few_faces):
    assert [t.title.split()[0] for t in tables] == ["A", "Upsampling,", "Training"]
    assert [t.row_count for t in tables] == [2, 1, 2]
    shown = []
    monkeypatch.setattr(b, "alternate", lambda *_, **__: pytest.fail("timed") if not shown else {})
    with pytest.raises(KeyError):
        b.bench(["smoke"], few_faces.images, against="smoke", show=shown.append)


def test_the_row_says_under_which_circumstances(row):
    assert {"commit", "hardware", "torch", "date"} <= row.keys()
    assert row["limits"].keys() == {"matmul_float32", "matmul_bfloat16", "copy"}
    assert json.loads(json.dumps(row)) == row


def test_rivals_join_the_presets_like_with_like():
    assert list(b._chosen(["lite-gan"], "released")) == ["released", "released-gan", "lite-gan"]
    assert list(b._chosen(["released", "gan"], "released")) == ["released", "released-gan", "gan"]
    assert list(b._chosen(["lite"], "released")) == ["released", "lite"]
    with pytest.raises(ValueError, match="did you mean"):
        b._chosen(["lit"], "released")


def test_files_hold_the_faces_and_are_read_over_and_over(tmp_path, few_faces):
    b.write(few_faces.images, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".jpg"}
    files = b.Files(tmp_path)
    assert len(files) == 15_000
    error = files[3].float() - few_faces.images[3].float()
    assert error.square().mean() < 25
    assert torch.equal(files[3], files[3 + 8 * 100])


def test_a_loader_gives_shuffled_batches_of_floats_without_end(tmp_path, monkeypatch, few_faces):
    monkeypatch.setattr(b, "EPOCH", 8)
    b.write(few_faces.images, tmp_path)
    loader = b.Loader(tmp_path, 4, 0, torch.device("cpu"))
    run = object.__new__(b.Run)  # which a loader has no use for
    epochs = [torch.cat([loader(run), loader(run)]) for _ in range(3)]
    for h in epochs:
        assert h.shape == (8, 3, 128, 128)
        assert h.min() >= -1
        assert h.max() <= 1
        assert sorted(h.mean((1, 2, 3)).tolist()) == sorted(epochs[0].mean((1, 2, 3)).tolist())
    assert not torch.equal(epochs[0], epochs[1])


def test_before_its_turn_a_loader_drops_what_its_workers_hold_ready(tmp_path, few_faces):
    b.write(few_faces.images, tmp_path)
    loader = b.Loader(tmp_path, 4, 0, torch.device("cpu"))
    drawn = []
    loader.batches = iter(lambda: drawn.append(0) or len(drawn), -1)
    loader.ready()
    assert len(drawn) == 0
    loader.workers = 3
    loader.ready()
    assert len(drawn) == 6


def test_training_really_trains_on_what_the_feed_gives(few_faces):
    from accelerate import Accelerator

    given = []

    class Spy(b.Loader):
        def __init__(self):
            self.workers = 7

        def __call__(self, run):
            given.append(run)
            return faces.to_float(few_faces.images[:4])

        def ready(self):
            given.append("ready")

    works = b.training(presets.get("smoke"), few_faces.images, [Spy()], Accelerator())
    assert list(works) == ["memory", "7 workers"]
    assert works["memory"].step() == 4
    assert given == []
    assert works["7 workers"].step() == 4
    (run,) = given
    assert run.step == 2
    assert run.G.last.weight.any(), "the last convolution starts at zero"
    works["7 workers"].ready()
    assert given[-1] == "ready"


def test_the_command_prints_the_tables_and_keeps_the_numbers(tmp_path, monkeypatch, row, few_faces):
    asked = {}

    def bench(names, images, **options):
        asked.update(options, names=names, n=len(images))
        return row

    monkeypatch.setattr(b, "bench", bench)
    monkeypatch.setattr(faces, "load", lambda *_, **__: few_faces)
    path = tmp_path / "not" / "there" / "bench.json"
    call = ["bench", "--presets", "lite,residual-s-gan", "--seconds", "2", "--out", str(path)]
    result = CliRunner().invoke(app, call, catch_exceptions=False)
    assert result.exit_code == 0
    assert json.loads(path.read_text()) == row
    assert asked["names"] == ["lite", "residual-s-gan"]
    assert (asked["against"], asked["seconds"], asked["bf16"]) == ("released", 2, False)
    CliRunner().invoke(app, ["bench"], catch_exceptions=False)
    assert {n.removesuffix("-gan") for n in asked["names"]} == {
        "residual", "residual-s", "lite", "released", "paper"
    }  # fmt: skip
    assert len(asked["names"]) == 10


def test_an_unknown_preset_is_answered_in_one_line(monkeypatch, few_faces):
    monkeypatch.setattr(faces, "load", lambda *_, **__: few_faces)
    result = CliRunner().invoke(app, ["bench", "--presets", "residul"], catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no preset 'residul': did you mean")


def test_the_ledger_keeps_a_run_in_which_the_small_networks_are_as_fast_as_promised():
    kept = json.loads((ledger() / "bench.json").read_text())
    assert kept["against"] == "released"
    assert kept["hardware"].endswith("CPU, 1 thread")
    assert "dirty" not in kept["commit"]
    rows = {row["preset"]: row for row in kept["use"]}
    for name, times in {"residual": 10, "residual-s": 40, "lite": 30}.items():
        assert rows[name]["x_rival"][1] >= times  # in the slowest round too
        assert rows[name]["flops"] < rows["released"]["flops"] / times
        assert rows[name]["bytes"] < rows["released"]["bytes"]
        assert 0 < rows[name]["of_matmul"][0] < 1
