import inspect
import io
import struct
import tarfile
import tracemalloc
import zlib
from collections import Counter
from itertools import chain
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from urdgn_lite import faces
from urdgn_lite.degrade import to_float, to_uint8
from urdgn_lite.faces import FacesError, decode_image
from urdgn_lite.faces import files as _files

COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255), "grey": (120, 120, 120)}


def quadrants(side=128):
    """Red and green above blue and grey: no turn or mirroring leaves it as it is."""
    picture = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    places = ((0, 0), (0, half), (half, 0), (half, half))
    for (y, x), colour in zip(places, COLOURS.values(), strict=True):
        picture[y : y + half, x : x + half] = colour
    return Image.fromarray(picture)


def file(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(pixels):
    """Colours of the four quadrants' middles."""
    return np.array([pixels[y, x] for y, x in ((32, 32), (32, 96), (96, 32), (96, 96))], int)


def assert_shows_quadrants(pixels, tolerance=0):
    assert pixels.shape == (128, 128, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(corners(pixels) - list(COLOURS.values())).max() <= tolerance


GOOD = file(quadrants())


def fill(folder, names, data=GOOD):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tar(path, members, mode="w:gz"):
    """A tar with (name, bytes) as files and finished `TarInfo`s as they are."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


# One image file


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_common_kind_of_file_keeps_its_colours(kind):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    assert_shows_quadrants(decode_image("a", file(quadrants(), kind, **options)), tolerance=3)


def test_a_grey_file_becomes_three_equal_channels():
    grey = Image.fromarray(np.arange(128 * 128, dtype=np.uint8).reshape(128, 128))
    assert np.array_equal(decode_image("a", file(grey)), np.asarray(grey)[..., None].repeat(3, 2))


def test_a_black_and_white_file_becomes_0_and_255():
    bilevel = Image.new("1", (128, 128))
    bilevel.paste(1, (0, 0, 64, 128))
    pixels = decode_image("a", file(bilevel))
    assert (pixels[:, :64] == 255).all()
    assert (pixels[:, 64:] == 0).all()


def test_a_palette_file_keeps_its_colours():
    assert_shows_quadrants(decode_image("a", file(quadrants().quantize(8))), tolerance=3)


def test_a_transparent_palette_entry_becomes_white():
    palette = quadrants().quantize(8)
    data = file(palette, transparency=palette.getpixel((96, 96)))
    assert corners(decode_image("a", data))[3].tolist() == [255, 255, 255]
    assert np.abs(corners(decode_image("a", data))[0] - COLOURS["red"]).max() <= 3


@pytest.mark.parametrize(("alpha", "expected"), [(255, 40), (0, 255), (51, 212)])
def test_transparent_pixels_lie_on_white(alpha, expected):
    for mode, colour in (("RGBA", (40, 40, 40, alpha)), ("LA", (40, alpha))):
        pixels = decode_image("a", file(Image.new(mode, (128, 128), colour)))
        assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_a_cmyk_jpeg_has_the_colours_of_its_rgb_original():
    data = file(quadrants().convert("CMYK"), "JPEG", quality=95)
    assert_shows_quadrants(decode_image("a", data), tolerance=6)


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_photo_held_in_any_way_comes_out_upright(orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = quadrants() if stored is None else quadrants().transpose(stored)
    data = file(picture, "JPEG", quality=95, exif=exif)
    assert_shows_quadrants(decode_image("a", data), tolerance=3)


def test_of_an_animation_the_first_picture_is_taken():
    later = [Image.new("RGB", (128, 128), "white")]
    data = file(quadrants(), "GIF", save_all=True, append_images=later)
    assert_shows_quadrants(decode_image("a", data), tolerance=3)


def test_a_wide_photo_is_cut_to_its_middle():
    wide = Image.new("RGB", (256, 128), "red")
    wide.paste((0, 160, 0), (64, 0, 192, 128))
    assert (decode_image("a", file(wide)) == (0, 160, 0)).all()


@pytest.mark.parametrize("side", [64, 100, 500])
def test_other_sizes_are_brought_to_128_by_128(side):
    assert_shows_quadrants(decode_image("a", file(quadrants(side))))


def damaged(kind):
    return file(quadrants(), kind)[:-40]


def png_header(width, height):
    """The beginning of a PNG that claims a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


BAD = {
    "empty.png": (b"", "empty file"),
    "notes.txt": (b"These faces were taken in Linz.\n", "not an image"),
    "page.jpg": (b"<html>Quota exceeded</html>", "not an image"),
    "cut.png": (damaged("PNG"), "damaged image"),
    "cut.jpg": (damaged("JPEG"), "damaged image"),
    "cut.webp": (damaged("WEBP"), "damaged image"),
    "cut.bmp": (damaged("BMP"), "damaged image"),
    "tiny.png": (file(quadrants(16)), "16 × 16 px, at least 64 needed"),
    "narrow.png": (file(Image.new("RGB", (500, 63))), "500 × 63 px"),
    "large.png": (png_header(9_500, 9_500), "too many pixels"),
    "bomb.png": (png_header(60_000, 60_000), "too many pixels"),
}


# Pillow's own warning about size is an error in tests alone, so it must not be what refuses a file
size_warnings = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")


@size_warnings
@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_usable_face_is_named_with_the_reason(name):
    data, reason = BAD[name]
    with pytest.raises(FacesError, match=reason) as caught:
        decode_image(f"people/{name}", data)
    assert str(caught.value).startswith(f"people/{name}: ")


# Folders


def test_a_folder_gives_its_images_in_the_order_of_their_names(tmp_path):
    fill(tmp_path / "mine", ["b.png", "a/2.png", "c.png"])
    found = faces.load(tmp_path / "mine")
    assert found.names == ["a/2.png", "b.png", "c.png"]
    assert found.images.shape == (3, 3, 128, 128)
    assert found.images.dtype == torch.uint8
    assert (found.source, found.split, found.skipped) == ("mine", "all", [])
    assert_shows_quadrants(found.images[0].permute(1, 2, 0).numpy())


def test_one_bad_file_is_reported_and_does_not_end_the_run(tmp_path):
    fill(tmp_path / "mine", ["a.png", "c.png"])
    (tmp_path / "mine" / "b.png").write_bytes(damaged("PNG"))
    with pytest.warns(UserWarning, match=r"mine: 1 of 3 files skipped, the first: b\.png"):
        found = faces.load(tmp_path / "mine")
    assert found.names == ["a.png", "c.png"]
    assert [name for name, _ in found.skipped] == ["b.png"]
    assert "1 files skipped" in repr(found)


def test_a_folder_without_a_usable_face_is_refused_with_the_first_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(FacesError, match=r"no usable face among 1 files\. notes\.txt: not an im"):
        faces.load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FacesError, match="no files"):
        faces.load(tmp_path)


def test_hidden_files_are_passed_over_in_silence(tmp_path):
    fill(tmp_path, ["a.png"])
    fill(tmp_path, [".DS_Store", "._a.png", "__MACOSX/a.png", ".git/b.png"], b"nothing")
    found = faces.load(tmp_path)  # a warning would be an error
    assert (found.names, found.skipped) == (["a.png"], [])


def test_a_file_that_vanished_or_may_not_be_read_is_skipped(tmp_path, monkeypatch):
    fill(tmp_path, ["a.png", "b.png"])
    read = Path.read_bytes

    def refuse(path):
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.warns(UserWarning, match=r"Permission denied.*a\.png"):
        assert faces.load(tmp_path).names == ["b.png"]


def test_a_folder_with_train_val_and_test_keeps_them(tmp_path):
    fill(tmp_path, ["train/1.png", "train/anna/2.png", "val/3.png", "test/4.png"])
    assert faces.load(tmp_path, "train").names == ["train/1.png", "train/anna/2.png"]
    assert faces.load(tmp_path, "val").names == ["val/3.png"]
    assert faces.load(tmp_path, "test").names == ["test/4.png"]
    assert len(faces.load(tmp_path)) == 4


def test_in_a_folder_of_people_nobody_stands_in_two_splits(tmp_path):
    people = [f"{person:03d}" for person in range(20, 36)]  # 020, 023, 029 and 032 are not in train
    fill(tmp_path, [f"{person}/{photo}.png" for person in people for photo in range(2)])
    splits = {split: faces.load(tmp_path, split).names for split in faces.SPLITS}
    assert {s: len({Path(n).parent.name for n in names}) for s, names in splits.items()} == {
        "train": 12,
        "val": 2,
        "test": 2,
    }
    homes = Counter(p for names in splits.values() for p in {Path(n).parent.name for n in names})
    assert set(homes) == set(people)
    assert set(homes.values()) == {1}
    assert sorted(chain(*splits.values())) == faces.load(tmp_path).names


def test_limit_keeps_the_first_so_many(tmp_path):
    fill(tmp_path, ["a.png", "b.png", "c.png"])
    assert faces.load(tmp_path, limit=2).names == ["a.png", "b.png"]


def test_a_file_too_large_for_a_face_is_skipped_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "LARGEST", 2**20)
    fill(tmp_path / "mine", ["a.png"])
    fill(tmp_path / "mine", ["b.png"], bytes(3 * 2**20))
    packed = tar(tmp_path / "packed.tar", [("a.png", GOOD), ("b.png", bytes(3 * 2**20))])
    for source in (tmp_path / "mine", packed):
        with pytest.warns(UserWarning, match="1 of 2 files skipped"):
            found = faces.load(source)
        assert found.names == ["a.png"]
        assert found.skipped == [("b.png", "b.png: 3 MiB, and no face needs more than 1")]


def test_the_folder_one_stands_in_has_its_name_as_source(tmp_path, monkeypatch):
    monkeypatch.chdir(fill(tmp_path / "mine", ["a.png"]))
    assert faces.load(".").source == "mine"


# Tar files


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_read_like_a_folder(tmp_path, mode):
    path = tar(tmp_path / "mine.tar.gz", [("b.png", GOOD), ("a.png", GOOD)], mode)
    found = faces.load(path)
    assert found.names == ["a.png", "b.png"]
    assert found.source == "mine"
    assert_shows_quadrants(found.images[0].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("prefix", ["", "./", "mine/", "./mine/"])
def test_a_tar_keeps_its_splits_with_or_without_a_folder_around_them(tmp_path, prefix):
    members = [(f"{prefix}{split}/1.png", GOOD) for split in faces.SPLITS]
    path = tar(tmp_path / "mine.tar", members)
    for split in faces.SPLITS:
        assert faces.load(path, split).names == [f"{split}/1.png"]


def test_no_member_of_a_tar_is_ever_written_or_followed(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    (tmp_path / "secret.png").write_bytes(GOOD)
    path = tar(
        tmp_path / "evil.tar.gz",
        [
            ("good.png", GOOD),
            ("../evil.png", GOOD),
            ("x/../../evil2.png", GOOD),
            (f"{tmp_path}/absolute.png", GOOD),
            special("link.png", tarfile.SYMTYPE, str(tmp_path / "secret.png")),
            special("out", tarfile.SYMTYPE, ".."),
            ("out/through.png", GOOD),
            special("hard.png", tarfile.LNKTYPE, "../secret.png"),
            special("fifo", tarfile.FIFOTYPE),
            special("device", tarfile.CHRTYPE),
        ],
    )
    before = sorted(tmp_path.rglob("*"))
    found = faces.load(path)
    assert sorted(tmp_path.rglob("*")) == before
    assert "good.png" in found.names
    assert not {"link.png", "hard.png", "../evil.png"} & set(found.names)


def test_of_a_tar_only_the_wanted_members_are_read_and_in_one_pass(tmp_path, monkeypatch):
    names = [f"{name}.png" for name in "dbca"]
    path = tar(tmp_path / "mine.tar.gz", [(name, GOOD) for name in names])
    read, extract = [], tarfile.TarFile.extractfile
    monkeypatch.setattr(
        tarfile.TarFile, "extractfile", lambda t, m: read.append(m.name) or extract(t, m)
    )
    assert faces.load(path, limit=3).names == ["a.png", "b.png", "c.png"]
    assert read == ["b.png", "c.png", "a.png"]


def test_a_tar_that_unpacks_to_much_more_never_stands_in_memory(tmp_path):
    zeros = bytes(16 * 2**20)
    path = tar(tmp_path / "bomb.tar.gz", [(f"{i:02d}.png", zeros) for i in range(20)])
    tracemalloc.start()
    with pytest.raises(FacesError, match=r"no usable face among 1 files\. 00\.png: not an image"):
        faces.load(path, limit=1)
    few = tracemalloc.get_traced_memory()[1]
    with pytest.raises(FacesError, match="no usable face among 20 files"):
        faces.load(path)
    every = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert few < 3 * len(zeros)
    assert every < (8 + 3) * len(zeros)


@pytest.mark.parametrize("content", [b"", b"no tar at all", GOOD])
def test_a_file_that_is_no_tar_is_named(tmp_path, content):
    (tmp_path / "mine.tar.gz").write_bytes(content)
    with pytest.raises(
        FacesError, match=r"mine\.tar\.gz: not a readable tar or zip file"
    ) as caught:
        faces.load(tmp_path / "mine.tar.gz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_whose_download_broke_off_is_named(tmp_path, mode):
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    path = tar(tmp_path / "mine.tar", [("a.png", file(Image.fromarray(noise)))], mode)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(FacesError, match=r"mine\.tar: not a readable tar or zip file"):
        faces.load(path)


def test_a_tar_without_images_is_refused(tmp_path):
    with pytest.raises(FacesError, match="no files"):
        faces.load(tar(tmp_path / "mine.tar", []))


# Names


@pytest.fixture
def shelf_of_faces(tmp_path, monkeypatch):
    shelf = tmp_path / "faces"
    shelf.mkdir()
    tar(shelf / "two-train.tar.gz", [("train/a.png", GOOD), ("train/b.png", GOOD)])
    tar(shelf / "two-test-unaligned.tar.gz", [("test-unaligned/c.png", GOOD)])
    tar(shelf / "one.tar.gz", [(f"{s}/{s}.png", GOOD) for s in faces.SPLITS])
    monkeypatch.setenv("URDGN_FACES", str(shelf))
    return shelf


def test_a_name_is_looked_up_in_the_folder_urdgn_faces(shelf_of_faces):
    assert len(faces.load("two", "train")) == 2  # two-train.tar.gz
    assert faces.load("one", "val").names == ["val/val.png"]  # one.tar.gz
    assert len(faces.load("one")) == 3
    assert faces.load("two", "train").source == "two"


def test_a_name_that_states_its_split_is_taken_whole(shelf_of_faces):
    assert len(faces.load("two-test-unaligned", "test")) == 1


def test_only_a_whole_word_of_a_name_states_its_split(shelf_of_faces):
    people = [(f"{person:03d}.png", GOOD) for person in range(20, 36)]
    for name in ("people-training", "people-latest", "test-people"):
        tar(shelf_of_faces / f"{name}.tar.gz", people)
        assert [len(faces.load(name, split)) for split in faces.SPLITS] == [12, 2, 2]


def test_a_split_that_the_shelf_lacks_is_missed_by_name(shelf_of_faces):
    with pytest.raises(FacesError, match=r"no faces at 'two'.*holds no two-val\.tar\.gz"):
        faces.load("two", "val")


def test_a_wrong_name_is_answered_with_the_right_ones(monkeypatch):
    monkeypatch.delenv("URDGN_FACES", raising=False)
    with pytest.raises(FacesError) as caught:
        faces.load("imaginry")
    for word in ("'imaginry'", "'imaginary'", "'celeba'", "'lfw'", "URDGN_FACES (not set)"):
        assert word in str(caught.value)


def test_a_wrong_split_is_answered_with_the_right_ones():
    with pytest.raises(FacesError, match="no split 'valid': choose one of train, val, test, all"):
        faces.load("imaginary", "valid")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit):
    with pytest.raises(FacesError, match=f"limit must be at least 1, not {limit}"):
        faces.load("imaginary", limit=limit)


# The bundled faces


def test_the_bundled_faces_have_three_disjoint_splits_with_eye_positions():
    with tarfile.open(Path(faces.__file__).parents[1] / "data" / "imaginary128.tar.gz") as archive:
        names = {m.name for m in archive.getmembers() if m.isfile()}
    table = (Path(faces.__file__).parents[1] / "data" / "imaginary128.csv").read_text().splitlines()
    assert table[0].startswith("file,left_eye_x,left_eye_y,right_eye_x,right_eye_y")
    assert {row.split(",")[0] for row in table[1:]} == names
    assert {Path(name).parts[0] for name in names} == set(faces.SPLITS)
    assert len({Path(name).name for name in names}) == len(names), "a face stands in two splits"


def test_the_bundled_test_faces_are_pictures_of_different_people(few_faces):
    assert few_faces.images.shape == (8, 3, 128, 128)
    assert few_faces.images.flatten(1).float().std(1).min() > 20
    assert len({image.numpy().tobytes() for image in few_faces.images}) == 8
    assert repr(few_faces) == "Faces(imaginary, test: 8 faces of 128 × 128)"


def test_the_development_faces_load_by_name(development_faces):
    found = faces.load("celeba128", "val")
    assert (len(found), found.source, found.skipped) == (500, "celeba128", [])
    congress = [faces.load("congress128", s, limit=5) for s in faces.SPLITS]
    assert [len(c) for c in congress] == [5, 5, 5]


# Splits


def test_splits_are_the_same_on_every_machine():
    # crc32("123456789") = 0xCBF43926, the check value of the standard: 3421780262 % 100 = 62
    known = {"123456789": "train", "020": "test", "023": "val", "032": "val", "043": "test"}
    assert {name: faces.split_of(name) for name in known} == known


@settings(max_examples=10)
@given(st.text(min_size=1), st.integers(0, 10**9))
def test_identities_are_dealt_out_about_90_to_5_to_5(stem, start):
    dealt = Counter(faces.split_of(f"{stem}{start + i}") for i in range(2000))
    shares = [dealt[split] / 2000 for split in faces.SPLITS]
    assert shares == pytest.approx([0.90, 0.05, 0.05], abs=0.03)


names = st.text(st.characters(exclude_characters="/\\.\x00", codec="utf-8"), min_size=1)


@given(names, names, names, names)
def test_two_photos_of_one_person_share_a_split_wherever_their_folder_stands(who, a, b, above):
    assume(who.strip())
    first, second = faces.identity_of(f"{who}/{a}.png"), faces.identity_of(f"{above}/{who}/{b}.jpg")
    assert first == second == who


def test_a_photo_without_a_folder_is_a_person_of_its_own():
    assert faces.identity_of("anna.png") == "anna"


# 8 bits and floats


def test_8_bits_to_float_and_back_is_the_identity():
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert (to_float(every).min(), to_float(every).max()) == (-1, 1)


@given(st.floats(-1e6, 1e6, width=32), st.floats(0, 10, width=32))
def test_floats_are_clamped_and_rounded_to_the_nearest_level(value, more):
    low, high = to_uint8(torch.tensor([value, value + more]).view(2, 1, 1, 1)).flatten()
    assert low <= high
    expected = min(255, max(0, (value + 1) * 127.5))
    assert abs(low.item() - expected) <= 0.501


def test_images_that_are_already_there_are_not_mapped_again():
    # without the tests' check of shapes and kinds: nobody else has it
    with pytest.raises(ValueError, match=r"8-bit, not torch.float32: leave out to_float"):
        inspect.unwrap(to_float)(torch.zeros(1, 3, 128, 128))
    for kind in (torch.uint8, torch.int64):
        with pytest.raises(ValueError, match=r"float in \[-1, 1\], not .*: see to_float"):
            inspect.unwrap(to_uint8)(torch.zeros(1, 3, 128, 128, dtype=kind))


def test_the_shapes_in_annotations_are_enforced_here():
    with pytest.raises(jaxtyping.TypeCheckError):
        to_float(torch.zeros(1, 3, 128, 128))  # no uint8
    with pytest.raises(jaxtyping.TypeCheckError):
        faces.Faces(torch.zeros(2, 3, 64, 64, dtype=torch.uint8), ["a", "b"], "mine", "all")


# Alignment


def photo_with_eyes(width, height, eyes):
    """A dark photo with a soft red spot on the first eye, a green one on the second."""
    y, x = np.mgrid[:height, :width] + 0.5
    radius = max(1.0, 0.06 * np.hypot(*np.subtract(*eyes)))
    picture = np.zeros((height, width, 3))
    for channel, (ex, ey) in enumerate(eyes):
        picture[..., channel] = np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / (2 * radius**2))
    return Image.fromarray((255 * picture).round().astype(np.uint8))


def spots(aligned):
    """Where the red and the green spot lie, as centres of mass (x, y)."""
    y, x = np.mgrid[:128, :128] + 0.5
    weights = np.asarray(aligned, float)[..., :2]
    return [((w * x).sum() / w.sum(), (w * y).sum() / w.sum()) for w in np.moveaxis(weights, 2, 0)]


@given(
    distance=st.floats(10, 160),
    angle=st.floats(-np.pi, np.pi),
    x=st.floats(0, 40),
    y=st.floats(0, 40),
)
def test_the_eyes_land_on_their_places_from_any_scale_turn_and_position(distance, angle, x, y):
    middle = np.array([200 + x, 180 + y])
    arm = distance / 2 * np.array([np.cos(angle), np.sin(angle)])
    eyes = (middle - arm, middle + arm)
    found = spots(faces.align(photo_with_eyes(440, 400, eyes), np.array(eyes)))
    assert np.abs(np.subtract(found, faces.EYES)).max() < 0.75


def test_a_face_already_in_place_is_left_as_it_is(few_faces):
    image = Image.fromarray(few_faces.images[0].permute(1, 2, 0).numpy())
    aligned = np.asarray(faces.align(image, faces.EYES), int)
    assert np.abs(aligned - np.asarray(image, int)).max() <= 1


def test_what_lies_outside_the_photo_is_black():
    white = Image.new("RGB", (100, 100), "white")
    pixels = np.asarray(faces.align(white, ((10.0, 10.0), (50.0, 10.0))))  # y = 0 comes to 46
    assert (pixels[:45] == 0).all()
    assert (pixels[48:, 36:] == 255).all()


def test_fine_detail_is_averaged_when_a_large_photo_shrinks():
    stripes = np.zeros((1280, 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = np.asarray(faces.align(Image.fromarray(stripes), ((440.0, 560.0), (840.0, 560.0))))
    assert np.abs(pixels[4:-4, 4:-4].astype(int) - 127.5).max() < 6


@pytest.mark.parametrize(
    "eyes", [((1, 2), (3, 4), (5, 6)), ((np.nan, 5), (80, 5)), (1, 2, 3, 4), ((50, 50), (52, 50))]
)
def test_impossible_eyes_are_refused(eyes):
    with pytest.raises(FacesError, match="eyes"):
        faces.align(quadrants(), np.array(eyes, float))
