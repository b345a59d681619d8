"""The tool behind chapter 8, on faces of nobody, and what the chapter reads from its rows."""

import json

import ablations
import pytest
import torch

from urdgn_lite import faces
from urdgn_lite.lesson import regions
from urdgn_lite.measure.evaluate import ledger


@pytest.fixture(scope="module")
def some():
    return faces.load("imaginary", "test", limit=12)


@pytest.fixture(scope="module")
def rows(some, tmp_path_factory):
    out = tmp_path_factory.mktemp("ablations")
    names = (ablations.FIRST, "going on, λ = 10", "patches")
    return {name: ablations.run_row(name, some, some, 8, out) for name in names}


def test_a_row_says_what_was_measured_and_under_which_circumstances(rows):
    assert json.loads(json.dumps(rows)) == rows
    for row in rows.values():
        low, high = row["gain_psnr_interval"]
        assert low <= row["gain_psnr"] <= high
        assert {"seed", "data", "commit", "hardware"} <= set(row)
    assert rows["going on, λ = 10"]["steps"] == 1
    assert set(rows["going on, λ = 10"]["masked"]) == set(regions.REGIONS)
    assert set(rows[ablations.FIRST]["batch_statistics"]) == {"1", "8", "50", "stored"}


def test_patches_are_four_quarters_of_each_face():
    seen = {}

    class Run:
        preset = ablations.BASE

        def G(self, lr):  # noqa: N802 - the field's name
            seen["lr"] = lr
            raise StopIteration

    ramp = torch.linspace(-1, 1, 128).expand(2, 3, 128, 128)
    with pytest.raises(StopIteration):
        ablations.patches(Run(), ramp)
    assert seen["lr"].shape == (8, 3, 8, 8)


def test_the_ledger_says_what_the_chapter_reads_from_it():
    table = json.loads((ledger() / "ablations.json").read_text())
    assert set(table) == set(ablations.ROWS)
    gain = {name: row["gain_psnr"] for name, row in table.items()}
    base = table[ablations.FIRST]
    lams = [gain[f"going on, λ = {lam}"] for lam in (0, 1, 10, 100, 1000)]
    assert lams == sorted(lams)
    assert max(lams) < gain["going on, no D"]
    lpips = {name: row["lpips"] for name, row in table.items() if row.get("lpips")}
    assert min(lpips, key=lpips.get) == "going on, λ = 100"
    assert table["fully connected"]["gain_psnr_interval"][1] < 0
    assert 0.4 < gain["patches"] / gain[ablations.FIRST] < 0.6
    assert base["on_aliased"]["gain_psnr"] < 0 < table["aliased"]["on_aliased"]["gain_psnr"]
    assert gain["RMSprop, α = 0.9"] - gain["RMSprop, α = 0.01"] > 0.1
    falls = table["going on, λ = 1000"]["masked"]
    assert max(falls, key=lambda part: falls[part]["mean"]) == "mouth"
    assert falls["nose"]["high"] < 0
