"""The tool that compares short runs of other generators, on faces of nobody."""

import inspect

import pytest
import search
import torch

from urdgn_lite import faces, networks, presets


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


@pytest.mark.parametrize("name", ["residual", "moving average 0.999"])
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
