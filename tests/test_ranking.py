"""The artefacts that Sect. 4.2 speaks of, measured; and the set-ups of the compared methods."""

import json

import numpy as np
import pytest
import ranking
import torch

from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import report
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.methods.base import Learnt
from urdgn_lite.methods.yang2010 import Yang2010


@pytest.fixture(scope="module")
def h(few_faces):
    return to_float(few_faces.images[:4])


def tiles(h, side):
    """Each face as flat tiles of their mean colour."""
    return (
        torch.nn.functional.avg_pool2d(h, side)
        .repeat_interleave(side, 2)
        .repeat_interleave(side, 3)
    )


def test_blockiness_by_hand():
    ramp = torch.arange(128.0).expand(1, 3, 128, 128) / 128  # a step of 1 everywhere along x
    both = ramp + ramp.mT
    assert ranking.blockiness(both).item() == pytest.approx(1)
    seams = both + (torch.arange(128) // 32 * 3.0 / 128)  # 4 at the three borders of columns
    # across: 4 at the borders, 1 elsewhere; down: 1 everywhere; their mean is 2.5 against 1
    assert ranking.blockiness(seams).item() == pytest.approx(2.5, abs=1e-3)


def test_tiles_are_blocks_and_faces_are_not(h):
    assert (ranking.blockiness(tiles(h, 32)) > 100).all()
    assert ranking.blockiness(h).mean().item() == pytest.approx(1, abs=0.3)
    assert (ranking.blockiness(tiles(h, 32), side=8) > ranking.blockiness(h, side=8)).all()


def test_lr_pixels_that_show_are_a_line_in_the_spectrum(h):
    lr = downsample(h)
    shown = lr.repeat_interleave(8, 2).repeat_interleave(8, 3)
    wave = 0.1 * torch.sin(torch.arange(128) * 2 * torch.pi / 8)
    assert (ranking.pixellation(h + wave) > 1.5 * ranking.pixellation(h)).all()
    other = 0.1 * torch.sin(torch.arange(128) * 2 * torch.pi / 16)  # not the period of the grid
    assert torch.allclose(ranking.pixellation(h + other), ranking.pixellation(h), rtol=0.35)
    assert (ranking.pixellation(shown) < ranking.pixellation(h + wave)).any()


def test_contrast_is_the_slope(h):
    bicubic = upsample_bicubic(downsample(h))
    assert ranking.contrast(1.5 * bicubic + 0.2, bicubic).tolist() == pytest.approx(
        [1.5] * 4, abs=1e-4
    )
    assert ranking.contrast(bicubic.flip(0) * 0, bicubic).abs().max() == 0


def test_where_colours_do_not_count_the_filter_is_scipys_gaussian(h):
    ndimage = pytest.importorskip("scipy.ndimage")
    h = h[:1]
    theirs = ndimage.gaussian_filter(h[0].numpy(), (0, 1.5, 1.5), mode="nearest", radius=2)
    assert torch.allclose(ranking.bilateral(h, 1e4)[0], torch.from_numpy(theirs), atol=1e-4)


def test_the_filter_of_one_pixel_by_hand(h):
    h = h[:1].double()
    around = h[0, :, 38:43, 58:63].numpy()  # of (40, 60)
    y, x = np.mgrid[-2:3, -2:3]
    unlike = ((around - around[:, 2:3, 2:3]) ** 2).sum(0)
    weight = np.exp(-(y**2 + x**2) / (2 * 1.5**2)) * np.exp(-unlike / (2 * 0.1**2))
    expected = (weight * around).sum((1, 2)) / weight.sum()
    assert np.allclose(ranking.bilateral(h, 0.1)[0, :, 40, 60], expected)


def test_a_set_up_shares_what_was_fitted(tmp_path, few_faces, monkeypatch):
    Yang2010(atoms=16, patches=40).fit(to_float(few_faces.images)).save(
        tmp_path / "yang2010.safetensors"
    )
    (tmp_path / "yang2010.json").write_text("{}")
    known = ranking.ways(tmp_path, "imaginary")
    base, free = known["yang2010"](), known["yang2010, one dictionary, no back-projection"]()
    assert isinstance(base, Learnt)
    assert free.arrays is base.arrays
    assert (free.shared, free.back_projection, base.shared, base.back_projection) == (
        True,
        0,
        False,
        10,
    )


def test_a_row_has_gains_and_artefacts_with_intervals(few_faces):
    row = ranking.scores(upsample_bicubic, few_faces)
    assert row["gain_psnr"] == row["gain_ssim"] == 0
    assert row["contrast"] == pytest.approx(1, abs=1e-4)
    assert row["sharpness"] < 0.7
    assert row["n"] == 8
    assert ranking.scores(ranking.back_projected, few_faces)["gain_psnr"] > 0.1
    low, high = row["blockiness_interval"]
    assert low <= row["blockiness"] <= high
    assert ranking.scores(upsample_bicubic, few_faces, 2)["gain_psnr"] == 0


def test_the_sheet_of_set_ups_shows_every_row_aligned_and_unaligned():
    rows = json.loads((ledger() / "ranking.json").read_text())
    shown = {key: cells for key, *cells in report.variants().rows}
    assert shown.keys() == rows.keys()
    for key, (aligned, unaligned, *_) in shown.items():
        assert aligned.startswith(f"{rows[key]['aligned']['gain_psnr']:+.2f}")
        assert unaligned.startswith(f"{rows[key]['unaligned']['gain_psnr']:+.2f}")
