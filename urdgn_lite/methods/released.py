"""The authors' released Torch7 code: its networks, its recipe, its balancing rule, its game.

Beside Algorithm 1 stands what the paper does not say: D sees one half of the batch real and the
other half generated, and a player who is too far ahead rests.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from urdgn_lite.degrade import downsample
from urdgn_lite.networks import GENERATORS, normed
from urdgn_lite.objective import discriminator_value, generator_loss
from urdgn_lite.optimiser import SCHEDULES
from urdgn_lite.presets import PRESETS, Preset
from urdgn_lite.run import Run
from urdgn_lite.train import GAMES, HR, Losses, g_step, resting


class Resize(nn.Sequential):
    """G of the authors' released code: nearest-neighbour enlargement, then a convolution.

    Parameters
    ----------
    widths : channels of the four hidden convolutions; (16, 64, 128, 256) in `released`.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        a, b, c, d = widths
        super().__init__(
            nn.Conv2d(3, a, 3, padding=1), *normed(a),  # b 16 16 16
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(a, b, 3, padding=1), *normed(b),  # b 64 32 32
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(b, c, 5, padding=2), *normed(c),  # b 128 64 64
            nn.UpsamplingNearest2d(scale_factor=2),
            nn.Conv2d(c, d, 5, padding=2), *normed(d),  # b 256 128 128
            nn.Conv2d(d, 3, 5, padding=2),  # b 3 128 128, linear
        )  # fmt: skip


def authors_schedule(step: int, total: int, steps_per_epoch: int) -> float:
    """Factor on η in the released code: 1/50 for 10 updates, 1/5 until the 30th, × 0.99 an epoch.

    The floor of 1e-3 is theirs as well: η = 0.001 never falls below 1e-6.
    """
    warm_up = 1 / 50 if step < 10 else 1 / 5 if step < 30 else 1.0
    return warm_up * max(0.99 ** (step // steps_per_epoch), 1e-3)


def balance(bce_real: float, bce_fake: float, margin: float = 0.3) -> tuple[bool, bool]:
    """The rule that keeps the two players level.

    Parameters
    ----------
    bce_real, bce_fake : −E[log D(h)] and −E[log(1 − D(ĥ))], each ≥ 0; log 2 ≈ 0.69 is a guess.

    Returns
    -------
    (update D?, update G?) : D rests when either half is below 0.3 (it wins too clearly), G when
        either is above 0.7 (D has lost track). If both would rest, both play.
    """
    update_d = min(bce_real, bce_fake) >= margin
    update_g = max(bce_real, bce_fake) <= 1 - margin
    return (update_d, update_g) if update_d or update_g else (True, True)


def play(run: Run, h: HR, rule: Callable[[float, float], tuple[bool, bool]] = balance) -> Losses:
    """One iteration of the released code.

    Raises
    ------
    ValueError : one face alone, which cannot be real and generated.
    """
    generated = run.G(downsample(h, run.preset.downsampling)).float()
    if run.D is None:
        return g_step(run, h, generated)
    if len(h) < 2:
        raise ValueError(f"{run.preset.name} shows D half of the faces: it needs two faces a step")
    half = len(h) // 2
    real, fake = h[:half], generated[half:].detach()
    z_real, z_fake = run.D(torch.cat([real, fake])).float().split([len(real), len(fake)])
    bce = {"bce_real": -logsigmoid(z_real).mean(), "bce_fake": -logsigmoid(-z_fake).mean()}
    d_plays, g_plays = rule(*(value.item() for value in bce.values()))
    if d_plays:
        run.opt_d.zero_grad()
        discriminator_value(z_real, z_fake).backward()
        run.opt_d.step()
    losses = {name: value.detach() for name, value in bce.items()}
    with resting(run.D) as D:
        p = run.preset
        z = D(generated).float()
        loss = generator_loss(z, generated, h, p.lam, p.adversarial, p.reduction)
        if g_plays:
            run.opt_g.zero_grad()
            loss.backward()
            run.opt_g.step()
    return losses | {"loss": loss.detach(), "mse": (generated.detach() - h).square().mean()}


SIZES = {"kind": "resize", "widths": (16, 64, 128, 256)}
RELEASED_D = {"widths": (32, 64, 128, 96), "hidden": 1024, "dropout": 0.2}
QUARTER = {"kind": "resize", "widths": (4, 16, 32, 64)}
QUARTER_D = {"widths": (8, 16, 32, 24), "hidden": 256, "dropout": 0.2}
RMSPROP = {"kind": "rmsprop", "alpha": 0.9, "eps_inside": False}

# fmt: off
GENERATORS["resize"] = Resize
GAMES["released"] = play
SCHEDULES["authors"] = authors_schedule
PRESETS |= {p.name: p for p in (
    Preset("released", SIZES, optimiser=RMSPROP, rate=1e-3, schedule="authors",
           batch=128, steps=11_500, downsampling="aliased", game="released"),
    Preset("released-gan", SIZES, RELEASED_D, 100.0, optimiser=RMSPROP, rate=1e-3,
           schedule="authors", batch=128, steps=11_500, downsampling="aliased", game="released"),
    # A quarter of all widths, which a CPU trains: as many faces as `paper-gan` sees, 15 epochs.
    Preset("released-quarter", QUARTER, optimiser=RMSPROP, rate=1e-3, schedule="authors",
           batch=128, steps=1755, downsampling="aliased", game="released"),
    Preset("released-quarter-gan", QUARTER, QUARTER_D, 100.0, optimiser=RMSPROP, rate=1e-3,
           schedule="authors", batch=128, steps=1755, downsampling="aliased", game="released",
           outcome="-1.25 dB on CelebA's test faces, after 84 minutes of 1 CPU core"),
)}
# fmt: on
