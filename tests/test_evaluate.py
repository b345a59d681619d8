import dataclasses
import json
import math

import pytest
import torch

from urdgn_lite import evaluate as e
from urdgn_lite import faces, metrics
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import to_float, to_uint8

MEASURES = {"psnr", "ssim", "psnr_y", "ssim_y"}


@pytest.fixture(scope="module")
def bicubic(few_faces):
    return e.evaluate(upsample_bicubic, few_faces)


def brighter(lr):
    return upsample_bicubic(lr) + 0.1


def test_a_row_has_every_measure_and_its_gain(bicubic):
    gains = {f"gain_{m}" for m in MEASURES}
    assert set(bicubic) == MEASURES | gains | {"lr_consistency", "seconds_per_face", "n"}
    assert bicubic["n"] == 8
    assert bicubic["seconds_per_face"] > 0


def test_bicubic_gains_nothing_over_itself(bicubic):
    assert {bicubic[f"gain_{m}"] for m in MEASURES} == {0}


def test_numbers_are_averages_over_faces(few_faces, bicubic):
    h = to_float(few_faces.images)
    generated = upsample_bicubic(downsample(h))
    per_face = {
        "psnr": metrics.psnr(generated, h),
        "ssim": metrics.ssim(generated, h),
        "psnr_y": metrics.psnr(generated, h, y=True),
        "ssim_y": metrics.ssim(generated, h, y=True),
        "lr_consistency": metrics.lr_consistency(generated, downsample(h)),
    }
    averages = {name: values.mean().item() for name, values in per_face.items()}
    assert {name: bicubic[name] for name in averages} == pytest.approx(averages, abs=1e-4)


def test_gains_are_differences_to_bicubic(few_faces, bicubic):
    row = e.evaluate(brighter, few_faces)
    for measure in MEASURES:
        expected = row[measure] - bicubic[measure]
        assert row[f"gain_{measure}"] == pytest.approx(expected, abs=2e-4)
    assert row["gain_psnr"] < -0.5


def test_the_size_of_a_batch_does_not_matter(few_faces, bicubic):
    row = e.evaluate(upsample_bicubic, few_faces, batch=3)
    same = [k for k in row if k != "seconds_per_face"]
    assert {k: row[k] for k in same} == pytest.approx({k: bicubic[k] for k in same}, abs=2e-4)


def test_a_method_sees_lr_faces_on_the_8_bit_grid_and_nothing_else(few_faces):
    seen = []

    def spy(lr):
        seen.append(lr.clone())
        return upsample_bicubic(lr)

    e.evaluate(spy, few_faces, batch=8)
    assert torch.equal(seen[0], downsample(to_float(few_faces.images)))
    assert all(torch.equal(lr, to_float(to_uint8(lr))) for lr in seen)
    assert {tuple(lr.shape[1:]) for lr in seen} == {(3, 16, 16)}


def test_a_perfect_method_is_told_by_its_ssim(few_faces):
    h = to_float(few_faces.images)
    row = e.evaluate(lambda lr: h[: len(lr)], few_faces)
    assert row["ssim"] == pytest.approx(1, abs=1e-4)
    assert math.isinf(row["psnr"])
    assert math.isinf(row["lr_consistency"])


# The two numbers that anchor every other one


def test_bicubic_reaches_23_091_db_on_the_imaginary_test_faces():
    found = faces.load("imaginary", "test")
    h = to_float(found.images)
    values = metrics.psnr(upsample_bicubic(downsample(h)), h)
    assert len(found) == 300
    assert values.mean().item() == pytest.approx(23.091, abs=1e-3)


def test_bicubic_reaches_23_224_db_on_the_celeba_test_faces(development_faces):
    h = to_float(faces.load("celeba128", "test").images)
    generated = upsample_bicubic(downsample(h))
    assert len(h) == 500
    assert metrics.psnr(generated, h).mean().item() == pytest.approx(23.224, abs=1e-3)
    # what scikit-image gives too (Gaussian 11, no border); other conventions reach 0.644 to 0.67
    assert metrics.ssim(generated, h).mean().item() == pytest.approx(0.648, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "split", "db"),
    [("celeba128-test-unaligned", "test", 23.450), ("congress128", "all", 23.889)],
)
def test_bicubic_reaches_its_known_number_on_other_faces(development_faces, name, split, db):
    h = to_float(faces.load(name, split).images)
    values = metrics.psnr(upsample_bicubic(downsample(h)), h)
    assert values.mean().item() == pytest.approx(db, abs=1e-3)


# The ledger


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(e, "ledger", lambda: tmp_path / "results")
    return tmp_path / "results"


def test_a_row_that_was_written_is_read_back(ledger, few_faces, bicubic):
    path = e.write_row("bicubic", few_faces, bicubic | {"hardware": "a laptop · 2 cores"})
    assert path == ledger / "imaginary-test" / "bicubic.json"
    row = e.read_row("bicubic", "imaginary-test")
    assert row == bicubic | {
        "method": "bicubic", "faces": "imaginary", "split": "test",
        "hardware": "a laptop · 2 cores",
    }  # fmt: skip


def test_rows_stand_by_faces_and_split(ledger, few_faces):
    mine = dataclasses.replace(few_faces, source="mine", split="val")
    e.write_row("tiny", few_faces, {"psnr": 1.0})
    e.write_row("tiny", mine, {"psnr": 2.0})
    assert e.read_row("tiny", "imaginary-test")["psnr"] == 1
    assert e.read_row("tiny", "mine-val")["psnr"] == 2


def test_a_row_can_be_kept_in_another_folder(tmp_path, ledger, few_faces):
    path = e.write_row("tiny", few_faces, {"psnr": 1.0}, tmp_path / "else")
    assert json.loads(path.read_text())["psnr"] == 1
    assert not ledger.exists()


def test_a_row_that_was_never_measured_is_missed_with_the_command_that_measures_it(ledger):
    with pytest.raises(KeyError, match=r"no lite on imaginary-test: urdgn-lite evaluate lite"):
        e.read_row("lite", "imaginary-test")


def test_the_papers_numbers_are_read_from_the_ledger(ledger):
    ledger.mkdir()
    (ledger / "paper.yml").write_text("table-1:\n  bicubic: {psnr: 23.22, ssim: 0.67}\n")
    assert e.paper() == {"table-1": {"bicubic": {"psnr": 23.22, "ssim": 0.67}}}


def test_the_ledger_lies_in_the_checkout_or_in_the_package():
    assert e.ledger().name == "results"
    assert e.ledger().parent.name in ("urdgn_lite", e.Path(__file__).parent.parent.name)
