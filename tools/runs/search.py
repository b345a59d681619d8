"""Short, equal runs of what `residual` might have been: `python tools/runs/search.py`.

Each candidate is trained alike (steps, batch, seed, faces) and measured on validation faces; the
table goes to `results/search.json`. What is there already is not run again.
"""

import argparse
from functools import cache
from pathlib import Path

import torch
from rows import about, fill, trained
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle
from torch.utils.flop_counter import FlopCounterMode

from urdgn_lite import faces, methods, networks, presets, train
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.measure.evaluate import evaluate, ledger
from urdgn_lite.methods import Network
from urdgn_lite.networks import Block, count_parameters
from urdgn_lite.run import Run


class Gated(nn.Module):
    """A residual block whose channels are weighed by what the whole face looks like."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = Block(width)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, width // 8, 1),
            nn.ReLU(),
            nn.Conv2d(width // 8, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        change = self.block(x) - x
        return x + change * 2 * self.gate(change)


class Mixing(nn.Module):
    """x + conv(relu(x · W)): W mixes the 16 × 16 places of all channels alike."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = nn.Linear(256, 256)
        self.channels = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.channels.weight)
        nn.init.zeros_(self.channels.bias)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.places(x.flatten(2)).view_as(x)
        return x + self.channels(torch.relu(mixed))


class Candidate(nn.Module):
    """`networks.Residual` with what it might have been instead.

    Parameters
    ----------
    width, blocks, middle : as there.
    late : residual blocks at 32 × 32, `middle` wide.
    rise : how 32 × 32 comes about: "shuffle", "resize" (nearest + convolution), or "once" (one
        pixel shuffle × 8 from 16 × 16, nothing at 32 × 32).
    gated : use `Gated` blocks.
    places : learn a map that is added at 16 × 16, so that the network knows where it is.
    mixing : let every place see every other after each second block but the last.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 8,
        middle: int = 32,
        late: int = 0,
        rise: str = "shuffle",
        gated: bool = False,
        places: bool = False,
        mixing: bool = False,
    ) -> None:
        super().__init__()
        kind = Gated if gated else Block
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.places = nn.Parameter(torch.zeros(1, width, 16, 16)) if places else None
        body: list[nn.Module] = [kind(width) for _ in range(blocks)]
        for place in reversed(range(2, blocks, 2)) if mixing else ():
            body.insert(place, Mixing(width))
        self.body = nn.Sequential(*body)
        if rise == "once":
            self.up: nn.Module = nn.Identity()
            self.factor, middle = 8, width
        elif rise == "resize":
            grow = [nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(width, middle, 3, padding=1)]
            self.up, self.factor = nn.Sequential(*grow, nn.ReLU()), 4
        else:
            grow = [nn.Conv2d(width, 4 * middle, 3, padding=1), nn.PixelShuffle(2), nn.ReLU()]
            self.up, self.factor = nn.Sequential(*grow), 4
        self.late = nn.Sequential(*(Block(middle) for _ in range(late)))
        self.last = nn.Conv2d(middle, 3 * self.factor**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.head(lr)
        if self.places is not None:
            x = x + interpolate(self.places, x.shape[-2:])
        detail = self.last(self.late(self.up(self.body(x))))
        return upsample_bicubic(lr, 8 * lr.shape[-1]) + pixel_shuffle(detail, self.factor)


def recoloured(run: Run, h: Tensor) -> train.Losses:
    """The iteration with faces whose three colours are stretched and shifted by up to a tenth."""
    stretch, shift = 0.1 * (torch.rand(2, len(h), 3, 1, 1) * 2 - 1)
    return train.algorithm_1(run, (h * (1 + stretch) + shift).clamp(-1, 1))


@cache
def teacher() -> methods.Method:
    """What the package holds after a long run, with the mirrored face averaged in."""
    return methods.get("residual+")


def taught(run: Run, h: Tensor) -> train.Losses:
    """The iteration with a target half-way between the face and the teacher's answer.

    For G's gradient that is the mean of two pixel terms, one against each.
    """
    l = downsample(h)
    return train.g_step(run, (h + teacher()(l).float()) / 2, run.G(l).float())


train.GAMES |= {"recoloured": recoloured, "taught": taught}

AT_FIRST = {  # the preset has changed by what won here
    "optimiser": {"kind": "adamw"},
    "rate": 1e-3,
    "batch": 16,
    "affine": (0.0, 0.0, 0.0),
}
SMALL_TURNS = {"affine": (3.0, 0.03, 0.02)}
CANDIDATES: dict[str, tuple[dict, dict]] = {  # name -> (network, recipe)
    "residual": ({}, {}),
    "rate 2e-3": ({}, {"rate": 2e-3}),
    "constant rate": ({}, {"schedule": "constant"}),
    "moving average 0.999": ({}, {"average": 0.999}),
    "small turns": ({}, SMALL_TURNS),
    "deeper: 11 blocks": ({"blocks": 11}, {}),
    "wider: 80 channels, 6 blocks": ({"width": 80, "blocks": 6}, {}),
    "4 blocks at 16², 8 at 32²": ({"blocks": 4, "late": 8, "middle": 48}, {}),
    "one shuffle × 8": ({"rise": "once"}, {}),
    "nearest + convolution": ({"rise": "resize"}, {}),
    "channel gates": ({"gated": True}, {}),
    "a learnt map of places": ({"places": True}, {}),
    "64 channels at 32²": ({"middle": 64}, {}),
    "places mixed after blocks 2, 4, 6": ({"mixing": True}, {}),
    "other colours": ({}, {"game": "recoloured"}),
    "taught by residual+": ({}, {"game": "taught"}),
}


def measure(name: str, hr: faces.Faces, val: faces.Faces, steps: int, out: Path) -> dict:
    """Train one candidate, or go on, and measure it, also with the mirrored face averaged in."""
    network, recipe = CANDIDATES[name]
    networks.GENERATORS["candidate"] = Candidate
    preset = presets.get("residual").but(
        name="candidate", generator={"kind": "candidate"} | network
    )
    out = out / f"{steps}-{name}".replace(" ", "-").replace(":", "")
    run = trained(preset.but(**AT_FIRST | recipe), hr, steps=steps, out=out)
    G = run.generator.cpu().eval()  # the averaged one where the recipe asks for it
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        G(torch.zeros(1, 3, 16, 16))
    method = Network(G)
    plain = evaluate(method, val)
    method.mirrored = True
    mirrored = evaluate(method, val)
    gains = {name: plain[name] for name in ("gain_psnr", "gain_ssim")}
    gains |= {"gain_psnr_mirrored": mirrored["gain_psnr"]}
    cost = {"parameters": count_parameters(G), "gmac": round(counter.get_total_flops() / 2e9, 3)}
    return cost | gains | about(run, len(val))


def main() -> None:
    """Run what the table does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/search"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--faces", default="celeba128")
    options = parser.parse_args()
    hr, val = (faces.load(options.faces, split) for split in ("train", "val"))
    fill(
        ledger() / "search.json",
        CANDIDATES,
        lambda name: measure(name, hr, val, options.steps, options.out),
    )


if __name__ == "__main__":
    main()
