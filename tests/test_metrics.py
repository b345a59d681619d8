import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import learned_perceptual_image_patch_similarity

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure import metrics
from urdgn_lite.measure.metrics import (
    ALEXNET,
    MetricUnavailableError,
    _lpips_network,
    gain,
    lpips,
    lr_consistency,
    luma,
    psnr,
    sharpness,
    ssim,
)


@pytest.fixture(scope="module")
def real(few_faces):
    return to_float(few_faces.images)


@pytest.fixture(scope="module")
def generated(real):
    return upsample_bicubic(downsample(real))


@pytest.fixture(scope="module")
def pairs(generated, real):
    """The same as 8-bit NumPy arrays (h, w, 3), face by face."""
    arrays = [np.asarray(to_uint8(x).permute(0, 2, 3, 1)) for x in (generated, real)]
    return list(zip(*arrays, strict=True))


def flat(level, side=16):
    return to_float(torch.full((1, 3, side, side), level, dtype=torch.uint8))


def test_psnr_of_an_error_of_one_grey_level_is_48_13_db():
    assert psnr(flat(100), flat(101)).item() == pytest.approx(10 * math.log10(255**2), abs=1e-4)


def test_a_gain_is_the_difference_of_two_psnrs(real):
    lr = downsample(real)
    brighter = (real + 0.02).clamp(-1, 1)
    byte = [np.asarray(to_uint8(x[0])) for x in (brighter, upsample_bicubic(lr), real)]
    theirs = [peak_signal_noise_ratio(byte[2], other, data_range=255) for other in byte[:2]]
    assert gain(brighter, lr, real)[0].item() == pytest.approx(theirs[0] - theirs[1], abs=1e-3)
    assert torch.allclose(
        gain(brighter, lr, real, ssim), ssim(brighter, real) - ssim(upsample_bicubic(lr), real)
    )
    assert not gain(upsample_bicubic(lr), lr, real).any()


def test_two_perfect_results_gain_nothing_over_each_other():
    level = flat(100)
    assert gain(level, downsample(level, size=2), level).item() == 0
    assert gain(flat(101), downsample(level, size=2), level).item() == -math.inf


def test_sharpness_of_stripes_is_the_ratio_of_their_steps():
    def stripes(step):  # columns of 100 and 100 + step: 15 differences of a row, none of a column
        image = torch.full((1, 3, 16, 16), 100, dtype=torch.uint8)
        image[..., ::2] += step
        return to_float(image)

    assert sharpness(stripes(10), stripes(40)).item() == pytest.approx(0.25)
    assert sharpness(stripes(40), stripes(10)).item() == pytest.approx(4)
    assert sharpness(stripes(40).mT, stripes(10)).item() == pytest.approx(4)  # across or down
    assert sharpness(flat(7), stripes(10)).item() == 0
    assert sharpness(flat(7), flat(9)).isfinite().all()


def test_bicubic_is_blurred_and_noise_is_sharp(generated, real):
    noisy = (
        real + 0.2 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    ).clamp(-1, 1)
    assert (sharpness(generated, real) < 0.7).all()
    assert (sharpness(noisy, real) > 1.5).all()


@pytest.mark.parametrize("metric", [psnr, ssim, sharpness, lr_consistency, lpips])
def test_8_bit_images_are_refused_with_the_remedy(metric, few_faces, monkeypatch):
    monkeypatch.setattr(metrics, "_lpips_network", lambda path: torch.nn.Identity())
    monkeypatch.setattr(metrics.Path, "is_file", lambda path: True)
    for function in ("to_uint8", "_bytes", "downsample", "psnr"):  # as others have them: unchecked
        monkeypatch.setattr(metrics, function, inspect.unwrap(getattr(metrics, function)))
    with pytest.raises(ValueError, match="to_float"):
        inspect.unwrap(metric)(few_faces.images[:2], few_faces.images[2:4])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 4.1, -255.0])
@pytest.mark.parametrize("metric", [psnr, ssim, sharpness, lr_consistency, lpips])
@pytest.mark.parametrize("place", [0, 1])
def test_one_value_that_no_image_has_is_refused(metric, place, value, real, monkeypatch):
    monkeypatch.setattr(metrics, "_lpips_network", lambda path: torch.nn.Identity())
    monkeypatch.setattr(metrics.Path, "is_file", lambda path: True)
    pair = [real[:2].clone(), real[2:4].clone()]
    pair[place][1, 2, 64, 64] = value
    with pytest.raises(ValueError, match=rf"must lie in \[-1, 1\].* reach {abs(value):g}"):
        metric(*pair)


def test_photos_of_0_to_255_are_not_taken_for_white(few_faces):
    with pytest.raises(ValueError, match=r"reach 2\d\d: .*x / 127\.5 - 1"):
        psnr(few_faces.images[:2].float(), few_faces.images[2:4].float())


def test_images_below_the_window_of_ssim_are_refused(real):
    with pytest.raises(ValueError, match="window of 11 × 11 does not fit into 10 × 128 pixels"):
        ssim(real[:, :, :10], real[:, :, :10])
    assert ssim(real[:, :, :11, :11], real[:, :, :11, :11]).allclose(torch.ones(8))


def test_psnr_agrees_with_scikit_image(generated, real, pairs):
    theirs = [peak_signal_noise_ratio(b, a, data_range=255) for a, b in pairs]
    assert psnr(generated, real).tolist() == pytest.approx(theirs, abs=1e-4)


def test_ssim_agrees_with_scikit_image(generated, real, pairs):
    theirs = [
        structural_similarity(
            a,
            b,
            data_range=255,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in pairs
    ]
    assert ssim(generated, real).tolist() == pytest.approx(theirs, abs=1e-5)


def test_luma_of_white_black_and_the_primaries_is_that_of_bt_601():
    colours = torch.tensor([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    y = luma(colours.float().view(5, 3, 1, 1)).flatten().tolist()
    assert y == pytest.approx([235, 16, 81.481, 144.553, 40.966], abs=1e-3)


def test_the_numbers_on_luma_agree_with_scikit_image(generated, real, pairs):
    ys = [(rgb2ycbcr(a)[..., 0], rgb2ycbcr(b)[..., 0]) for a, b in pairs]
    theirs = [peak_signal_noise_ratio(b, a, data_range=255) for a, b in ys]
    assert psnr(generated, real, y=True).tolist() == pytest.approx(theirs, abs=1e-3)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    theirs = [structural_similarity(a, b, data_range=255, **options) for a, b in ys]
    assert ssim(generated, real, y=True).tolist() == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_every_face_has_its_own_number_whatever_stands_beside_it(measure, generated, real):
    together = measure(generated, real)
    assert together.shape == (8,)
    alone = [measure(generated[i : i + 1], real[i : i + 1]).item() for i in range(8)]
    assert together.tolist() == pytest.approx(alone, abs=1e-5)
    assert together.unique().numel() == 8


def test_equal_faces_have_infinite_psnr_and_ssim_one(real):
    assert psnr(real, real).isinf().all()
    assert torch.allclose(ssim(real, real), torch.ones(8), atol=1e-6)


def test_results_are_rounded_to_8_bits_before_they_are_measured(real):
    unseen = torch.empty_like(real).uniform_(-0.4, 0.4, generator=torch.Generator().manual_seed(0))
    assert psnr(real + unseen * 2 / 255, real).isinf().all()


def test_results_are_clamped_before_they_are_measured(real):
    overshoot = torch.where(real == 1, 1.5, torch.where(real == -1, -1.5, real))
    assert (overshoot != real).any(), "the faces should hold some pure white or black"
    assert psnr(overshoot, real).isinf().all()


def test_a_real_face_explains_its_own_lr_face_completely(real):
    assert lr_consistency(real, downsample(real)).isinf().all()


def test_a_face_that_does_not_explain_the_lr_face_is_told_from_one_that_does(generated, real):
    lr = downsample(real)
    own, others = lr_consistency(generated, lr), lr_consistency(generated.roll(1, 0), lr)
    assert own.shape == (8,)
    assert (own > 25).all()
    assert (others < own - 5).all()


def test_lr_consistency_of_a_known_error_is_computed_by_hand():
    measured = lr_consistency(flat(110, 128), flat(100))
    assert measured.item() == pytest.approx(10 * math.log10(255**2 / 100), abs=1e-4)


# LPIPS: the weights of AlexNet are not part of the package


@pytest.fixture
def alexnet():
    path = Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET
    if not path.is_file():
        pytest.skip("needs AlexNet's weights: set TORCH_HOME to the folder that holds them")
    return path


def test_lpips_is_that_of_torchmetrics(alexnet, generated, real):
    theirs = learned_perceptual_image_patch_similarity(
        to_float(to_uint8(generated)), real, net_type="alex", reduction="none"
    )
    assert lpips(generated, real).tolist() == pytest.approx(theirs.tolist(), abs=1e-6)


def test_lpips_is_measured_after_clamping_and_rounding(alexnet, real):
    assert torch.equal(lpips(real + 0.3 / 255, real), torch.zeros(8))
    overshoot = torch.where(real == 1, 1.5, real)
    assert torch.equal(lpips(overshoot, real), torch.zeros(8))


def test_lpips_draws_nothing_and_needs_no_gradient(alexnet, generated, real):
    _lpips_network.cache_clear()
    before = torch.get_rng_state()
    found = lpips(generated[:1].clone().requires_grad_(), real[:1])
    assert torch.equal(torch.get_rng_state(), before)
    assert not found.requires_grad
    lpips(generated[:1], real[:1])
    assert _lpips_network.cache_info().misses == 1


def test_nothing_but_tensors_is_ever_loaded(alexnet, monkeypatch):
    kinds = []

    def spy(*arguments, load=torch.load, **options):
        kinds.append(options.get("weights_only"))
        return load(*arguments, **options)

    monkeypatch.setattr(torch, "load", spy)
    _lpips_network.cache_clear()
    _lpips_network(alexnet)
    assert kinds == [True, True]


def test_bicubic_keeps_its_lpips_on_the_celeba_test_faces(alexnet, development_faces):
    h = to_float(faces.load("celeba128", "test").images[::5])
    assert lpips(upsample_bicubic(downsample(h)), h).mean().item() == pytest.approx(0.479, abs=1e-3)


def test_without_weights_lpips_says_where_it_looked_and_downloads_nothing(
    tmp_path, monkeypatch, generated, real
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("download"))
    with pytest.raises(MetricUnavailableError, match=rf"{tmp_path}.*{ALEXNET}.*TORCH_HOME"):
        lpips(generated, real)


@pytest.mark.parametrize("content", [b"", b"another network"])
def test_other_weights_are_refused_before_they_are_opened(
    tmp_path, monkeypatch, generated, real, content
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("opened"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / ALEXNET).write_bytes(content)
    with pytest.raises(MetricUnavailableError, match="not the AlexNet of LPIPS"):
        lpips(generated, real)
