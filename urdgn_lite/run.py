"""The state of a training run, and how it survives an interrupt: safetensors, never pickle."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from urdgn_lite import zoo
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.faces import FacesError
from urdgn_lite.lesson.figures import sheet
from urdgn_lite.muon import Muon
from urdgn_lite.networks import build_discriminator, build_generator, save_weights
from urdgn_lite.optimiser import SCHEDULES, RMSprop
from urdgn_lite.presets import Preset
from urdgn_lite.provenance import circumstances


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or belongs to another run."""


def build_optimiser(
    network: nn.Module, preset: Preset, *, maximize: bool = False
) -> torch.optim.Optimizer:
    """The preset's optimiser for one player; D's ascends (`maximize`)."""
    arguments = {"maximize": maximize, "lr": preset.rate, **preset.optimiser}
    kinds = {"rmsprop": RMSprop, "adamw": torch.optim.AdamW, "muon": Muon}
    return kinds[arguments.pop("kind")](network.parameters(), **arguments)


@dataclass
class Run:
    """A training run: `G` and `D`, their optimisers, where it stands, and its history.

    `averaged` is the moving average of G's weights, where the preset asks for one; `start` tells of
    the generator that G began as: name, steps, seconds.
    """

    preset: Preset
    steps: int
    seed: int
    data: dict[str, Any]
    out: Path | None
    G: nn.Module
    D: nn.Module | None
    opt_g: Any
    opt_d: Any
    averaged: AveragedModel | None = None
    start: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    accelerator: Accelerator | None = None

    @property
    def done(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self.steps

    @classmethod
    def begin(
        cls, preset: Preset, steps: int, seed: int, data: dict[str, Any],
        out: Path | str | None, resume: bool, start: Path | str = "",
    ) -> Run:  # fmt: skip
        """A new run, its G freshly drawn or a copy of `start`, or the run that `out` holds."""
        if steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}")
        torch.manual_seed(seed)
        G, D = build_generator(preset), build_discriminator(preset)
        before: dict[str, Any] = {}
        if start:
            card = zoo.card(start)
            name = start if start in zoo.names() else card["preset"]["name"]
            network = card["preset"]["generator"]
            if network != json.loads(json.dumps(preset.to_dict()))["generator"]:
                raise ValueError(f"{preset.name} cannot start from {name}: another network")
            G.load_state_dict(zoo.load(start).state_dict())
            taken, seconds = zoo.steps_and_seconds(card)
            before = {"name": name, "steps": taken, "seconds": seconds}
        for network in filter(None, (G, D)):  # the layout that convolutions are fastest in
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        run = cls(
            preset, steps, seed, data, Path(out) if out else None, G, D,
            build_optimiser(G, preset), D and build_optimiser(D, preset, maximize=True),
            start=before,
        )  # fmt: skip
        if preset.average:
            averaging = get_ema_multi_avg_fn(preset.average)
            run.averaged = AveragedModel(G, multi_avg_fn=averaging, use_buffers=True)
        if resume:
            run.load()
        elif run.out and run.path.exists():
            raise CheckpointError(
                f"{run.path} exists: resume it (--resume), or choose another folder"
            )
        return run

    @property
    def path(self) -> Path:
        """The checkpoint file."""
        if self.out is None:
            raise CheckpointError("resuming needs the folder of the checkpoint (out)")
        return self.out / "checkpoint.safetensors"

    def prepare(self, accelerator: Accelerator) -> None:
        """Move everything to the device(s)."""
        share = min(self.preset.batch, self.data["n"]) // accelerator.num_processes
        if self.preset.split_batch and share < 2:
            raise FacesError(f"{self.preset.name} shows D one half of the faces real, the other "
                             "generated: it needs two faces a step and process")  # fmt: skip
        self.G, self.opt_g = accelerator.prepare(self.G, self.opt_g)
        self.G.train()
        if self.D is not None:
            self.D, self.opt_d = accelerator.prepare(self.D, self.opt_d)
            self.D.train()
        if self.averaged is not None:
            self.averaged.to(accelerator.device)
        self.accelerator = accelerator

    @property
    def generator(self) -> nn.Module:
        """What the run is for: G, or the moving average of its weights."""
        return self.plain(self.G) if self.averaged is None else self.averaged.module

    def plain(self, network: nn.Module) -> nn.Module:
        """A network without Accelerate's wrapping."""
        return self.accelerator.unwrap_model(network) if self.accelerator else network

    def set_learning_rates(self) -> None:
        """Give both optimisers the learning rate η of the next step."""
        per_epoch = max(1, self.data["n"] // self.preset.batch)
        eta = self.preset.rate * SCHEDULES[self.preset.schedule](self.step, self.steps, per_epoch)
        for optimiser in filter(None, (self.opt_g, self.opt_d)):
            for group in optimiser.param_groups:
                group["lr"] = eta

    def _parts(self) -> Iterator[tuple[str, nn.Module, Any]]:
        yield "G", self.plain(self.G), self.opt_g
        if self.D is not None:
            yield "D", self.plain(self.D), self.opt_d

    def save(self, val: Tensor | None = None) -> None:
        """Write checkpoint, generator, history and a sample sheet; a crash leaves the old ones."""
        if self.out is None:
            return
        tensors: dict[str, Tensor] = {}
        for name, network, optimiser in self._parts():
            tensors |= {f"{name}.{k}": v for k, v in network.state_dict().items()}
            for i, state in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}.optimiser.{i}.{k}": v for k, v in state.items()}
        if self.averaged is not None:
            tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        card = {
            "preset": self.preset.to_dict(), "steps": self.steps, "seed": self.seed,
            "start": self.start, "data": self.data, "step": self.step,
            "seconds": round(self.seconds, 1), **circumstances(), "history": self.history,
        }  # fmt: skip
        self.out.mkdir(parents=True, exist_ok=True)
        save_weights(self.generator, self.out / "generator.safetensors", card)
        history = self.out / "history.csv"
        with history.with_suffix(".part").open("w", newline="") as file:
            columns = list(dict.fromkeys(k for row in self.history for k in row))
            table = csv.DictWriter(file, columns)
            table.writeheader()
            table.writerows(self.history)
        os.replace(history.with_suffix(".part"), history)
        # After what is made from it: a run whose checkpoint is at its end writes nothing any more.
        half_written = self.path.with_suffix(".part")
        tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        save_file(tensors, half_written, {"run": json.dumps(card)})
        os.replace(half_written, self.path)
        if val is not None and len(val):
            G, training = self.generator, self.generator.training
            G.eval()
            with torch.no_grad():
                lr = downsample(to_float(val))
                picture = sheet(lr, G(lr), to_float(val))
            G.train(training)
            (self.out / "samples").mkdir(exist_ok=True)
            picture.save(self.out / "samples" / f"step-{self.step:06d}.png")

    def load(self) -> None:
        """Take over the state in `path`.

        Raises
        ------
        CheckpointError : missing, damaged, of another preset, seed or length; FacesError : of
            other faces.
        """
        if not self.path.exists():
            raise CheckpointError(f"no checkpoint to resume at {self.path}")
        try:
            with safe_open(self.path, framework="pt") as stored:
                card = json.loads(stored.metadata()["run"])
                tensors = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.path}: damaged, or no checkpoint ({error})") from error
        mine = json.loads(json.dumps(self.preset.to_dict()))
        for what, stored_value, value in (
            ("preset", card["preset"], mine),
            ("seed", card["seed"], self.seed),
            ("steps", card["steps"], self.steps),
            ("start", card["start"], self.start or card["start"]),  # the checkpoint holds its G
        ):
            if stored_value != value:
                raise CheckpointError(f"{self.path} was made with another {what}: {stored_value}")
        if card["data"]["crc32"] != self.data["crc32"]:
            raise FacesError(f"{self.path} was trained on other faces; give it the same ones")
        for name, network, optimiser in self._parts():
            prefix = f"{name}.optimiser."
            states: dict[int, dict[str, Tensor]] = {}
            for key in [k for k in tensors if k.startswith(prefix)]:
                index, slot = key.removeprefix(prefix).split(".")
                states.setdefault(int(index), {})[slot] = tensors.pop(key)
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": states, "param_groups": groups})
            weights = {k: v for k, v in tensors.items() if k.startswith(f"{name}.")}
            network.load_state_dict({k[len(name) + 1 :]: v for k, v in weights.items()})
        if self.averaged is not None:
            prefix = "averaged."
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            self.averaged.load_state_dict(state)
        self.step, self.seconds, self.history = card["step"], card["seconds"], card["history"]
        self.start = card["start"]
