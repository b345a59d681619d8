"""Eyes alone, 4 × 10 to 32 × 80 pixels: so small a task that a GAN learns it while you watch."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.faces import load as load_faces
from urdgn_lite.networks import Block

TOP, LEFT, BOTTOM, RIGHT = 40, 24, 72, 104  # pixels of the face: both eyes, most of the brows


def load(
    split: str = "train", limit: int | None = None
) -> tuple[Float[Tensor, "n 3 4 10"], Float[Tensor, "n 3 32 80"]]:
    """LR and HR eyes of the imaginary faces, in [-1, 1].

    Each LR pair of eyes is cut out of the LR face, so it is what `downsample` makes of the whole.

    Parameters
    ----------
    split, limit : as in `faces.load`.
    """
    faces = load_faces("imaginary", split, limit=limit).images
    l, h = [], []
    for few in map(to_float, faces.split(100)):  # so that not all faces are float at once
        l.append(downsample(few)[..., TOP // 8 : BOTTOM // 8, LEFT // 8 : RIGHT // 8])
        h.append(few[..., TOP:BOTTOM, LEFT:RIGHT])
    return torch.cat(l), torch.cat(h)


def bicubic(l: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 8*h 8*w"]:
    """Enlarge eight times, with the kernel of `degrade.upsample_bicubic`."""
    return interpolate(l, scale_factor=8, mode="bicubic", antialias=True)


class Generator(nn.Module):
    """G: bicubic, plus what four residual blocks at LR size add; starts at bicubic."""

    def __init__(self, width: int = 48, blocks: int = 4) -> None:
        super().__init__()
        last = nn.Conv2d(width, 3 * 64, 3, padding=1)  # the 8 × 8 colours of each LR pixel
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        body = (Block(width) for _ in range(blocks))
        self.detail = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), *body, last, nn.PixelShuffle(8)
        )

    def forward(self, l: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 8*h 8*w"]:
        return bicubic(l) + self.detail(l)


class Discriminator(nn.Sequential):
    """D: three convolutions that halve the side, and a linear layer. Returns logits (b, 1)."""

    def __init__(self, a: int = 32, b: int = 64, c: int = 96) -> None:
        super().__init__(
            nn.Conv2d(3, a, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # b a 16 40
            nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # b b 8 20
            nn.Conv2d(b, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # b c 4 10
            nn.Flatten(), nn.Linear(c * 4 * 10, 1),
        )  # fmt: skip
