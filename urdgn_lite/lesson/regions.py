"""Which part of a face convinces D? Hide one, and see how far D's score falls."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite.measure.damages import Images

REGIONS = {  # name -> left, top, right, bottom in HR pixels; the eyes are at (44, 56), (84, 56)
    "eyes": (28, 46, 100, 66),
    "nose": (48, 64, 80, 88),
    "mouth": (40, 88, 88, 112),
    "forehead": (32, 16, 96, 38),
    "a corner": (0, 0, 32, 45),
}


def hide(h: Images, region: str) -> Images:
    """Paint a part of each face in the mean colour of that face; h stays as it is.

    Parameters
    ----------
    h : (b, 3, 128, 128) in [-1, 1].
    region : a key of `REGIONS`.

    Raises
    ------
    ValueError : no such region.
    """
    if region not in REGIONS:
        raise ValueError(f"no region {region!r}: there are {', '.join(REGIONS)}")
    left, top, right, bottom = REGIONS[region]
    hidden = h.clone()
    hidden[:, :, top:bottom, left:right] = h.mean((2, 3), keepdim=True)
    return hidden


@torch.no_grad()
def falls(D: nn.Module, h: Images) -> dict[str, Float[Tensor, " b"]]:
    """How far the logit of D falls for each face when a region is hidden; D without dropout.

    Logits, not σ(z): where D is sure, σ hardly moves. Above 0, that part spoke for "real".
    """
    training = D.training
    D.eval()
    before = D(h)
    found = {region: (before - D(hide(h, region))).flatten() for region in REGIONS}
    D.train(training)
    return found
