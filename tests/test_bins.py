import csv
import dataclasses
import json
import math

import pytest
import torch

from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import conditions as bins
from urdgn_lite.measure import evaluate as e
from urdgn_lite.measure import metrics
from urdgn_lite.measure.damages import rotate


def shifted(lr):
    """A method that differs from bicubic by a known error."""
    return upsample_bicubic(lr) + 0.1


@pytest.fixture
def table(tmp_path, monkeypatch, few_faces):
    """Eight faces of a source that has a table: yaw -0.15 … 0.2, mouths from 90 px on."""
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "identity", "yaw", "mouth_y"])
        for i, name in enumerate(few_faces.names):
            writer.writerow([name.split("/")[-1], i, f"{(i - 3) / 20:.3f}", 90 + 2 * i])
    monkeypatch.setenv("URDGN_FACES", str(tmp_path))
    return dataclasses.replace(few_faces, source="mine")


@pytest.fixture(scope="module")
def row(few_faces):
    with pytest.MonkeyPatch.context() as patch:
        few = {"degrees": (-10, 0), "shift": (0, 1), "part": ("half", "10 % smaller")}
        short = {
            name: (unit, {a: d for a, d in damages.items() if a in few[unit]})
            for name, (unit, damages) in bins.SERIES.items()
        }
        patch.setattr(bins, "SERIES", short)
        patch.delenv("URDGN_FACES", raising=False)
        return bins.bins(shifted, few_faces, short)


def test_faces_are_binned_by_the_size_of_the_yaw_and_no_face_is_lost(table):
    yaw = torch.tensor([*map(float, table.about("yaw"))], dtype=torch.float64)
    assert yaw.tolist() == [-0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2]
    psnr = torch.arange(8.0)
    entries = bins.split({"psnr": psnr}, yaw.abs(), bins.YAW)
    assert [(b["from"], b["to"], b["n"], b["psnr"]) for b in entries] == [
        (0, 0.05, 1, 3.0),
        (0.05, 0.1, 2, 3.0),
        (0.1, 0.2, 4, 3.0),
        (0.2, 1, 1, 7.0),
    ]
    assert all(b["psnr_interval"][0] <= b["psnr"] <= b["psnr_interval"][1] for b in entries)


def test_bins_without_faces_are_left_out():
    entries = bins.split({"psnr": torch.ones(2)}, torch.tensor([95.0, 96.0]), bins.MOUTH)
    assert [b["from"] for b in entries] == [94]


def test_damaged_faces_are_the_truth_that_results_are_compared_with(few_faces, row):
    turned = rotate(to_float(few_faces.images), -10)
    lr = downsample(turned)
    psnr = metrics.psnr(shifted(lr), turned)
    gain = psnr - metrics.psnr(upsample_bicubic(lr), turned)
    entry = next(one for one in row["rotation"] if one["degrees"] == -10)
    assert entry["psnr"] == pytest.approx(psnr.mean().item(), abs=1e-4)
    assert entry["gain_psnr"] == pytest.approx(gain.mean().item(), abs=1e-4)


def test_no_turn_and_no_shift_are_the_aligned_faces(row):
    for name, unit in (("rotation", "degrees"), ("translation_lr", "shift")):
        still = next(one for one in row[name] if one[unit] == 0)
        assert {k: still[k] for k in row["aligned"]} == row["aligned"]


def test_a_shift_of_one_lr_pixel_moves_the_result_with_the_face(few_faces, row):
    # bicubic does not care where a face stands, but at the edges: eight HR pixels are one LR pixel
    by_lr, by_hr = (row[f"translation_{which}"][1] for which in ("lr", "hr"))
    assert by_lr["shift"] == by_hr["shift"] == 1
    assert by_lr["psnr"] != by_hr["psnr"]
    assert abs(by_lr["gain_psnr"] - row["aligned"]["gain_psnr"]) < 0.15


def test_psnr_over_a_mask_counts_its_pixels_alone():
    real = torch.zeros(2, 3, 128, 128)
    generated = real.clone()
    where = torch.zeros(1, 1, 128, 128, dtype=torch.bool)
    where[..., :32] = True
    generated[..., :32] += 8 / 127.5  # off by 8 of 255 where it counts
    generated[..., 32:] = 1  # and as wrong as can be where it does not
    expected = 20 * math.log10(255 / 8)
    assert bins.psnr_of(generated, real, where).tolist() == pytest.approx([expected] * 2, abs=1e-3)


def test_an_occlusion_costs_nothing_far_away_where_a_method_looks_nearby(few_faces):
    def blocks(lr):
        return lr.repeat_interleave(8, 2).repeat_interleave(8, 3)

    def everything(lr):
        return upsample_bicubic(lr) + lr.mean((1, 2, 3), keepdim=True)

    box = bins.BOXES["mouth"]
    near = bins.occlusion(blocks, few_faces.images, box)
    far = bins.occlusion(everything, few_faces.images, box)
    assert near["drop_psnr"] == 0
    assert near["psnr"] == near["clean_psnr"]
    assert far["drop_psnr"] != 0


def test_what_cannot_be_measured_is_none_with_a_reason(row):
    assert row["yaw"] is row["mouth"] is row["unaligned"] is None
    assert row["yaw_missing"].startswith("imaginary128.csv has no yaw of ")
    assert row["unaligned_missing"] == "no faces imaginary-test-unaligned here"


def test_bins_are_measured_once_and_read_from_the_ledger(few_faces, row, tmp_path, monkeypatch):
    monkeypatch.setattr(e, "ledger", lambda: tmp_path)
    calls = []
    monkeypatch.setattr(bins, "bins", lambda *a: calls.append(a) or row)
    with pytest.raises(KeyError, match="urdgn-lite table1 --bins bicubic"):
        bins.read("bicubic", "imaginary-test")
    first = bins.measure("bicubic", few_faces)
    assert first == bins.measure("bicubic", few_faces) == bins.read("bicubic", "imaginary-test")
    assert len(calls) == 1
    assert first["rotation"] == row["rotation"]
    bins.measure("bicubic", few_faces, again=True)
    assert len(calls) == 2


def test_bins_of_other_faces_or_weights_are_measured_anew(
    few_faces, row, tmp_path, monkeypatch, shelf
):
    monkeypatch.setattr(e, "ledger", lambda: tmp_path)
    calls = []
    monkeypatch.setattr(bins, "bins", lambda *a: calls.append(a) or row)
    bins.measure("tiny", few_faces)
    bins.measure("tiny", dataclasses.replace(few_faces, images=few_faces.images.flip(0)))
    assert len(calls) == 2  # of a folder with the same name
    place = dataclasses.replace(few_faces, split="test-bins")
    kept = bins.read("tiny", "imaginary-test")
    for n, other in enumerate(({"trained": {"seed": 7}}, {"n": 4})):
        e.write_row("tiny", place, kept | other)
        bins.measure("tiny", few_faces)
        assert len(calls) == 3 + n
    before = {k: v for k, v in bins.read("tiny", "imaginary-test").items() if k != "crc32"}
    (tmp_path / "imaginary-test-bins" / "tiny.json").write_text(json.dumps(before))
    assert bins.measure("tiny", few_faces) == before  # from before there were checksums
    assert len(calls) == 4


def test_a_flat_face_costs_and_gains_nothing(few_faces):
    images = torch.full((2, 3, 128, 128), 100, dtype=torch.uint8)
    assert bins.scores(upsample_bicubic, images)["gain_psnr"].tolist() == [0, 0]
    far = (14, 14, 15, 15)
    assert bins.occlusion(lambda lr: torch.zeros(2, 3, 128, 128), images, far)["drop_psnr"] == 0


def test_a_table_a_series_with_a_line_an_entry(row):
    built = bins.Table1(rows={"bicubic": row}, notes={"liu": "not there yet"})
    *series, missing = bins.tables(built)
    assert [t.title for t in series] == [
        "unaligned",
        "region",
        "rotation",
        "translation_y",
        "translation_lr",
        "translation_hr",
        "light",
        "warp",
        "occlusion",
        "rings",
    ]  # (yaw and mouth were not measured)
    assert [c.header for c in series[2].columns] == ["", "faces", "bicubic"]
    assert [*series[2].columns[0].cells] == ["−10°", "0°"]
    assert missing.row_count == 1


def test_light_and_warps_leave_the_neutral_face_alone(few_faces):
    h = to_float(few_faces.images)
    assert (bins.zoom(h, 1.0) - h).abs().max() < 1e-4
    assert (bins.warp(h, 0.0) - h).abs().max() < 1e-4
    assert torch.equal(bins.warp(h, 2.0), bins.warp(h, 2.0))
    larger = bins.zoom(h, 2.0)[..., 32:96, 32:96]  # the middle is where it was, twice as large
    assert (larger[..., 31:33, 31:33] - h[..., 63:65, 63:65]).abs().mean() < 0.1
    ramp = torch.linspace(-0.9, 0.9, 128).expand(200, 3, 128, 128)  # x, as grey
    moved = (bins.warp(ramp, 2.0) - ramp)[..., 16:-16, 16:-16] * 127 / 1.8  # in px
    assert 1.0 < moved.std() < 2.5


def test_a_region_counts_its_own_pixels_alone(few_faces):
    left, top, right, bottom = (8 * edge for edge in bins.BOXES["mouth"])

    def spoils_the_mouth(lr):
        made = upsample_bicubic(lr)
        made[..., top:bottom, left:right] = 1
        return made

    found = {e["part"]: e["gain_psnr"] for e in bins.regions(spoils_the_mouth, few_faces)}
    assert found["eyes"] == found["nose"] == found["elsewhere"] == 0
    assert found["mouth"] < -3


def test_rings_tell_how_far_from_the_box_a_method_looks(few_faces):
    def looks_two_away(lr):
        wide = torch.nn.functional.max_pool2d(lr, 5, 1, 2)  # two LR pixels to each side
        return wide.repeat_interleave(8, 2).repeat_interleave(8, 3)

    def looks_far(lr):
        return upsample_bicubic(lr) + lr.mean((1, 2, 3), keepdim=True)

    near = bins.occlusion(looks_two_away, few_faces.images, (6, 6, 10, 10))["rings"]
    assert [ring["part"] for ring in near] == list(bins.RINGS)
    assert [ring["drop_psnr"] for ring in near][2:] == [0, 0]
    far = bins.occlusion(looks_far, few_faces.images, (6, 6, 10, 10))["rings"]
    assert all(ring["drop_psnr"] != 0 for ring in far)
    masks = [
        bins.inside((6, 6, 10, 10), f) & ~bins.inside((6, 6, 10, 10), n - 1)
        for n, f in bins.RINGS.values()
    ]
    assert (torch.stack(masks).sum(0) == ~bins.inside((6, 6, 10, 10))).all()  # once each


def test_bins_resample_people(table):
    two = dataclasses.replace(table, images=table.images[:1].repeat(8, 1, 1, 1))
    assert bins.bins(shifted, two, {})["people"] == 8
    values, people = {"psnr": torch.tensor([1.0] * 4 + [2.0] * 4)}, ["a"] * 4 + ["b"] * 4
    (alike,) = bins.split(values, torch.zeros(8), (0, 1), people)
    assert alike["psnr_interval"] == [1.0, 2.0]


def test_a_notebooks_table_has_a_line_a_bin_and_a_column_a_method(row, monkeypatch):
    yaw = [{"from": 0, "to": 0.05, "n": 3, "gain_psnr": 1.5, "gain_psnr_interval": [1.4, 1.8]}]
    full = row | {"yaw": yaw, "unaligned": row["aligned"]}
    monkeypatch.setattr(bins, "read", lambda key: full)
    header, marks, line = bins.markdown("yaw", ["lite", "lite-gan"]).splitlines()
    assert header == "| | faces | `lite` | `lite-gan` |"
    assert len(marks.split("|")) == len(header.split("|"))
    assert line == "| 0 to 0.05 | 3 | +1.50 ± 0.20 | +1.50 ± 0.20 |"

    def first(name):
        return [line.split(" | ")[0] for line in bins.markdown(name, ["lite"]).splitlines()[2:]]

    assert first("rotation") == ["| −10°", "| 0°"]
    assert first("translation_lr") == ["| 0", "| +1"]
    assert first("occlusion") == [f"| {part}" for part in bins.BOXES]
    assert first("unaligned") == ["| aligned", "| unaligned"]
    eyes = row["occlusion"][1]
    cost = f"{eyes['drop_psnr']:.2f}"  # what a box costs is no gain: it has no sign
    assert f"| eyes | {eyes['n']} | {cost} ±" in bins.markdown("occlusion", ["lite"])


SERIES = ("yaw", "mouth", "unaligned", "rotation", "translation_lr", "translation_hr", "occlusion")


@pytest.mark.parametrize("key", ["bicubic", "residual-s", "lite", "lite-gan", "residual-gan"])
def test_the_ledger_has_every_bin_of_500_real_faces_with_intervals(key):
    kept = bins.read(key)
    assert kept["n"] == kept["aligned"]["n"] == kept["unaligned"]["n"] == 500
    for name in ("yaw", "mouth"):
        assert sum(entry["n"] for entry in kept[name]) == 500
    assert [entry["degrees"] for entry in kept["rotation"]] == list(bins.DEGREES)
    for name in ("translation_lr", "translation_hr"):
        assert [entry["shift"] for entry in kept[name]] == list(bins.SHIFTS)
    assert [entry["part"] for entry in kept["occlusion"]] == list(bins.BOXES)
    for name in SERIES:
        entries = kept[name] if isinstance(kept[name], list) else [kept[name]]
        for entry in entries:
            what = "drop_psnr" if name == "occlusion" else "gain_psnr"
            low, high = entry[f"{what}_interval"]
            assert low <= entry[what] <= high


@pytest.mark.parametrize("key", ["bicubic", "residual-s", "lite", "lite-gan", "residual-gan"])
def test_the_bins_are_of_the_same_weights_and_faces_as_the_row(key):
    whole, kept = e.read_row(key, "celeba128-test"), bins.read(key)
    assert kept["aligned"]["psnr"] == pytest.approx(whole["psnr"], abs=2e-3)
    assert kept.get("trained") == whole.get("trained")


def test_real_faces_have_yaw_mouths_and_unaligned_partners(development_faces):
    from urdgn_lite import faces

    found = faces.load("celeba128", "test", limit=60)
    assert len(found.about("yaw")) == 60
    mouths = [*map(float, found.about("mouth_y"))]
    assert sum(mouths) / 60 == pytest.approx(97, abs=3)
    assert len(faces.load("celeba128-test-unaligned", "test", limit=5)) == 5
