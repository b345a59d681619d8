"""The state of a training run: networks, optimisers, where it stands, its history."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from urdgn_lite import zoo
from urdgn_lite.muon import Muon
from urdgn_lite.networks import build_discriminator, build_generator
from urdgn_lite.optimiser import SCHEDULES, RMSprop
from urdgn_lite.presets import Preset, find
from urdgn_lite.provenance import circumstances

Start = nn.Module | Path | str | None  # what G begins as: see `train.train`
Place = Path | str | None  # a folder
OPTIMISERS = {"rmsprop": RMSprop, "adamw": torch.optim.AdamW, "muon": Muon}


def build_optimiser(network: nn.Module, preset: Preset, *, maximize: bool = False) -> Any:
    """The preset's optimiser for one player; D's ascends (`maximize`)."""
    arguments = {"maximize": maximize, "lr": preset.rate, **preset.optimiser}
    return OPTIMISERS[arguments.pop("kind")](network.parameters(), **arguments)


@dataclass
class Run:
    """A training run of `preset.steps` steps.

    Attributes
    ----------
    G, D, opt_g, opt_d : the players (D is None where λ = ∞) and their optimisers.
    averaged : the moving average of G's weights, where the preset asks for one.
    data : source, number and checksum of the faces.
    start : name, steps and seconds of the generator that G began as; empty if it was drawn.
    step, seconds, history : where it stands, and the reports on the way.
    """

    preset: Preset
    seed: int
    data: dict[str, Any]
    out: Path | None
    G: nn.Module
    D: Any
    opt_g: Any
    opt_d: Any
    averaged: AveragedModel | None = None
    start: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begin(
        cls, preset: Preset, seed: int = 0, start: Start = None, data: Any = None, out: Place = None
    ) -> Self:
        """A new run; G is drawn from the seed, or a copy of `start` (see `train.train`)."""
        torch.manual_seed(seed)
        G, D = build_generator(preset), build_discriminator(preset)
        begun = zoo.copy_start(G, preset.start if start is None else start)
        for network in filter(None, (G, D)):  # the layout that convolutions are fastest in
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        opt_g, opt_d = build_optimiser(G, preset), D and build_optimiser(D, preset, maximize=True)
        place = Path(out) if out else None
        run = cls(preset, seed, data or {}, place, G, D, opt_g, opt_d, start=begun)
        if preset.average:
            averaging = get_ema_multi_avg_fn(preset.average)
            run.averaged = AveragedModel(G, multi_avg_fn=averaging, use_buffers=True)
        return run

    @property
    def steps(self) -> int:
        """Steps in all: K of Algorithm 1."""
        return self.preset.steps

    @property
    def done(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self.steps

    @property
    def epoch(self) -> int:
        """Steps an epoch."""
        return max(1, self.data["n"] // self.preset.batch)

    @property
    def generator(self) -> nn.Module:
        """What the run is for: G, or the moving average of its weights."""
        return self.G if self.averaged is None else self.averaged.module

    def to(self, device: torch.device | str) -> Self:
        """Move the networks to a device, ready to train; returns itself."""
        for network in filter(None, (self.G, self.D, self.averaged)):
            network.to(device).train()
        return self

    def set_learning_rates(self) -> None:
        """Give both optimisers the learning rate η of the next step."""
        schedule = find(SCHEDULES, self.preset.schedule, "schedule")
        eta = self.preset.rate * schedule(self.step, self.steps, self.epoch)
        for optimiser in filter(None, (self.opt_g, self.opt_d)):
            for group in optimiser.param_groups:
                group["lr"] = eta

    def card(self) -> dict[str, Any]:
        """How the weights came about."""
        made = {"preset": self.preset.to_dict(), "steps": self.steps, "seed": self.seed}
        made |= {"start": self.start, "data": self.data, "step": self.step}
        made |= {"seconds": round(self.seconds, 1), **circumstances()}
        return made | {"history": self.history}
