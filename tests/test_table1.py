import dataclasses
import io
import json
import re
from dataclasses import dataclass

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from urdgn_lite import methods, zoo
from urdgn_lite.cli import app
from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.measure import conditions as bins
from urdgn_lite.measure import evaluate as e
from urdgn_lite.measure import report as verdicts
from urdgn_lite.measure import table1
from urdgn_lite.methods.base import Learnt


@dataclass
class Brightness(Learnt):
    """Bicubic plus the mean of the training faces, weighted; needs to be learnt."""

    faces: int = 4  # a subset
    weight: float = 0.1

    def fit(self, hr):
        self.arrays["mean"] = hr[: self.faces].mean((0, 2, 3))
        self.stages["energy"] = float(hr.square().mean())
        return self

    def __call__(self, lr):
        self.stages["calls"] = self.stages.get("calls", 0) + 1
        mean = self.learnt("mean").view(1, 3, 1, 1)
        return upsample_bicubic(lr) + self.weight * mean


@pytest.fixture(autouse=True)
def ledger(tmp_path, monkeypatch):
    """An empty ledger but for the paper's numbers, and perceptual measures left out: slow."""
    results = tmp_path / "results"
    results.mkdir()
    (results / "paper.yml").write_text((e.ledger() / "paper.yml").read_text())
    monkeypatch.setattr(e, "ledger", lambda: results)
    monkeypatch.setattr(table1, "ledger", lambda: results)
    monkeypatch.setattr(table1, "evaluate", lambda *a, perceptual: e.evaluate(*a))
    return results


@pytest.fixture
def brightness(monkeypatch):
    monkeypatch.setitem(methods.REGISTRY, "liu", Brightness)
    return "liu"


def measured(monkeypatch):
    """How often `evaluate` is called from now on."""
    calls = []

    def count(method, faces, *, perceptual):
        calls.append(method)
        return e.evaluate(method, faces)

    monkeypatch.setattr(table1, "evaluate", count)
    return calls


# Rows


def test_the_rows_stand_in_the_papers_order_and_the_zoo_follows(shelf):
    keys = table1.keys()
    papers = ["bicubic", "liu", "yang2010", "yang2013", "srcnn", "ma2010", "paper-gan"]
    assert keys[:7] == papers == [column.key for column in table1.COLUMNS]
    assert keys[-2:] == ["tiny", "tiny-gan"]
    assert len(keys) == len(set(keys))


def test_a_row_is_measured_once_and_again_when_asked(few_faces, monkeypatch, ledger):
    calls = measured(monkeypatch)
    row = table1.measure("bicubic", few_faces)
    assert row == table1.measure("bicubic", few_faces)
    assert len(calls) == 1
    assert row == json.loads((ledger / "imaginary-test" / "bicubic.json").read_text())
    assert {"faces", "commit", "hardware", "psnr_interval"} <= set(row)
    table1.measure("bicubic", few_faces, again=True)
    assert len(calls) == 2


def test_a_row_of_other_weights_or_of_fewer_faces_is_stale(
    few_faces, shelf, monkeypatch, generator_file
):
    calls = measured(monkeypatch)
    row = table1.measure("tiny", few_faces)
    assert row["trained"] == zoo.card("tiny")
    assert table1.stored("tiny", few_faces) == row
    for other in (row | {"trained": {"seed": 7}}, row | {"n": 9}):
        e.write_row("tiny", few_faces, other)
        assert table1.stored("tiny", few_faces) is None
    table1.measure("tiny", few_faces)
    assert len(calls) == 2


def test_a_row_of_other_faces_in_a_folder_of_the_same_name_is_stale(few_faces, ledger):
    first = table1.measure("bicubic", few_faces)
    others = dataclasses.replace(few_faces, images=few_faces.images // 2)
    assert table1.stored("bicubic", others) is None
    assert table1.measure("bicubic", others)["psnr"] != first["psnr"]
    before = {k: v for k, v in first.items() if k != "crc32"}  # from before there were checksums
    (ledger / "imaginary-test" / "bicubic.json").write_text(json.dumps(before))
    assert table1.stored("bicubic", few_faces) == before


def test_a_method_that_learns_is_fitted_once(few_faces, brightness, tmp_path):
    options = {"training": "imaginary", "limit": 5, "folder": tmp_path / "fitted"}
    row = table1.measure(brightness, few_faces, **options)
    assert row["fit"] | {"seconds": 0} == {"source": "imaginary", "faces": 4, "seconds": 0}
    assert row["stages"]["energy"] > 0
    assert row["stages"]["calls"] > 1  # of the method that was measured, not of the stored one
    kept = (tmp_path / "fitted" / "liu.safetensors").stat().st_mtime_ns
    again = table1.measure(brightness, few_faces, again=True, **options)
    assert again["fit"] == row["fit"]
    assert (tmp_path / "fitted" / "liu.safetensors").stat().st_mtime_ns == kept
    stored = Brightness.load(tmp_path / "fitted" / "liu.safetensors")
    lr = torch.zeros(1, 3, 16, 16)
    fitted = Brightness().fit(table1.load("imaginary", "train", limit=5).images / 127.5 - 1)
    assert torch.allclose(stored(lr), fitted(lr), atol=1e-5)


def test_a_fit_that_fails_is_reported_and_the_others_go_on(
    few_faces, brightness, monkeypatch, tmp_path
):
    def fail(*_, **__):
        raise ValueError("too few faces")

    monkeypatch.setattr(Brightness, "fit", fail)
    options = {"training": "imaginary", "limit": 5, "folder": tmp_path / "fitted"}
    built = table1.build([brightness, "bicubic"], few_faces, **options)
    assert built.notes == {"liu": "not measured: too few faces"}
    assert list(built.rows) == ["bicubic"]
    assert not (tmp_path / "fitted").exists()


def test_ctrl_c_keeps_what_is_done(few_faces, shelf, monkeypatch, ledger):
    def interrupted(method, faces, *, perceptual):
        if isinstance(method, methods.Network):
            raise KeyboardInterrupt
        return e.evaluate(method, faces)

    monkeypatch.setattr(table1, "evaluate", interrupted)
    built = table1.build(["bicubic", "tiny", "tiny-gan"], few_faces)
    assert built.interrupted
    assert list(built.rows) == ["bicubic"]
    assert built.notes == {"tiny": "interrupted", "tiny-gan": "interrupted"}
    assert [p.name for p in (ledger / "imaginary-test").iterdir()] == ["bicubic.json"]


def test_what_is_not_there_yet_is_named_with_the_command_that_makes_it(few_faces):
    assert "urdgn-lite train --preset released-gan" in table1.missing("released-gan")
    assert table1.missing("bicubic") is None
    with pytest.raises(ValueError, match="did you mean bicubic"):
        table1.build(["bicubc"], few_faces)


# Verdicts

SETTLED = [{"step": step, "gain": 2.0, "seconds": 1.0} for step in range(10, 101, 10)]


def row(gain=1.7, half=0.05, n=15_000, source="celeba128", converged=True, **more):
    card = {"data": {"n": n, "source": source}, "preset": {"batch": 1500}, "step": 90}
    card |= {"seconds": 120.0, "start": {"name": "lite", "steps": 10, "seconds": 60.0}}
    card["history"] = SETTLED if converged else SETTLED[:3]
    interval = [gain - half, gain + half]
    return {"faces": "celeba128", "gain_psnr_interval": interval, "trained": card} | more


say = verdicts.verdict


def test_reproduced_takes_the_column_the_faces_the_convergence_and_the_gain():
    assert say("paper-gan", row()) == "reproduced"
    assert say("paper-gan", row(gain=1.57)) == "reproduced"  # the interval reaches 1.60
    assert say("paper-gan", row(gain=1.5)) == "below the paper"
    assert say("lite-gan", row()) == "above UR-DGN"
    assert say("residual", row(gain=1.6)) == "level with UR-DGN"


def test_each_column_is_held_against_its_own_gain_in_the_paper():
    assert say("srcnn", row(gain=-0.1)) == "level with the paper"  # −0.11
    assert say("srcnn", row(gain=0.3)) == "above the paper"
    assert say("yang2010", row(gain=-1.9)) == "level with the paper"  # −1.87
    assert say("liu", row(gain=-1.9)) == "below the paper"  # −1.62
    assert say("srcnn-8x", row(gain=-0.1)) == "below UR-DGN"  # no column of the paper


@pytest.mark.parametrize("gain", [1.0, 1.6, 3.0])
@pytest.mark.parametrize("key", ["paper-gan", "released-gan", "residual", "lite"])
@pytest.mark.parametrize(
    "small",
    [{"n": 14_999}, {"source": "imaginary"}, {"n": 14_000, "converged": False}],
)
def test_a_scaled_down_run_is_never_called_a_reproduction(key, gain, small):
    words = say(key, row(gain=gain, **small))
    assert words.startswith("scaled down: 1")
    assert "reproduced" not in words


def test_a_run_that_is_not_shown_to_have_converged_is_never_called_a_reproduction():
    words = say("paper-gan", row(converged=False))
    assert words == "not shown to have converged: 3 min; above the paper"
    silent = row()
    del silent["trained"]["history"]
    assert say("paper-gan", silent) == "not shown to have converged: 3 min; above the paper"
    assert say("residual", silent) == "not shown to have converged: 3 min; above UR-DGN"


def history(*gains):
    return [{"step": 10 * (i + 1), "gain": gain} for i, gain in enumerate(gains)]


@pytest.mark.parametrize(
    ("gains", "settled"),
    [
        ([1.0, 1.5, 1.8, 1.9, 1.91], True),  # the last fifth is from 40 to 50
        ([1.0, 1.5, 1.8, 1.9, 1.93], False),
        ([1.0, 1.5, 1.8, 1.93, 1.9], False),  # D pulls it down
        ([1.0] * 7 + [1.1, 1.13, 1.11], False),  # up and down again
        ([1.9, 1.9, 1.9], True),
        ([1.9], False),
        ([], False),
    ],
)
def test_converged_asks_what_the_last_fifth_moved(gains, settled):
    assert verdicts.converged(history(*gains)) is settled
    unvalidated = [{"step": 1, "loss": 9.0}, {"step": 7, "loss": 9.0}]
    assert verdicts.converged(history(*gains) + unvalidated) is settled


def test_a_fifth_of_a_run_must_be_an_epoch():
    flat = history(*[2.0] * 10)  # 100 steps
    assert verdicts.converged(flat, epoch=20)
    assert not verdicts.converged(flat, epoch=21)


def test_a_classical_method_says_on_how_many_faces_it_was_fitted():
    fitted = row() | {"fit": {"faces": 2000, "source": "celeba128", "seconds": 240.0}}
    del fitted["trained"]
    assert say("liu", fitted) == "scaled down: 2,000 faces, 4 min; above the paper"
    fitted["fit"]["seconds"] = 28.4
    assert say("liu", fitted) == "scaled down: 2,000 faces, 28 s; above the paper"
    fitted["fit"]["faces"] = 15_000
    assert say("liu", fitted) == "above the paper"


def test_bicubic_is_held_against_the_papers_psnr_itself():
    bicubic = {"faces": "celeba128", "psnr_interval": [23.1, 23.3], "gain_psnr_interval": [0, 0]}
    assert say("bicubic", bicubic) == "agrees"
    assert say("bicubic", bicubic | {"psnr_interval": [23.3, 23.4]}) == "differs"


def test_no_verdict_is_passed_on_faces_that_are_not_the_papers():
    assert say("paper-gan", row() | {"faces": "imaginary"}) == "not the paper's faces"


# What is printed


@pytest.fixture
def built(few_faces, shelf):
    built = table1.build(["bicubic", "tiny", "lapgan", "paper-gan"], few_faces)
    built.rows["tiny"]["trained"] |= {
        "data": {"n": 7, "source": "imaginary"},
        "step": 9,
        "seconds": 90,
    }
    fit = {"faces": 5, "source": "celeba128", "seconds": 49.4}
    built.rows["yang2013"] = built.rows["bicubic"] | {"fit": fit}
    return built


def text_of(built, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    for table in verdicts.tables(built, "eight faces"):
        console.print(table)
    return console.export_text()


def test_the_tables_show_both_gains_the_verdict_and_what_is_missing(built):
    text = text_of(built)
    assert re.search(r"bicubic +Bicubic +23.22 +\d\d\.\d\d +0.67 +0\.\d{3} +\+0.00 +\+0.00", text)
    assert re.search(r"paper-gan +Ours +24.82 +– +0.70 +– +\+1.60 +–", text)
    assert f"{built.rows['tiny']['gain_psnr']:+.2f} ±" in text
    assert f"{built.rows['tiny']['gain_ssim']:+.3f} ±" in text
    assert "urdgn-lite train --preset lapgan" in text
    assert "urdgn-lite train --preset paper-gan" in text
    assert text.index("bicubic") < text.index("yang2013") < text.index("tiny")


def test_the_tables_fit_80_columns_without_cutting_a_number(built):
    narrow, wide = text_of(built), text_of(built, 200)
    assert max(map(len, narrow.splitlines())) <= 80
    assert "…" not in narrow
    assert set(re.findall(r"[+-]?\d+\.\d+ ± \d+\.\d+", wide)) <= set(
        re.findall(r"[+-]?\d+\.\d+ ± \d+\.\d+", narrow)
    )


def test_notes_and_titles_that_look_like_markup_are_printed_as_they_are():
    table = table1.Table1(notes={"liu": "not measured: no file [/red]/[bold]x"})
    console = Console(width=80, record=True, file=io.StringIO())
    for part in (*verdicts.tables(table, "Faces([link], test)"), *bins.tables(table)):
        console.print(part)
    text = console.export_text()
    assert "Faces([link], test)" in text
    assert text.count("[/red]/[bold]x") == 2


def test_every_measure_of_a_row_stands_in_some_part(built):
    row = built.rows["yang2013"] | dict.fromkeys(["lpips", "identity", "rank1"], 0.25)
    row |= {f"{name}_interval": [0.2, 0.3] for name in ("lpips", "identity", "rank1")}
    parts = verdicts.sheets(table1.Table1({"yang2013": row}))
    cells = {part: sheet.rows[0] for part, sheet in parts.items() if part != "table1"}
    assert [cells["seen"][i] for i in (1, 3, 4)] == [
        "0.250 ± 0.050",
        "0.250 ± 0.050",
        "0.25 ± 0.05",
    ]
    assert cells["luma"][2].startswith(f"{row['psnr_y']:.2f} ±")
    assert cells["luma"][4].startswith(f"{row['ssim_y']:.3f} ±")
    assert cells["seen"][5].startswith(f"{row['lr_consistency']:.1f} ±")
    assert cells["seen"][2].startswith(f"{row['sharpness']:.2f} ±")
    assert cells["cost"][-2:] == ["5", "0.8"]  # faces, minutes of `fit`
    assert cells["cost"][2] == f"{row['seconds_per_face']:.2g}"
    assert cells["psnr"][-1] == "not the paper's faces"


def test_the_approximation_is_called_one(built):
    assert table1.label("yang2013") == "Yang et al. [10], approximated"
    assert table1.label("yang2013") in verdicts.sheets(built)["cost"].markdown()


def test_the_seven_columns_stand_in_the_papers_order_with_both_gains():
    half = {"psnr_interval": [0, 1], "gain_psnr_interval": [-0.1, 0.1]}
    rows = {
        "bicubic": {"psnr": 23.0, "ssim": 0.6, "gain_psnr": 0.0} | half,
        "ma2010": {"psnr": 24.5, "ssim": 0.7, "gain_psnr": 1.5} | half,
        "paper-gan": {"psnr": 25.25, "ssim": 0.75, "gain_psnr": 2.25} | half,
    }
    sheet = verdicts.seven(table1.Table1(rows))
    columns = [" ".join(column) for column in zip(*sheet.rows, strict=True)]
    assert columns[1] == "Bicubic [5] [7] [10] [16] [8] Ours"
    assert columns[2] == "23.22 21.60 21.35 23.07 23.11 23.12 24.82"
    assert columns[6] == "+0.00 -1.62 -1.87 -0.15 -0.11 -0.10 +1.60"
    assert sheet.rows[1][3::2] == ["–", "–", "–"]
    assert " ".join(sheet.rows[5]) == "ma2010 [8] 23.12 24.50 0.64 0.700 -0.10 +1.50 ± 0.10"
    said = verdicts.best_before(table1.Table1(rows)).splitlines()
    assert said[0] == "paper: +1.60 dB over bicubic, +1.60 dB over the previous best"
    assert said[1] == "ours: +2.25 dB over bicubic, +0.75 dB over the previous best"
    del rows["paper-gan"]
    assert len(verdicts.best_before(table1.Table1(rows)).splitlines()) == 1


def test_a_value_whose_interval_is_not_known_stands_alone():
    row = {"rank1": 0.25, "psnr": 1.0, "psnr_interval": [0.5, 1.5]}
    assert verdicts.cell(row, "rank1", 2) == "0.25"
    assert verdicts.cell(row, "psnr", 1) == "1.0 ± 0.5"
    assert verdicts.cell(row, "lpips", 2) == "–"


def test_in_markdown_each_line_has_as_many_cells_as_the_header(built):
    for sheet in verdicts.sheets(built).values():
        header, marks, *lines = (line.split("|") for line in sheet.markdown().splitlines())
        assert {len(marks), *map(len, lines)} == {len(header)}
        assert len(lines) == len(sheet.rows)
        assert all(line[1].startswith(" `") for line in lines)


def test_in_markdown_a_negative_number_has_a_minus_and_nothing_else_changes():
    line = ["-1.25 ± 0.10", "(-4)", "`lite-gan-0`", "1e-3", "paper-gan", "3-5", "`x[-1]`"]
    assert verdicts.pipes(line) == f"| {' | '.join(['−1.25 ± 0.10', '(−4)', *line[2:]])} |"


def test_the_recorded_table_has_the_rows_of_the_ledger_and_the_papers_columns_it_lacks(
    few_faces, ledger
):
    row = table1.measure("bicubic", few_faces)
    recorded = table1.recorded("imaginary-test")
    assert recorded.rows == {"bicubic": row}
    assert set(recorded.notes) == {column.key for column in table1.COLUMNS} - {"bicubic"}
    assert recorded.notes["liu"] == "not measured"


def test_the_command_prints_the_table_and_says_how_to_go_on(
    few_faces, tmp_path, monkeypatch, shelf
):
    from PIL import Image

    (tmp_path / "mine").mkdir()
    for i, image in enumerate(few_faces.images[:3]):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / "mine" / f"{i}.png")

    def call(*arguments):
        mine = ["--faces", str(tmp_path / "mine"), "--split", "all"]
        return CliRunner().invoke(app, ["table1", *arguments, *mine], catch_exceptions=False)

    done = call("bicubic")
    assert done.exit_code == 0
    assert "3 faces" in done.stdout
    assert "agrees" not in done.stdout  # mine are not the paper's faces
    monkeypatch.setattr(table1, "ready", lambda *_, **__: exec("raise KeyboardInterrupt"))
    stopped = call("bicubic", "tiny")
    assert stopped.exit_code == 130
    assert "the same command goes on" in stopped.stderr
    assert "interrupted" in stopped.stdout
    assert "23.22" in stopped.stdout
    assert call("bicubc").exit_code == 1
