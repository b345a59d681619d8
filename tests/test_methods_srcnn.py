"""SRCNN: a 2 × network that is applied three times, learnt from true pairs of each size."""

import pytest
import torch

from urdgn_lite import presets
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.methods import srcnn
from urdgn_lite.methods.srcnn import SRCNN
from urdgn_lite.networks import build_generator, count_parameters
from urdgn_lite.train import train


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images[:2]))


def test_it_is_applied_three_times(lr):
    network = build_generator(presets.get("srcnn"))
    sides = []
    network[0].register_forward_pre_hook(lambda _, given: sides.append(given[0].shape[-1]))
    with torch.no_grad():
        assert network(lr).shape == (2, 3, 128, 128)
        assert torch.equal(network(lr), network.enlarge(network.enlarge(network.enlarge(lr))))
    assert sides[:3] == [32, 64, 128]  # of the bicubic image that each pass mends


def test_at_once_is_one_pass_with_as_many_parameters(lr):
    once = build_generator(presets.get("srcnn-8x"))
    with torch.no_grad():
        assert torch.equal(once(lr), torch.nn.Sequential.forward(once, upsample_bicubic(lr)))
    assert (
        count_parameters(once) == count_parameters(build_generator(presets.get("srcnn"))) == 20_099
    )


def test_each_step_learns_a_true_pair_of_one_level_in_turn(few_faces, monkeypatch):
    seen = []

    def spy(generated, true):
        seen.append(true)
        return (generated - true).square().mean()

    monkeypatch.setattr(srcnn, "pixel_term", spy)
    preset = presets.get("srcnn").but(generator={"kind": "srcnn", "factor": 2, "widths": (4, 4)})
    run = train(preset, few_faces.images, steps=6)
    assert [true.shape[-1] for true in seen] == [32, 64, 64, 32, 64, 64]  # of 128 a quarter
    mirrored = to_float(torch.cat([few_faces.images, few_faces.images.flip(3)]))
    corners = mirrored.unfold(2, 64, 2).unfold(3, 64, 2)[..., :3, :3]  # of all quarters
    for face in seen[2]:
        assert (corners == face[:, None, None, :3, :3]).all(-1).all(-1).all(1).any()
    assert run.history[-1]["loss"] == pytest.approx(run.history[-1]["mse"])


def test_it_learns(few_faces):
    preset = presets.get("srcnn").but(rate=3e-3, batch=4)
    h = few_faces.images[:4]
    run = train(preset, h, h, steps=60)
    gains = [row["gain"] for row in run.history]
    assert gains[-1] > gains[0] + 3
    assert isinstance(run.generator, SRCNN)
