"""The Laplacian pyramid of GANs: its levels' targets, its games, and its training."""

import math

import pytest
import torch

from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.methods import lapgan
from urdgn_lite.networks import build_discriminator, build_generator
from urdgn_lite.presets import get
from urdgn_lite.run import Run
from urdgn_lite.train import train
from urdgn_lite.zoo import load_weights

LAPGAN = get("lapgan")
SLIM = LAPGAN.but(
    generator={"kind": "pyramid", "widths": (4, 4, 4)},
    discriminator={"kind": "pyramid", "widths": (2, 2, 2)},
    batch=2,
)


@pytest.fixture
def h(few_faces):
    return to_float(few_faces.images[:2])


@pytest.fixture
def run():
    """The beginning of a run."""
    return Run.begin(SLIM.but(steps=10), data={"n": 8}).to("cpu")


def copies(network):
    return [p.detach().clone() for p in network.parameters()]


def moved(network, before):
    return [not torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True)]


def test_the_pyramid_has_the_lr_face_of_all_methods_at_its_top(h):
    images = lapgan.pyramid(h)
    assert [image.shape[-1] for image in images] == [16, 32, 64, 128]
    assert torch.equal(images[0], downsample(h))
    assert torch.equal(images[-1], h)


def reconstructed(lr, bands):
    for band in bands:
        lr = upsample_bicubic(lr, 2 * lr.shape[-1]) + band
    return lr


def test_the_bands_add_up_to_the_face(h):
    images = lapgan.pyramid(h)
    blurred, bands = lapgan.bands(images)
    assert torch.allclose(reconstructed(images[0], bands), h, atol=1e-5)
    for b, band, image in zip(blurred, bands, images[1:], strict=True):
        assert torch.allclose(b + band, image, atol=1e-6)
    # Wrong: what is missing from the LR face enlarged at once, which counts detail twice.
    at_once = [image - upsample_bicubic(images[0], image.shape[-1]) for image in images[1:]]
    assert not torch.allclose(reconstructed(images[0], at_once), h, atol=0.05)


def test_a_generator_that_knew_the_bands_would_return_the_face(h):
    G = build_generator(SLIM)
    images = lapgan.pyramid(h)
    for level, band in zip(G, lapgan.bands(images)[1], strict=True):
        level.band.forward = lambda low, band=band: band
    assert torch.allclose(G(images[0]), h, atol=1e-5)


def test_a_step_moves_both_players_of_every_level(run, h):
    G, D = copies(run.G), copies(run.D)
    losses = lapgan.play(run, h)
    assert losses.keys() == {"value", "loss", "mse"}
    for level, start in zip(run.G, range(0, 24, 8), strict=True):
        assert any(moved(level, G[start : start + 8]))
    assert all(moved(run.D, D))
    assert all(p.requires_grad for p in run.D.parameters())


@pytest.mark.parametrize(("resting", "playing"), [("opt_g", "D"), ("opt_d", "G")])
def test_each_optimiser_moves_its_own_player(run, h, monkeypatch, resting, playing):
    monkeypatch.setattr(getattr(run, resting), "step", lambda: None)
    G, D = copies(run.G), copies(run.D)
    lapgan.play(run, h)
    assert any(moved(run.G, G)) == (playing == "G")
    assert any(moved(run.D, D)) == (playing == "D")


def test_the_players_pull_in_opposite_directions(run, h):
    """D ascends the value of Eq. 4; G's step makes D's logits on generated bands rise."""
    run.step = 5
    run.G.eval()
    run.D.eval()  # no dropout: the comparison is of weights alone
    images = lapgan.pyramid(h)
    blurred, real = lapgan.bands(images)

    def logits():
        with torch.no_grad():
            fake = [level.band(low) for level, low in zip(run.G, images[:-1], strict=True)]
            judged = [lapgan.judge(run.D, blurred, x) for x in (real, fake)]
        return [torch.stack(z).mean() for z in judged]

    real_before, fake_before = logits()
    run.opt_g.step, g_step = lambda: None, run.opt_g.step
    for _ in range(5):
        lapgan.play(run, h)
    real_after, fake_after = logits()
    assert real_after - fake_after > real_before - fake_before
    run.opt_g.step, run.opt_d.step = g_step, lambda: None
    for _ in range(5):
        lapgan.play(run, h)
    assert logits()[1] > fake_after


def test_the_levels_share_nothing(h):
    """Training one level alone, on the real smaller image, gives the same level."""
    torch.manual_seed(0)
    G, D = build_generator(SLIM), build_discriminator(SLIM)
    images = lapgan.pyramid(h)
    for level in G:
        torch.nn.init.normal_(level.band[-2].weight, std=0.1)
    blurred, _ = lapgan.bands(images)
    z = lapgan.judge(D, blurred, [g.band(x) for g, x in zip(G, images, strict=False)])
    z[1].sum().backward()
    for k, (level, d) in enumerate(zip(G, D, strict=True)):
        for network in (level, d):
            assert all((p.grad is not None) == (k == 1) for p in network.parameters())


def test_no_pixel_term(run, h):
    """λ = 0 as in 2015: the loss is that of the game alone."""
    assert LAPGAN.lam == 0
    run.D.eval()
    losses = lapgan.play(run, h)
    assert losses["loss"] < 2 * math.log(2)
    run.preset = SLIM.but(lam=1e4)
    assert lapgan.play(run, h)["loss"] > 5 * math.log(2)


def test_what_training_leaves_is_one_generator_with_a_card(few_faces, tmp_path):
    run = train(SLIM, few_faces.images, few_faces.images[:2], out=tmp_path, steps=2)
    network, card = load_weights(tmp_path / "generator.safetensors")
    lr = downsample(to_float(few_faces.images))
    with torch.no_grad():
        assert torch.allclose(network(lr), run.generator.eval()(lr), atol=2e-3)
    assert card["data"]["n"] == len(few_faces)
    assert (card["step"], card["steps"], card["preset"]["lam"]) == (2, 2, 0.0)
    assert "gain" in card["history"][-1]
