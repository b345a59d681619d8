"""The tool that trains 8 × 8 → 128 × 128, on faces of nobody."""

import json

import extreme
import pytest
import torch

from urdgn_lite import faces, networks
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """The network is known while a test runs, and no longer."""
    monkeypatch.setitem(networks.GENERATORS, "from-eight", extreme.FromEight)


@pytest.fixture(scope="module")
def some():
    return faces.load("imaginary", "train", limit=12)


def test_what_8_pixels_do_not_hold_never_reaches_the_network(some):
    lr = downsample(to_float(some.images[:2]))
    G = extreme.FromEight(width=4, blocks=1, middle=4)
    torch.nn.init.normal_(G.residual.last.weight)
    with torch.no_grad():
        known = upsample_bicubic(downsample(lr, size=8), 16)
        assert torch.equal(G(lr), G.residual(known))
        assert not torch.equal(G(lr), G.residual(lr))


def test_the_baseline_is_bicubic_from_the_same_pixels(some):
    rows = {size: extreme.row(lambda lr: upsample_bicubic(lr), some, size) for size in (16, 8)}
    assert rows[16]["gain_psnr"] == 0
    assert rows[8]["gain_psnr"] > 1  # 16 × 16 faces, enlarged, against 8 × 8 ones
    assert rows[16]["psnr"] == rows[8]["psnr"]


def test_both_sizes_are_trained_alike_and_never_twice(some, tmp_path):
    found = extreme.compare(some, some, 2, tmp_path, "smoke")
    assert json.loads(json.dumps(found)) == found
    assert extreme.compare(some, some, 2, tmp_path, "smoke") == found
    assert set(found) == {"from-16", "from-8"}
    one, other = found.values()
    assert all(one[k] == other[k] for k in ("network", "steps", "batch", "seed", "data", "n"))
    for row in found.values():
        low, high = row["gain_psnr_interval"]
        assert low <= row["gain_psnr"] <= high
