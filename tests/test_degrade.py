import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from urdgn_lite.degrade import METHODS, downsample, upsample_bicubic
from urdgn_lite.faces import to_float, to_uint8

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


def test_the_two_ways_of_downsampling_differ_on_faces(hr):
    assert (downsample(hr) - downsample(hr, "aliased")).abs().max() > 10 * LEVEL


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
