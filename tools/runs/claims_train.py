"""Short trainings behind `results/claims/`: jittered faces (C20), noise in (C45), growth (C32).

    python tools/runs/claims_train.py {jitter,noise,growth} [--steps N] [--faces celeba128]

Each run lies in `runs/claims/` and goes on where it was stopped; its row goes to the ledger.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from claims_faces import found
from PIL import Image
from rows import about, gain, trained
from torch import Tensor, nn

from urdgn_lite import faces, networks, presets, store
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.faces import Faces
from urdgn_lite.measure import metrics
from urdgn_lite.measure.evaluate import ledger, summary
from urdgn_lite.methods import Network

JITTER = (0, 2, 8)  # px of HR: standard deviation of where the eyes are
SIDES = (32, 64, 128)
IMAGINED = 64  # side of what a GAN makes of noise, as in [19]
SHOWN = 200  # faces that the detector looks at


class Growing(nn.Sequential):
    """`lite` with as many doublings as the side needs, and half as wide.

    Parameters
    ----------
    side : of its pictures.
    width : channels that it ends with; twice as many before each doubling.
    """

    def __init__(self, side: int, width: int = 8) -> None:
        w = width * side // 16
        layers = [nn.Conv2d(3, w, 5, padding=2), nn.BatchNorm2d(w), nn.ReLU(inplace=True)]
        for _ in range(int(math.log2(side // 16))):
            layers += [nn.ConvTranspose2d(w, w // 2, 4, stride=2, padding=1)]
            w //= 2
            layers += [nn.BatchNorm2d(w), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Conv2d(w, 3, 3, padding=1))


class GrowingD(nn.Sequential):
    """D of `lite-gan`, with as many poolings as lead from the side to 8 × 8, and half as wide."""

    def __init__(self, side: int, width: int = 8) -> None:
        layers: list[nn.Module] = []
        before = 3
        for after in (width, 2 * width, 4 * width, 4 * width)[: int(math.log2(side // 8))]:
            layers += [nn.Conv2d(before, after, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()]
            layers += [nn.Dropout2d(0.2)]
            before = after
        layers += [nn.Flatten(), nn.Linear(before * 64, 128), nn.ReLU(), nn.Dropout(0.5)]
        super().__init__(*layers, nn.Linear(128, 1))


class Imagining(nn.Module):
    """A GAN's generator: noise z in, 64 × 64 out, whatever face it is given.

    Parameters
    ----------
    connected : z, 128 values, goes through a fully connected layer to 32 maps of 16 × 16; else
        z, 3 × 16 × 16 values, goes to the same convolutions at once (Fig. 3 c).
    """

    def __init__(self, connected: bool) -> None:
        super().__init__()
        self.rest = Growing(IMAGINED)
        self.shape = [128] if connected else [3, 16, 16]
        if connected:
            norm = nn.BatchNorm2d(32)
            self.rest[0] = nn.Sequential(nn.Linear(128, 32 * 256), nn.Unflatten(1, (32, 16, 16)))
            self.rest[1] = norm

    def imagine(self, z: Tensor) -> Tensor:
        """The pictures of some z."""
        return self.rest(z)

    def forward(self, lr: Tensor) -> Tensor:
        return self.imagine(torch.randn(len(lr), *self.shape, device=lr.device))


def jitter(hr: Faces, steps: int, out: Path) -> dict:
    """`residual-s` on faces moved at random, by σ px in x and y; tested aligned and unaligned."""
    tests = {
        "aligned": faces.load(hr.source, "test"),
        "unaligned": faces.load(f"{hr.source}-test-unaligned", "test"),
    }
    found_rows = {}
    for sigma in JITTER:
        share = sigma * math.sqrt(3) / 128  # uniform in ±√3 σ has the deviation σ
        preset = presets.get("residual-s").but(affine=(0.0, 0.0, share))
        run = trained(preset, hr, steps=steps, out=out / f"jitter-{sigma}")
        G = run.G.cpu().eval()
        found_rows[str(sigma)] = {
            name: gain(G, some) | {"n": len(some)} for name, some in tests.items()
        } | about(run, len(tests["aligned"]))
        write("jitter", found_rows)
    return found_rows


def smaller(some: Faces, side: int) -> Faces:
    """The faces at another side."""
    if side == some.images.shape[-1]:
        return some
    parts = (to_uint8(downsample(to_float(p), size=side)) for p in some.images.split(500))
    return replace(some, images=torch.cat([*parts]))


@torch.no_grad()
def noise(hr: Faces, steps: int, out: Path) -> dict:
    """Noise in, λ = 0: in how many of the pictures is there a face?"""
    networks.GENERATORS["imagining"], networks.DISCRIMINATORS["growing"] = Imagining, GrowingD
    small, rows = smaller(hr, IMAGINED), {}
    rows["real"] = found(enlarged(small.images[:SHOWN]))
    for name, connected in (("connected", True), ("convolutions alone", False)):
        preset = presets.get("gan").but(
            name=f"noise, {name}",
            batch=16,
            rate=4e-4,
            game="released",
            generator={"kind": "imagining", "connected": connected},
            discriminator={"kind": "growing", "side": IMAGINED},
        )
        with torch.enable_grad():
            run = trained(preset, small, steps=steps, out=out / f"noise-{connected}")
        G = run.G.cpu().eval()
        z = torch.randn(SHOWN, *G.shape, generator=torch.Generator().manual_seed(0))
        made = to_uint8(G.imagine(z))
        row = np.concatenate([*made[:8].permute(0, 2, 3, 1).numpy()], 1)
        Image.fromarray(row).save(ledger() / "claims" / f"noise-{name.split()[-1]}.png")
        rows[name] = found(enlarged(made)) | about(run, SHOWN)
        write("noise", rows)
    return rows


def enlarged(images: Tensor) -> Tensor:
    """8-bit pictures at 128 × 128, as the detector is given them."""
    return to_uint8(upsample_bicubic(to_float(images)))


@torch.no_grad()
def growth(hr: Faces, steps: int, out: Path) -> dict:
    """λ = 0 and λ = 100 at 32², 64², 128² from the same 16²: what becomes of the LR face."""
    networks.GENERATORS["growing"], networks.DISCRIMINATORS["growing"] = Growing, GrowingD
    test = faces.load(hr.source, "test")
    rows: dict[str, dict] = {}
    for side in SIDES:
        small = smaller(hr, side)
        for lam in (100.0, 0.0):
            name = f"{side}, λ = {lam:g}"
            preset = presets.get("lite-gan").but(
                name=f"growing-{side}",
                lam=lam,
                average=0.0,
                start="",
                generator={"kind": "growing", "side": side},
                discriminator={"kind": "growing", "side": side},
            )
            with torch.enable_grad():
                run = trained(preset, small, steps=steps, out=out / f"growth-{side}-{lam:g}")
            G = Network(run.G.cpu().eval())
            rows[name] = grown(G, test, side) | about(run, len(test))
            write("growth", rows)
    return rows


@torch.no_grad()
def grown(G: Network, test: Faces, side: int) -> dict:
    """Gain over bicubic at this side, LR consistency, sharpness, and faces that dlib finds."""
    gains, keeps, sharp, made = [], [], [], []
    for part in test.images.split(50):
        h = to_float(part)
        h, lr = (downsample(h, size=side) if side != 128 else h), downsample(h)
        y = G(lr)
        gains.append(metrics.psnr(y, h) - metrics.psnr(upsample_bicubic(lr, side), h))
        keeps.append(metrics.psnr(downsample(y), downsample(h)))
        sharp.append(metrics.sharpness(y, h))
        made.append(enlarged(to_uint8(y)))
    row: dict = {}
    people = test.people()
    for name, values in (("gain_psnr", gains), ("lr_consistency", keeps), ("sharpness", sharp)):
        row |= summary(name, torch.cat(values), people)
    return row | found(torch.cat(made)[::2], people[::2])


def write(name: str, rows: dict) -> None:
    """Keep the rows in the ledger."""
    store.write_json(ledger() / "claims" / f"{name}.json", rows)


def main() -> None:
    """Train, or go on, and write the rows."""
    kinds = {"jitter": (jitter, 1500), "noise": (noise, 1500), "growth": (growth, 1000)}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--limit", type=int, help="faces to learn from; all without it")
    parser.add_argument("--out", type=Path, default=Path("runs/claims"))
    given = parser.parse_args()
    measure, steps = kinds[given.kind]
    rows = measure(
        faces.load(given.faces, "train", limit=given.limit), given.steps or steps, given.out
    )
    print(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
