import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.faces import EYES
from urdgn_lite.measure import evaluate
from urdgn_lite.methods.base import luma_and_chroma
from urdgn_lite.methods.yang2013 import (
    BINS,
    BOXES,
    Yang2013,
    edge_moments,
    feather,
    gradient,
    magnitude_bin,
    nearest,
    poisson,
)


@pytest.fixture(scope="module")
def fitted():
    hr = to_float(faces.load("imaginary", "train", limit=40).images)
    return Yang2013().fit(hr)


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images))


def like(method, **settings):
    other = Yang2013(**{**method.settings(), **settings})
    other.arrays = method.arrays
    return other


@given(height=st.integers(2, 20), width=st.integers(2, 20), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_an_image_is_returned_from_its_own_gradients(height, width, seed):
    images = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(seed))
    solved = poisson(gradient(images), images.mean((2, 3)))
    assert torch.allclose(solved, images, atol=1e-4)


def test_the_solution_of_inconsistent_gradients_is_the_least_squares_one():
    field = torch.randn(1, 2, 6, 7, generator=torch.Generator().manual_seed(0)).double()
    solved = poisson(field, torch.full((1, 1), 0.3, dtype=torch.float64))
    pixels = torch.eye(42, dtype=torch.float64).view(42, 1, 6, 7)
    used = gradient(torch.randn(1, 1, 6, 7)).ne(0).flatten()  # not the last column and row
    matrix = gradient(pixels).flatten(1).T[used]
    wanted = torch.linalg.lstsq(matrix, field.flatten()[used], driver="gelsd").solution
    wanted = wanted - wanted.mean() + 0.3
    assert torch.allclose(solved.flatten(), wanted, atol=1e-9)


def test_the_nearest_exemplar_is_found_in_the_box_alone_and_whatever_the_brightness():
    smalls = torch.rand(20, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    small = 1 - smalls[:2].clone()  # elsewhere all is different
    for i, exemplar in enumerate((7, 13)):
        small[i, :, 21:28, 10:22] = smalls[exemplar, :, 21:28, 10:22] + 0.2
    which, distance = nearest(small, smalls, BOXES["mouth"])
    assert which.tolist() == [7, 13]
    assert (distance < 1e-5).all()
    assert nearest(small, smalls, BOXES["left eye"])[1].min() > 0.1


def test_an_exemplars_component_is_transferred(few_faces):
    hr = to_float(few_faces.images)
    own, strangers = Yang2013().fit(hr), Yang2013().fit(hr[2:])
    lr, (x0, y0, x1, y1) = downsample(hr[:2]), BOXES["mouth"]
    true, known, unknown = (
        luma_and_chroma(x)[0][..., y0 + 8 : y1 - 8, x0 + 8 : x1 - 8]
        for x in (hr[:2], own(lr), strangers(lr))
    )
    error, usual = ((x - true).square().mean() for x in (known, unknown))
    assert error < 0.05 * usual, "one's own mouth among the exemplars must be put back"
    assert own.stages["exemplar_distance"] < 0.5 < 3 < strangers.stages["exemplar_distance"]


def test_the_boxes_lie_on_the_aligned_frame():
    for (x, y), name in zip(EYES, ("left eye", "right eye"), strict=True):
        left, top, right, bottom = BOXES[name]
        assert (left + right) / 2 == x
        assert top + 8 < y < bottom - 8  # beyond the feathered border
    for box in BOXES.values():
        assert all(edge % 4 == 0 and 0 <= edge <= 128 for edge in box)


def test_the_gain_of_edges_is_the_least_squares_one():
    enlarged = 0.1 * torch.randn(3, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    across = torch.stack([-enlarged[:, 1], enlarged[:, 0]], 1)  # at right angles: no edge of it
    shared, own = edge_moments(enlarged, 2.5 * enlarged + 0.7 * across)
    assert own.shape == (BINS,)
    assert torch.allclose(shared[own > 0] / own[own > 0], torch.tensor(2.5).double())
    assert magnitude_bin(torch.full((1, 2, 1, 1), 9.0)).item() == BINS - 1


def test_a_box_has_no_seam():
    weight = feather(32, 40)
    assert weight.shape == (32, 40)
    assert weight.max() == 1
    assert not weight[[0, -1]].any()
    assert not weight[:, [0, -1]].any()
    assert weight.diff(dim=0).abs().max() <= 1 / 8


def test_the_stages_are_reported(fitted, lr):
    fitted(lr)
    assert fitted.stages["exemplars"] == 40
    assert 0 < fitted.stages["poisson_residual"] < 0.5
    assert fitted.stages["inconsistency"] < 0.1 < 1 < fitted.stages["inconsistency_before"]


@pytest.mark.parametrize("off", [{"back_projection": 0}, {"components": False}])
def test_switching_a_stage_off_changes_the_row(fitted, few_faces, off):
    full = evaluate.evaluate(fitted, few_faces)
    less = evaluate.evaluate(like(fitted, **off), few_faces)
    assert abs(less["psnr"] - full["psnr"]) > 0.02
    if "back_projection" in off:
        assert less["lr_consistency"] < full["lr_consistency"] - 3


def test_a_missing_scipy_is_named(fitted, lr, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.fft", None)
    with pytest.raises(ValueError, match=r"pip install 'urdgn_lite\[methods\]'"):
        fitted(lr)
