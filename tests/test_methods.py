import pytest
import torch

from urdgn_lite import methods, networks, zoo
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import to_float
from urdgn_lite.presets import Preset


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images[:3]))


def test_names_are_the_methods_and_the_zoo_each_once(shelf):
    assert methods.names()[0] == "bicubic"
    assert set(methods.names()) == {*methods.REGISTRY, "tiny", "tiny-gan"}
    assert len(methods.names()) == len(set(methods.names()))


def test_bicubic_is_the_baseline_of_table_1(lr):
    assert torch.equal(methods.get("bicubic")(lr), upsample_bicubic(lr))


@pytest.mark.parametrize("name", ["bicubic", "tiny"])
def test_every_method_keeps_the_protocol(shelf, lr, name):
    method, given = methods.get(name), lr.clone()
    assert isinstance(method, methods.Method)
    generated = method(lr)
    assert generated.shape == (3, 3, 128, 128)
    assert generated.isfinite().all()
    assert not generated.requires_grad
    assert torch.equal(lr, given), "a method must not write on its input"
    assert torch.allclose(method(lr[:1]), generated[:1], atol=1e-5)


def test_a_network_runs_as_the_zoo_gives_it(shelf, lr):
    with torch.no_grad():
        assert torch.equal(methods.get("tiny")(lr), zoo.load("tiny")(lr))


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


def test_a_damaged_file_is_not_taken_for_a_misspelt_name(tmp_path):
    (tmp_path / "generator.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="not a generator of this package"):
        methods.get(tmp_path / "generator.safetensors")
