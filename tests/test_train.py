"""Algorithm 1: who moves when, on which faces, and what is reported."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import threading
from itertools import chain

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from urdgn_lite import objective, presets, zoo
from urdgn_lite import train as training
from urdgn_lite.degrade import downsample
from urdgn_lite.faces import FacesError, to_float
from urdgn_lite.networks import load_weights
from urdgn_lite.optimiser import SCHEDULES
from urdgn_lite.run import Run
from urdgn_lite.train import DivergedError, algorithm_1, augment, batch, gain, interruptible, train

SMOKE, GAN = presets.get("smoke"), presets.get("smoke-gan")
RELEASED = GAN.but(name="smoke-gan-released", balanced=True, split_batch=True)


def ready(preset, n=8, steps=8, seed=0):
    """A run about to take its first step, dropout off so that values can be compared."""
    run = Run.begin(preset, steps, seed, {"n": n, "crc32": 0}, None, False)
    run.prepare(Accelerator(cpu=True))
    if run.D is not None:
        run.D.eval()
    return run


def weights(network):
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def moved(before, network):
    return any(not torch.equal(before[k], v) for k, v in network.state_dict().items())


def gradients(network):
    return [None if p.grad is None else p.grad.clone() for p in network.parameters()]


def alike(a, b):
    return all(x is y is None or torch.equal(x, y) for x, y in zip(a, b, strict=True))


def watch(monkeypatch, run, before):
    """Call `before(who)` ahead of every optimiser's step, and note who steps."""
    order = []
    for who, optimiser in (("D", run.opt_d), ("G", run.opt_g)):

        def step(who=who, go=optimiser.step):
            order.append(who)
            before(who)
            go()

        monkeypatch.setattr(optimiser, "step", step)
    return order


# --- Who moves when.


def test_d_moves_first_and_leaves_g_alone_then_g_moves_and_leaves_d_alone(few_faces, monkeypatch):
    run, h = ready(GAN), to_float(few_faces.images[:4])
    seen = {}

    def note(who):
        seen[who] = weights(run.G), weights(run.D), gradients(run.G), gradients(run.D)

    fresh_g, fresh_d = weights(run.G), weights(run.D)
    order = watch(monkeypatch, run, note)
    algorithm_1(run, h, run.accelerator)
    assert order == ["D", "G"]
    g, d, g_gradients, d_gradients = seen["D"]
    assert all(gradient is None for gradient in g_gradients)  # ĥ was detached
    assert any(gradient.abs().max() > 0 for gradient in d_gradients)
    g, d, g_gradients, d_gradients_later = seen["G"]
    assert all(torch.equal(g[k], fresh_g[k]) for k in g)  # D's step left G where it was
    assert any(not torch.equal(d[k], fresh_d[k]) for k in d)
    assert alike(d_gradients, d_gradients_later)  # G's gradient went through D, not into it
    assert any(gradient.abs().max() > 0 for gradient in g_gradients)
    assert moved(fresh_g, run.G)
    assert not moved(d, run.D)
    assert all(p.requires_grad for p in run.D.parameters())


def test_d_climbs_its_value_and_g_descends_its_loss_against_the_new_d(few_faces, monkeypatch):
    run, h = ready(GAN.but(rate=1e-4)), to_float(few_faces.images[:4])
    l = downsample(h)
    values, losses = [], []

    @torch.no_grad()
    def measure(who):
        generated = run.G(l)
        values.append(objective.discriminator_value(run.D(h), run.D(generated)).item())
        losses.append(
            objective.generator_loss(run.D(generated), generated, h, GAN.lam, GAN.adversarial)
        )

    watch(monkeypatch, run, measure)
    for _ in range(4):
        values.clear()
        losses.clear()
        algorithm_1(run, h, run.accelerator)
        measure("end")
        assert values[1] > values[0]
        assert losses[2] < losses[1]


@pytest.mark.parametrize("preset", [GAN, GAN.but(adversarial="saturating", reduction="sum")])
def test_the_terms_that_come_back_are_those_of_the_equations(few_faces, preset):
    run, h = ready(preset.but(rate=0.0)), to_float(few_faces.images[:4])
    with torch.no_grad():
        nn.init.normal_(run.G.last.weight, std=0.1)
        generated = run.G(downsample(h))
        z_real, z_fake = run.D(h), run.D(generated)
    terms = algorithm_1(run, h, run.accelerator)
    bce = nn.functional.binary_cross_entropy_with_logits
    close = torch.testing.assert_close
    close(terms["bce_real"], bce(z_real, torch.ones_like(z_real)))
    close(terms["bce_fake"], bce(z_fake, torch.zeros_like(z_fake)))
    close(terms["mse"], nn.functional.mse_loss(generated, h))
    close(-terms["bce_real"] - terms["bce_fake"], objective.discriminator_value(z_real, z_fake))
    close(
        terms["loss"],
        objective.generator_loss(
            z_fake, generated, h, preset.lam, preset.adversarial, preset.reduction
        ),
    )
    assert not any(value.requires_grad for value in terms.values())


def test_without_d_there_is_only_the_pixel_term(few_faces):
    run = ready(SMOKE)
    assert run.D is None
    assert run.opt_d is None
    terms = algorithm_1(run, to_float(few_faces.images[:4]), run.accelerator)
    assert terms.keys() == {"loss", "mse"}
    assert terms["loss"] == terms["mse"]


@pytest.mark.parametrize(
    ("preset", "real", "fake"),
    [(GAN, slice(None), slice(None)), (RELEASED, slice(None, 2), slice(2, None))],
)
def test_d_sees_whole_pairs_or_one_half_real_and_the_other_half_generated(
    few_faces, preset, real, fake
):
    run, h = ready(preset.but(rate=0.0)), to_float(few_faces.images[:4])
    seen = []
    run.D.register_forward_hook(lambda D, inputs, z: seen.append(inputs[0]))
    algorithm_1(run, h, run.accelerator)
    with torch.no_grad():
        generated = run.G(downsample(h))
    for_d, for_g = seen
    torch.testing.assert_close(for_d, torch.cat([h[real], generated[fake]]))
    torch.testing.assert_close(for_g.detach(), generated)
    assert not for_d.requires_grad
    assert for_g.requires_grad


def test_lr_faces_are_made_as_the_preset_says(few_faces, monkeypatch):
    run, h = ready(SMOKE.but(downsampling="aliased")), to_float(few_faces.images[:4])
    seen = []
    run.G.register_forward_pre_hook(lambda G, inputs: seen.append(inputs[0]))
    algorithm_1(run, h, run.accelerator)
    assert torch.equal(seen[0], downsample(h, "aliased"))
    assert not torch.equal(seen[0], downsample(h))


class Rigged(nn.Module):
    """A discriminator whose answers are given; its one parameter shows whether it was updated."""

    def __init__(self, z_real, z_fake):
        super().__init__()
        self.z = z_real, z_fake
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, faces):
        half = len(faces) // 2
        z = torch.tensor([self.z[0]] * half + [self.z[1]] * (len(faces) - half))
        return z.unsqueeze(1) + self.bias + 0 * faces.mean((1, 2, 3)).unsqueeze(1)


@pytest.mark.parametrize(
    ("z_real", "z_fake", "balanced", "d_plays", "g_plays"),
    [
        (0.1, 0.0, True, True, True),  # a guess
        (3.0, -3.0, True, False, True),  # D wins: it rests
        (-0.5, 0.0, True, True, False),  # D has lost track: G rests
        (5.0, 5.0, True, True, True),  # both would rest: both play
        (3.0, -3.0, False, True, True),  # no rule
        (-0.5, 0.0, False, True, True),
    ],
)
def test_the_balancing_rule_rests_the_right_player(
    few_faces, z_real, z_fake, balanced, d_plays, g_plays
):
    run = ready(GAN.but(balanced=balanced))
    run.D = Rigged(z_real, z_fake)
    run.opt_d = torch.optim.SGD(run.D.parameters(), lr=1.0, maximize=True)
    before = weights(run.G)
    algorithm_1(run, to_float(few_faces.images[:4]), run.accelerator)
    assert (run.D.bias.item() != 0) == d_plays
    assert moved(before, run.G) == g_plays
    assert run.D.bias.requires_grad


@pytest.mark.parametrize("preset", [GAN.but(schedule="authors"), SMOKE, SMOKE.but(rate=1e-5)])
def test_both_players_learn_at_the_rate_of_the_schedule(few_faces, preset):
    run, h = ready(preset, steps=40), to_float(few_faces.images[:4])
    for run.step in (0, 15, 35):
        algorithm_1(run, h, run.accelerator)
        factor = SCHEDULES[preset.schedule]
        wanted = preset.rate * factor(run.step, 40, 2)  # 8 faces, 4 an update
        for optimiser in filter(None, (run.opt_g, run.opt_d)):
            assert [group["lr"] for group in optimiser.param_groups] == [wanted]


# --- On which faces.


def shown(images, steps, preset=SMOKE, seed=0):
    """Numbers of the faces of each step."""
    run = Run.begin(preset, steps, seed, {}, None, False)
    table = []
    for run.step in range(steps):
        values = ((batch(images, run)[:, 0, 0, 0] + 1) * 127.5).round()
        table.append(values.int().tolist())
    return table


def numbered(n):
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).repeat(1, 3, 2, 2)


def test_every_epoch_shows_every_face_once_in_another_order():
    steps = shown(numbered(12), 9)  # 3 updates of 4 faces an epoch
    epochs = [list(chain(*steps[i : i + 3])) for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert all(epoch != list(range(12)) for epoch in epochs)


@given(st.integers(1, 30), st.integers(1, 8))
def test_no_face_comes_twice_in_an_epoch_and_batches_are_full(n, size):
    per_epoch = n // min(n, size)
    steps = shown(numbered(n), 2 * per_epoch, SMOKE.but(batch=size))
    for epoch in (steps[:per_epoch], steps[per_epoch:]):
        faces = list(chain(*epoch))
        assert len(set(faces)) == len(faces) == per_epoch * min(n, size)


def test_the_order_follows_from_the_seed_and_the_step():
    assert shown(numbered(12), 6) == shown(numbered(12), 6)
    assert shown(numbered(12), 6) != shown(numbered(12), 6, seed=5)


def test_without_affine_a_face_is_left_alone_or_mirrored(few_faces):
    h = to_float(few_faces.images).repeat(8, 1, 1, 1)
    torch.manual_seed(0)
    kept = augment(h, (0.0, 0.0, 0.0))
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(kept, h, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(kept, h, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48  # of 64
    torch.manual_seed(1)
    assert not torch.equal(augment(h, (0.0, 0.0, 0.0)), kept)


@given(st.floats(0, 20), st.floats(0, 0.3), st.floats(0, 0.3), st.integers(0, 2**31))
def test_augmented_faces_stay_faces(few_faces, degrees, zoom, shift, seed):
    h = to_float(few_faces.images[:2])
    kept = h.clone()
    torch.manual_seed(seed)
    result = augment(h, (degrees, zoom, shift))
    assert result.shape == h.shape
    assert result.isfinite().all()
    assert result.abs().max() <= 1 + 1e-6
    assert torch.equal(h, kept)


@pytest.mark.parametrize(
    ("affine", "farthest"),
    [((0.0, 0.0, 0.05), 0.05 * 128 * math.sqrt(2)), ((0.0, 0.1, 0.0), 40 * 0.1 / 0.9),
     ((10.0, 0.0, 0.0), 40 * math.radians(10))],
)  # fmt: skip
def test_turn_zoom_and_shift_move_a_point_as_far_as_promised_and_no_farther(affine, farthest):
    x = torch.arange(128.0)
    spot = torch.exp(-((x - 63.5) ** 2) / 18).outer(torch.exp(-((x - 103.5) ** 2) / 18))
    h = (2 * spot - 1).expand(200, 3, 128, 128)  # 40 px right of the centre
    torch.manual_seed(0)
    light = augment(h, affine)[:, 0] + 1
    total = light.sum((1, 2))
    row = (light.sum(2) * x).sum(1) / total - 63.5
    column = ((light.sum(1) * x).sum(1) / total - 63.5).abs() - 40  # abs: some are mirrored
    distance = torch.hypot(row, column)
    assert distance.max() <= farthest + 0.1
    assert distance.max() > 0.8 * farthest
    assert abs(row.mean()) < 0.2 * farthest  # either way


# --- What is learned and reported.


def test_a_few_steps_already_beat_bicubic(few_faces):
    run = train(SMOKE, few_faces.images, few_faces.images, steps=40, progress=False)
    assert run.done
    gains = [row["gain"] for row in run.history]
    assert gains[-1] > gains[0]
    assert gains[-1] > 0.02
    fresh = ready(SMOKE)
    assert gain(fresh.G, few_faces.images) == 0  # it starts from bicubic


def test_the_gain_is_measured_in_evaluation_mode_which_it_leaves_as_it_was(few_faces):
    torch.manual_seed(0)
    G = nn.Sequential(nn.Upsample(scale_factor=8), nn.Dropout(0.5))
    G.train()
    first = gain(G, few_faces.images)
    assert first == gain(G, few_faces.images)  # no dropout
    assert G.training
    gain(G.eval(), few_faces.images)
    assert not G.training


def test_a_run_reports_as_often_as_asked_and_at_its_end(few_faces):
    def steps_of(**how):
        run = train(SMOKE, few_faces.images, progress=False, **how)
        return [row["step"] for row in run.history]

    assert steps_of(steps=6, reports=3) == [2, 4, 6]
    assert steps_of(steps=7, reports=2) == [3, 6, 7]
    assert steps_of(steps=2, reports=10) == [1, 2]
    assert steps_of(steps=3, reports=0) == [3]


def test_the_folder_of_a_run_holds_what_the_documentation_says(few_faces, tmp_path):
    out = tmp_path / "deep" / "run"
    run = train(
        GAN, few_faces.images, few_faces.images, out=out, steps=4, reports=2, source="a test",
        seed=3, progress=False,
    )  # fmt: skip
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {
        "checkpoint.safetensors", "generator.safetensors", "history.csv",
        "samples/step-000002.png", "samples/step-000004.png",
    }  # fmt: skip
    G, card = load_weights(out / "generator.safetensors")
    for name, value in run.G.state_dict().items():
        torch.testing.assert_close(G.state_dict()[name], value, rtol=1e-3, atol=1e-6)
    assert card["data"]["source"] == "a test"
    assert (card["seed"], card["step"], card["steps"]) == (3, 4, 4)
    assert card["data"]["n"] == 8
    assert {"commit", "hardware", "torch", "date", "history", "seconds"} <= card.keys()
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["loss"]) for r in rows] == [r["loss"] for r in run.history]
    assert {"step", "seconds", "bce_real", "bce_fake", "loss", "mse", "gain"} == rows[0].keys()
    with Image.open(out / "samples" / "step-000004.png") as sheet:
        assert sheet.size == (8 * 128, 4 * 128)


def test_the_same_seed_trains_the_same_networks_and_another_one_others(few_faces):
    def end(seed):
        return train(GAN, few_faces.images, steps=2, seed=seed, progress=False)

    a, b, c = end(0), end(0), end(1)
    assert not moved(weights(a.G), b.G)
    assert not moved(weights(a.D), b.D)
    assert moved(weights(a.D), c.D)


def test_faces_may_lie_in_memory_in_any_order_and_are_left_unchanged(few_faces):
    stored = few_faces.images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not stored.is_contiguous()
    kept = stored.clone()
    run = train(SMOKE, stored, steps=1, progress=False)
    usual = train(SMOKE, kept.contiguous(), steps=1, progress=False)
    assert run.data["crc32"] == usual.data["crc32"]
    assert not moved(weights(run.G), usual.G)
    assert torch.equal(stored, kept)


def test_no_faces_are_refused(few_faces):
    with pytest.raises(FacesError, match="no faces to train on"):
        train(SMOKE, few_faces.images[:0], progress=False)


@pytest.mark.parametrize("changes", [{"batch": 1}, {}])
def test_one_face_cannot_be_split_into_a_real_and_a_generated_half(few_faces, changes):
    split = presets.get("smoke-gan").but(split_batch=True, **changes)
    with pytest.raises(FacesError, match="two faces a step"):
        train(split, few_faces.images[: 8 if changes else 1], steps=1, progress=False)


@pytest.mark.parametrize("steps", [0, -3])
def test_fewer_than_one_step_is_refused(few_faces, steps):
    with pytest.raises(ValueError, match=f"steps must be at least 1, not {steps}"):
        train(SMOKE, few_faces.images, steps=steps, progress=False)


def test_one_face_alone_can_be_learned(few_faces):
    run = train(SMOKE, few_faces.images[:1], steps=2, progress=False)
    assert run.done
    assert math.isfinite(run.history[-1]["loss"])


def test_a_learning_rate_far_too_large_is_named_as_the_culprit(few_faces, tmp_path):
    wild = GAN.but(rate=1e30)
    with pytest.raises(DivergedError) as caught:
        train(wild, few_faces.images, out=tmp_path, steps=8, progress=False)
    message = str(caught.value)
    assert "smoke-gan" in message
    assert "a smaller learning rate than 1e+30" in message
    assert "a larger λ than 100.0" in message


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(few_faces, tmp_path, monkeypatch):
    def sick_from_step_5(run, h, accelerator, healthy=algorithm_1):
        terms = healthy(run, h, accelerator)
        return terms | ({"loss": torch.tensor(math.nan)} if run.step >= 4 else {})

    how = {"out": tmp_path, "steps": 8, "reports": 4, "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(training, "algorithm_1", sick_from_step_5)
        with pytest.raises(DivergedError, match="at step 6") as caught:
            train(SMOKE, few_faces.images, **how)
    assert f"The last good checkpoint is in {tmp_path}" in str(caught.value)
    assert "λ" not in str(caught.value)  # there is none to raise
    with safe_open(tmp_path / "checkpoint.safetensors", "pt") as stored:
        assert json.loads(stored.metadata()["run"])["step"] == 4
    resumed = train(SMOKE, few_faces.images, resume=True, **how)
    straight = train(SMOKE, few_faces.images, **how | {"out": None})
    assert not moved(weights(resumed.G), straight.G)


def test_weights_that_are_not_finite_are_never_saved(few_faces, tmp_path, monkeypatch):
    def poisoned(run, h, accelerator, healthy=algorithm_1):
        terms = healthy(run, h, accelerator)  # finite: the update comes after the loss
        nn.init.constant_(next(run.G.parameters()), math.nan)
        return terms

    monkeypatch.setattr(training, "algorithm_1", poisoned)
    with pytest.raises(DivergedError) as caught:
        train(SMOKE, few_faces.images, out=tmp_path, steps=1, progress=False)
    assert not list(tmp_path.iterdir())
    assert "checkpoint" not in str(caught.value)  # it promises none where there is none


# --- Interrupts.


def test_the_first_interrupt_is_noted_and_the_second_one_stops_at_once(capsys):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible() as seen:
        assert not seen
        signal.raise_signal(signal.SIGINT)
        assert seen
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert "press Ctrl-C again" in capsys.readouterr().out


def test_handlers_come_back_after_an_error_too():
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(OSError, match="in the loop"), interruptible():
        raise OSError("in the loop")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_can_train_though_it_cannot_catch_signals(few_faces):
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(train(SMOKE, few_faces.images, steps=1, progress=False))
    )
    thread.start()
    thread.join()
    assert runs[0].done


# --- Two processes.

TWO = """
import signal, sys
from urdgn_lite import presets
from urdgn_lite import train as t
from urdgn_lite.cli import app
from urdgn_lite.faces import load

faces, out = sys.argv[1:]
for preset in ("smoke", "smoke-gan"):
    arguments = ["--preset", preset, "--faces", faces, "--steps", "6", "--out", f"{out}/{preset}"]
    app(["train", *arguments], standalone_mode=False)

healthy = t.algorithm_1

def interrupted(run, h, accelerator):
    assert len(h) == 2  # half of the four
    if run.step == 2 and accelerator.process_index == 1:
        signal.raise_signal(signal.SIGINT)
    return healthy(run, h, accelerator)

t.algorithm_1 = interrupted
images = load(faces, "train").images
run = t.train(presets.get("smoke"), images, out=f"{out}/stopped", progress=False)
assert run.step == 3, run.step
"""


def test_two_processes_train_what_one_does_and_stop_together(few_faces, tmp_path):
    script, folder = tmp_path / "two.py", tmp_path / "faces"
    script.write_text(TWO)
    for split, count in (("train", 8), ("val", 2)):
        (folder / split).mkdir(parents=True)
        for i, face in enumerate(few_faces.images[:count].permute(0, 2, 3, 1).numpy()):
            Image.fromarray(face).save(folder / split / f"{i}.png")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), str(folder), str(tmp_path)], env=environment, timeout=300,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]

    def card_of(name):
        with safe_open(tmp_path / name / "checkpoint.safetensors", "pt") as stored:
            return json.loads(stored.metadata()["run"])

    assert {name: card_of(name)["step"] for name in ("smoke", "smoke-gan", "stopped")} == {
        "smoke": 6, "smoke-gan": 6, "stopped": 3,
    }  # fmt: skip
    assert not list(tmp_path.rglob("*.part"))

    alone = train(SMOKE, few_faces.images, steps=6, progress=False).G.state_dict()
    fresh = ready(SMOKE).G.state_dict()
    together = load_file(tmp_path / "smoke" / "checkpoint.safetensors")
    for name, value in alone.items():
        np.testing.assert_allclose(together[f"G.{name}"], value, rtol=1e-3, atol=1e-5)
    assert max((alone[name] - fresh[name]).abs().max() for name in alone) > 1e-3  # it did move

    G, card = load_weights(tmp_path / "smoke-gan" / "generator.safetensors")
    assert all(value.isfinite().all() for value in G.state_dict().values())
    assert Run.begin(GAN, 6, 0, card["data"], tmp_path / "smoke-gan", True).done


def test_a_run_may_begin_as_a_copy_of_a_trained_generator(few_faces, tmp_path):
    smoke, gan = presets.get("smoke"), presets.get("smoke-gan")
    train(smoke, few_faces.images, steps=3, out=tmp_path)
    begun = tmp_path / "generator.safetensors"
    run = Run.begin(gan, 1, 1, {"n": 8}, None, False, begun)
    stored = zoo.load(begun).state_dict()
    assert all(torch.equal(run.G.state_dict()[name], stored[name]) for name in stored)
    assert run.start["name"] == "smoke"
    assert run.start["steps"] == 3


def test_a_start_from_the_zoo_is_remembered_by_its_name_there(shelf, few_faces, tmp_path):
    train(SMOKE, few_faces.images, steps=3, out=tmp_path, progress=False)
    zoo.keep(tmp_path / "generator.safetensors", "mine")
    run = Run.begin(presets.get("smoke-gan"), 1, 0, {"n": 8}, None, False, "mine")
    assert (run.start["name"], run.start["steps"]) == ("mine", 3)


def test_a_copy_of_another_network_is_refused(generator_file):
    with pytest.raises(ValueError, match="lite cannot start from smoke"):
        Run.begin(presets.get("lite"), 1, 0, {"n": 8}, None, False, generator_file)


def test_averaged_weights_follow_the_moving_average(few_faces, monkeypatch):
    share, seen = 0.75, []
    original = training.algorithm_1

    def watched(run, h, accelerator):
        losses = original(run, h, accelerator)
        seen.append(run.G.head.weight.detach().clone().double())
        return losses

    monkeypatch.setattr(training, "algorithm_1", watched)
    run = train(presets.get("smoke").but(average=share), few_faces.images, steps=5)
    expected = seen[0]  # the average begins with the first step's weights
    for weight in seen[1:]:
        expected = share * expected + (1 - share) * weight
    assert torch.allclose(run.generator.head.weight.double(), expected, atol=1e-6)
    assert not torch.allclose(run.generator.head.weight, run.G.head.weight)


def test_without_an_average_the_generator_is_g(few_faces):
    run = train(presets.get("smoke"), few_faces.images, steps=1)
    assert run.generator is run.plain(run.G)


def test_bf16_is_asked_for_on_a_cpu(few_faces):
    smoke = presets.get("smoke")
    for asked, used in ((None, "bf16" if torch.cuda.is_available() else "no"), (True, "bf16")):
        run = train(smoke, few_faces.images, steps=2, bf16=asked)
        assert run.accelerator.mixed_precision == used
        assert next(run.G.parameters()).dtype == torch.float32  # computed so, not kept so
