from dataclasses import replace

import pytest
import torch
from shelf import put_on_shelf
from typer.testing import CliRunner

from urdgn_lite import faces, methods, networks, zoo
from urdgn_lite.cli import app
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import evaluate, metrics
from urdgn_lite.presets import PRESETS, Preset


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images[:3]))


def test_names_are_the_methods_and_the_zoo_each_once(shelf):
    assert methods.names()[0] == "bicubic"
    assert set(methods.names()) == {*methods.REGISTRY, "tiny", "tiny-gan"}
    assert len(methods.names()) == len(set(methods.names()))


def test_bicubic_is_the_baseline_of_table_1(lr):
    assert torch.equal(methods.get("bicubic")(lr), upsample_bicubic(lr))


@pytest.mark.parametrize("name", ["bicubic", "tiny", "tiny+"])
def test_every_method_keeps_the_protocol(shelf, lr, name):
    method, given = methods.get(name), lr.clone()
    generated = method(lr)
    assert generated.shape == (3, 3, 128, 128)
    assert generated.isfinite().all()
    assert not generated.requires_grad
    assert torch.equal(lr, given), "a method must not write on its input"
    assert torch.allclose(method(lr[:1]), generated[:1], atol=1e-5)


def test_a_network_runs_as_the_zoo_gives_it(shelf, lr):
    with torch.no_grad():
        assert torch.equal(methods.get("tiny")(lr), zoo.load("tiny")(lr).clamp(-1, 1))


def test_a_generator_file_is_a_method_too(generator_file, lr):
    for name in (generator_file, str(generator_file)):
        assert not torch.equal(methods.get(name)(lr), upsample_bicubic(lr))


def test_batch_normalisation_neither_sees_the_other_faces_nor_learns_from_them(lr):
    preset = Preset("small", {"kind": "deconvolutional", "width": 8})
    network = networks.build_generator(preset).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    method = methods.Network(network)
    together = method(lr)
    assert torch.allclose(method(lr[:1]), together[:1], atol=1e-5)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_a_misspelt_method_is_answered_with_near_ones(shelf):
    with pytest.raises(ValueError, match="no 'bicubc': did you mean bicubic"):
        methods.get("bicubc")
    with pytest.raises(ValueError, match="did you mean tiny"):
        methods.get("tinny")
    with pytest.raises(ValueError, match="no 'lapgn': did you mean lapgan"):
        methods.get("lapgn")
    with pytest.raises(ValueError, match=r"no 'bicubic\+': did you mean bicubic"):
        methods.get("bicubic+")  # bicubic is its own mirror image


def test_a_damaged_file_is_not_taken_for_a_misspelt_name(tmp_path):
    (tmp_path / "generator.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="not a generator of this package"):
        methods.get(tmp_path / "generator.safetensors")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("srcnn", "urdgn-lite train --preset srcnn"),
        ("srcnn+", "urdgn-lite train --preset srcnn"),
        ("lapgan", "urdgn-lite train --preset lapgan"),
    ],
)
def test_an_untrained_network_says_how_to_train_it(shelf, name, command):
    assert name not in methods.names()
    with pytest.raises(ValueError, match=f"is not trained: {command}$"):
        methods.get(name)


@pytest.mark.parametrize("name", ["srcnn", "lapgan"])
def test_the_zoo_is_asked_first(shelf, lr, tmp_path, name):
    preset = PRESETS[name]
    torch.manual_seed(0)
    network = networks.build_generator(preset)
    zoo.save_weights(network, tmp_path / "g.safetensors", {"preset": preset.to_dict()})
    put_on_shelf(tmp_path / "g.safetensors", name)
    assert torch.equal(methods.get(name)(lr), zoo.load(name)(lr).clamp(-1, 1))
    assert methods.get(name).card["preset"]["name"] == name


# --- Self-ensemble.


def test_the_self_ensemble_is_the_mean_of_both_views(shelf, lr):
    single, both = methods.get("tiny"), methods.get("tiny+")
    with torch.no_grad():
        by_hand = (single.network(lr) + single.network(lr.flip(3)).flip(3)) / 2
    assert torch.allclose(both(lr), by_hand.clamp(-1, 1), atol=1e-6)
    assert not torch.allclose(both(lr), single(lr), atol=1e-3)
    upside_down = (single(lr) + single(lr.flip(2)).flip(2)) / 2
    assert not torch.allclose(both(lr), upside_down, atol=1e-3)


def test_the_self_ensemble_of_a_mirrored_face_is_mirrored(shelf, lr):
    single, both = methods.get("tiny"), methods.get("tiny+")
    assert torch.allclose(both(lr.flip(3)), both(lr).flip(3), atol=1e-6)
    assert not torch.allclose(single(lr.flip(3)), single(lr).flip(3), atol=1e-3)


def test_the_self_ensemble_of_a_file(generator_file, lr):
    both = methods.get(f"{generator_file}+")
    assert both.mirrored
    assert not torch.equal(both(lr), methods.get(generator_file)(lr))


def test_the_row_of_a_self_ensemble_tells_how_its_weights_came_about(
    shelf, few_faces, tmp_path, monkeypatch
):
    monkeypatch.setattr(evaluate, "ledger", lambda: tmp_path)
    monkeypatch.setattr(faces, "load", lambda *_, **__: few_faces)
    said = CliRunner().invoke(app, ["evaluate", "tiny+", "--save", "tiny+"])
    assert said.exit_code == 0, said.output
    row = evaluate.read_row("tiny+", "imaginary-test")
    assert row["trained"] == zoo.card("tiny")
    assert row["parameters"] == networks.count_parameters(zoo.load("tiny"))


@pytest.mark.parametrize("name", ["liu", "ma2010", "yang2013"])
def test_a_method_that_is_told_the_size_learns_other_factors(name, few_faces):
    h, learnt_from = to_float(few_faces.images), to_float(faces.load("imaginary", limit=40).images)
    psnr = {}
    for size in (16, 32):
        method = replace(methods.get(name), size=size).fit(learnt_from)
        lr = downsample(h, size=size)
        generated = method(lr)
        assert generated.shape == h.shape
        psnr[size] = metrics.psnr(generated.clamp(-1, 1), h).mean().item()
    assert psnr[32] > psnr[16] + 1  # four times the pixels to go by
