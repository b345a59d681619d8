"""Does the result still show the same person? dlib's face embedding, an optional extra.

`pip install 'urdgn_lite[identity]'` brings dlib and its network. A face becomes 128 numbers; two
photographs of one person lie close to each other.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, normalize

from urdgn_lite.degrade import SIZE, to_float, to_uint8
from urdgn_lite.faces import EYES
from urdgn_lite.measure.metrics import Images, MetricUnavailableError, PerFace
from urdgn_lite.progress import bar

CHIP = 150  # dlib looks at 150 × 150 "chips"
CHIP_EYES = ((47.7, 47.1), (100.3, 47.1))  # where its 5-point aligner puts the two eyes

Embeddings = Float[Tensor, "b 128"]


def embed(images: Images) -> Embeddings:
    """The embedding of each face by dlib's ResNet; about a quarter of a second a face on a CPU.

    No face is detected: the chip is the same crop of every face, the one that moves the eyes of
    the default frame (`faces.EYES`) to where dlib expects them. It is bicubic, rounded to 8 bits
    before and after, and repeats the edge where it leaves the picture (8 of 150 rows, the chin).
    So it means most on aligned faces.

    Parameters
    ----------
    images : faces of 128 × 128 in [-1, 1].

    Raises
    ------
    MetricUnavailableError : the extra is not installed.
    """
    network = _network()
    chips = to_uint8(chip(images)).permute(0, 2, 3, 1).cpu().numpy()
    shown = bar(chips, "identity", show=len(chips) > 50, leave=False)
    found = [list(network.compute_face_descriptor(c.copy())) for c in shown]
    return torch.tensor(found, dtype=torch.float32).view(-1, 128)


def chip(images: Images) -> Float[Tensor, "b 3 150 150"]:
    """The part of each face that dlib's network looks at, see `embed`."""
    (left, y), (right, _) = EYES
    (u_left, v), (u_right, _) = CHIP_EYES
    zoom = (right - left) / (u_right - u_left)  # pixels of the face to one of the chip
    middle = (CHIP - 1) / 2  # of the chip; where it falls in the face, in half sides from its own:
    tx = 2 * (left + zoom * (middle - u_left) + 0.5) / SIZE - 1
    ty = 2 * (y + zoom * (middle - v) + 0.5) / SIZE - 1
    scale = zoom * CHIP / SIZE
    theta = torch.tensor([[scale, 0, tx], [0, scale, ty]], device=images.device)
    size = [len(images), 3, CHIP, CHIP]
    grid = affine_grid(theta.expand(len(images), 2, 3), size, align_corners=False)
    return grid_sample(to_float(to_uint8(images)), grid, "bicubic", "border", align_corners=False)


def dlib_weights(name: str) -> str:
    """Path of a model of dlib's, in a package that is found, not imported: that needs setuptools.

    Raises
    ------
    MetricUnavailableError : the extra is not installed.
    """
    found = find_spec("face_recognition_models")
    if found is None or found.origin is None or find_spec("dlib") is None:
        raise MetricUnavailableError("identity needs dlib: pip install 'urdgn_lite[identity]'")
    return str(Path(found.origin).parent / "models" / name)


@cache
def _network() -> Any:
    weights = dlib_weights("dlib_face_recognition_resnet_model_v1.dat")
    import dlib

    return dlib.face_recognition_model_v1(weights)


def cosine(generated: Embeddings, real: Embeddings) -> PerFace:
    """Cosine of the angle between the embeddings of a result and of its true face, ≤ 1.

    dlib's embeddings share a direction: even different people reach some 0.8. Compare methods by
    it, and don't read it as a share.
    """
    return (normalize(generated) * normalize(real)).sum(1)


def rank1(generated: Embeddings, real: Embeddings, identities: Sequence[str]) -> Bool[Tensor, " b"]:
    """Whether the face nearest to each result, by cosine, shows the right person.

    The gallery of result i is every *real* face but its own photograph i: it must be recognised
    by other photographs of the same person. People with a single face have none, and count as
    failures; leave them out. `rank1(real, real, …)` is the ceiling, bicubic's the floor.

    Parameters
    ----------
    generated, real : embeddings of the results and of their true faces, in one order.
    identities : who each face shows.
    """
    if not len(generated) == len(real) == len(identities):
        raise ValueError(f"{len(generated)}, {len(real)}, {len(identities)}: one of each a face")
    names = sorted(set(identities))
    who = torch.tensor([names.index(one) for one in identities])
    likeness = normalize(generated) @ normalize(real).T
    likeness.fill_diagonal_(-torch.inf)
    return who[likeness.argmax(1)] == who
