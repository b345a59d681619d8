"""A run that is stopped anyhow, anywhere, and resumed ends exactly where it would have ended."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from urdgn_lite import presets, store
from urdgn_lite import train as training
from urdgn_lite.checkpoint import CheckpointError
from urdgn_lite.muon import Muon
from urdgn_lite.optimiser import RMSprop
from urdgn_lite.run import Run, build_optimiser
from urdgn_lite.train import algorithm_1, train

SMOKE, GAN = presets.get("smoke"), presets.get("smoke-gan")
STEPS = 8
ROUGH = GAN.but(  # all that the other presets do and smoke-gan does not
    name="rough",
    generator={"kind": "deconvolutional", "width": 8},
    optimiser={"kind": "rmsprop", "alpha": 0.9, "eps_inside": True},
    reduction="sum", adversarial="saturating", lam=0.01, schedule="authors", game="released",
    downsampling="aliased", affine=(5.0, 0.05, 0.04), batch=3,
    average=0.9,
)  # fmt: skip

ORTHOGONAL = SMOKE.but(name="orthogonal", optimiser={"kind": "muon", "smallest": 4})


def tensors_of(out):
    return load_file(out / "checkpoint.safetensors")


def card_of(out):
    return store.read_card(out / "checkpoint.safetensors", "checkpoint")


def assert_same_end(out, straight):
    """Networks and optimisers bit for bit; the history but for clock and extra rows."""
    a, b = tensors_of(out), tensors_of(straight)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    rows = [
        {row["step"]: {k: v for k, v in row.items() if k not in ("step", "seconds")} for row in h}
        for h in (card_of(out)["history"], card_of(straight)["history"])
    ]
    assert rows[1].keys() <= rows[0].keys()
    assert {step: rows[0][step] for step in rows[1]} == rows[1]


@pytest.fixture(scope="module")
def straight(few_faces, tmp_path_factory):
    """Folders of uninterrupted runs."""
    folders = {}
    for preset in (SMOKE, GAN, ROUGH, ORTHOGONAL):
        folders[preset.name] = tmp_path_factory.mktemp(preset.name)
        train(preset, few_faces.images, few_faces.images[:2], out=folders[preset.name], steps=STEPS)
    return folders


def stop_after(monkeypatch, k, number=signal.SIGINT):
    """Let an interrupt come while step k is under way."""
    for name, game in list(training.GAMES.items()):

        def interrupted(run, h, game=game):
            if run.step == k - 1:
                signal.raise_signal(number)
            return game(run, h)

        monkeypatch.setitem(training.GAMES, name, interrupted)


def everything(few_faces, out, **how):
    defaults = {"out": out, "steps": STEPS}
    return few_faces.images, few_faces.images[:2], defaults | how


def go(preset, few_faces, out, **how):
    images, val, options = everything(few_faces, out, **how)
    return train(preset, images, val, **options)


# --- Exact resuming.


@pytest.mark.parametrize(
    ("preset", "k"),
    [(GAN, k) for k in range(1, STEPS)] + [(ROUGH, k) for k in (1, 4, 5)] + [(ORTHOGONAL, 3)],
    ids=lambda x: getattr(x, "name", x),
)
def test_interrupted_after_any_step_and_resumed_it_ends_bit_for_bit_the_same(
    few_faces, tmp_path, straight, monkeypatch, preset, k
):
    with monkeypatch.context() as patch:
        stop_after(patch, k)
        run = go(preset, few_faces, tmp_path)
    assert run.step == k
    assert not run.done
    assert card_of(tmp_path)["step"] == k
    run = go(preset, few_faces, tmp_path, resume=True)
    assert run.done
    assert_same_end(tmp_path, straight[preset.name])


def test_stopped_after_every_single_step_it_ends_the_same(few_faces, tmp_path, straight):
    for step in range(1, STEPS + 1):
        run = go(SMOKE, few_faces, tmp_path, minutes=0.0, resume=step > 1)
        assert run.step == step
    assert run.done
    assert_same_end(tmp_path, straight["smoke"])


def test_a_terminated_run_saves_like_an_interrupted_one(few_faces, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 3, signal.SIGTERM)
        go(SMOKE, few_faces, tmp_path)
    assert card_of(tmp_path)["step"] == 3


def test_resuming_a_finished_run_changes_nothing(few_faces, tmp_path):
    go(SMOKE, few_faces, tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    run = go(SMOKE, few_faces, tmp_path, resume=True)
    assert run.done
    assert [row["step"] for row in run.history] == list(range(1, STEPS + 1))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_minutes_are_counted_from_each_call(few_faces, tmp_path, monkeypatch):
    ticks = iter(range(10**6))
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))  # a second each time it is asked
    monkeypatch.setattr(training, "time", clock)
    first = go(SMOKE, few_faces, tmp_path, minutes=2.5 / 60)
    second = go(SMOKE, few_faces, tmp_path, minutes=2.5 / 60, resume=True)
    assert (first.step, second.step) == (3, 6)
    assert second.seconds == 6


def test_in_memory_nothing_is_written(few_faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = go(GAN, few_faces, None)
    assert run.done
    assert not list(tmp_path.iterdir())


# --- What is refused.


@pytest.fixture(scope="module")
def half_way(few_faces, tmp_path_factory):
    """A run of smoke that was stopped after 2 steps; its folder must not be changed."""
    out = tmp_path_factory.mktemp("half_way")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 2)
        go(SMOKE, few_faces, out)
    return out


@pytest.fixture
def copy(half_way, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(
        (half_way / "checkpoint.safetensors").read_bytes()
    )
    return tmp_path


def test_a_folder_with_a_run_is_not_overwritten(few_faces, copy):
    before = (copy / "checkpoint.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors exists: resume it"):
        go(SMOKE, few_faces, copy)
    assert (copy / "checkpoint.safetensors").read_bytes() == before


def test_resuming_where_nothing_is_says_where(few_faces, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        go(SMOKE, few_faces, tmp_path, resume=True)
    assert f"no checkpoint to resume at {tmp_path / 'checkpoint.safetensors'}" in str(caught.value)


def test_resuming_without_a_folder_is_refused(few_faces):
    with pytest.raises(CheckpointError, match="needs the folder"):
        go(SMOKE, few_faces, None, resume=True)


@pytest.mark.parametrize(
    ("preset", "how", "what"),
    [
        (GAN, {}, "preset"),
        (SMOKE.but(rate=1e-3), {}, "preset"),
        (SMOKE, {"seed": 1}, "seed"),
        (SMOKE, {"steps": STEPS + 1}, "steps"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_with_the_reason(
    few_faces, half_way, preset, how, what
):
    with pytest.raises(CheckpointError, match=f"made with another {what}") as caught:
        go(preset, few_faces, half_way, resume=True, **how)
    assert str(half_way) in str(caught.value)


def test_other_faces_are_refused_and_the_very_same_ones_are_not(few_faces, half_way, copy):
    images = few_faces.images.clone()
    images[-1, -1, -1, -1] ^= 1
    with pytest.raises(CheckpointError, match="made with another set of faces") as caught:
        train(SMOKE, images, out=half_way, steps=STEPS, resume=True)
    assert str(half_way) in str(caught.value)
    images[-1, -1, -1, -1] ^= 1
    assert train(SMOKE, images, out=copy, steps=STEPS, resume=True).done


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:7],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole + b"\0",
        lambda whole: b"\xff" * len(whole),
        lambda whole: whole.replace(b'"card"', b'"cart"'),
        lambda whole: whole.replace(b'{\\"preset\\"', b'[\\"preset\\"'),
        lambda whole: whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
        lambda whole: pickle.dumps({"G": [1.0]}),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_its_path(few_faces, copy, damage):
    path = copy / "checkpoint.safetensors"
    broken = damage(path.read_bytes())
    assert broken != path.read_bytes()
    path.write_bytes(broken)
    with pytest.raises(CheckpointError, match="damaged, or no checkpoint") as caught:
        go(SMOKE, few_faces, copy, resume=True)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == broken


# --- Crashes.


def test_what_a_killed_process_left_half_written_is_ignored_and_removed(few_faces, copy, straight):
    (copy / ".checkpoint.safetensors.123.part").write_bytes(b"half of a checkp")
    assert go(SMOKE, few_faces, copy, resume=True).done
    assert_same_end(copy, straight["smoke"])
    assert not list(copy.glob(".*"))


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("file", ["checkpoint", "generator", "history"])
def test_a_crash_while_saving_leaves_the_old_checkpoint_and_nothing_beside_it(
    few_faces, copy, straight, monkeypatch, moment, file
):
    path = copy / "checkpoint.safetensors"
    old, whole = path.read_bytes(), store.write

    def crash(*arguments):
        raise OSError("No space left on device")

    def write(target, data):
        with monkeypatch.context() as patch:
            if target.name.startswith(file):
                patch.setattr(*((os, "fsync") if moment == "fsync" else (Path, "replace")), crash)
            whole(target, data)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", write)
        with pytest.raises(OSError, match="No space"):
            go(SMOKE, few_faces, copy, resume=True)
    assert path.read_bytes() == old
    assert not list(copy.rglob("*.part"))
    assert go(SMOKE, few_faces, copy, resume=True).done
    assert_same_end(copy, straight["smoke"])


def test_a_folder_that_cannot_be_written_is_noticed_before_training(few_faces, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        train(SMOKE, few_faces, out=tmp_path / "file" / "run", steps=10**9)


@pytest.mark.parametrize("name", ["generator.safetensors", "history.csv", "samples"])
def test_what_stands_in_the_way_is_noticed_before_training(few_faces, tmp_path, name, monkeypatch):
    monkeypatch.setattr(training, "step", None)
    if name == "samples":
        (tmp_path / name).write_text("mine")
    else:
        (tmp_path / name).mkdir()
    with pytest.raises((OSError, CheckpointError), match=f"{name} is a f"):
        train(presets.get("smoke"), few_faces, out=tmp_path)


def test_files_have_the_mode_that_the_umask_leaves(few_faces, tmp_path):
    kept = os.umask(0o027)
    try:
        go(SMOKE, few_faces, tmp_path, steps=1)
    finally:
        os.umask(kept)
    assert (tmp_path / "checkpoint.safetensors").stat().st_mode & 0o777 == 0o640


def test_two_runs_in_one_folder_are_refused_and_the_other_s_process_is_named(
    few_faces, tmp_path, monkeypatch
):
    def second(run, h):
        with pytest.raises(store.InUseError, match=rf"{tmp_path} .* process {os.getpid()}"):
            go(SMOKE, few_faces, tmp_path)
        return algorithm_1(run, h)

    with monkeypatch.context() as patch:
        patch.setitem(training.GAMES, "algorithm_1", second)
        assert go(SMOKE, few_faces, tmp_path, steps=1).done
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "change",
    [
        lambda t, c: t.pop("G.head.weight"),
        lambda t, c: t.update({"G.head.weight": torch.zeros(1)}),
        lambda t, c: t.update({"G.more": torch.zeros(1)}),
        lambda t, c: t.update({"stray": torch.zeros(1)}),
        lambda t, c: t.update({"G.optimiser.x.exp_avg": torch.zeros(1)}),
        lambda t, c: c.pop("step"),
        lambda t, c: c.update(step="two"),
        lambda t, c: c.update(history=3),
        lambda t, c: c.update(preset=[]),
        lambda t, c: c.update(preset={"name": "smoke"}),
        lambda t, c: c.update(data=None),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(few_faces, copy, change):
    tensors, card = tensors_of(copy), card_of(copy)
    change(tensors, card)
    path = copy / "checkpoint.safetensors"
    store.write_tensors(path, tensors, card)
    with pytest.raises(CheckpointError, match="damaged, or no checkpoint") as caught:
        go(SMOKE, few_faces, copy, resume=True)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_changed_bit_anywhere_is_noticed(few_faces, copy):
    path = copy / "checkpoint.safetensors"
    whole = path.read_bytes()
    for place in range(11, len(whole), len(whole) // 60):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        with pytest.raises(CheckpointError):
            go(SMOKE, few_faces, copy, resume=True)


def test_a_resumed_run_needs_its_start_no_more(few_faces, tmp_path):
    go(SMOKE, few_faces, tmp_path / "first")
    begun = tmp_path / "first" / "generator.safetensors"
    go(GAN, few_faces, tmp_path / "gan", start=begun, minutes=0.0)
    begun.unlink()
    run = go(GAN, few_faces, tmp_path / "gan", resume=True)
    assert run.done
    assert (run.start["name"], run.start["steps"]) == ("smoke", STEPS)


# --- The parts of a run.


@pytest.mark.parametrize(
    ("preset", "kind"),
    [(GAN, torch.optim.AdamW), (ROUGH, RMSprop), (GAN.but(optimiser={"kind": "muon"}), Muon)],
    ids=["adamw", "rmsprop", "muon"],
)
def test_g_descends_and_d_ascends_with_the_presets_optimiser(preset, kind):
    run = Run.begin(preset)
    for network, optimiser, uphill in ((run.G, run.opt_g, False), (run.D, run.opt_d, True)):
        assert type(optimiser) is kind
        for group in optimiser.param_groups:
            assert group["maximize"] is uphill
            assert group["lr"] == preset.rate
        theirs = [id(p) for group in optimiser.param_groups for p in group["params"]]
        assert sorted(theirs) == sorted(id(p) for p in network.parameters())
    if kind is RMSprop:
        assert (group["alpha"], group["eps_inside"]) == (0.9, True)


def test_arguments_of_the_optimiser_reach_it():
    how = {"kind": "adamw", "betas": (0.5, 0.9), "weight_decay": 0.1}
    optimiser = build_optimiser(torch.nn.Linear(1, 1), SMOKE.but(optimiser=how, rate=0.5))
    (group,) = optimiser.param_groups
    assert (group["betas"], group["weight_decay"], group["lr"]) == ((0.5, 0.9), 0.1, 0.5)


def test_fresh_weights_follow_from_the_seed_alone():
    def fresh(seed):
        torch.rand(3)  # whatever was drawn before
        return Run.begin(GAN, seed).D.state_dict()

    assert all(torch.equal(fresh(0)[k], v) for k, v in fresh(0).items())
    assert not all(torch.equal(fresh(1)[k], v) for k, v in fresh(0).items())


def test_a_checkpoint_is_data_only(half_way):
    card = card_of(half_way)
    assert card["preset"]["name"] == "smoke"
    assert (card["step"], card["steps"], card["seed"]) == (2, STEPS, 0)
    names = tensors_of(half_way)
    assert any(name.startswith("G.optimiser.0.") for name in names)
    assert all(name.startswith("G.") for name in names)  # no D where λ = ∞


# --- Real processes, killed for real. Slow: each starts Python and imports torch.

LONG = 40  # steps; the first checkpoint comes after 4


@pytest.fixture(scope="module")
def folder(few_faces, tmp_path_factory):
    """The few faces as files: eight to learn from, two of them to measure on."""
    path = tmp_path_factory.mktemp("faces")
    for split, count in (("train", 8), ("val", 2)):
        (path / split).mkdir()
        for i, face in enumerate(few_faces.images[:count].permute(0, 2, 3, 1).numpy()):
            Image.fromarray(face).save(path / split / f"{i}.png")
    return path


@pytest.fixture(scope="module")
def uninterrupted(few_faces, tmp_path_factory):
    """The same run as the command line's, within this process."""
    out = tmp_path_factory.mktemp("uninterrupted")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in another order differ in the last bit
    try:
        go(GAN, few_faces, out, steps=LONG)
    finally:
        torch.set_num_threads(threads)
    return out


def command_line(out, folder, *more):
    """`urdgn-lite train` as a process of its own."""
    options = {"preset": "smoke-gan", "faces": folder, "steps": LONG, "out": out}
    arguments = [str(part) for key, value in options.items() for part in (f"--{key}", value)]
    return subprocess.Popen(
        [sys.executable, "-m", "urdgn_lite", "train", *arguments, *more],
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def hit(out, folder, number):
    """Start a run, send it a signal once it has a checkpoint, and return exit code and output."""
    process = command_line(out, folder)
    try:
        deadline = time.monotonic() + 120
        while not (out / "checkpoint.safetensors").exists():
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, said


def resume(out, folder):
    process = command_line(out, folder, "--resume")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert f"step {LONG} of {LONG}" in " ".join(said.split())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_killed_process_resumes_to_the_same_end(tmp_path, folder, uninterrupted):
    code, _ = hit(tmp_path, folder, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert 0 < card_of(tmp_path)["step"] < LONG
    resume(tmp_path, folder)
    assert_same_end(tmp_path, uninterrupted)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_saves_at_once_exits_with_130_and_resumes_to_the_same_end(
    tmp_path, folder, uninterrupted
):
    code, said = hit(tmp_path, folder, signal.SIGINT)
    assert code == 130, said
    assert "go on with --resume" in " ".join(said.split())
    card = card_of(tmp_path)
    assert 0 < card["step"] < LONG
    assert card["history"][-1]["step"] == card["step"]
    resume(tmp_path, folder)
    assert_same_end(tmp_path, uninterrupted)
