"""A preset is data whose name says what it is; every one of them can be trained."""

import dataclasses
import json
import math
import re

import pytest
import torch

from urdgn_lite import methods, presets  # noqa: F401 - methods registers other games' presets
from urdgn_lite.degrade import METHODS
from urdgn_lite.networks import GENERATORS, build_discriminator, build_generator
from urdgn_lite.objective import generator_loss, pixel_term
from urdgn_lite.optimiser import SCHEDULES
from urdgn_lite.presets import PRESETS, Preset
from urdgn_lite.run import OPTIMISERS
from urdgn_lite.train import GAMES, train

everyone = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
SLIM = {
    "deconvolutional": {"width": 8},
    "resize": {"widths": (2, 2, 2, 2)},
    "residual": {"width": 4, "blocks": 1, "middle": 4},
    "dense": {"width": 8, "first": 4},
    "srcnn": {"widths": (4, 4)},
    "pyramid": {"widths": (4, 4, 4)},
}
SWEEP = ("0", "1", "10", "1e3", "1e4")


def plays_a_game(preset: Preset) -> bool:
    return "gan" in preset.name.split("-") or preset.name == "lapgan"


def bare(preset: Preset) -> Preset:
    """Without the game: that of `lite-gan-10` is `lite`. `gan` and `gan-star` have none."""
    return PRESETS[re.sub(r"-gan(-1?0?|-1e\d)?$", "", preset.name)]


def slim(preset: Preset) -> Preset:
    """The same recipe with narrow networks and four faces an update, for speed."""
    generator = {**preset.generator, **SLIM[preset.generator["kind"]]}
    d = preset.discriminator and {**preset.discriminator, "widths": (2, 2, 2, 2), "hidden": 4}
    if preset.game == "pyramid":
        d = {"kind": "pyramid", "widths": (2, 2, 2)}
    return preset.but(generator=generator, discriminator=d, batch=4)


def test_the_family_is_complete():
    bare = {"residual", "residual-s", "lite", "released", "paper", "smoke", "dense"}
    columns = {"srcnn", "srcnn-8x", "gan", "gan-star", "lapgan"}
    others = {f"lite-gan-{lam}" for lam in SWEEP} | {"lite-imaginary", "residual-s-imaginary"}
    assert {*bare, *(f"{name}-gan" for name in bare), *columns, *others} <= set(PRESETS)


def test_the_sweep_varies_lambda_alone():
    lite_gan = PRESETS["lite-gan"]
    for name, lam in zip(SWEEP, (0, 1, 10, 1000, 10_000), strict=True):
        assert PRESETS[f"lite-gan-{name}"] == lite_gan.but(name=f"lite-gan-{name}", lam=float(lam))


def test_the_games_of_equation_1_differ_in_the_input_layer_alone():
    gan, star = PRESETS["gan"], PRESETS["gan-star"]
    assert gan.lam == star.lam == 0
    assert star == gan.but(name="gan-star", generator=PRESETS["lite"].generator)
    assert gan.generator == PRESETS["dense"].generator


@everyone
def test_a_preset_is_kept_under_its_own_name(preset):
    assert PRESETS[preset.name] is preset
    assert presets.get(preset.name) is preset


@everyone
def test_gan_in_the_name_means_a_finite_lambda_and_a_discriminator(preset):
    adversarial = plays_a_game(preset)
    assert math.isfinite(preset.lam) == adversarial
    assert (preset.discriminator is not None) == adversarial
    assert (build_discriminator(preset) is not None) == adversarial


@everyone
def test_a_gan_differs_from_its_bare_namesake_in_the_game_alone(preset):
    of_the_game = {"name", "lam", "discriminator", "adversarial", "start"}
    of_the_game |= {"average"}  # D changes its mind at each step
    of_the_length = {"steps", "batch", "rate", "optimiser"}  # tuned one by one
    for key, value in preset.to_dict().items():
        if key not in of_the_game | of_the_length:
            assert value == bare(preset).to_dict()[key], key


@everyone
def test_every_choice_of_a_preset_exists(preset):
    assert preset.generator["kind"] in GENERATORS
    assert preset.schedule in SCHEDULES
    assert preset.downsampling in METHODS
    assert preset.optimiser["kind"] in OPTIMISERS
    assert preset.game in GAMES
    assert preset.start in {"", *PRESETS}
    z, faces = torch.zeros(1, 1), torch.zeros(1, 3, 2, 2)
    generator_loss(z, faces, faces, 1.0, preset.adversarial, preset.reduction)
    pixel_term(faces, faces, preset.reduction)
    assert preset.batch >= 1
    assert preset.steps >= 1
    assert preset.rate > 0
    assert all(size >= 0 for size in preset.affine)


@everyone
def test_every_preset_trains_for_a_step(preset, few_faces):
    p = slim(preset)
    torch.manual_seed(0)
    fresh = build_generator(p).state_dict()
    run = train(p, few_faces.images[:4], steps=1, start="")
    assert run.done
    assert [row["step"] for row in run.history] == [1]
    moved = run.G.state_dict()
    assert any(not torch.equal(moved[name], fresh[name]) for name in fresh)
    assert all(value.isfinite().all() for value in moved.values())
    if preset.game != "pyramid":
        assert ({"bce_real", "bce_fake"} <= set(run.history[0])) == plays_a_game(preset)


@everyone
def test_a_preset_survives_json(preset):
    text = json.dumps(preset.to_dict())
    back = Preset(**json.loads(text))
    assert json.dumps(back.to_dict()) == text
    assert back.lam == preset.lam  # ∞ too
    for a, b in (
        (build_generator(preset), build_generator(back)),
        (build_discriminator(preset), build_discriminator(back)),
    ):
        assert str(a) == str(b)


def test_the_released_code_and_the_paper_differ_where_the_book_says():
    paper, released = PRESETS["paper-gan"], PRESETS["released-gan"]
    assert (paper.adversarial, released.adversarial) == ("saturating", "non-saturating")
    assert (paper.reduction, released.reduction) == ("sum", "mean")
    assert (paper.game, released.game) == ("algorithm_1", "released")
    assert (paper.downsampling, released.downsampling) == ("antialiased", "aliased")
    assert (paper.schedule, released.schedule) == ("paper", "authors")
    assert (paper.optimiser["eps_inside"], released.optimiser["eps_inside"]) == (True, False)
    assert released.lam == 100
    assert released.discriminator == {"widths": [32, 64, 128, 96], "hidden": 1024, "dropout": 0.2}


@pytest.mark.parametrize(
    ("wrong", "why"), [({"lam": -1.0}, "λ"), ({"lam": math.nan}, "λ"), ({"steps": 0}, "steps and")]
)
def test_a_recipe_without_sense_is_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        presets.get("smoke").but(**wrong)


def test_a_preset_cannot_be_changed_but_copied():
    preset = PRESETS["smoke"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset.lam = 1.0
    other = preset.but(name="mine", lam=1.0)
    assert (other.name, other.lam, other.batch) == ("mine", 1.0, preset.batch)
    assert (preset.name, preset.lam) == ("smoke", math.inf)


def test_plain_data_of_a_preset_is_a_copy():
    data = PRESETS["smoke"].to_dict()
    data["generator"]["width"] = 99
    assert PRESETS["smoke"].generator["width"] != 99


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("residual_s", "residual-s"),
        ("Lite", "lite"),
        ("relesed-gan", "released-gan"),
        ("lite-gan-1e2", "lite-gan-1e"),
        ("srcn", "srcnn"),
    ],
)
def test_a_misspelt_name_is_answered_with_a_near_one(asked, suggested):
    with pytest.raises(ValueError, match=f"no preset '{asked}': did you mean .*{suggested}"):
        presets.get(asked)


def test_a_name_near_none_is_answered_with_the_list():
    with pytest.raises(ValueError, match="there are residual, residual-gan"):
        presets.get("xyzzy")
