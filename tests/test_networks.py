"""Sizes of the networks, and what they start from."""

import pytest
import torch
from torch import nn
from torch.nn.functional import pad
from torch.utils.flop_counter import FlopCounterMode

from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.methods.gan import Dense
from urdgn_lite.methods.lapgan import Level, LevelDiscriminator, Pyramid
from urdgn_lite.methods.released import Resize
from urdgn_lite.methods.srcnn import SRCNN
from urdgn_lite.networks import (
    Block,
    Discriminator,
    build_discriminator,
    build_generator,
    count_parameters,
)
from urdgn_lite.presets import PRESETS, get

LAPGAN = get("lapgan")
everyone = pytest.mark.parametrize("name", PRESETS)
adversarial = pytest.mark.parametrize(
    "name", [n for n, p in PRESETS.items() if p.discriminator and p.game != "pyramid"]
)


def lr_faces(n: int = 1, side: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def trained_looking(name: str) -> nn.Module:
    """A generator whose every weight and running average differs from its initial value."""
    torch.manual_seed(0)
    G = build_generator(get(name))
    with torch.no_grad():
        for value in G.state_dict().values():
            if value.is_floating_point():
                value.add_(0.1 * torch.rand_like(value))
            else:
                value.add_(3)
    return G.eval()


@everyone
@torch.no_grad()
def test_a_generator_makes_128_pixels_of_16(name):
    assert build_generator(get(name)).eval()(lr_faces()).shape == (1, 3, 128, 128)


@everyone
@torch.no_grad()
def test_a_generator_enlarges_any_square_eightfold_unless_it_is_fully_connected(name):
    G = build_generator(get(name)).eval()
    if any(isinstance(layer, nn.Linear) for layer in G.modules()):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            G(lr_faces(side=12))
    else:
        assert G(lr_faces(side=12)).shape == (1, 3, 96, 96)


@adversarial
@torch.no_grad()
def test_a_discriminator_makes_one_logit_of_a_face(name):
    D = build_discriminator(get(name)).eval()
    assert D(torch.rand(2, 3, 128, 128) * 2 - 1).shape == (2, 1)


@pytest.mark.parametrize(
    ("name", "count"), [("released", 1_054_243), ("lite", 330_627), ("paper", 330_627)]
)
def test_a_generator_has_as_many_parameters_as_the_book_says(name, count):
    assert count_parameters(build_generator(get(name))) == count


@pytest.mark.parametrize(("name", "most"), [("residual-s", 150_000), ("residual", 1_000_000)])
def test_a_residual_generator_stays_small(name, most):
    assert count_parameters(build_generator(get(name))) <= most


def test_the_released_discriminator_has_as_many_parameters_as_the_authors():
    assert count_parameters(build_discriminator(get("released-gan"))) == 6_859_425


@pytest.mark.parametrize(
    "make", [lambda: build_generator(get("released")), lambda: Resize((2, 3, 4, 5))]
)
@torch.no_grad()
def test_a_released_output_pixel_sees_41_pixels_of_128(make):
    torch.manual_seed(0)
    G, lr = make().eval(), lr_faces()
    poked = lr.clone()
    poked[0, :, 8, 8] += 1
    reached = (G(poked) - G(lr)).abs().amax((0, 1)) > 0
    for axis in (0, 1):  # an LR pixel covers 8 HR pixels, so it reaches 8 + 41 − 1
        (places,) = torch.where(reached.any(axis))
        assert places.max() - places.min() + 1 == 8 + 41 - 1
        assert places.min() == 8 * 8 - 20


@pytest.mark.parametrize("name", [n for n in PRESETS if n.startswith(("residual", "smoke"))])
@torch.no_grad()
def test_a_fresh_residual_generator_is_bicubic_exactly(name):
    G, lr = build_generator(get(name)), lr_faces(2)
    assert torch.equal(G(lr), upsample_bicubic(lr))


# --- The networks of the other columns.


@pytest.mark.parametrize(
    ("kind", "preset"), [(SRCNN, get("srcnn")), (Dense, get("gan")), (Pyramid, LAPGAN)]
)
@torch.no_grad()
def test_the_sizes_in_the_docstrings_are_counted(kind, preset):
    G = build_generator(preset).eval()
    assert isinstance(G, kind)
    with FlopCounterMode(display=False) as counted:
        G(lr_faces())
    stated = " ".join(kind.__doc__.split())
    assert f"{count_parameters(G):,} parameters" in stated
    assert f"{counted.get_total_flops() / 2e6:.0f} MMAC a face" in stated


@torch.no_grad()
def test_srcnn_at_once_is_three_convolutions_of_the_image_enlarged_by_bicubic():
    torch.manual_seed(0)
    G, lr = build_generator(get("srcnn-8x")).eval(), lr_faces()
    x = upsample_bicubic(lr)
    for layer, size, widths in zip(
        list(G)[::2], (9, 1, 5), ((3, 64), (64, 32), (32, 3)), strict=True
    ):
        assert layer.weight.shape == (*widths[::-1], size, size)
        x = pad(x, [size // 2] * 4).unfold(2, size, 1).unfold(3, size, 1)  # b c h w k k
        x = torch.einsum("bchwij,ocij->bohw", x, layer.weight) + layer.bias.view(-1, 1, 1)
        x = x if layer is G[-1] else x.relu()
    assert torch.allclose(G(lr), x, atol=1e-4)


@torch.no_grad()
def test_the_fully_connected_layer_lets_every_pixel_reach_every_other():
    torch.manual_seed(0)
    corner = {}
    for name in ("gan", "gan-star"):
        G, lr = build_generator(get(name)).eval(), lr_faces()
        poked = lr.clone()
        poked[0, :, 0, 0] += 1
        corner[name] = (G(poked) - G(lr))[0, :, -8:, -8:].abs().max() > 0
    assert corner == {"gan": True, "gan-star": False}


def test_with_and_without_the_fully_connected_layer_the_rest_is_the_same():
    with_it, without = build_generator(get("gan")), build_generator(get("gan-star"))
    assert [str(layer) for layer in with_it][-10:] == [str(layer) for layer in without][-10:]


@torch.no_grad()
def test_a_fresh_pyramid_is_bicubic_level_by_level():
    G, lr = build_generator(LAPGAN), lr_faces(2)
    wanted = lr
    for side in (32, 64, 128):
        wanted = upsample_bicubic(wanted, side)
    assert torch.equal(G(lr), wanted)


@torch.no_grad()
def test_a_level_adds_its_band_to_the_enlarged_image():
    level, low = Level(4), lr_faces(1, 8)
    nn.init.normal_(level.band[-2].weight)
    band = level.band(low)
    assert band.shape == (1, 3, 16, 16)
    assert band.abs().max() > 0
    assert torch.equal(level(low), upsample_bicubic(low, 16) + band)


@pytest.mark.parametrize("side", [32, 64, 128])
@torch.no_grad()
def test_the_discriminator_of_a_level_sees_the_image_and_the_band_apart(side):
    torch.manual_seed(0)
    D, (blurred, band) = LevelDiscriminator(4).eval(), lr_faces(2, side).split(1)
    assert D(blurred, band).shape == (1, 1)
    assert not torch.allclose(D(blurred, band), D(band, blurred))  # a sum could not tell


@torch.no_grad()
def test_a_block_adds_to_what_it_is_given():
    block, x = Block(4), torch.rand(1, 4, 5, 5)
    for layer in (block.b.weight, block.b.bias):
        layer.zero_()
    assert torch.equal(block(x), x)
    block.b.bias.fill_(0.5)
    assert torch.allclose(block(x), x + 0.5)


def test_the_discriminator_drops_whole_channels_in_training_and_nothing_afterwards():
    torch.manual_seed(0)
    D, h = Discriminator((4, 4, 4, 4), 8, dropout=0.2), torch.rand(2, 3, 128, 128)
    assert not torch.equal(D(h), D(h))
    assert torch.equal(D.eval()(h), D(h))


def test_logits_are_not_squeezed_through_a_sigmoid():
    assert not any(isinstance(m, nn.Sigmoid) for m in build_discriminator(get("smoke-gan")))
