"""PSNR and SSIM in RGB and on luma, gains over bicubic, sharpness, LR consistency, LPIPS.

All take float images in [-1, 1], clamp and round them to 8 bits first (a result is a file), and
return one value a face. They average over faces, never over pixels of different faces. Images that
are not float, hold NaN or reach far beyond that range are refused with a ValueError: a photo of
bytes would count as white, and a broken one get a number.
"""

import hashlib
import inspect
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from urdgn_lite.degrade import check_float, downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.measure._compat import import_torchvision

import_torchvision()  # before torchmetrics asks for it

from torchmetrics.functional.image import (  # noqa: E402
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)
from torchmetrics.functional.image.lpips import _LPIPS  # noqa: E402

Images = Float[Tensor, "b 3 h w"]
PerFace = Float[Tensor, " b"]
Measure = Callable[[Images, Images], PerFace]
FURTHEST = 4.0  # networks overshoot [-1, 1]; what reaches further has another range
WINDOW = 11  # pixels a side, of SSIM
ALEXNET = "alexnet-owt-7be5be79.pth"
# What its SHA-256 may begin with: torchvision's own file carries eight digits of it in its name;
# the other one is a copy with the classifier set to zero, which LPIPS never looks at.
ALEXNET_SHA256 = ("7be5be79", "94f7b06438b846e0ae4b749b218ef29d1cc01f0eec9aae6f0d9b4a56d221535f")


class MetricUnavailableError(ValueError):
    """A metric lacks something optional here; the message says what, for "not measured, …"."""


def _checked(images: Tensor) -> Tensor:
    check_float(images)
    if images.numel() and not (furthest := images.abs().max().item()) <= FURTHEST:
        raise ValueError(
            f"images must lie in [-1, 1], up to some overshoot, and these reach {furthest:.4g}: "
            "0 … 255 is mapped there by x / 127.5 - 1; NaN and inf come from a broken network"
        )
    return images


def _bytes(images: Images) -> Tensor:
    return to_uint8(_checked(images)).float()


def luma(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Y of ITU-R BT.601 as MATLAB and most super-resolution papers compute it: 16 … 235.

    `images` holds RGB values 0 … 255.
    """
    r, g, b = images.unbind(1)
    return (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255).unsqueeze(1)


def psnr(generated: Images, real: Images, *, y: bool = False) -> PerFace:
    """10 log₁₀(255² / MSE) a face in dB, over RGB, or over luma with `y`. Equal faces: inf."""
    a, b = _bytes(generated), _bytes(real)
    if y:
        a, b = luma(a), luma(b)
    return peak_signal_noise_ratio(a, b, data_range=255.0, reduction="none", dim=(1, 2, 3))


def ssim(generated: Images, real: Images, *, y: bool = False) -> PerFace:
    """Structural similarity a face, ≤ 1; Gaussian window 11, σ 1.5 (Wang et al., 2004).

    Averaged over the places where the window fits into the image, as in the authors' MATLAB code
    and in scikit-image; torchmetrics' own average takes in the mirrored border.

    Raises
    ------
    ValueError : images smaller than the window.
    """
    if min(generated.shape[-2:]) < WINDOW:
        h, w = generated.shape[-2:]
        raise ValueError(f"SSIM's window of {WINDOW} × {WINDOW} does not fit into {h} × {w} pixels")
    a, b = _bytes(generated), _bytes(real)
    if y:
        a, b = luma(a), luma(b)
    _, similarity = structural_similarity_index_measure(
        a, b, data_range=255.0, sigma=1.5, reduction="none", return_full_image=True
    )
    return similarity[..., 5:-5, 5:-5].mean((1, 2, 3))


def gain(
    generated: Images, lr: Float[Tensor, "b 3 s s"], real: Images, measure: Measure = psnr
) -> PerFace:
    """What a measure says of each result minus what it says of the bicubic one of the same LR face.

    The paper's own gain in PSNR is 24.82 − 23.22 dB (Table 1).
    """
    bicubic = upsample_bicubic(lr, real.shape[-1])
    return difference(measure(generated, real), measure(bicubic, real))


def difference(values: PerFace, baseline: PerFace) -> PerFace:
    """What values gain over others, a face: two infinite PSNRs (of a flat face) are equal."""
    return torch.where(values == baseline, 0, values - baseline)


def sharpness(generated: Images, real: Images) -> PerFace:
    """Mean difference of neighbouring pixels, across and down, ÷ that of the true face.

    1 is as sharp as the face itself. It cannot tell right detail from invented, nor from noise.
    """
    a, b = _bytes(generated), _bytes(real)
    mine, theirs = (
        x.diff(dim=3).abs().mean((1, 2, 3)) + x.diff(dim=2).abs().mean((1, 2, 3)) for x in (a, b)
    )
    return mine / theirs.clamp(min=1e-3)


def lr_consistency(generated: Images, lr: Float[Tensor, "b 3 s s"]) -> PerFace:
    """PSNR in dB between the result, downsampled again, and the LR face it was made from.

    A faithful result explains its input: its own LR image *is* the input. High is good; it says
    nothing about whether the invented detail is the right one.
    """
    return psnr(downsample(_checked(generated).clamp(-1, 1), size=lr.shape[-1]), lr)


@torch.no_grad()
def lpips(generated: Images, real: Images) -> PerFace:
    """Learned perceptual distance a face on AlexNet, ≥ 0; 0 for equal faces. Low is good.

    Implements LPIPS v0.1 of Zhang et al. (2018): distance of unit-length features at the five
    ReLUs, weighted by heads that were fitted to human judgements. Faces are not resized.

    Raises
    ------
    MetricUnavailableError : AlexNet's weights are not where `torch.hub` keeps them (`TORCH_HOME`
        moves it), or are others. Nothing is ever downloaded here.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET
    if not path.is_file():
        raise MetricUnavailableError(f"LPIPS needs AlexNet's weights at {path} (see TORCH_HOME)")
    network = _lpips_network(path).to(generated.device)
    return network(*(to_float(to_uint8(_checked(x))) for x in (generated, real))).flatten()


@cache
def _lpips_network(path: Path) -> nn.Module:
    """The network, built once a process; the global random state stays as it was.

    Both its files are in torch's own format. torchvision would unpickle one of them as it is; here
    `weights_only` admits tensors and nothing else, and AlexNet is checked before it is opened.
    """
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(ALEXNET_SHA256):
        raise MetricUnavailableError(f"{path} is damaged, or not the AlexNet of LPIPS")
    heads = Path(inspect.getfile(_LPIPS)).parent / "lpips_models" / "alex.pth"
    with torch.random.fork_rng(devices=[]):
        network = _LPIPS(pretrained=False, pnet_rand=True, net="alex")
    load = partial(torch.load, map_location="cpu", weights_only=True)
    network.load_state_dict(load(heads), strict=False)
    alexnet = load(path)
    for name, value in network.net.state_dict().items():  # "slice2.3.weight" <- "features.3.weight"
        value.copy_(alexnet[f"features.{name.partition('.')[2]}"])
    return network
