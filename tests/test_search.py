"""The tool that compares short runs of what `residual` might have been, on faces of nobody."""

import inspect
from types import SimpleNamespace

import pytest
import search
import torch

from urdgn_lite import faces, networks, presets, train


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """The network is known while a test runs, and no longer."""
    monkeypatch.setitem(networks.GENERATORS, "candidate", search.Candidate)


@pytest.mark.parametrize("name", search.CANDIDATES)
def test_every_candidate_starts_from_bicubic(name):
    network, recipe = search.CANDIDATES[name]
    assert set(network) <= set(inspect.signature(search.Candidate).parameters)
    preset = presets.get("residual").but(**search.AT_FIRST | recipe)
    assert preset.steps
    lr = torch.rand(1, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        generated = search.Candidate(**{**network, "width": 8, "blocks": 1})(lr)
    assert torch.equal(generated, networks.upsample_bicubic(lr))


def test_the_first_row_is_the_network_of_the_package():
    mine, package = search.Candidate(), networks.Residual(width=64, blocks=8)
    assert networks.count_parameters(mine) == networks.count_parameters(package)


def test_mixed_places_see_the_whole_face():
    def seen(network):
        lr = torch.rand(1, 3, 16, 16, requires_grad=True)
        network.body(network.head(lr))[..., 0, 0].sum().backward()
        return (lr.grad.abs().sum(1) > 0).sum().item()

    plain, mixed = (search.Candidate(8, 3, mixing=on) for on in (False, True))
    torch.nn.init.ones_(mixed.body[2].channels.weight)
    assert seen(plain) == 8 * 8
    assert seen(mixed) == 16 * 16
    assert [type(layer).__name__ for layer in search.Candidate(mixing=True).body[2::3]] == [
        "Mixing", "Mixing", "Mixing"
    ]  # fmt: skip


def test_a_teacher_pulls_half_as_much_as_the_face(monkeypatch):
    """The gradient is the mean of those against the face and against the answer, by hand."""
    answer = torch.rand(2, 3, 128, 128)
    monkeypatch.setattr(search, "teacher", lambda: lambda l: answer)
    h = torch.rand(2, 3, 128, 128)
    gradients = []
    monkeypatch.setattr(train, "g_step", lambda run, target, generated: gradients.append(
        torch.autograd.grad((generated - target).square().mean(), run.weight)[0]
    ))  # fmt: skip

    weight = torch.tensor(0.5, requires_grad=True)
    generated = torch.rand(2, 3, 128, 128)
    search.taught(SimpleNamespace(G=lambda l: weight * generated, weight=weight), h)
    by_hand = sum(((0.5 * generated - t) * generated).mean() for t in (h, answer))
    assert gradients[0].item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_other_colours_change_the_pair_alike(monkeypatch):
    seen = []
    monkeypatch.setattr(train, "algorithm_1", lambda run, h: seen.append(h))
    h = torch.full((4, 3, 128, 128), 0.5)
    search.recoloured(None, h)
    assert (seen[0] == seen[0][..., :1, :1]).all()  # a colour stays one colour
    assert 0 < (seen[0] - h).abs().max() <= 0.15 + 1e-6


@pytest.mark.parametrize("name", ["residual", "moving average 0.999", "taught by residual+"])
def test_a_row_is_measured_with_and_without_the_mirrored_face(name, tmp_path, monkeypatch):
    small = {"width": 4, "blocks": 1, "middle": 4}
    monkeypatch.setitem(search.CANDIDATES, name, (small, search.CANDIDATES[name][1]))
    some = faces.load("imaginary", "train", limit=16)
    row = search.measure(name, some, some, 3, tmp_path)
    assert row["steps"] == 3
    assert row["gain_psnr"] == pytest.approx(row["gain_psnr_mirrored"], abs=0.5)
    again = search.measure(name, some, some, 3, tmp_path)  # nothing is trained twice
    assert again["gain_psnr"] == row["gain_psnr"]


def test_an_averaged_candidate_is_measured_by_its_average(tmp_path, monkeypatch):
    small = {"width": 4, "blocks": 1, "middle": 4}
    for name, (_, recipe) in list(search.CANDIDATES.items()):
        monkeypatch.setitem(search.CANDIDATES, name, (small, recipe))
    some = faces.load("imaginary", "train", limit=16)
    plain, averaged = (
        search.measure(name, some, some, 20, tmp_path)
        for name in ("residual", "moving average 0.999")
    )
    assert abs(averaged["gain_psnr"]) < abs(plain["gain_psnr"])  # it lags behind
