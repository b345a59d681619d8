"""[16] Dong et al. 2014 learns 2 × enlargement from true pairs, and is then applied three times."""

from __future__ import annotations

from typing import cast

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor

from urdgn_lite.compared_networks import SRCNN
from urdgn_lite.methods.lapgan import pyramid
from urdgn_lite.objective import pixel_term
from urdgn_lite.run import Run


def play(run: Run, h: Float[Tensor, "b 3 128 128"], accelerator: Accelerator) -> dict[str, Tensor]:
    """One step on pairs of 16 → 32, 32 → 64 and 64 → 128 pixels, in turn; of the last a quarter.

    Every pass learns from true images of half the size. At test time the later ones are handed
    what the earlier ones made; that they were never shown (Sect. 4.2: a 2 × method, "repeatedly").

    Returns the value of the loss, still on the device.
    """
    run.set_learning_rates()
    small, true = pyramid(h)[run.step % 3 :][:2]
    y, x = torch.randint(max(1, small.shape[-1] - 31), (2,)).tolist()
    small, true = small[..., y : y + 32, x : x + 32], true[..., 2 * y :, 2 * x :][..., :64, :64]
    with accelerator.autocast():
        enlarged = cast(SRCNN, run.plain(run.G)).enlarge(small)
    loss = pixel_term(enlarged.float(), true)
    run.opt_g.zero_grad()
    accelerator.backward(loss)
    run.opt_g.step()
    return {"loss": loss.detach(), "mse": loss.detach()}
