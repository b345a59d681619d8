import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from urdgn_lite.degrade import METHODS, downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure.damages import blur, noise, occlude, relight, rotate, shift

LEVEL = 2 / 255  # one grey level in [-1, 1]
# Keys' cubic with a = -0.75 half way between two pixels: what the authors' script looks at
TAPS = torch.tensor([-0.09375, 0.59375, 0.59375, -0.09375], dtype=torch.float64)


@pytest.fixture(scope="module")
def hr(few_faces):
    return to_float(few_faces.images)


def pillow(images, side):
    """Each image resized by Pillow, as 8-bit levels in a float tensor."""
    arrays = (np.asarray(i.permute(1, 2, 0)) for i in images)
    resized = [Image.fromarray(a).resize((side, side), Image.Resampling.BICUBIC) for a in arrays]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float()


def test_the_lr_face_is_16_by_16_and_lies_on_the_8_bit_grid(hr):
    for method in METHODS:
        lr = downsample(hr, method)
        assert lr.shape == (8, 3, 16, 16)
        levels = (lr + 1) / LEVEL
        assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_overshoot_of_the_kernel_is_clamped():
    stripes = torch.ones(1, 3, 128, 128)
    stripes[..., 64:] = -1
    for method in METHODS:
        lr = downsample(stripes, method)
        assert (lr.min(), lr.max()) == (-1, 1)


def test_downsampling_agrees_with_pillow(few_faces, hr):
    ours = to_uint8(downsample(hr)).float()
    assert (ours - pillow(few_faces.images, 16)).abs().max() <= 3


def test_enlarging_agrees_with_pillow(hr):
    lr = downsample(hr)
    ours = to_uint8(upsample_bicubic(lr)).float()
    assert ours.shape == (8, 3, 128, 128)
    assert (ours - pillow(to_uint8(lr), 128)).abs().max() <= 3


def test_enlarging_with_the_default_kernel_of_torch_would_not_agree_with_pillow(hr):
    lr = downsample(hr)
    other = torch.nn.functional.interpolate(lr, size=(128, 128), mode="bicubic")
    assert (to_uint8(other).float() - pillow(to_uint8(lr), 128)).abs().max() > 6


def test_the_aliased_lr_pixel_is_the_cubic_of_the_middle_4_by_4_pixels(hr):
    patches = hr.double().unfold(2, 8, 8).unfold(3, 8, 8)[..., 2:6, 2:6]
    by_hand = torch.einsum("bcijyx,y,x->bcij", patches, TAPS, TAPS)
    assert (downsample(hr, "aliased") - by_hand.clamp(-1, 1)).abs().max() <= LEVEL / 2 + 1e-4


def test_pixels_outside_the_4_by_4_footprint_matter_to_the_antialiased_face_alone(hr):
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[2:6, 2:6] = True
    changed = torch.where(inside.repeat(16, 16), hr, -hr)
    assert torch.equal(downsample(changed, "aliased"), downsample(hr, "aliased"))
    assert not torch.equal(downsample(changed), downsample(hr))


@given(st.integers(0, 255), st.sampled_from(METHODS))
def test_a_flat_face_stays_flat(level, method):
    flat = to_float(torch.full((1, 3, 128, 128), level, dtype=torch.uint8))
    lr = downsample(flat, method)
    assert (to_uint8(lr) == level).all()
    assert (to_uint8(upsample_bicubic(lr)) == level).all()


def test_mirrored_faces_give_mirrored_results(hr):
    for method in METHODS:
        difference = downsample(hr.flip(3), method) - downsample(hr, method).flip(3)
        assert difference.abs().max() <= LEVEL + 1e-5
    lr = downsample(hr)
    assert torch.allclose(upsample_bicubic(lr.flip(3)), upsample_bicubic(lr).flip(3), atol=1e-5)


def test_other_sizes_can_be_asked_for(hr):
    assert downsample(hr, size=32).shape == (8, 3, 32, 32)
    assert upsample_bicubic(downsample(hr), size=64).shape == (8, 3, 64, 64)


def test_an_unknown_method_is_answered_with_the_known_ones(hr):
    with pytest.raises(ValueError, match=r"'nearest'.*antialiased, aliased"):
        downsample(hr, "nearest")


DAMAGES = {
    "occlude": (occlude, ((4, 4, 4, 9),), ((2, 1, 9, 5),)),
    "shift": (shift, (0, 0), (3, -2)),
    "rotate": (rotate, (0,), (25,)),
    "blur": (blur, (0,), (1.5,)),
    "noise": (noise, (0, 3), (20, 3)),
    "relight": (relight, (1, 0), (1.4, -0.5)),
}


def random_images(n=2, h=12, w=16, seed=0):
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(params=DAMAGES)
def damage(request):
    return DAMAGES[request.param]


def test_a_damage_at_its_neutral_value_is_the_identity_in_a_new_tensor(damage):
    function, neutral, _ = damage
    images = random_images()
    same = function(images, *neutral)
    assert torch.equal(same, images)
    same.zero_()
    assert torch.equal(images, random_images())


def test_a_damage_keeps_shape_and_range_repeats_and_leaves_its_input(damage):
    function, _, values = damage
    images = random_images()
    images[0, :, :3] = torch.where(images[0, :, :3] > 0, 1.0, -1.0)  # extremes, for overshoot
    before = images.clone()
    one = function(images, *values)
    torch.rand(5)  # the global generator has moved on
    assert one.shape == images.shape
    assert one.dtype == images.dtype
    assert one.abs().max() <= 1
    assert torch.equal(one, function(images, *values))
    assert torch.equal(images, before)
    assert not torch.equal(one, images)


def test_a_damage_treats_each_face_alone(damage):
    function, _, values = damage
    images = random_images()
    assert torch.allclose(function(images, *values)[:1], function(images[:1], *values), atol=1e-6)


def test_8_bit_images_are_refused_with_the_remedy(damage):
    function, neutral, _ = damage
    with pytest.raises(ValueError, match="to_float"):
        inspect.unwrap(function)(torch.zeros(1, 3, 12, 16, dtype=torch.uint8), *neutral)


@pytest.mark.parametrize("resize", [downsample, upsample_bicubic])
def test_8_bit_images_are_not_resized_as_if_they_were_float(resize, few_faces):
    with pytest.raises(ValueError, match="to_float"):
        inspect.unwrap(resize)(few_faces.images[:1])


@given(
    st.tuples(st.integers(0, 16), st.integers(0, 16)),
    st.tuples(st.integers(0, 12), st.integers(0, 12)),
)
def test_occlude_changes_the_box_and_nothing_else(xs, ys):
    (left, right), (top, bottom) = sorted(xs), sorted(ys)
    images = random_images()
    covered = occlude(images, (left, top, right, bottom))
    inside = torch.zeros(12, 16, dtype=torch.bool)
    inside[top:bottom, left:right] = True
    assert torch.equal(covered, torch.where(inside, torch.tensor(-1.0), images))


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_shift_moves_and_repeats_the_edge(dx, dy):
    images = random_images()
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (20, 20), (20, 20)), "edge")
    expected = padded[:, :, 20 - dy : 32 - dy, 20 - dx : 36 - dx]
    assert torch.equal(shift(images, dx, dy), torch.from_numpy(expected.copy()))


@pytest.mark.parametrize("quarters", [1, 2, 3, 5, -1])
def test_quarter_turns_are_those_of_numpy(quarters):
    square = random_images(h=16)
    expected = torch.from_numpy(np.rot90(square.numpy(), quarters, (2, 3)).copy())
    assert torch.allclose(rotate(square, 90 * quarters), expected, atol=1e-4)


def test_a_turned_plane_of_light_is_the_plane_turned_by_hand():
    y, x = torch.meshgrid(torch.arange(24) - 11.5, torch.arange(32) - 15.5, indexing="ij")
    a = math.radians(10)
    plane, turned = 0.01 * x + 0.02 * y, 0.01 * (x * math.cos(a) - y * math.sin(a))
    turned = turned + 0.02 * (x * math.sin(a) + y * math.cos(a))
    ours = rotate(plane.expand(1, 3, -1, -1), 10)
    middle = (..., slice(8, 16), slice(8, 24))  # away from the mirrored edge
    turned, back = turned.expand(1, 3, -1, -1)[middle], rotate(plane.expand(1, 3, -1, -1), -10)
    assert torch.allclose(ours[middle], turned, atol=3e-3)  # the cubic does not keep planes quite
    assert not torch.allclose(back[middle], turned, atol=1e-2)


def test_a_small_turn_agrees_with_pillow(few_faces, hr):
    ours = to_uint8(rotate(hr, 12)).float()
    for image, turned in zip(few_faces.images, ours, strict=True):
        pil = Image.fromarray(np.asarray(image.permute(1, 2, 0)))
        theirs = torch.from_numpy(np.array(pil.rotate(12, Image.Resampling.BICUBIC)))
        difference = (turned - theirs.permute(2, 0, 1)).abs()[:, 32:96, 32:96]
        assert difference.mean() < 2  # Pillow's kernel has a = -0.5
        assert (turned - image.float()).abs()[:, 32:96, 32:96].mean() > 5


def test_blur_of_a_point_is_the_gaussian():
    point = torch.full((1, 3, 21, 21), -1.0)
    point[..., 10, 10] = 1.0
    spread = (blur(point, 1.5)[0, 0].double() + 1) / 2
    x = torch.arange(-6, 7, dtype=torch.float64)  # as far as 4 σ
    line = torch.exp(-x.square() / (2 * 1.5**2))
    expected = torch.outer(line, line) / line.sum() ** 2
    assert torch.allclose(spread[4:17, 4:17], expected, atol=1e-6)
    assert spread.sum() == pytest.approx(1, abs=1e-4)


@given(st.floats(0.05, 6), st.floats(-1, 1, width=32))
def test_blur_leaves_a_flat_face_flat(sigma, value):
    flat = torch.full((1, 3, 16, 16), value)
    assert torch.allclose(blur(flat, sigma), flat, atol=1e-5)


@given(st.floats(1, 30), st.integers(0, 1000))
def test_noise_has_the_spread_asked_for_and_no_drift(sigma, seed):
    levels = noise(torch.zeros(2, 3, 64, 64), sigma, seed) * 127.5
    assert levels.std().item() == pytest.approx(sigma, rel=0.03)
    assert abs(levels.mean().item()) < 0.04 * sigma


def test_noise_differs_between_seeds_faces_and_colours():
    grey = torch.zeros(2, 3, 8, 8)
    one = noise(grey, 10, 1)
    assert not torch.equal(one, noise(grey, 10, 2))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[:, 0], one[:, 1])


def test_relight_by_hand():
    image = torch.tensor([-1.0, 0.0, 0.5, 1.0]).expand(1, 3, 2, 4)  # 0, ½, ¾ and 1 from black
    assert torch.allclose(relight(image, 0.5)[0, 0, 0], torch.tensor([-1, -0.5, -0.25, 0]))
    assert torch.allclose(relight(image, 1.5)[0, 0, 0], torch.tensor([-1, 0.5, 1, 1]))
    # x = -¾, -¼, ¼, ¾: factors ¼, ¾, 5/4, 7/4
    assert torch.allclose(relight(image, 1, 1)[0, 0, 0], torch.tensor([-1, -0.25, 0.875, 1]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: occlude(x, (0, 0, 17, 4)), "16 × 12"),
        (lambda x: occlude(x, (-1, 0, 4, 4)), "does not lie"),
        (lambda x: occlude(x, (5, 0, 4, 4)), "does not lie"),
        (lambda x: rotate(x, math.nan), "degrees"),
        (lambda x: blur(x, -1), "sigma"),
        (lambda x: blur(x, math.inf), "sigma"),
        (lambda x: noise(x, -1), "sigma"),
        (lambda x: relight(x, -0.1), "gain"),
        (lambda x: relight(x, 1, 1.1), "slope"),
        (lambda x: inspect.unwrap(shift)(x, 0.5, 0), "whole pixels"),
        (lambda x: inspect.unwrap(occlude)(x, (0, 0, 1.5, 4)), "whole pixels"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(random_images())
