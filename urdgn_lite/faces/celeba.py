"""CelebA as torchvision, its own site and Kaggle lay it out, cut to the frame of this project."""

from pathlib import Path

import numpy as np

from urdgn_lite.faces.files import opened
from urdgn_lite.faces.picture import FacesError, align, to_rgb

PARTS = ("train", "val", "test")  # 0, 1 and 2 in the partition
WHERE = ("", "Anno", "Eval", "Img")  # the official folder has its lists and photos in these
HOW_TO_GET_IT = """CelebA is not in {root}. Needed, in {root}/celeba/ or its Anno, Eval and Img:
  img_align_celeba/*.jpg or img_align_celeba.zip, list_landmarks_align_celeba.txt (or .csv),
  list_eval_partition.txt (or .csv)
Get them in one of these ways:
  1. torchvision.datasets.CelebA({root!r}, download=True)   (needs `pip install gdown`);
  2. if Google Drive answers "quota exceeded", which it does on most days: wait a day, or open
     the dataset's page in a browser, signed in, copy the folder to your own Drive, and fetch
     the copy; Baidu and Kaggle carry the same photos, Kaggle with lists as .csv.
Missing now: {missing}
Terms: non-commercial research only. Without CelebA, faces.load("imaginary") needs nothing."""


class CelebA:
    """The photos of a split, and how one of them is decoded and cropped: by its eyes.

    The official partition is used: it is disjoint by identity.

    Parameters
    ----------
    root : holds `celeba/`, or is it.
    split : "train", "val", "test" or "all".

    Raises
    ------
    FacesError : something is missing, or a list is not CelebA's.
    """

    def __init__(self, root: Path, split: str) -> None:
        base = root / "celeba" if (root / "celeba").is_dir() else root
        places = {
            "img_align_celeba": _first(base, "img_align_celeba", "img_align_celeba.zip"),
            **{
                name: _first(base, f"{name}.txt", f"{name}.csv")
                for name in ("list_eval_partition", "list_landmarks_align_celeba")
            },
        }
        if missing := [name for name, path in places.items() if path is None]:
            raise FacesError(HOW_TO_GET_IT.format(root=str(root), missing=", ".join(missing)))
        photos, partition, landmarks = (path for path in places.values() if path)
        try:
            self.names = sorted(
                name for name, part in _rows(partition) if split in ("all", PARTS[int(part)])
            )
            wanted = set(self.names)
            self.eyes = {
                name: np.array(numbers[:4], dtype=float).reshape(2, 2)
                for name, *numbers in _rows(landmarks)
                if name in wanted
            }
        except (ValueError, IndexError) as error:  # such as a web page saved under a list's name
            raise FacesError(
                f"{base}: a list is not CelebA's ({error}); download it again"
            ) from error
        self.photos = opened(photos, str(photos))

    def decode(self, name: str, data: bytes) -> np.ndarray:
        """One photo as uint8 (128, 128, 3)."""
        if name not in self.eyes:
            raise FacesError(f"{name}: no landmarks")
        return np.asarray(align(to_rgb(name, data), self.eyes[name]))


def _first(base: Path, *names: str) -> Path | None:
    found = (base / where / name for name in names for where in WHERE)
    return next((path for path in found if path.exists()), None)


def _rows(path: Path) -> list[list[str]]:
    """Name and values of a list's photos: its .txt has a count and headings, its .csv headings."""
    lines = path.read_text(encoding="utf-8-sig").replace(",", " ").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    rows = [row for row in rows if row[0].endswith(".jpg")]
    if not rows:
        raise ValueError(f"no photo in {path.name}")
    return rows
