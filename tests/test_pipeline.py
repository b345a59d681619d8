"""Fig. 2 is drawn from the networks: its numbers are theirs."""

import re
import xml.etree.ElementTree as ET

import pytest

from urdgn_lite import networks, presets
from urdgn_lite.lesson import figures, pipeline

SVG = "{http://www.w3.org/2000/svg}"


def test_the_shapes_are_those_of_a_real_pass():
    G = networks.build_generator(presets.get("lite"))
    assert pipeline.shapes(G, (3, 16, 16)) == [
        (128, 16, 16),
        (64, 32, 32),
        (32, 64, 64),
        (16, 128, 128),
        (3, 128, 128),
    ]
    D = networks.build_discriminator(presets.get("smoke-gan"))
    *maps, flat, hidden, logit = pipeline.shapes(D, (3, 128, 128))
    assert [side for _, side, _ in maps] == [128, 64, 32, 16, 8]
    assert (flat, hidden, logit) == ((4 * 8 * 8,), (8,), (1,))


def test_the_network_stays_where_and_how_it_was():
    G = networks.build_generator(presets.get("smoke")).train()
    pipeline.shapes(G, (3, 16, 16))
    assert G.training
    assert {p.device.type for p in G.parameters()} == {"cpu"}
    assert not any(module._forward_hooks for module in G.modules())


def test_a_network_that_enlarges_without_a_layer_still_ends_in_a_face():
    G = networks.build_generator(presets.get("residual"))
    assert pipeline.shapes(G, (3, 16, 16))[-2:] == [(48, 32, 32), (3, 128, 128)]


@pytest.mark.parametrize("name", ["lite-gan", "released-gan", "residual-gan", "smoke-gan"])
def test_the_drawing_names_every_stage_and_fits_its_frame(name):
    preset = presets.get(name)
    root = ET.fromstring(pipeline.draw(preset).data)
    words = [t.text for t in root.iter(f"{SVG}text")]
    for build, entry in (
        (networks.build_generator, (3, 16, 16)),
        (networks.build_discriminator, (3, 128, 128)),
    ):
        for shape in pipeline.shapes(build(preset), entry):
            assert str(shape[0]) in words
    assert {"l", "ĥ", "h", "G", "D"} <= set(words)
    assert any("test phase" in word for word in words if word)
    for path in root.iter(f"{SVG}path"):
        xy = [float(n) for n in re.findall(r"-?\d+\.?\d*", path.get("d"))]
        assert all(0 <= x <= pipeline.WIDTH for x in xy[::2])
        assert all(0 <= y <= pipeline.HEIGHT for y in xy[1::2])


def test_its_colours_are_those_that_both_themes_show():
    used = set(re.findall("#[0-9a-f]{6}", pipeline.draw(presets.get("lite-gan")).data))
    assert used <= {*figures.COLOURS.values(), figures.INK}


def test_a_preset_without_d_says_which_has_one():
    with pytest.raises(ValueError, match="draw lite-gan"):
        pipeline.draw(presets.get("lite"))
