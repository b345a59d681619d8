"""Pictures that fool a measure: each does what it claims, and the ledger's file says the same."""

import pytest
import torch

from urdgn_lite import degrade, faces
from urdgn_lite.degrade import to_float, to_uint8
from urdgn_lite.lesson import fool
from urdgn_lite.measure import metrics


@pytest.fixture(scope="module")
def h():
    return to_float(faces.load("imaginary", "test", limit=fool.N).images)


def test_every_picture_is_a_picture(few_faces):
    h = to_float(few_faces.images[:2])
    for name, make in fool.FOOLS.items():
        assert make(h).shape == h.shape, name


def test_faded_keeps_the_mean_and_four_fifths_of_the_contrast(few_faces):
    h = to_float(few_faces.images).double()
    faded = fool.faded(h)
    assert torch.allclose(faded.mean((1, 2, 3)), h.mean((1, 2, 3)))
    assert torch.allclose(faded.flatten(1).std(1), 0.8 * h.flatten(1).std(1))


def test_borrowed_detail_is_what_the_neighbours_bicubic_misses(few_faces):
    h = to_float(few_faces.images)
    taken = fool.borrowed(h)[1] - fool.bicubic(h)[1]
    assert torch.allclose(taken, h[0] - fool.bicubic(h)[0], atol=1e-5)


def test_projection_reaches_the_wanted_lr_face_and_stays_8_bit(few_faces):
    h = to_float(few_faces.images[:4])
    lr = degrade.downsample(h[:2])
    nonsense = fool.project(h[2:].flip(2), lr)
    assert metrics.lr_consistency(nonsense, lr).median() > 50
    assert torch.equal(to_float(to_uint8(nonsense)), nonsense)
    assert metrics.psnr(nonsense, h[:2]).max() < 25


@pytest.mark.parametrize("name", ["bicubic", "blurred", "shifted", "faded", "noisy"])
def test_the_ledger_says_what_is_measured_now(h, name):
    row = fool.stored()
    assert row["n"] == len(h)
    picture = fool.FOOLS[name](h)
    measured = metrics.psnr(picture, h).mean().item(), metrics.ssim(picture, h).mean().item()
    kept = row["pictures"][name]
    assert measured == pytest.approx((kept["psnr"], kept["ssim"]), abs=2e-3)


def test_lpips_in_the_ledger_is_what_is_measured_now(h):
    try:
        measured = metrics.lpips(fool.faded(h), h).mean().item()
    except metrics.MetricUnavailableError as error:
        pytest.skip(str(error))
    assert measured == pytest.approx(fool.stored()["pictures"]["faded"]["lpips"], abs=2e-3)


def test_the_ledger_has_every_picture():
    assert list(fool.stored()["pictures"]) == list(fool.FOOLS)


def test_each_measure_is_fooled():
    kept = fool.stored()["pictures"]
    exact, blurred, stranger = kept["shifted"], kept["blurred"], kept["somebody else"]
    assert blurred["psnr"] > exact["psnr"]
    assert blurred["ssim"] > exact["ssim"]
    assert stranger["lpips"] < kept["bicubic"]["lpips"]
    assert kept["upside down"]["lr_consistency"] > kept["noisy"]["lr_consistency"] > 40
    assert stranger["recognised"] == 0
