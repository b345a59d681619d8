"""Eyes alone: pairs that belong together, and a G that starts at bicubic."""

import torch

from urdgn_lite import degrade, faces
from urdgn_lite.lesson import eyes


def test_the_pairs_are_cut_out_of_the_faces_and_of_their_lr_faces() -> None:
    l, h = eyes.load("val", limit=3)
    whole = faces.load("imaginary", "val", limit=3).images
    face = degrade.to_float(whole)
    assert torch.equal(h, face[:, :, 40:72, 24:104])
    assert torch.equal(l, degrade.downsample(face)[:, :, 5:9, 3:13])


def test_g_starts_at_bicubic_and_bicubic_is_the_book_s() -> None:
    l, _ = eyes.load("val", limit=2)
    assert torch.equal(eyes.Generator()(l), eyes.bicubic(l))
    square = torch.rand(1, 3, 16, 16)
    assert torch.equal(eyes.bicubic(square), degrade.upsample_bicubic(square))


def test_d_answers_with_one_logit_and_teaches_g_through_every_pixel() -> None:
    torch.manual_seed(0)
    generated = torch.rand(2, 3, 32, 80, requires_grad=True)
    z = eyes.Discriminator()(generated)
    assert z.shape == (2, 1)
    z.sum().backward()
    assert (generated.grad != 0).float().mean() > 0.99
