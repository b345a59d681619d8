"""Labelled Faces in the Wild through scikit-learn: 250 × 250, funnelled, nearly frontal."""

from pathlib import Path

import numpy as np

from urdgn_lite.faces.files import Read, folder
from urdgn_lite.faces.picture import FacesError, align, to_rgb

TYPICAL_EYES = ((105.0, 112.0), (145.0, 112.0))  # funnelling puts most eyes about here


def photos(root: Path) -> dict[str, Read]:
    """All photos, named PERSON/FILE."""
    home = root / "lfw_home" / "lfw_funneled"  # scikit-learn's layout
    if not home.is_dir():
        _fetch(root)
    return {name: read for name, read in folder(home).items() if name.endswith(".jpg")}


def decode(name: str, data: bytes) -> np.ndarray:
    """One photo as uint8 (128, 128, 3), its eyes where funnelling puts most."""
    return np.asarray(align(to_rgb(name, data), TYPICAL_EYES))


def _fetch(root: Path) -> None:
    """Let scikit-learn download and unpack LFW; read as arrays, it would fill 10 GB of memory."""
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError as error:
        raise FacesError("LFW needs scikit-learn: pip install 'urdgn_lite[lfw]'") from error
    try:
        fetch_lfw_people(data_home=str(root), min_faces_per_person=500)  # returns one person
    except OSError as error:
        raise FacesError(f"LFW could not be fetched, nor found in {root} ({error})") from error
