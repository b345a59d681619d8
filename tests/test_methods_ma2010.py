import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import evaluate
from urdgn_lite.methods.ma2010 import PositionPatches, nearest_rows, weights


@pytest.fixture(autouse=True)
def _untimed(monkeypatch):
    monkeypatch.setattr(evaluate, "_seconds", lambda *_: 1.0)


@pytest.fixture(scope="module")
def hr(few_faces):
    return to_float(few_faces.images)


@given(seed=st.integers(0, 99), k=st.integers(1, 9), ridge=st.sampled_from([1e-4, 1e-2, 1.0]))
def test_weights_solve_the_constrained_least_squares(seed, k, ridge):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=4), rng.normal(size=(k, 4))
    tau = ridge * ((x - y) ** 2).sum(1).mean()
    # Lagrange: 2 (YYᵀ + τI) w + ν 1 = 2 Yx and 1ᵀw = 1, in which the constraint is not used up
    system = np.block([[y @ y.T + tau * np.eye(k), np.ones((k, 1))], [np.ones(k), np.zeros(1)]])
    expected = np.linalg.solve(system, np.append(y @ x, 1))[:k]
    w = weights(torch.tensor(x)[None].float(), torch.tensor(y)[None].float(), ridge)[0]
    assert w.sum().item() == pytest.approx(1, abs=1e-5)
    assert np.allclose(w, expected, atol=2e-3 * np.abs(expected).max())


def test_weights_of_a_face_that_is_its_own_neighbour_are_finite():
    x = torch.zeros(1, 4)
    assert torch.allclose(weights(x, x[:, None].expand(1, 3, 4), 0.01), torch.tensor(1 / 3))


def test_neighbours_come_nearest_first():
    known = torch.tensor([[3.0], [0.0], [1.0]])
    assert nearest_rows(torch.tensor([[0.9]]), known, 2).tolist() == [[2, 1]]
    assert nearest_rows(torch.tensor([[0.9]]), known, 99).tolist() == [[2, 1, 0]]


def synthetic(n=6):
    """Faces with coarse variation that is seen at 16 × 16, and fine detail that is not."""
    generator = torch.Generator().manual_seed(0)
    coarse = upsample_bicubic(torch.rand(n, 3, 16, 16, generator=generator) - 0.5)
    return (0.6 * coarse + 0.2 * torch.rand(n, 3, 128, 128, generator=generator) - 0.1).clamp(-1, 1)


def test_a_mixture_of_training_faces_is_recovered_with_its_details():
    hr = synthetic()
    mixture = (torch.tensor([0.6, 0.9, -0.5])[:, None, None, None] * hr[:3]).sum(0, keepdim=True)
    method = PositionPatches(ridge=1e-6).fit(hr)
    lost = (method(downsample(mixture)) - mixture).square().mean().sqrt()
    coarse = (upsample_bicubic(downsample(mixture)) - mixture).square().mean().sqrt()
    assert lost < 0.02 < 0.05 < coarse


def test_light_on_all_faces_is_light_on_the_result():
    # Σ w = 1 is what makes it so: least squares without it would answer otherwise
    hr = to_float((synthetic() * 127.5 + 127.5).round().to(torch.uint8))
    lr, light = downsample(hr[:2]), 50 / 127.5
    dark = PositionPatches(ridge=0.1).fit(hr[2:])(lr)
    bright = PositionPatches(ridge=0.1).fit(hr[2:] + light)(lr + light)
    assert torch.allclose(bright, dark + light, atol=0.01)


def test_patches_are_only_taken_from_their_own_position():
    hr = torch.zeros(4, 3, 128, 128)
    hr[:2, :, :, :64] = synthetic(2)[..., :64]  # what is known stands on the left …
    lr = downsample(hr).roll(8, -1)  # … and is asked for on the right
    assert PositionPatches(patch=4, step=4).fit(hr)(lr)[..., 64:].abs().max() < 0.01


def test_one_neighbour_gives_that_neighbour(hr):
    method = PositionPatches(neighbours=1).fit(hr)
    assert torch.allclose(method(downsample(hr)), hr, atol=1e-5)
    assert method.stages["largest_weight"] == pytest.approx(1)
    assert method.stages["misfit"] == 0


@pytest.mark.parametrize(("patch", "step"), [(4, 1), (4, 3), (5, 2), (16, 16), (1, 1), (3, 3)])
def test_patches_cover_the_face(patch, step):
    method = PositionPatches(patch=patch, step=step)
    covered = {c + i for c in method.corners() for i in range(patch)}
    assert covered == set(range(16))
    assert len(set(method.corners())) == len(method.corners())


def test_switching_the_combination_off_changes_the_row(few_faces):
    others = to_float(faces.load("imaginary", "train", limit=60).images)
    many, one, blocks = (
        evaluate.evaluate(method.fit(others), few_faces)
        for method in (
            PositionPatches(step=2),
            PositionPatches(step=2, neighbours=1),
            PositionPatches(step=3),
        )
    )
    assert many["psnr"] > one["psnr"] + 0.1
    assert abs(many["psnr"] - blocks["psnr"]) > 0.01


def test_impossible_settings_are_refused():
    for settings in ({"patch": 17}, {"step": 5}, {"step": 0}, {"neighbours": 0}, {"ridge": 0.0}):
        with pytest.raises(ValueError, match="1 <= step <= patch <= 16"):
            PositionPatches(**settings)
