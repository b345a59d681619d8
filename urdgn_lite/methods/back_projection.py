"""Global back-projection: the last stage of [7] and of [10], and all their LR consistency."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate


def resize(images: Float[Tensor, "b c h h"], size: int) -> Float[Tensor, "b c {size} {size}"]:
    """The bicubic of the protocol both ways, any channels, unrounded: a stage is not a file yet."""
    return interpolate(images, size=(size, size), mode="bicubic", antialias=True)


def back_project(
    images: Float[Tensor, "b c h h"], lr: Float[Tensor, "b c s s"], steps: int
) -> Float[Tensor, "b c h h"]:
    """Add what is missing in the LR image, enlarged, `steps` times: x ← x + U(l − S x).

    Implements the global constraint of Yang et al. 2010, after Irani & Peleg 1991.
    """
    for _ in range(steps):
        missing = lr - resize(images, lr.shape[-1])
        images = images + resize(missing, images.shape[-1])
    return images


def inconsistency(images: Float[Tensor, "b c h h"], lr: Float[Tensor, "b c s s"]) -> float:
    """Root mean square of l − S x, in grey levels of 255."""
    return 127.5 * (lr - resize(images, lr.shape[-1])).square().mean().sqrt().item()
