"""Labelled Faces in the Wild through scikit-learn: 250 × 250, funnelled, nearly frontal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from urdgn_lite.faces import Decode, FacesError, Source, align

SIDE = 250
TYPICAL_EYES = ((105.0, 112.0), (145.0, 112.0))  # funnelling puts most eyes about here


def files(root: Path) -> tuple[list[Source], Decode]:
    """All photos, named PERSON/NUMBER, and the function that cuts one to the frame."""
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError as error:
        raise FacesError("LFW needs scikit-learn: pip install 'urdgn_lite[lfw]'") from error
    whole = (slice(0, SIDE), slice(0, SIDE))
    try:
        people = fetch_lfw_people(data_home=str(root), color=True, resize=None, slice_=whole)
    except OSError as error:
        raise FacesError(f"LFW could not be fetched, nor found in {root} ({error})") from error
    scale = 255 if people.images.max() <= 1 else 1

    def pixels(index: int) -> Callable[[], bytes]:
        return lambda: (people.images[index] * scale).round().astype(np.uint8).tobytes()

    def decode(name: str, data: bytes) -> np.ndarray:
        return np.asarray(align(Image.frombytes("RGB", (SIDE, SIDE), data), TYPICAL_EYES))

    names = (f"{people.target_names[t]}/{i:05d}" for i, t in enumerate(people.target))
    return [(name, pixels(i)) for i, name in enumerate(names)], decode
