"""[16] Dong et al. 2014 learns 2 × enlargement from true pairs, and is then applied three times."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite.degrade import upsample_bicubic
from urdgn_lite.methods.lapgan import pyramid
from urdgn_lite.networks import GENERATORS
from urdgn_lite.objective import pixel_term
from urdgn_lite.presets import PRESETS, Preset
from urdgn_lite.run import Run
from urdgn_lite.train import GAMES


class SRCNN(nn.Sequential):
    """Three convolutions (9-1-5, 64-32 channels) that mend the bicubic image, in colour.

    Implements the network of Dong et al. (2014), 20,099 parameters. As in Sect. 4.2 of Yu and
    Porikli it enlarges 2 × and is applied three times, 16 → 32 → 64 → 128 (430 MMAC a face).

    Parameters
    ----------
    factor : of one pass; 8 does it at once (328 MMAC), as `srcnn-8x`.
    widths : channels of the two hidden convolutions.
    """

    def __init__(self, factor: int = 2, widths: Sequence[int] = (64, 32)) -> None:
        a, b = widths
        super().__init__(
            nn.Conv2d(3, a, 9, padding=4), nn.ReLU(),  # patches of the bicubic image
            nn.Conv2d(a, b, 1), nn.ReLU(),  # what they mean
            nn.Conv2d(b, 3, 5, padding=2),  # sharp patches, averaged
        )  # fmt: skip
        self.factor = factor

    def enlarge(self, low: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 n n"]:
        """One pass, by `factor`."""
        return super().forward(upsample_bicubic(low.float(), self.factor * low.shape[-1]))

    def forward(self, lr: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 8*s 8*s"]:
        images, size = lr, 8 * lr.shape[-1]
        while images.shape[-1] < size:
            images = self.enlarge(images)
        return images


def play(run: Run, h: Float[Tensor, "b 3 128 128"]) -> dict[str, Tensor]:
    """One step on pairs of 16 → 32, 32 → 64 and 64 → 128 pixels, in turn; of the last a quarter.

    Every pass learns from true images of half the size. At test time the later ones are handed
    what the earlier ones made; that they were never shown (Sect. 4.2: a 2 × method, "repeatedly").

    Returns the value of the loss, still on the device.
    """
    small, true = pyramid(h)[run.step % 3 :][:2]
    y, x = torch.randint(max(1, small.shape[-1] - 31), (2,)).tolist()
    small, true = small[..., y : y + 32, x : x + 32], true[..., 2 * y :, 2 * x :][..., :64, :64]
    loss = pixel_term(cast(SRCNN, run.G).enlarge(small).float(), true)
    run.opt_g.zero_grad()
    loss.backward()
    run.opt_g.step()
    return {"loss": loss.detach(), "mse": loss.detach()}


# fmt: off
GENERATORS["srcnn"] = SRCNN
GAMES["true pairs"] = play
PRESETS |= {p.name: p for p in (  # AdamW and a cosine instead of the SGD that took days
    Preset("srcnn", {"kind": "srcnn", "factor": 2}, rate=1e-3, batch=16, steps=5000,
           game="true pairs"),  # 937 steps are an epoch
    Preset("srcnn-8x", {"kind": "srcnn", "factor": 8}, rate=1e-3, batch=8, steps=600),
)}
# fmt: on
