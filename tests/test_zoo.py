import json

import pytest
import torch
from safetensors.torch import save_file

from urdgn_lite import networks, zoo


@pytest.fixture
def lr():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_kept_generator_comes_back_as_it_was(shelf, generator_file, lr):
    original, _ = networks.load_weights(generator_file)
    with torch.no_grad():
        assert torch.equal(zoo.load("tiny")(lr), original(lr))


def test_generators_are_ready_to_use(shelf, lr):
    network = zoo.load("tiny")
    assert not network.training
    assert network(lr).shape == (2, 3, 128, 128)


def test_all_names_can_be_loaded(shelf):
    assert zoo.names() == ["tiny", "tiny-gan"]
    assert [zoo.card(name)["preset"]["name"] for name in zoo.names()] == ["smoke", "smoke"]


def test_the_card_says_how_the_weights_came_about(shelf):
    card = zoo.card("tiny")
    assert card["preset"]["generator"]["kind"] == "residual"
    assert card["seed"] == 0


def test_loading_leaves_the_random_numbers_alone(shelf):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    zoo.load("tiny")
    zoo.card("tiny")
    assert torch.equal(torch.rand(3), expected)


def test_what_the_start_took_counts():
    alone = {"step": 5, "seconds": 2.5, "start": {}}
    assert zoo.steps_and_seconds(alone) == (5, 2.5)
    assert zoo.steps_and_seconds(alone | {"start": {"steps": 3, "seconds": 1.0}}) == (8, 3.5)


def test_a_generator_of_ones_own_is_loaded_by_its_path(generator_file, lr):
    assert zoo.load(generator_file)(lr).shape == (2, 3, 128, 128)
    assert zoo.load(str(generator_file))(lr).shape == (2, 3, 128, 128)


def test_the_index_holds_the_sha_256_of_each_file(shelf):
    index = json.loads((shelf / "index.json").read_text())
    assert set(index) == {"tiny", "tiny-gan"}
    for name, digest in index.items():
        assert zoo.sha256(shelf / f"{name}.safetensors") == digest


def test_sha_256_is_that_of_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert zoo.sha256(tmp_path / "abc") == digest


def test_a_file_with_one_changed_bit_is_refused(shelf):
    path = shelf / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tiny\.safetensors is missing or damaged: reinstall"):
        zoo.load("tiny")
    assert zoo.load("tiny-gan") is not None


def test_a_valid_file_under_the_name_of_another_is_refused(shelf, generator_file, tmp_path):
    network, card = networks.load_weights(generator_file)
    torch.nn.init.zeros_(network.last.weight)
    networks.save_weights(network, shelf / "tiny.safetensors", card)
    with pytest.raises(ValueError, match="missing or damaged"):
        zoo.load("tiny")


def test_a_missing_file_is_named(shelf):
    (shelf / "tiny.safetensors").unlink()
    with pytest.raises(ValueError, match=r"tiny\.safetensors is missing"):
        zoo.card("tiny")


def test_a_misspelt_name_is_answered_with_near_ones(shelf):
    with pytest.raises(ValueError, match="no 'tinny': did you mean tiny"):
        zoo.load("tinny")


def test_a_name_unlike_any_is_answered_with_all(shelf):
    with pytest.raises(ValueError, match=r"no 'xxxxxxxx': there are tiny, tiny-gan \(or the path"):
        zoo.load("xxxxxxxx")


def test_a_copy_without_weights_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "SHELF", tmp_path / "nothing")
    assert zoo.names() == []
    with pytest.raises(ValueError, match="none came with this copy"):
        zoo.load("residual-s")


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x80\x04K\x01."])
def test_a_file_that_is_no_generator_is_refused_and_not_run(tmp_path, content):
    path = tmp_path / "generator.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"generator\.safetensors: not a generator"):
        zoo.load(path)


def test_only_generators_are_kept(shelf, tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not a generator"):
        zoo.keep(tmp_path / "other.safetensors", "other")
    assert "other" not in zoo.names()
    assert not (shelf / "other.safetensors").exists()


def test_keeping_under_the_same_name_replaces_the_weights(shelf, generator_file, tmp_path, lr):
    network, card = networks.load_weights(generator_file)
    torch.nn.init.zeros_(network.last.weight)
    networks.save_weights(network, tmp_path / "new.safetensors", card)
    before = zoo.load("tiny")(lr)
    zoo.keep(tmp_path / "new.safetensors", "tiny")
    assert not torch.equal(zoo.load("tiny")(lr), before)
    assert zoo.names() == ["tiny", "tiny-gan"]


def test_the_weights_that_come_with_the_package_are_whole():
    stored = {path.stem for path in zoo.SHELF.glob("*.safetensors")}
    assert set(zoo.names()) == stored
    assert [name for name in zoo.names() if zoo.load(name).training] == []
