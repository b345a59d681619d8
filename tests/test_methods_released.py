"""The released code's game: who rests, which faces D sees, and its own recipe."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_train import moved, ready, weights
from torch import nn

from urdgn_lite import presets
from urdgn_lite.degrade import to_float
from urdgn_lite.methods import released
from urdgn_lite.train import algorithm_1, train

GAN = presets.get("smoke-gan").but(game="released")


class Rigged(nn.Module):
    """A discriminator whose answers are given; its one parameter shows whether it was updated."""

    def __init__(self, z_real, z_fake):
        super().__init__()
        self.z = z_real, z_fake
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, faces):
        half = len(faces) // 2
        z = torch.tensor([self.z[0]] * half + [self.z[1]] * (len(faces) - half))
        return z.unsqueeze(1) + self.bias + 0 * faces.mean((1, 2, 3)).unsqueeze(1)


@pytest.mark.parametrize(
    ("z_real", "z_fake", "balanced", "d_plays", "g_plays"),
    [
        (0.1, 0.0, True, True, True),  # a guess
        (3.0, -3.0, True, False, True),  # D wins: it rests
        (-0.5, 0.0, True, True, False),  # D has lost track: G rests
        (5.0, 5.0, True, True, True),  # both would rest: both play
        (3.0, -3.0, False, True, True),  # no rule
        (-0.5, 0.0, False, True, True),
    ],
)
def test_the_balancing_rule_rests_the_right_player(
    few_faces, z_real, z_fake, balanced, d_plays, g_plays
):
    run = ready(GAN)
    run.D = Rigged(z_real, z_fake)
    run.opt_d = torch.optim.SGD(run.D.parameters(), lr=1.0, maximize=True)
    before = weights(run.G)
    play = released.play if balanced else algorithm_1
    play(run, to_float(few_faces.images[:4]))
    assert (run.D.bias.item() != 0) == d_plays
    assert moved(before, run.G) == g_plays
    assert run.D.bias.requires_grad


@pytest.mark.parametrize("changes", [{"batch": 1}, {}])
def test_one_face_cannot_be_split_into_a_real_and_a_generated_half(few_faces, changes):
    with pytest.raises(ValueError, match="two faces a step"):
        train(GAN.but(**changes), few_faces.images[: 8 if changes else 1], steps=1)


def test_without_d_it_is_the_pixel_term_alone(few_faces):
    h = to_float(few_faces.images[:4])
    bare = presets.get("smoke")
    a, b = ready(bare), ready(bare)
    assert released.play(a, h) == algorithm_1(b, h)
    assert not moved(weights(a.G), b.G)


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 1 / 50), (9, 1 / 50), (10, 1 / 5), (29, 1 / 5), (30, 1.0), (99, 1.0),
        (100, 0.99), (199, 0.99), (250, 0.99**2), (68_700, 0.99**687), (68_800, 1e-3),
        (10**7, 1e-3),
    ],
)  # fmt: skip
def test_the_authors_schedule_warms_up_twice_then_decays_by_epoch_to_a_floor(step, factor):
    assert released.authors_schedule(step, 10**6, 100) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("real", "fake", "plays"),
    [
        (0.69, 0.69, (True, True)),  # a coin
        (0.5, 0.5, (True, True)),
        (0.1, 0.5, (False, True)),  # D is sure of the real ones
        (0.5, 0.1, (False, True)),  # D is sure of the generated ones
        (0.1, 0.1, (False, True)),
        (0.9, 0.5, (True, False)),  # D misses real ones
        (0.5, 0.9, (True, False)),  # D is fooled
        (0.9, 0.9, (True, False)),
        (0.1, 0.9, (True, True)),  # both would rest, so both play
        (0.9, 0.1, (True, True)),
        (0.3, 0.5, (True, True)),  # the bounds themselves are still in balance
        (0.5, 0.3, (True, True)),
        (0.7, 0.5, (True, True)),
        (0.5, 0.7, (True, True)),
        (0.3, 0.7, (True, True)),
        (math.nextafter(0.3, 0), 0.5, (False, True)),
        (math.nextafter(0.7, 1), 0.5, (True, False)),
        (0.0, math.inf, (True, True)),
    ],
)
def test_balance(real, fake, plays):
    assert released.balance(real, fake) == plays


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 0.5))
def test_somebody_always_plays_and_the_order_of_the_halves_does_not_matter(real, fake, margin):
    assert any(released.balance(real, fake, margin))
    assert released.balance(real, fake, margin) == released.balance(fake, real, margin)
