import numpy as np
import pytest
from PIL import Image

from urdgn_lite import faces
from urdgn_lite.faces import EYES, FacesError

EYES_OF = {  # left eye x, y, right eye x, y in the 178 × 218 photos, as annotated
    "000001.jpg": (69, 109, 106, 113),
    "000002.jpg": (69, 110, 107, 112),
    "000003.jpg": (76, 112, 104, 106),
    "000004.jpg": (72, 108, 108, 108),
}
PARTS = {"000001.jpg": 0, "000002.jpg": 0, "000003.jpg": 1, "000004.jpg": 2}


def photo(eyes):
    """A dark photo of CelebA's size, with a soft bright spot on each annotated eye."""
    y, x = np.mgrid[:218, :178] + 0.5
    spots = [np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / 8) for ex, ey in np.reshape(eyes, (2, 2))]
    return Image.fromarray((255 * sum(spots)).clip(0, 255).astype(np.uint8)).convert("RGB")


@pytest.fixture
def root(tmp_path):
    """A CelebA of four photos, laid out as torchvision does."""
    base = tmp_path / "data" / "celeba"
    (base / "img_align_celeba").mkdir(parents=True)
    for name, eyes in EYES_OF.items():
        photo(eyes).save(base / "img_align_celeba" / name, quality=95)
    columns = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y"
    rows = [f"{n}  {' '.join(map(str, e))}   90  130" for n, e in EYES_OF.items()]
    text = "\n".join([str(len(rows)), columns, *rows]) + "\n"
    (base / "list_landmarks_align_celeba.txt").write_text(text)
    parts = "".join(f"{n} {p}\n" for n, p in PARTS.items())
    (base / "list_eval_partition.txt").write_text(parts)
    return tmp_path / "data"


def centre(half):
    """Centre of mass (x, y) of a picture's brightness."""
    y, x = np.mgrid[: half.shape[0], : half.shape[1]] + 0.5
    return (half * x).sum() / half.sum(), (half * y).sum() / half.sum()


def test_the_eyes_land_on_their_places(root):
    found = faces.load("celeba", root=root)
    assert found.images.shape == (4, 3, 128, 128)
    for image in found.images.float().mean(1).numpy():
        bright = np.where(image > 20, image, 0)  # JPEG's dark noise weighs nothing
        left, right = centre(bright[:, :64]), centre(bright[:, 64:])
        assert np.abs(np.subtract([left, (right[0] + 64, right[1])], EYES)).max() < 1


def test_the_official_partition_is_kept(root):
    splits = {s: faces.load("celeba", s, root=root).names for s in (*faces.SPLITS, "all")}
    assert splits == {
        "train": ["000001.jpg", "000002.jpg"],
        "val": ["000003.jpg"],
        "test": ["000004.jpg"],
        "all": list(EYES_OF),
    }


def test_the_root_may_be_the_folder_celeba_itself(root):
    assert len(faces.load("celeba", root=root / "celeba")) == 4


def test_without_celeba_one_message_explains_how_to_get_it(tmp_path):
    with pytest.raises(FacesError) as caught:
        faces.load("celeba", root=tmp_path / "data")
    message = str(caught.value)
    assert "Missing now: img_align_celeba, list_eval_partition, list_landmarks" in message
    for words in (
        f"{tmp_path}/data/celeba/",
        "torchvision.datasets.CelebA(",
        "quota exceeded",
        "non-commercial",
        'faces.load("imaginary") needs nothing',
    ):
        assert words in message


def test_of_an_incomplete_download_only_what_lacks_is_named(root):
    (root / "celeba" / "list_eval_partition.txt").unlink()
    with pytest.raises(FacesError, match=r"Missing now: list_eval_partition\n"):
        faces.load("celeba", root=root)


@pytest.mark.parametrize("name", ["list_eval_partition.txt", "list_landmarks_align_celeba.txt"])
def test_a_web_page_saved_as_a_list_is_told_from_the_list(root, name):
    (root / "celeba" / name).write_text("<html>\n<p>Sorry</p>\n000001.jpg Quota exceeded</p>\n")
    with pytest.raises(FacesError, match="a list is not CelebA's"):
        faces.load("celeba", root=root)


def test_a_photo_that_is_listed_but_missing_is_reported(root):
    (root / "celeba" / "img_align_celeba" / "000002.jpg").unlink()
    with pytest.warns(UserWarning, match=r"celeba: 1 of 4 files skipped.*000002\.jpg"):
        found = faces.load("celeba", root=root)
    assert found.names == ["000001.jpg", "000003.jpg", "000004.jpg"]


def test_a_photo_without_landmarks_is_reported(root):
    path = root / "celeba" / "list_landmarks_align_celeba.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.warns(UserWarning, match=r"000004\.jpg: no landmarks"):
        assert len(faces.load("celeba", root=root)) == 3
