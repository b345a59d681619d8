import dataclasses
import math
import zlib

import pytest
import torch
import yaml

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure import evaluate as e
from urdgn_lite.measure import identity, metrics

MEASURES = {"psnr", "ssim", "psnr_y", "ssim_y", "sharpness"}


@pytest.fixture(scope="module")
def bicubic(few_faces):
    return e.evaluate(upsample_bicubic, few_faces)


def brighter(lr):
    return upsample_bicubic(lr) + 0.1


def test_a_row_has_every_measure_and_its_gain(bicubic):
    averaged = MEASURES | {f"gain_{m}" for m in MEASURES} | {"lr_consistency"}
    intervals = {f"{name}_interval" for name in averaged}
    assert set(bicubic) == averaged | intervals | {"seconds_per_face", "n", "people"}
    for name in averaged:
        low, high = bicubic[f"{name}_interval"]
        assert low <= bicubic[name] <= high
    assert bicubic["n"] == bicubic["people"] == 8
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
        "sharpness": metrics.sharpness(generated, h),
    }
    averages = {name: values.mean().item() for name, values in per_face.items()}
    assert {name: bicubic[name] for name in averages} == pytest.approx(averages, abs=1e-4)


def test_gains_are_differences_to_bicubic(few_faces, bicubic):
    row = e.evaluate(brighter, few_faces)
    for measure in MEASURES:
        expected = row[measure] - bicubic[measure]
        assert row[f"gain_{measure}"] == pytest.approx(expected, abs=2e-4)
    assert row["gain_psnr"] < -0.5


def test_the_size_of_a_batch_does_not_matter(few_faces, bicubic, monkeypatch):
    monkeypatch.setattr(e, "BATCH", 3)
    row = e.evaluate(upsample_bicubic, few_faces)
    same = [k for k in row if k != "seconds_per_face"]
    for k in same:
        assert row[k] == pytest.approx(bicubic[k], abs=2e-4), k


def test_a_method_sees_lr_faces_on_the_8_bit_grid_and_nothing_else(few_faces):
    seen = []

    def spy(lr):
        seen.append(lr.clone())
        return upsample_bicubic(lr)

    e.evaluate(spy, few_faces)
    assert torch.equal(seen[0], downsample(to_float(few_faces.images)))
    assert all(torch.equal(lr, to_float(to_uint8(lr))) for lr in seen)
    assert {tuple(lr.shape[1:]) for lr in seen} == {(3, 16, 16)}


def test_a_perfect_method_is_told_by_its_ssim(few_faces):
    h = to_float(few_faces.images)
    row = e.evaluate(lambda lr: h[: len(lr)], few_faces)
    assert row["ssim"] == pytest.approx(1, abs=1e-4)
    assert math.isinf(row["psnr"])
    assert row["psnr_interval"] == [math.inf, math.inf]
    assert row["lr_consistency"] == pytest.approx(10 * math.log10(255**2 * 12), abs=1e-3)  # 58.9


def test_the_layout_of_the_faces_in_memory_does_not_matter(few_faces, bicubic):
    for images in (
        few_faces.images.to(memory_format=torch.channels_last),
        few_faces.images.repeat_interleave(2, 0)[::2],
    ):
        row = e.evaluate(upsample_bicubic, dataclasses.replace(few_faces, images=images))
        assert row["psnr"] == pytest.approx(bicubic["psnr"], abs=2e-4)


def test_bicubic_gains_nothing_on_a_flat_face_either(few_faces):
    images = few_faces.images.clone()
    images[0] = 100  # its bicubic enlargement is exact
    row = e.evaluate(upsample_bicubic, dataclasses.replace(few_faces, images=images))
    assert (row["psnr"], row["gain_psnr"], row["gain_psnr_interval"]) == (math.inf, 0, [0, 0])


# LR consistency, intervals


def test_lr_consistency_is_the_psnr_of_the_mean_squared_error():
    errors = torch.tensor([0.0, 8.0, 1.0, 3.0])  # the first face is exact: its own PSNR is infinite
    row = e.consistency(errors)
    assert row["lr_consistency"] == pytest.approx(10 * math.log10(255**2 / 3), abs=1e-4)
    low, high = row["lr_consistency_interval"]
    assert 10 * math.log10(255**2 / 8) <= low < row["lr_consistency"] < high < 58.93


def test_lr_consistency_is_measured_on_8_bit_lr_faces(few_faces, bicubic):
    h = to_float(few_faces.images)
    lr = downsample(h)
    again = to_uint8(downsample(upsample_bicubic(lr).clamp(-1, 1))).double()
    mse = (again - to_uint8(lr).double()).square().mean().item()
    assert bicubic["lr_consistency"] == pytest.approx(10 * math.log10(255**2 / mse), abs=1e-3)


def test_the_interval_is_that_of_a_mean_not_of_single_faces():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    low, high = e.interval(values)
    error = values.std().item() / 20
    assert low == pytest.approx(values.mean().item() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean().item() + 1.96 * error, abs=0.2 * error)
    assert e.interval(values) == (low, high)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    draw = torch.Generator().manual_seed(1)
    covered = 0
    for _ in range(100):
        low, high = e.interval(torch.rand(30, generator=draw))
        covered += low <= 0.5 <= high
    assert 88 <= covered <= 99


def test_people_are_redrawn_each_with_all_their_photographs():
    # two people, one with three faces: both drawn twice, or one of each; each a quarter or a half
    values = torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert e.interval(values, ["anna", "anna", "anna", "ben"]) == (0, 1)
    low, high = e.interval(torch.arange(40.0) % 2, ["anna", "ben"] * 20)
    assert (low, high) == (0, 1)
    assert e.interval(torch.arange(40.0) % 2)[0] > 0.3  # as if these were forty people
    means = {0.0, 0.25, 1.0}  # of (anna, anna), (anna, ben), (ben, ben)
    low, high = e.interval(values.repeat(1), ["a", "a", "a", "b"])
    assert {low, high} <= means


def test_intervals_of_people_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = torch.Generator().manual_seed(4)
    person = torch.randn(40, generator=rng, dtype=torch.float64)
    values = (person[:, None] + 0.1 * torch.randn(40, 5, generator=rng)).flatten()
    mine = e.interval(values, [str(i // 5) for i in range(200)])
    theirs = stats.bootstrap(  # five faces each: a mean over people is the mean over faces
        (values.view(40, 5).mean(1).numpy(),),
        lambda x, axis: x.mean(axis),
        method="percentile",
        n_resamples=2000,
        rng=0,
    ).confidence_interval
    assert mine == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_equal_faces_have_an_interval_of_no_width():
    assert e.interval(torch.full((5,), 2.0)) == (2, 2)


# LPIPS and identity


@pytest.fixture
def perceptual(monkeypatch):
    """Stand-ins that can be computed by hand: the real ones are slow, and optional."""
    monkeypatch.setattr(metrics, "lpips", lambda a, b: (a - b).abs().mean((1, 2, 3)))
    monkeypatch.setattr(identity, "embed", lambda images: images.flatten(1)[:, ::384])
    monkeypatch.setattr(faces.Faces, "people", lambda self: list("aabbccdd"))
    monkeypatch.setattr(e, "_KNOWN", {})


def test_lpips_and_identity_stand_in_the_row_when_asked_for(few_faces, perceptual):
    h = to_float(few_faces.images)
    row = e.evaluate(brighter, few_faces, perceptual=True)
    apart = metrics.lpips(brighter(downsample(h)), h).mean().item()
    assert row["lpips"] == pytest.approx(apart, abs=2e-3)
    assert row["gain_lpips"] == pytest.approx(
        apart - metrics.lpips(upsample_bicubic(downsample(h)), h).mean().item(), abs=2e-3
    )
    generated = to_float(to_uint8(brighter(downsample(h))))
    a, b = identity.embed(generated), identity.embed(h)
    assert row["identity"] == pytest.approx(identity.cosine(a, b).mean().item(), abs=1e-3)
    hits = identity.rank1(a, b, list("aabbccdd"))
    assert row["rank1"] == pytest.approx(hits.float().mean().item(), abs=1e-4)
    for name in ("lpips", "gain_lpips", "identity", "rank1"):
        low, high = row[f"{name}_interval"]
        assert low <= row[name] <= high
    assert not [name for name in row if "missing" in name]


def test_bicubic_is_measured_once_for_a_whole_table(few_faces, perceptual, monkeypatch):
    calls, lpips = [], metrics.lpips
    monkeypatch.setattr(metrics, "lpips", lambda a, b: calls.append(len(a)) or lpips(a, b))
    rows = [e.evaluate(upsample_bicubic, few_faces, perceptual=True) for _ in range(3)]
    assert sum(n for n in calls if n > 1) == 4 * len(few_faces)  # three methods, one baseline
    assert all(row["gain_lpips"] == 0 for row in rows)
    other = dataclasses.replace(few_faces, images=few_faces.images.flip(3))
    assert e.evaluate(upsample_bicubic, other, perceptual=True)["gain_lpips"] == 0


def test_the_originals_are_embedded_once_for_a_whole_table(few_faces, perceptual, monkeypatch):
    seen, embed = [], identity.embed
    monkeypatch.setattr(identity, "embed", lambda images: seen.append(0) or embed(images))
    for _ in range(2):
        e.evaluate(upsample_bicubic, few_faces, perceptual=True)
    assert len(seen) == 3


def test_what_is_not_there_is_none_with_a_reason_and_no_folder_of_this_machine(
    few_faces, perceptual, monkeypatch
):
    def unavailable(*_):
        raise metrics.MetricUnavailableError("weights at /home/me/torch/alexnet.pth are missing")

    monkeypatch.setattr(metrics, "lpips", unavailable)
    monkeypatch.setattr(faces.Faces, "people", lambda self: list("abcdefgh"))
    row = e.evaluate(upsample_bicubic, few_faces, perceptual=True)
    assert row["lpips"] is row["rank1"] is None
    assert row["lpips_missing"] == "weights at alexnet.pth are missing"
    assert row["rank1_missing"] == "no other photographs of the same people are known"
    assert row["identity"] > 0
    monkeypatch.setattr(identity, "embed", unavailable)
    monkeypatch.setattr(e, "_KNOWN", {})
    assert e.evaluate(upsample_bicubic, few_faces, perceptual=True)["identity"] is None


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
        "method": "bicubic",
        "faces": "imaginary",
        "split": "test",
        "hardware": "a laptop · 2 cores",
        "crc32": zlib.crc32(few_faces.images.numpy().tobytes()),
    }


def test_rows_stand_by_faces_and_split(ledger, few_faces):
    mine = dataclasses.replace(few_faces, source="mine", split="val")
    e.write_row("tiny", few_faces, {"psnr": 1.0})
    e.write_row("tiny", mine, {"psnr": 2.0})
    assert e.read_row("tiny", "imaginary-test")["psnr"] == 1
    assert e.read_row("tiny", "mine-val")["psnr"] == 2


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_number_that_json_lacks_is_not_kept(ledger, few_faces, bad):
    for row in ({"psnr": bad}, {"rotation": [{"psnr_interval": [1.0, bad]}]}):
        with pytest.raises(ValueError, match="bicubic on imaginary: a number is not finite"):
            e.write_row("bicubic", few_faces, row)
    assert not ledger.exists()
    e.write_row("tiny", few_faces, {"psnr": 1.0, "trained": {"preset": {"lam": math.inf}}})
    assert e.read_row("tiny", "imaginary-test")["trained"]["preset"]["lam"] == math.inf


def test_a_row_that_was_never_measured_is_missed_with_the_command_that_measures_it(ledger):
    with pytest.raises(KeyError, match=r"no lite on imaginary-test: urdgn-lite evaluate lite"):
        e.read_row("lite", "imaginary-test")


def test_every_figure_lists_imaginary_faces_that_are_there():
    listed = yaml.safe_load((e.ledger() / "figures.yml").read_text())
    everybody = faces.load("imaginary", "test")
    assert set(listed) == {1, 3, 4, 5, 6, 7, 8, 9}
    for figure, about in listed.items():
        reasons = about["faces"]
        assert 6 <= len(reasons) <= 8, figure
        assert set(reasons) <= set(everybody.names)
        assert all(len(reason) > 5 for reason in reasons.values())
    found = e.figure_faces(5)
    assert found.names == list(listed[5]["faces"])
    assert torch.equal(found.images[2], everybody.images[everybody.names.index(found.names[2])])
    with pytest.raises(KeyError, match=r"no faces are listed for Fig. 2"):
        e.figure_faces(2)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", ".."])
def test_a_row_stays_within_the_ledger(few_faces, tmp_path, ledger, name):
    with pytest.raises(ValueError, match="cannot be the name of a row"):
        e.write_row(name, few_faces, {"psnr": 1.0})
    assert list(tmp_path.iterdir()) == []
