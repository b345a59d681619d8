import csv
import json
import subprocess
import sys

import pytest
from PIL import Image
from typer.testing import CliRunner

from urdgn_lite import faces, zoo
from urdgn_lite.cli import app
from urdgn_lite.degrade import downsample, to_float, to_uint8
from urdgn_lite.measure import evaluate


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command line in an empty folder; what it raises is a failure, as a traceback is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("URDGN_FACES", raising=False)

    def call(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)

    return call


@pytest.fixture
def lr_file(tmp_path, few_faces):
    lr = to_uint8(downsample(to_float(few_faces.images[:1])))[0]
    Image.fromarray(lr.permute(1, 2, 0).numpy()).save(tmp_path / "anna.png")
    return tmp_path / "anna.png"


@pytest.fixture
def photo(tmp_path, few_faces):
    Image.fromarray(few_faces.images[0].permute(1, 2, 0).numpy()).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


@pytest.fixture
def mine(tmp_path, few_faces):
    """A folder of eight faces in three splits, and one bad file."""
    for i, image in enumerate(few_faces.images):
        path = tmp_path / "mine" / ("train", "val", "test")[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    (tmp_path / "mine" / "test" / "[bold]bad.png").write_text("no image")
    return tmp_path / "mine"


def train(run, faces, *more):
    return run("train", "--preset", "smoke", "--faces", faces, "--out", "runs/a", *more)


def size(path):
    with Image.open(path) as image:
        return image.size


# What goes right


def test_faces_counts_them_and_draws_a_sheet(run, tmp_path):
    result = run("faces", "imaginary", "--split", "val", "--sheet", "sheet.png")
    assert result.exit_code == 0
    count = len(faces.load("imaginary", "val"))
    assert f"Faces(imaginary, val: {count} faces of 128 × 128)" in result.stdout
    assert "wrote sheet.png" in result.stdout
    assert size(tmp_path / "sheet.png") == (8 * 128, 4 * 128)


@pytest.mark.filterwarnings("always:mine. 1 of 9 files skipped:UserWarning")
def test_faces_names_every_file_that_it_skipped(run, mine):
    result = run("faces", mine)
    assert result.exit_code == 0
    assert "8 faces of 128 × 128, 1 files skipped" in result.stdout
    assert "  skipped test/[bold]bad.png: test/[bold]bad.png: not an image\n" in result.stdout
    assert result.stderr.startswith("Note: mine: 1 of 9 files skipped")


def test_three_steps_of_training_give_a_generator_that_the_other_commands_take(
    run, tmp_path, mine, lr_file
):
    result = train(run, mine, "--steps", 3)
    assert result.exit_code == 0, result.output
    assert "done: step 3 of 3" in result.stdout
    assert "3 validation faces; runs/a/generator.safetensors" in result.stdout
    with (tmp_path / "runs/a/history.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert zoo.card(tmp_path / "runs/a/generator.safetensors")["data"]["n"] == 3
    assert list((tmp_path / "runs/a/samples").glob("*.safetensors"))
    result = run("upsample", lr_file, "--model", "runs/a/generator.safetensors")
    assert result.exit_code == 0, result.output
    assert size(tmp_path / "upsampled" / "anna-128.png") == (128, 128)


def test_a_run_out_of_time_is_saved_and_resumed(run, mine):
    result = train(run, mine, "--steps", 3, "--minutes", 0)
    assert result.exit_code == 130
    assert "stopped (go on with --resume): step 1 of 3" in result.stdout
    result = train(run, mine, "--steps", 3, "--resume")
    assert result.exit_code == 0, result.output
    assert "done: step 3 of 3" in result.stdout


@pytest.mark.parametrize(("lam", "named", "D"), [("7", "7", True), ("inf", "inf", False)])
def test_lambda_is_chosen_and_told_by_the_card(run, tmp_path, mine, lam, named, D):
    result = run("train", "--preset", "smoke-gan", "--faces", mine, "--steps", 1, "--lam", lam)
    assert result.exit_code == 0, result.output
    preset = zoo.card(tmp_path / f"runs/smoke-gan-{named}/generator.safetensors")["preset"]
    assert preset["name"] == f"smoke-gan-{named}"
    assert preset["lam"] == float(lam)
    assert (preset["discriminator"] is not None) == D


def test_evaluate_prints_a_row_a_method(run, shelf, mine):
    (mine / "test" / "[bold]bad.png").unlink()
    result = run("evaluate", "bicubic", "tiny", "--faces", mine)
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if "bicubic" in line or "tiny" in line]
    expected = evaluate.evaluate(evaluate.upsample_bicubic, faces.load(mine, "test"))
    assert f"{expected['psnr']:.2f}" in rows[0]
    assert "+0.00" in rows[0]
    assert "+0.00" not in rows[1]


def test_evaluate_keeps_a_row_with_its_circumstances(run, shelf, mine, monkeypatch, tmp_path):
    (mine / "test" / "[bold]bad.png").unlink()
    monkeypatch.setattr(evaluate, "ledger", lambda: tmp_path / "results")
    result = run("evaluate", "tiny", "--faces", mine, "--save", "tiny-again")
    assert result.exit_code == 0, result.output
    row = json.loads((tmp_path / "results" / "mine-test" / "tiny-again.json").read_text())
    assert row["method"] == "tiny-again"
    assert row["n"] == 2
    assert {"commit", "hardware", "torch", "date"} <= set(row)
    assert row["trained"]["preset"]["name"] == "smoke"


def test_evaluate_resolves_all_names_before_it_measures(run, mine, monkeypatch):
    calls = []
    monkeypatch.setattr(evaluate, "evaluate", lambda *a, **k: calls.append(a))
    assert run("evaluate", "bicubic", "bicubik", "--faces", mine).exit_code == 1
    assert calls == []


def test_paths_that_look_like_markup_are_printed_as_they_are(run, mine, generator_file, tmp_path):
    (mine / "test" / "[bold]bad.png").unlink()
    faces_folder = mine.rename(tmp_path / "[link]")
    for folder in ("[", "[lite]"):  # [/red] closes a tag that nobody opened
        path = tmp_path / folder / ("red]" if folder == "[" else "") / "g.safetensors"
        path.parent.mkdir(parents=True)
        path.write_bytes(generator_file.read_bytes())
    result = run(
        "evaluate", "[/red]/g.safetensors", "[lite]/g.safetensors", "--faces", faces_folder
    )
    assert result.exit_code == 0, result.output
    printed = "".join(result.stdout.split())
    assert "Faces([link]," in printed
    for part in ("[/red]", "[lite]"):
        assert part in printed


def test_evaluate_shows_identity_where_it_was_computed(run, mine, monkeypatch):
    (mine / "test" / "[bold]bad.png").unlink()
    measure = evaluate.evaluate
    result = run("evaluate", "bicubic", "--faces", mine)
    monkeypatch.setattr(evaluate, "evaluate", lambda *a, **k: measure(*a) | seen)
    for seen, shown in (({"identity": None}, False), ({"identity": 0.875}, True)):
        seen |= {"lpips": None}
        result = run("evaluate", "bicubic", "--faces", mine)
        assert result.exit_code == 0, result.output
        assert ("0.875" in result.stdout) is shown


def test_upsample_enlarges_a_small_file(run, tmp_path, lr_file):
    result = run("upsample", lr_file, "--model", "bicubic", "--out", "big")
    assert result.exit_code == 0
    assert result.stdout == "1 faces in big, side by side in big/comparison.png\n"
    assert result.stderr == ""
    assert size(tmp_path / "big" / "anna-128.png") == (128, 128)


def test_upsample_takes_a_photo_with_eyes_without_a_note(run, tmp_path, photo):
    result = run("upsample", photo, "--model", "bicubic", "--eyes", "44,56,84,56")
    assert (result.exit_code, result.stderr) == (0, "")
    assert size(tmp_path / "upsampled" / "photo-128.png") == (128, 128)


@pytest.mark.filterwarnings("always:without --eyes:UserWarning")
def test_upsample_notes_that_it_takes_the_centre_of_a_photo_without_eyes(run, photo):
    result = run("upsample", photo, "--model", "bicubic")
    assert result.exit_code == 0
    assert result.stderr.startswith("Note: without --eyes the centre of the picture is taken")


@pytest.mark.filterwarnings("always:without --eyes:UserWarning")
def test_upsample_enlarges_a_folder_and_names_the_bad_files(run, tmp_path, mine):
    result = run("upsample", mine / "test", "--model", "bicubic")
    assert result.exit_code == 0
    assert result.stdout.startswith("2 faces in upsampled")
    assert f"skipped {mine}/test/[bold]bad.png: [bold]bad.png: not an image\n" in result.stderr


# What the user gets wrong: one line, no traceback, exit code 1

MISTAKES = {
    "faces nowhere": "no faces at 'nowhere'",
    "faces imaginary --split valid": "no split 'valid': choose one of train, val, test, all",
    "faces celeba": "CelebA is not in data",
    "faces anna.png": "anna.png: not a readable tar",
    "faces imaginary --split val --sheet anna.png": "anna.png exists, and urdgn_lite did not write",
    "faces imaginary --split val --sheet anna.png/sheet.png": "anna.png",
    "faces imaginary --split val --sheet sheet.xyz": "unknown file extension",
    "train --preset smok": "did you mean smoke",
    "train --preset smoke --faces nowhere": "no faces at 'nowhere'",
    "train --preset smoke --lam 3": "smoke has no D, and λ weighs nothing there: take smoke-gan",
    "train --preset lite-imaginary --lam inf": "take lite-gan",
    "train --preset smoke --limit 8 --out anna.png": "anna.png",
    "train --preset smoke --limit 8 --resume --out empty": "no checkpoint to resume",
    "evaluate bicubik": "no 'bicubik': did you mean bicubic",
    "evaluate nowhere/generator.safetensors": "no 'nowhere/generator.safetensors'",
    "evaluate anna.png": "anna.png: not a generator of this package",
    "evaluate bicubic --faces nowhere": "no faces at 'nowhere'",
    "evaluate bicubic tiny --save x": "--save keeps one row under one name",
    "evaluate bicubic --faces nowhere --save ../x": "'../x' cannot be the name of a row",
    "evaluate bicubic --faces nowhere --save .": "'.' cannot be the name of a row",
    "shards void --out made": "void: no usable face for split 'train'. is it empty?",
    "upsample nobody.png --model bicubic": "no such file or folder: nobody.png",
    "upsample anna.png --model bicubik": "did you mean bicubic",
    "upsample anna.png --eyes 1,2,3 --model bicubic": "--eyes takes four numbers",
    "upsample anna.png --eyes 1,2,3,4 --model bicubic": "a 16 × 16 image needs no --eyes",
    "upsample M\udcfcller.png --model bicubic": "no such file or folder: M\\udcfcller.png",
    "shards nowhere --out made": "no faces at 'nowhere'",
    "shards imaginary --out anna.png": "anna.png exists: choose another folder",
    "upsample notes.txt --model bicubic": "notes.txt: not an image",
    "upsample void --model bicubic": "the folder is empty",
    "upsample secret --model bicubic": "the folder is empty, but for hidden files",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_answered_in_one_line(run, tmp_path, lr_file, line):
    (tmp_path / "notes.txt").write_text("taken in Linz")
    (tmp_path / "void").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / ".hidden.png").write_bytes(lr_file.read_bytes())
    result = run(*line.split())
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert MISTAKES[line] in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("Error: CelebA is not in")
    assert "Traceback" not in result.output


def test_a_run_is_not_overwritten_by_another(run, mine):
    assert train(run, mine, "--steps", 1).exit_code == 0
    result = train(run, mine, "--steps", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: runs/a/checkpoint.safetensors exists: resume it")


def test_a_run_is_resumed_as_what_it_is_or_not_at_all(run, mine):
    assert train(run, mine, "--steps", 3, "--minutes", 0).exit_code == 130
    result = train(run, mine, "--steps", 5, "--resume")
    assert result.exit_code == 1
    assert "another steps: 3" in result.stderr
    result = train(run, mine, "--steps", 3, "--resume", "--limit", 2)
    assert result.exit_code == 1
    assert "another set of faces" in result.stderr


def test_long_paths_are_not_broken_into_lines(run):
    name = "/".join(["a folder with a long name"] * 10)
    result = run("upsample", name, "--model", "bicubic")
    assert result.stderr == f"Error: no such file or folder: {name}\n"


@pytest.mark.parametrize(
    "line",
    [
        "trian",
        "train --steps 0",
        "train --steps many",
        "train --limit 0",
        "train --seed -1",
        "train --seed 99999999999999999999999",
        "train --lam -1",
        "train --minutes -1",
        "train --minutes nan",
        "train --lam nan",
        "grade . --memory inf",
        "grade . --seconds inf",
        "grade . --workers 0",
        "grade . --seed -1",
        "train --no-such-option",
        "evaluate",
        "upsample",
    ],
)
def test_wrong_usage_ends_with_code_2(run, line):
    result = run(*line.split())
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert result.stdout == ""


def test_python_m_urdgn_lite_is_the_same_program(tmp_path):
    command = [sys.executable, "-m", "urdgn_lite", "upsample", "--model", "bicubic"]
    run = subprocess.run(
        [*command, "nobody.png"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr == "Error: no such file or folder: nobody.png\n"
    assert run.stdout == ""
