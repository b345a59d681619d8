"""CelebA as torchvision and the official site lay it out, cut to the frame of this project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from urdgn_lite.faces import SIZE, SPLITS, Decode, FacesError, Source, align, to_rgb

AUTHORS_BOX = (35, 55, 135, 185)  # x0, y0, x1, y1: the authors' 100 x 130, squashed to a square
HOW_TO_GET_IT = """CelebA is not in {root}. Needed, in {root}/celeba/ (torchvision's layout):
  img_align_celeba/*.jpg, list_landmarks_align_celeba.txt, list_eval_partition.txt
Get them in one of these ways:
  1. torchvision.datasets.CelebA({root!r}, download=True)   (needs `pip install gdown`);
  2. if Google Drive answers "quota exceeded", which it does on most days: wait a day, or open
     the dataset's page in a browser, signed in, copy the folder to your own Drive, and fetch
     the copy; Baidu and Kaggle carry the same files.
Missing now: {missing}
Terms: non-commercial research only. Without CelebA, faces.load("imaginary") needs nothing."""


def files(root: Path, split: str, crop: str) -> tuple[list[Source], Decode]:
    """The split's files, and the function that decodes and crops one of them.

    The official partition is used: it is disjoint by identity.
    """
    if crop not in ("eyes", "authors"):
        raise FacesError(f"no crop {crop!r}: choose 'eyes' or 'authors'")
    base = root / "celeba" if (root / "celeba").is_dir() else root
    photos, partition = base / "img_align_celeba", base / "list_eval_partition.txt"
    landmarks = base / "list_landmarks_align_celeba.txt"
    if missing := [p.name for p in (photos, partition, landmarks) if not p.exists()]:
        raise FacesError(HOW_TO_GET_IT.format(root=str(root), missing=", ".join(missing)))
    eyes: dict[str, np.ndarray] = {}
    try:
        parts = dict(line.split() for line in partition.read_text().splitlines() if line)
        wanted = {n for n, part in parts.items() if split in ("all", SPLITS[int(part)])}
        for line in landmarks.read_text().splitlines()[2:]:  # a count, the columns' names, rows
            name, *numbers = line.split()
            if name in wanted:
                eyes[name] = np.array(numbers[:4], dtype=float).reshape(2, 2)
    except (ValueError, IndexError) as error:  # such as a web page saved under a list's name
        raise FacesError(f"{base}: a list is not CelebA's ({error}); download it again") from error

    def decode(name: str, data: bytes) -> np.ndarray:
        image = to_rgb(name, data)
        if crop == "authors":
            image = image.crop(AUTHORS_BOX).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        elif name in eyes:
            image = align(image, eyes[name])
        else:
            raise FacesError(f"{name}: no landmarks")
        return np.asarray(image)

    return [(n, (photos / n).read_bytes) for n in sorted(wanted)], decode
