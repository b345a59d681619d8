"""Explorers: every callback runs at its ends, an error is not swallowed, a page gets pictures."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from shelf import put_on_shelf
from torch import nn

from urdgn_lite import degrade, faces, presets, train, zoo
from urdgn_lite.degrade import to_float
from urdgn_lite.lesson import explore
from urdgn_lite.lesson.pictures import picture_of
from urdgn_lite.lesson.widget import Explorer, Scene
from urdgn_lite.measure import damages, metrics
from urdgn_lite.methods import Network

WIDGET = "application/vnd.jupyter.widget-view+json"
OF_A_MODEL = [explore.damage, explore.occlusion, explore.rotation]


@pytest.fixture(scope="module")
def explorers():
    found = {make.__name__: make("bicubic") for make in OF_A_MODEL}
    found["lam"] = explore.lam()
    found["methods"] = explore.methods(["bicubic", "lite"])
    frames = [np.full((60, 80, 3), 10 * i, np.uint8) for i in range(12)]
    found["training"] = explore.training(frames, range(0, 120, 10), [f"{i} dB" for i in range(12)])
    return found


@pytest.mark.parametrize("name", ["damage", "occlusion", "rotation", "lam", "methods", "training"])
def test_an_explorer_runs_at_its_ends_and_has_a_picture_for_pages(explorers, name):
    explorer = explorers[name]
    seen = []
    explorer.render, render = lambda **v: seen.append(v) or render(**v), explorer.render
    assert explorer.check() == explorer.checked == 3 * 1 + 2 * (len(explorer.controls) - 1) + 2
    explorer.render = render
    for control, choices in explorer.choices.items():
        values = list(choices.values())
        assert {values[0], values[-1], explorer.start[control]} <= {v[control] for v in seen}
    assert {n: c.value for n, c in explorer.controls.items()} == explorer.start
    bundle = explorer._repr_mimebundle_()
    assert bundle[WIDGET]["model_id"] == explorer.box.model_id
    pictures = explorer.sweep()
    assert bundle["text/html"] == pictures._repr_html_()
    assert 128 <= pictures.width <= 160
    assert len(bundle["text/html"]) < 100_000
    assert str(explorer.checked) in bundle["text/plain"]


def test_an_error_at_one_end_alone_reaches_the_one_who_makes_the_explorer():
    def render(x):
        return Scene({"a": Image.new("RGB", (8, 8))}, {"a": f"{1 / (3 - x):.1f}"})

    with pytest.raises(ZeroDivisionError):
        Explorer(render, {"x": ({"1": 1, "2": 2, "3": 3}, 1)}, ("x", (1, 2), ("a",)))


def test_moving_a_slider_changes_picture_and_number():
    explorer = explore.damage("lite")
    before = explorer.picture.value
    explorer.controls["noise"].value = 30
    after = explorer.picture.value
    for part in (r"result ([+−][\d.]+) dB", r"base64,([^\"]+)"):
        assert re.findall(part, before) != re.findall(part, after)
    explorer.controls["noise"].value = 0
    assert explorer.picture.value == before


def number(explorer, **values):
    (text,) = explorer.render(**explorer.start | values).numbers.values()
    return float(text.removesuffix(" dB").replace("−", "-"))


def test_bicubic_gains_nothing_over_itself_whatever_the_damage(explorers):
    for make in OF_A_MODEL:
        explorer = explorers[make.__name__]
        for name, choices in explorer.choices.items():
            assert number(explorer, **{name: list(choices.values())[-1]}) == 0


def test_the_gain_is_that_of_the_turned_face(explorers):
    h = damages.rotate(to_float(faces.load("gallery", limit=3).images[2:]), -20)
    lr = degrade.downsample(h)
    gain = metrics.psnr(explore.method_of("lite")(lr), h) - metrics.psnr(
        degrade.upsample_bicubic(lr), h
    )
    shown = number(explore.rotation("lite"), face=2, turn=-20)
    assert shown == pytest.approx(gain.item(), abs=0.051)


def test_what_happens_inside_the_box_does_not_count():
    def careless(lr):  # paints the box of 4 × 4 LR pixels at (6, 6) black
        return damages.occlude(degrade.upsample_bicubic(lr), (48, 48, 80, 80))

    explorer = explore.occlusion(careless)
    assert number(explorer) == 0
    assert number(explorer, x=0) < -1


def test_models_come_as_names_paths_methods_and_modules(generator_file):
    network = zoo.load("residual-s-imaginary").train()
    lr = degrade.downsample(explore.people()[:1])
    by_name = explore.method_of("residual-s-imaginary")(lr)
    assert torch.equal(explore.method_of(network)(lr), by_name)
    assert not network.training
    assert not explore.method_of(nn.Sequential(network))(lr).requires_grad
    assert explore.method_of(str(generator_file))(lr).shape == by_name.shape
    assert explore.method_of(degrade.upsample_bicubic) is degrade.upsample_bicubic
    with pytest.raises(ValueError, match="lite"):
        explore.method_of("lit")


def test_lam_offers_what_the_zoo_holds_in_the_order_of_lambda(shelf, generator_file):
    with pytest.raises(ValueError, match="lite-gan-1e3"):
        explore.lam()
    for name in ("lite", "lite-gan-1e3", "lite-gan-0", "lite-gan"):
        put_on_shelf(generator_file, name)
    assert list(explore.lam().choices["λ"]) == ["0", "100", "10³", "∞"]


def test_methods_shows_each_with_its_psnr():
    explorer = explore.methods(["bicubic", degrade.upsample_bicubic])
    scene = explorer.render(face=1)
    assert list(scene.panels) == ["input", "bicubic", "number 2", "original"]
    assert scene.numbers["bicubic"] == scene.numbers["number 2"]
    assert "Numbers: PSNR in dB." in explorer.picture.value
    with pytest.raises(ValueError, match="at least one"):
        explore.methods([])


def test_a_run_is_scrubbed_by_its_samples(tmp_path, few_faces):
    images = few_faces.images
    preset = presets.get("smoke")
    run = train.train(preset, images, images, out=tmp_path, steps=4)
    for given in (run, tmp_path, str(tmp_path)):
        explorer = explore.training(given)
        assert list(explorer.choices["step"]) == ["1", "2", "3", "4"]
    scene = explorer.render(step=3, face=2)
    shown = float(scene.numbers["G"].removesuffix(" dB").replace("−", "-"))
    assert shown == pytest.approx(run.history[-1]["gain"], abs=0.006)
    assert len(explorer.choices["face"]) == len(images[:8])
    h = to_float(images[2:3])
    lr = degrade.downsample(h)
    drawn = {
        "bicubic": degrade.upsample_bicubic(lr),
        "G": Network(run.generator)(lr),
        "original": h,
    }
    for name, image in drawn.items():
        apart = np.abs(np.asarray(picture_of(image[0]), int) - np.asarray(scene.panels[name], int))
        assert apart.max() <= 1
    with pytest.raises(ValueError, match="no samples"):
        explore.training(tmp_path / "samples")


@pytest.mark.parametrize(
    ("frames", "words"), [([], "at least one"), ([np.zeros((4, 4, 3), np.uint8)], "2 titles")]
)
def test_frames_and_titles_must_be_as_many(frames, words):
    with pytest.raises(ValueError, match=words):
        explore.training(frames, ["a", "b"] if frames else [])


def test_frames_may_be_of_any_usual_kind():
    array = np.zeros((128, 128, 3), np.uint8)
    array[..., 0] = 255
    figure, _ = plt.subplots(figsize=(2, 1), dpi=50)
    red = [
        array,
        Image.fromarray(array),
        torch.tensor([1.0, -1, -1])[:, None, None].expand(3, 128, 128),
    ]
    for frame in red:
        picture = picture_of(frame)
        assert (picture.size, picture.getpixel((5, 5))) == ((128, 128), (255, 0, 0))
    assert picture_of(figure).width == 2 * picture_of(figure).height


def test_a_sweep_shows_each_value_with_its_number_and_beside_them_what_does_not_move():
    panels = {name: Image.new("RGB", (64, 64)) for name in ("input", "result", "original")}
    explorer = Explorer(
        lambda x: Scene(panels, {"result": f"{x}.0 dB"}),
        {"x": ({"one": 1, "two": 2}, 1)},
        ("x", (1, 2), ("input", "result")),
    )
    columns = [
        (title, [tile.caption for tile in tiles]) for title, tiles in explorer.sweep().columns
    ]
    assert columns == [
        ("x one", ["input", "result 1.0 dB"]),
        ("x two", ["input", "result 2.0 dB"]),
        ("", ["original"]),
    ]


def test_where_looks_are_compared_an_eye_is_enlarged_but_not_that_of_the_input(explorers):
    for name in ("lam", "methods"):
        for _, tiles in explorers[name].sweep().columns:
            for tile in tiles:
                assert tile.eye == (not tile.caption.startswith("input"))
