import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from urdgn_lite import faces
from urdgn_lite.faces import EYES, FacesError
from urdgn_lite.faces.lfw import TYPICAL_EYES

PEOPLE = [f"{i:03d}" for i in range(20, 28)]  # 020 and 023 are not in train


def photo():
    """A dark photo of LFW's size, with a soft bright spot where funnelling puts each eye."""
    y, x = np.mgrid[:250, :250] + 0.5
    spots = [np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / 8) for ex, ey in TYPICAL_EYES]
    return Image.fromarray((255 * sum(spots)).round().astype(np.uint8)).convert("RGB")


@pytest.fixture
def fetch(monkeypatch):
    """scikit-learn's function, unpacking two photos a person instead of downloading 200 MB."""

    def unpack(data_home, **_):
        home = Path(data_home) / "lfw_home" / "lfw_funneled"
        for person in PEOPLE:
            (home / person).mkdir(parents=True)
            for number in (1, 2):
                photo().save(home / person / f"{person}_{number:04d}.jpg", quality=95)
        (home / "pairs_01.txt").write_text("a list that the archive holds too")

    fake = mock.create_autospec(datasets.fetch_lfw_people, side_effect=unpack)
    monkeypatch.setattr(datasets, "fetch_lfw_people", fake)
    return fake


def test_the_typical_eyes_land_on_their_places(fetch, tmp_path):
    found = faces.load("lfw", root=tmp_path, limit=2)
    assert found.images.shape == (2, 3, 128, 128)
    assert found.skipped == []
    bright = found.images[0].double().mean(0).numpy()
    bright[bright < 20] = 0  # JPEG's dark noise weighs nothing
    y, x = np.mgrid[:128, :64] + 0.5
    for half, (left, eye) in zip((bright[:, :64], bright[:, 64:]), enumerate(EYES), strict=True):
        centre = 64 * left + (half * x).sum() / half.sum(), (half * y).sum() / half.sum()
        assert centre == pytest.approx(eye, abs=0.75)


def test_the_photos_are_fetched_once(fetch, tmp_path):
    first = faces.load("lfw", root=tmp_path)
    again = faces.load("lfw", root=tmp_path)
    assert fetch.call_count == 1
    assert first.names == again.names
    assert first.names[:2] == ["020/020_0001.jpg", "020/020_0002.jpg"]


def test_nobody_stands_in_two_splits(fetch, tmp_path):
    splits = {s: faces.load("lfw", s, root=tmp_path).names for s in faces.SPLITS}
    people = {s: {name.split("/")[0] for name in names} for s, names in splits.items()}
    assert people == {
        "train": {"021", "022", "024", "025", "026", "027"},
        "val": {"023"},
        "test": {"020"},
    }
    assert sum(len(names) for names in splits.values()) == 16


def test_a_failed_download_is_explained(fetch, tmp_path):
    fetch.side_effect = OSError("timed out")
    with pytest.raises(FacesError, match=r"LFW could not be fetched.*timed out"):
        faces.load("lfw", root=tmp_path)


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(FacesError, match=r"pip install 'urdgn_lite\[lfw\]'"):
        faces.load("lfw", root=tmp_path)
