"""Generators by name and on disk: what comes back, what is refused."""

import json
import math
import os
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_networks import everyone, lr_faces, trained_looking

from urdgn_lite import store, zoo
from urdgn_lite.networks import build_generator
from urdgn_lite.presets import Preset, get
from urdgn_lite.zoo import load_weights, save_weights


@pytest.fixture
def lr():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_kept_generator_comes_back_as_it_was(shelf, generator_file, lr):
    original, _ = load_weights(generator_file)
    with torch.no_grad():
        assert torch.equal(zoo.load("tiny")(lr), original(lr))


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


def test_a_file_with_one_changed_bit_is_refused(shelf):
    path = shelf / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tiny\.safetensors: .* its checksum differs"):
        zoo.load("tiny")
    assert zoo.load("tiny-gan") is not None


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


def test_the_weights_that_come_with_the_package_are_whole():
    assert len(zoo.names()) >= 17
    assert [name for name in zoo.names() if zoo.load(name).training] == []


# --- One recipe a weight.


@pytest.mark.parametrize("name", zoo.names())
def test_a_preset_makes_the_weights_of_its_name(name):
    card, preset = zoo.card(name), get(name)
    assert Preset(**card["preset"]) == preset
    assert card["step"] == card["steps"] == preset.steps
    begun = card["start"]
    assert begun.get("name", "") == preset.start
    if preset.start:  # from the very weights that the zoo has
        spent = begun["steps"], begun["seconds"]
        assert spent == zoo.steps_and_seconds(zoo.card(preset.start))


# --- Weights on disk.


@everyone
@torch.no_grad()
def test_weights_come_back_as_fp16_rounds_them(name, tmp_path):
    G, path = trained_looking(name), tmp_path / "new" / "generator.safetensors"
    save_weights(G, path, {"preset": get(name).to_dict(), "seed": 7})
    back, card = load_weights(path)
    assert card["seed"] == 7
    assert card["preset"]["lam"] == get(name).lam
    assert not back.training
    mine, theirs = G.state_dict(), back.state_dict()
    assert mine.keys() == theirs.keys()
    for key, value in mine.items():
        assert value.dtype == theirs[key].dtype
        wanted = value.half().float() if value.is_floating_point() else value
        assert torch.equal(theirs[key], wanted), key
    assert {p.name for p in path.parent.iterdir()} == {path.name}


@torch.no_grad()
def test_rounding_to_fp16_costs_less_than_a_grey_level(tmp_path):
    G, lr = trained_looking("smoke"), lr_faces()
    save_weights(G, tmp_path / "g.safetensors", {"preset": get("smoke").to_dict()})
    back, _ = load_weights(tmp_path / "g.safetensors")
    assert 0 < (back(lr) - G(lr)).abs().max() < 1 / 127.5


def test_channels_last_weights_are_saved_too(tmp_path):
    G = trained_looking("smoke")
    save_weights(G, tmp_path / "a.safetensors", {"preset": get("smoke").to_dict()})
    G.to(memory_format=torch.channels_last)
    save_weights(G, tmp_path / "b.safetensors", {"preset": get("smoke").to_dict()})
    a, b = (load_file(tmp_path / f"{x}.safetensors") for x in "ab")
    assert all(torch.equal(a[key], b[key]) for key in a)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def bad_files(folder):
    good = folder / "good.safetensors"
    save_weights(build_generator(get("smoke")), good, {"preset": get("smoke").to_dict()})
    whole = good.read_bytes()
    tensors, card = load_file(good), {"preset": get("smoke").to_dict()}
    preset = card["preset"]
    for name, metadata in (
        ("no card", None),
        ("no JSON", {"card": "{"}),
        ("no checksum", {"card": json.dumps(card)}),
    ):
        path = folder / f"{name}.safetensors"
        save_file(tensors, path, metadata)
        yield path
    first = next(iter(tensors))
    sick = {first: torch.full_like(tensors[first], math.nan)}
    nonsense = {"kind": "residual", "width": "wide", "blocks": None}
    for name, changed, said in (
        ("no preset", tensors, {}),
        ("preset of another network", tensors, {"preset": get("lite").to_dict()}),
        ("preset with an unknown field", tensors, {"preset": preset | {"evil": 1}}),
        ("an unknown network", tensors, {"preset": preset | {"generator": {"kind": "os.system"}}}),
        ("no kind of network", tensors, {"preset": preset | {"generator": {}}}),
        ("a network of no sense", tensors, {"preset": preset | {"generator": nonsense}}),
        ("one tensor short", dict(list(tensors.items())[1:]), card),
        ("one tensor too many", tensors | {"extra": torch.zeros(1)}, card),
        ("another shape", tensors | {first: torch.zeros(1)}, card),
    ):
        path = folder / f"{name}.safetensors"
        store.write_tensors(path, changed, said)
        yield path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "not_finite", lambda tensors: "")
        store.write_tensors(folder / "nan.safetensors", tensors | sick, card)
    yield folder / "nan.safetensors"
    for name, content in {
        "empty": b"",
        "garbage": b"\x93NUMPY" + bytes(range(256)) * 9,
        "huge header": b"\xff" * 64,
        "text": b"<!doctype html><title>404</title>",
        "half": whole[: len(whole) // 2],
        "header alone": whole[:200],
        "last byte missing": whole[:-1],
        "one byte more": whole + b"\0",
    }.items():
        path = folder / name
        path.write_bytes(content)
        yield path
    yield folder / "no such file"
    yield folder


def test_anything_but_a_generator_is_refused_with_its_path(tmp_path):
    for path in bad_files(tmp_path):
        with pytest.raises(ValueError, match=r"not a generator|damaged generator") as caught:
            load_weights(path)
        assert str(path) in str(caught.value)


def test_a_pickle_is_refused_unopened(tmp_path):
    trapdoor = tmp_path / "sprung"
    plain, zipped = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    plain.write_bytes(pickle.dumps(Trap(trapdoor)))
    torch.save({"weights": Trap(trapdoor)}, zipped)
    for path in (plain, zipped):
        with pytest.raises(ValueError, match="not a generator"):
            load_weights(path)
    assert not trapdoor.exists()
    pickle.loads(plain.read_bytes())
    assert trapdoor.exists(), "the trap would have worked"
