"""Hidden regions: where they lie, what remains, and whether D's score tells them apart."""

import pytest
import torch
from torch import nn

from urdgn_lite import faces, networks, presets
from urdgn_lite.degrade import to_float
from urdgn_lite.lesson import explore, regions


@pytest.fixture(scope="module")
def h():
    return to_float(faces.load("imaginary", "test", limit=3).images)


@pytest.mark.parametrize("region", regions.REGIONS)
def test_hiding_changes_the_region_alone_and_not_the_faces_given(h, region):
    before = h.clone()
    hidden = regions.hide(h, region)
    assert torch.equal(h, before)
    left, top, right, bottom = regions.REGIONS[region]
    part = hidden[:, :, top:bottom, left:right]
    assert torch.allclose(part, h.mean((2, 3), keepdim=True).expand_as(part))
    hidden[:, :, top:bottom, left:right] = h[:, :, top:bottom, left:right]
    assert torch.equal(hidden, h)


def test_the_eyes_are_hidden_by_eyes_and_by_no_other_region():
    for x, y in faces.EYES:
        over = [n for n, (a, b, c, d) in regions.REGIONS.items() if a <= x < c and b <= y < d]
        assert over == ["eyes"]


def test_an_unknown_region_is_said(h):
    with pytest.raises(ValueError, match="no region 'ear': there are eyes, nose"):
        regions.hide(h, "ear")


class Watcher(nn.Module):
    """Looks at the mouth alone: how far its pixels are from the face's mean."""

    def forward(self, h):
        left, top, right, bottom = regions.REGIONS["mouth"]
        part = h[:, :, top:bottom, left:right] - h.mean((2, 3), keepdim=True)
        return part.abs().mean((1, 2, 3))[:, None]


def test_a_d_that_looks_at_the_mouth_falls_for_the_mouth(h):
    found = regions.falls(Watcher(), h)
    assert {name for name, fall in found.items() if (fall > 0.1).all()} == {"mouth"}
    assert found["mouth"].shape == (3,)


def test_dropout_is_off_and_the_mode_is_put_back(h):
    D = networks.build_discriminator(presets.get("smoke-gan")).train()
    one, two = (regions.falls(D, h)["eyes"] for _ in range(2))
    assert torch.equal(one, two)
    assert D.training


def test_the_explorer_shows_the_logit_of_what_d_sees(h):
    explorer = explore.masked(Watcher())
    whole = float(explorer.render(face=0, hidden="nothing").numbers["D sees"])
    hidden = float(explorer.render(face=0, hidden="mouth").numbers["D sees"].replace("−", "-"))
    assert whole > 0.1 > hidden
    assert explorer.checked == 7
