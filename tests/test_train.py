"""Algorithm 1: who moves when, on which faces, and what is reported."""

import csv
import math
import signal
import threading
from dataclasses import replace
from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shelf import put_on_shelf
from torch import nn

from urdgn_lite import networks, objective, presets, store, zoo
from urdgn_lite import train as training
from urdgn_lite.degrade import downsample, to_float, to_uint8
from urdgn_lite.faces import FacesError
from urdgn_lite.methods import released
from urdgn_lite.optimiser import SCHEDULES
from urdgn_lite.progress import interruptible
from urdgn_lite.run import Run
from urdgn_lite.train import algorithm_1, augment, batch, train
from urdgn_lite.watch import DivergedError, gain
from urdgn_lite.zoo import load_weights

SMOKE, GAN = presets.get("smoke"), presets.get("smoke-gan")
RELEASED = GAN.but(name="smoke-gan-released", game="released")


def ready(preset, n=8, steps=8, seed=0):
    """A run about to take its first step, dropout off so that values can be compared."""
    run = Run.begin(preset.but(steps=steps), seed, data={"n": n, "crc32": 0}).to("cpu")
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
    algorithm_1(run, h)
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
        algorithm_1(run, h)
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
    terms = algorithm_1(run, h)
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
    terms = algorithm_1(run, to_float(few_faces.images[:4]))
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
    if preset is RELEASED:
        released.play(run, h, rule=lambda *bce: (True, True))
    else:
        algorithm_1(run, h)
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
    algorithm_1(run, h)
    assert torch.equal(seen[0], downsample(h, "aliased"))
    assert not torch.equal(seen[0], downsample(h))


@pytest.mark.parametrize("preset", [GAN.but(schedule="authors"), SMOKE, SMOKE.but(rate=1e-5)])
def test_both_players_learn_at_the_rate_of_the_schedule(few_faces, preset):
    run, h = ready(preset, steps=40), to_float(few_faces.images[:4])
    for run.step in (0, 15, 35):
        run.set_learning_rates()
        algorithm_1(run, h)
        factor = SCHEDULES[preset.schedule]
        wanted = preset.rate * factor(run.step, 40, 2)  # 8 faces, 4 an update
        for optimiser in filter(None, (run.opt_g, run.opt_d)):
            assert [group["lr"] for group in optimiser.param_groups] == [wanted]


# --- On which faces.


def shown(images, steps, preset=SMOKE, seed=0):
    """Numbers of the faces of each step."""
    run = Run.begin(preset.but(steps=steps), seed)
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
    [
        ((0.0, 0.0, 0.05), 0.05 * 128 * math.sqrt(2)),
        ((0.0, 0.1, 0.0), 40 * 0.1 / 0.9),
        ((10.0, 0.0, 0.0), 40 * math.radians(10)),
    ],
)
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
    run = train(SMOKE, few_faces.images, few_faces.images, steps=40)
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


def test_a_run_reports_at_every_epoch_ten_times_at_least_and_at_its_end(few_faces):
    def steps_of(**how):
        run = train(SMOKE, few_faces.images, **how)
        return [row["step"] for row in run.history]

    assert steps_of(steps=7) == [1, 2, 3, 4, 5, 6, 7]
    assert steps_of(steps=21) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 21]  # two steps an epoch
    assert steps_of(steps=45)[:3] == [2, 4, 6]
    assert len(steps_of(steps=400)) == 100  # but a hundred times at most


def test_the_folder_of_a_run_holds_what_the_documentation_says(few_faces, tmp_path):
    out = tmp_path / "deep" / "run"
    run = train(GAN, replace(few_faces, source="a test"), few_faces, out=out, steps=2, seed=3)
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == {
        "checkpoint.safetensors",
        "generator.safetensors",
        "history.csv",
        "samples/original.safetensors",
        "samples/step-000001.safetensors",
        "samples/step-000002.safetensors",
    }
    G, card = load_weights(out / "generator.safetensors")
    for name, value in run.G.state_dict().items():
        torch.testing.assert_close(G.state_dict()[name], value, rtol=1e-3, atol=1e-6)
    assert card["data"]["source"] == "a test"
    assert (card["seed"], card["step"], card["steps"]) == (3, 2, 2)
    assert card["data"]["n"] == 8
    assert {"commit", "hardware", "torch", "date", "history", "seconds"} <= card.keys()
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["loss"]) for r in rows] == [r["loss"] for r in run.history]
    assert {"step", "seconds", "bce_real", "bce_fake", "loss", "mse", "gain"} == rows[0].keys()
    kept, _ = store.read_tensors(out / "samples" / "step-000002.safetensors", "sample")
    assert torch.equal(
        store.read_tensors(out / "samples" / "original.safetensors", "sample")[0]["original"],
        few_faces.images,
    )
    with torch.no_grad():
        generated = run.G.eval()(downsample(to_float(few_faces.images)))
    assert torch.equal(kept["generated"], to_uint8(generated))


def test_the_same_seed_trains_the_same_networks_and_another_one_others(few_faces):
    def end(seed):
        return train(GAN, few_faces.images, steps=2, seed=seed)

    a, b, c = end(0), end(0), end(1)
    assert not moved(weights(a.G), b.G)
    assert not moved(weights(a.D), b.D)
    assert moved(weights(a.D), c.D)


def test_faces_may_lie_in_memory_in_any_order_and_are_left_unchanged(few_faces):
    stored = few_faces.images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not stored.is_contiguous()
    kept = stored.clone()
    run = train(SMOKE, stored, steps=1)
    usual = train(SMOKE, kept.contiguous(), steps=1)
    assert run.data["crc32"] == usual.data["crc32"]
    assert not moved(weights(run.G), usual.G)
    assert torch.equal(stored, kept)


def test_no_faces_are_refused(few_faces):
    with pytest.raises(FacesError, match="no faces to train on"):
        train(SMOKE, few_faces.images[:0])


@pytest.mark.parametrize("steps", [0, -3])
def test_fewer_than_one_step_is_refused(few_faces, steps):
    with pytest.raises(ValueError, match=f"steps and batch must be at least 1, not {steps}"):
        train(SMOKE, few_faces.images, steps=steps)


def test_one_face_alone_can_be_learned(few_faces):
    run = train(SMOKE, few_faces.images[:1], steps=2)
    assert run.done
    assert math.isfinite(run.history[-1]["loss"])


def test_a_learning_rate_far_too_large_is_named_as_the_culprit(few_faces, tmp_path):
    wild = GAN.but(rate=1e30)
    with pytest.raises(DivergedError) as caught:
        train(wild, few_faces.images, out=tmp_path, steps=8)
    message = str(caught.value)
    assert "smoke-gan" in message
    assert "a smaller learning rate than 1e+30" in message
    assert "a larger λ than 100.0" in message


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(few_faces, tmp_path, monkeypatch):
    def sick_from_step_5(run, h, healthy=algorithm_1):
        terms = healthy(run, h)
        return terms | ({"loss": torch.tensor(math.nan)} if run.step >= 4 else {})

    how = {"out": tmp_path, "steps": 8}
    with monkeypatch.context() as patch:
        patch.setitem(training.GAMES, "algorithm_1", sick_from_step_5)
        with pytest.raises(DivergedError, match="at step 5") as caught:
            train(SMOKE, few_faces.images, **how)
    assert f"The last good checkpoint is in {tmp_path}" in str(caught.value)
    assert "λ" not in str(caught.value)  # there is none to raise
    assert zoo.card(tmp_path / "checkpoint.safetensors")["step"] == 4
    resumed = train(SMOKE, few_faces.images, resume=True, **how)
    straight = train(SMOKE, few_faces.images, **how | {"out": None})
    assert not moved(weights(resumed.G), straight.G)


def test_weights_that_are_not_finite_are_never_saved(few_faces, tmp_path, monkeypatch):
    def poisoned(run, h, healthy=algorithm_1):
        terms = healthy(run, h)  # finite: the update comes after the loss
        nn.init.constant_(next(run.G.parameters()), math.nan)
        return terms

    monkeypatch.setitem(training.GAMES, "algorithm_1", poisoned)
    with pytest.raises(DivergedError) as caught:
        train(SMOKE, few_faces.images, out=tmp_path, steps=1)
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
    thread = threading.Thread(target=lambda: runs.append(train(SMOKE, few_faces.images, steps=1)))
    thread.start()
    thread.join()
    assert runs[0].done


def test_a_run_may_begin_as_a_copy_of_a_trained_generator(few_faces, tmp_path):
    smoke, gan = presets.get("smoke"), presets.get("smoke-gan")
    train(smoke, few_faces.images, steps=3, out=tmp_path)
    begun = tmp_path / "generator.safetensors"
    run = Run.begin(gan, 1, begun)
    stored = zoo.load(begun).state_dict()
    assert all(torch.equal(run.G.state_dict()[name], stored[name]) for name in stored)
    assert run.start["name"] == "smoke"
    assert run.start["steps"] == 3


def test_a_start_from_the_zoo_is_remembered_by_its_name_there(shelf, few_faces, tmp_path):
    train(SMOKE, few_faces.images, steps=3, out=tmp_path)
    put_on_shelf(tmp_path / "generator.safetensors", "mine")
    run = Run.begin(presets.get("smoke-gan"), 0, "mine")
    assert (run.start["name"], run.start["steps"]) == ("mine", 3)


def test_a_copy_of_another_network_is_refused(generator_file):
    with pytest.raises(ValueError, match="cannot start from smoke: it is another network"):
        Run.begin(presets.get("lite"), 0, generator_file)


def test_a_run_may_begin_as_a_network_and_a_preset_begins_as_it_says(shelf, few_faces):
    mine = networks.build_generator(SMOKE)
    run = Run.begin(GAN, 0, mine)
    assert not moved(weights(mine), run.G)
    assert run.start == {"name": "a network", "steps": 0, "seconds": 0}
    later = GAN.but(start="tiny")
    assert Run.begin(later).start["name"] == "tiny"
    assert not moved(zoo.load("tiny").state_dict(), Run.begin(later).G)
    assert Run.begin(later, 0, "").start == {}


def test_averaged_weights_follow_the_moving_average(few_faces, monkeypatch):
    share, seen = 0.75, []
    original = algorithm_1

    def watched(run, h):
        losses = original(run, h)
        seen.append(run.G.head.weight.detach().clone().double())
        return losses

    monkeypatch.setitem(training.GAMES, "algorithm_1", watched)
    run = train(presets.get("smoke").but(average=share), few_faces.images, steps=5)
    expected = seen[0]  # the average begins with the first step's weights
    for weight in seen[1:]:
        expected = share * expected + (1 - share) * weight
    assert torch.allclose(run.generator.head.weight.double(), expected, atol=1e-6)
    assert not torch.allclose(run.generator.head.weight, run.G.head.weight)


def test_a_cpu_computes_in_bf16_where_it_is_asked_to(few_faces, monkeypatch):
    seen = []

    def watched(run, h):
        seen.append(run.G.head(h).dtype)
        return algorithm_1(run, h)

    monkeypatch.setitem(training.GAMES, "algorithm_1", watched)
    train(SMOKE, few_faces, steps=1)
    with torch.autocast("cpu", torch.bfloat16):
        run = train(SMOKE, few_faces, steps=1)
    assert seen[-1] == torch.bfloat16
    assert seen[0] == (torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    assert next(run.G.parameters()).dtype == torch.float32  # computed so, not kept so


@pytest.mark.parametrize("preset", [SMOKE, GAN])
def test_in_bf16_every_step_computes_with_the_weights_of_now(few_faces, preset, monkeypatch):
    """Autocast keeps a copy of rounded weights; training must not read an old one."""

    def checked(run, h):
        l = downsample(h)
        used = run.G(l)
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            assert torch.equal(used, run.G(l))
        return algorithm_1(run, h)

    monkeypatch.setitem(training.GAMES, "algorithm_1", checked)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = train(preset, few_faces, few_faces, steps=30)
    monkeypatch.undo()
    fine = train(preset, few_faces, few_faces, steps=30)
    assert coarse.history[-1]["gain"] == pytest.approx(fine.history[-1]["gain"], abs=0.5)


def test_a_nan_of_minutes_is_refused(few_faces):
    with pytest.raises(ValueError, match="minutes must be 0 or more, not nan"):
        train(SMOKE, few_faces, minutes=math.nan)
