"""The plan for all generators: in slices, carried in parts, killed at any time, never for worse."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from urdgn_lite import faces, networks, presets, weights, zoo
from urdgn_lite import train as training
from urdgn_lite.measure import evaluate
from urdgn_lite.weights import PLAN, Job

TINY = (
    Job("smoke", 4, 4, 1, cpu_steps=4, cpu_minutes=1),
    Job("smoke-gan", 4, 4, 1, "smoke", cpu_steps=4, cpu_minutes=1),
    Job("paper", 4, 4, 1),  # needs a GPU
)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A run folder; zoo and ledger in temporary folders of their own."""
    monkeypatch.setattr(zoo, "SHELF", tmp_path / "shelf")
    monkeypatch.setattr(evaluate, "ledger", lambda: tmp_path / "ledger")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return tmp_path


@pytest.fixture
def go_on(places, few_faces):
    def call(out="out", **options):
        said = []
        options = {"plan": TINY, "minutes": 9.0, "say": said.append, "progress": False} | options
        done = weights.train_all(few_faces, few_faces, [few_faces], places / out, **options)
        return done, said

    return call


def generator(folder):
    return load_file(folder / "generator.safetensors")


def assert_equal(a, b):
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_all_that_a_cpu_can_train_is_trained_measured_and_kept(places, go_on):
    done, said = go_on()
    assert done
    assert zoo.names() == ["smoke", "smoke-gan"]
    assert [line.split(":")[0] for line in said] == ["smoke", "smoke-gan"]
    for name in zoo.names():
        row = json.loads((places / "ledger" / "imaginary-test" / f"{name}.json").read_text())
        card = zoo.card(name)
        assert card["rows"]["imaginary-test"]["psnr"] == row["psnr"]
        assert row["trained"]["steps"] == card["steps"] == 4
    assert zoo.card("smoke-gan")["start"]["name"] == "smoke"


def test_a_second_call_trains_and_measures_nothing_again(places, go_on, monkeypatch):
    go_on()
    before = {p: p.stat().st_mtime_ns for p in places.rglob("generator.safetensors")}
    monkeypatch.setattr(weights, "evaluate", None)
    assert go_on() == (True, [])
    assert before == {p: p.stat().st_mtime_ns for p in places.rglob("generator.safetensors")}


def test_ctrl_c_ends_the_call_and_no_job_begins_as_half_a_generator(places, go_on, monkeypatch):
    def interrupted(run, h, accelerator):
        if run.step == 1:
            signal.raise_signal(signal.SIGINT)
        return training.algorithm_1(run, h, accelerator)

    with monkeypatch.context() as patch:
        real = weights.train
        patch.setattr(weights, "train", lambda *a, **k: real(*a, play=interrupted, **k))
        done, said = go_on()
    assert (done, said) == (False, [])
    assert weights.progress_of(places / "out" / "smoke") == (2, 4)
    assert not (places / "out" / "smoke-gan").exists()
    assert go_on()[0]
    assert zoo.card("smoke-gan")["start"]["steps"] == 4


def test_a_ledger_that_could_not_be_written_is_written_by_the_next_call(places, go_on, monkeypatch):
    def full(*row):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(weights, "write_row", full)
        with pytest.raises(OSError, match="No space"):
            go_on()
    assert zoo.names() == []
    assert go_on()[0]
    for name in zoo.names():
        assert (places / "ledger" / "imaginary-test" / f"{name}.json").exists()


def test_rows_that_another_machine_did_not_measure_are_measured_here(places, go_on, few_faces):
    go_on()
    for name in ("smoke", "smoke-gan"):
        (zoo.SHELF / f"{name}.safetensors").unlink()
    (zoo.SHELF / "index.json").unlink()
    elsewhere = faces.Faces(few_faces.images[:3], few_faces.names[:3], "elsewhere", "test")
    weights.train_all(few_faces, few_faces, [few_faces, elsewhere], places / "out", plan=TINY,
                      say=lambda line: None, progress=False)  # fmt: skip
    assert json.loads((places / "ledger" / "elsewhere-test" / "smoke.json").read_text())["n"] == 3


def test_an_unpacking_that_breaks_off_is_done_again(places, go_on, monkeypatch):
    for _ in range(3):
        go_on("first", minutes=1e-9)
    (places / "second").mkdir()
    (places / "first" / "packed").rename(places / "second" / "packed")
    real = weights.tarfile.TarFile.extract

    def breaks(tar, member, *arguments, **options):
        if "generator" in member.name:
            raise KeyboardInterrupt
        real(tar, member, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(weights.tarfile.TarFile, "extract", breaks)
        with pytest.raises(KeyboardInterrupt):
            weights.unpack(places / "second")
    weights.unpack(places / "second")
    assert weights.progress_of(places / "second" / "smoke") == (3, 4)
    assert (places / "second" / "smoke" / "checkpoint.safetensors").exists()


def test_in_slices_it_ends_where_one_long_run_ends(places, go_on):
    go_on("whole")
    slices = 0
    while not go_on("sliced", minutes=1e-9)[0]:
        slices += 1
        assert slices < 20
    assert slices >= 6  # a step each
    for name in ("smoke", "smoke-gan"):
        assert_equal(generator(places / "whole" / name), generator(places / "sliced" / name))


def test_what_one_machine_packs_another_one_goes_on_with(places, go_on, monkeypatch):
    go_on("whole")
    monkeypatch.setattr(weights, "PART", 20_000)
    for _ in range(6):
        go_on("first", minutes=1e-9)
    parts = sorted((places / "first" / "packed").glob("part-*"))
    assert len(parts) > 1
    assert all(p.stat().st_size <= 20_000 for p in parts)

    (places / "second").mkdir()
    (places / "first" / "packed").rename(places / "second" / "packed")
    assert go_on("second")[0]

    for name in ("smoke", "smoke-gan"):
        assert_equal(generator(places / "whole" / name), generator(places / "second" / name))


def test_a_finished_run_from_elsewhere_is_kept_without_measuring_again(places, go_on, monkeypatch):
    go_on("first")
    for path in zoo.SHELF.iterdir():
        path.unlink()
    (places / "second").mkdir()
    (places / "first" / "packed").rename(places / "second" / "packed")
    monkeypatch.setattr(weights, "evaluate", None)
    assert go_on("second", minutes=0)[0]
    assert zoo.names() == ["smoke", "smoke-gan"]


def test_a_run_that_is_further_here_is_not_set_back(places, go_on):
    go_on("out", minutes=1e-9)
    old = (places / "out" / "packed").rename(places / "old")
    go_on("out")
    whole = generator(places / "out" / "smoke")
    weights.shutil.rmtree(places / "out" / "packed")
    old.rename(places / "out" / "packed")
    weights.unpack(places / "out")
    assert_equal(generator(places / "out" / "smoke"), whole)


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_damaged_part_is_refused(places, go_on, damage):
    go_on(minutes=1e-9)
    part = places / "out" / "packed" / "part-00"
    if damage == "missing":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"missing|damaged"):
        weights.unpack(places / "out")


def test_nothing_is_unpacked_outside(places):
    import hashlib
    import io
    import tarfile

    packed = places / "out" / "packed"
    packed.mkdir(parents=True)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("run/../../escaped")
        tar.addfile(member, io.BytesIO())
    data = archive.getvalue()
    (packed / "part-00").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    index = {"parts": 1, "sha256": digest, "steps": {"run": 9}}
    (packed / "index.json").write_text(json.dumps(index))
    with pytest.raises(tarfile.OutsideDestinationError):
        weights.unpack(places / "out")
    assert not (places / "escaped").exists()


def test_a_better_generator_is_not_overwritten_unless_asked(places, go_on):
    go_on()
    path, kept = places / "better.safetensors", zoo.sha256(zoo.SHELF / "smoke.safetensors")
    card = {k: v for k, v in zoo.card("smoke").items() if k != "rows"}
    better = card | {"history": [*card["history"], {"step": 5, "gain": 99.0}]}
    networks.save_weights(zoo.load("smoke"), path, better)
    zoo.keep(path, "smoke")
    _, said = go_on()
    assert "not replaced" in said[0]
    assert zoo.holds(path, "smoke")
    _, said = go_on(replace=True)
    assert "dB on imaginary-test" in said[0]
    assert zoo.sha256(zoo.SHELF / "smoke.safetensors") == kept


def test_the_plan_names_presets_starts_before_their_followers_and_fits_the_hour(tmp_path):
    seen = []
    for job in PLAN:
        assert job.name in presets.PRESETS
        assert not job.start or job.start in seen
        seen.append(job.name)
    assert sum(job.minutes for job in PLAN) <= 40
    text = weights.describe(PLAN, tmp_path)
    assert all(job.name in text for job in PLAN)
    assert "needs a GPU" in text


KILLED = """
import sys
from pathlib import Path
from urdgn_lite import faces, weights, zoo
from urdgn_lite.measure import evaluate
from urdgn_lite.weights import Job
place = Path(sys.argv[1])
zoo.SHELF, evaluate.ledger = place / "shelf", lambda: place / "ledger"
plan = [Job("smoke", 60, 4, 1, cpu_steps=60), Job("smoke-gan", 60, 4, 1, "smoke", cpu_steps=60)]
some = faces.load("imaginary", "test", limit=8)
weights.train_all(some, some, [some], place / "out", plan=plan, progress=False)
"""


def test_killed_in_the_middle_and_called_again_it_ends_bit_for_bit_the_same(tmp_path):
    def start(place):
        place.mkdir(exist_ok=True)
        command = [sys.executable, "-W", "error", "-c", KILLED, str(place)]
        return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    process = start(killed)
    watched = killed / "out" / "smoke-gan" / "checkpoint.safetensors"
    while not watched.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not weights.finished(killed / "out" / "smoke-gan"), "it was killed too late"
    assert start(killed).wait() == 0
    for name in ("smoke", "smoke-gan"):
        assert_equal(generator(whole / "out" / name), generator(killed / "out" / name))


def test_make_weights_calls_the_plan_until_it_is_done():
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    assert "weights:" in makefile
    assert "train --all" in makefile


def test_all_is_offered_by_the_command_line(places, monkeypatch, few_faces):
    from typer.testing import CliRunner

    from urdgn_lite import cli

    monkeypatch.setattr(weights, "PLAN", TINY)
    monkeypatch.setattr(faces, "load", lambda *a, **k: few_faces)
    arguments = ["train", "--all", "--out", str(places / "out")]
    first = CliRunner().invoke(cli.app, [*arguments, "--minutes", "1e-9"])
    assert first.exit_code == 130, first.output
    assert "needs a GPU" in first.output
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
