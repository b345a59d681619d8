"""Files and layouts that people of the field run into: read rightly, or refused in one line."""

import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from test_faces import file, fill

from urdgn_lite import faces
from urdgn_lite.faces import FacesError, decode_image
from urdgn_lite.faces.files import LARGEST, folder
from urdgn_lite.faces.load import deal


def picture(seed=0, side=128):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8))


def data(image=None, kind="PNG", **options):
    return file(image or picture(), kind, **options)


GOOD = data()


def zipped(path, names, content=GOOD):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


# --- Ranges and formats.


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_files_are_refused_and_not_read_as_black(top):
    values = np.linspace(0, top, 128 * 128, dtype=np.float32).reshape(128, 128)
    with pytest.raises(FacesError, match=r"a\.tif: 32-bit numbers.*8 bits"):
        decode_image("a.tif", data(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("bits", [10, 12])
def test_fewer_bits_in_16_are_refused_and_not_read_as_black(bits):
    values = np.linspace(0, 2**bits - 1, 128 * 128).reshape(128, 128).astype(np.uint16)
    with pytest.raises(FacesError, match=f"end at {2**bits - 1} of 65535"):
        decode_image("a.png", data(Image.fromarray(values)))


def test_16_bits_are_rounded_to_the_nearest_of_8():
    values = np.linspace(0, 65535, 128 * 128).reshape(128, 128).astype(np.uint16)
    read = decode_image("a.png", data(Image.fromarray(values)))
    assert np.array_equal(read[..., 0], np.floor(values / 257 + 0.5).astype(np.uint8))


def test_a_png_with_a_large_text_is_read():
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile", "x" * 3 * 2**20, zip=True)
    assert np.array_equal(decode_image("a.png", data(pnginfo=text)), decode_image("b.png", GOOD))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypmif1" + bytes(40), "HEIC"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04" + bytes(40), r"\.zip archive"),
        (b"\x1f\x8b" + bytes(40), "gzip"),
        (bytes(257) + b"ustar\x00", "a tar archive"),
    ],
)
def test_what_is_no_image_is_told_what_it_is(content, what):
    with pytest.raises(FacesError, match=f"photo.jpg: not an image but .*{what}"):
        decode_image("photo.jpg", content)


def test_no_program_is_started_for_an_eps(tmp_path, monkeypatch):
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 128 128\n%%EndComments\nshowpage\n"
    with pytest.raises(FacesError, match=r"photo\.png: not an image but PostScript"):
        decode_image("photo.png", eps)
    assert not (tmp_path / "started").exists()


def test_one_small_16_bit_file_of_many_pixels_costs_less_than_ten_bytes_a_pixel():
    side = 3000
    content = data(Image.fromarray(np.full((side, side), 40_000, np.uint16)))
    tracemalloc.start()  # NumPy's and Python's own; Pillow's four bytes a pixel come on top
    decode_image("a.png", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * side * side


# --- Archives.


def test_a_zip_is_read_like_a_folder(tmp_path):
    path = zipped(tmp_path / "mine.zip", ["mine/b.png", "mine/a.png", "__MACOSX/._a.png"])
    found = faces.load(path)
    assert (found.names, found.source) == (["a.png", "b.png"], "mine")


def test_a_zip_that_lies_about_a_size_is_read_no_further_than_a_face_may_be(tmp_path):
    path = zipped(tmp_path / "bomb.zip", ["a.png"], bytes(LARGEST + 1))
    content = path.read_bytes().replace((LARGEST + 1).to_bytes(4, "little"), b"\x00\x10\x00\x00")
    path.write_bytes(content)
    with pytest.raises(FacesError, match=r"bomb"):
        faces.load(path)


@pytest.mark.parametrize("name", [".", "", "./"])
def test_a_member_without_a_name_is_passed_over(tmp_path, name):
    with tarfile.open(tmp_path / "mine.tar", "w") as archive:
        for member in (name, "a.png"):
            info = tarfile.TarInfo(member)
            info.size = len(GOOD)
            archive.addfile(info, io.BytesIO(GOOD))
    assert faces.load(tmp_path / "mine.tar").names == ["a.png"]


def test_names_that_are_no_utf8_are_spelt_out_and_dealt(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/mine")
    for name in (b"M\xfcller.jpg", b"a.png", b"b.png"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/mine/" + name)).write_bytes(GOOD)
    found = faces.load(tmp_path / "mine")
    assert found.names == ["M\\xfcller.jpg", "a.png", "b.png"]
    names = [n for s in faces.SPLITS for n in faces.load(tmp_path / "mine", s).names]
    assert sorted(names) == found.names


# --- Folders.


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("Train", "Val", "Test"), ("training", "valid", "TESTING"), ("TRAIN", "Validation", "test")],
)
def test_folders_of_splits_are_known_in_any_capitals(tmp_path, train, val, test):
    fill(tmp_path, [f"{train}/1.png", f"{train}/2.png", f"{val}/3.png", f"{test}/4.png"])
    assert faces.load(tmp_path, "train").names == [f"{train}/1.png", f"{train}/2.png"]
    assert faces.load(tmp_path, "val").names == [f"{val}/3.png"]
    assert faces.load(tmp_path, "test").names == [f"{test}/4.png"]


def test_a_split_without_a_folder_is_missed_and_not_made_up(tmp_path):
    fill(tmp_path, ["Train/1.png", "Test/2.png"])
    with pytest.raises(FacesError, match="none of its folders holds the split 'val'"):
        faces.load(tmp_path, "val")


@pytest.mark.parametrize("wrap", ["faces/", "img_align_celeba/img_align_celeba/"])
def test_folders_that_wrap_all_faces_are_no_people(tmp_path, wrap):
    fill(tmp_path, [f"{wrap}{i:03d}.png" for i in range(40)])
    sizes = [len(faces.load(tmp_path, split)) for split in faces.SPLITS]
    assert sum(sizes) == 40
    assert min(sizes) > 0


def test_of_few_people_one_each_is_set_aside():
    for n in range(3, 60):
        dealt = deal({f"IMG_{2301 + i}" for i in range(n)})
        assert set(dealt.values()) == {"train", "val", "test"}
        assert list(dealt.values()).count("train") >= n - 2 - n // 5


def test_two_people_are_too_few_for_a_split_and_the_message_says_what_to_do(tmp_path):
    fill(tmp_path, [f"{who}/{i}.png" for who in ("anna", "bela") for i in range(3)])
    with pytest.raises(FacesError, match=r"6 files of 2 people .*folders train, val and test"):
        [faces.load(tmp_path, split) for split in faces.SPLITS]


def test_linked_folders_are_followed_and_circles_are_not(tmp_path):
    fill(tmp_path / "elsewhere", ["1.png", "2.png"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "mine")
    assert list(folder(tmp_path / "mine")) == ["train/1.png", "train/2.png"]


def test_links_that_lead_nowhere_are_listed(tmp_path):
    fill(tmp_path, ["a.png"])
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    with pytest.warns(UserWarning, match=r"b\.png: a link that leads nowhere"):
        found = faces.load(tmp_path)
    assert found.names == ["a.png"]
    assert found.skipped == [("b.png", "b.png: a link that leads nowhere")]


def test_a_pipe_among_the_files_holds_nobody_up(tmp_path):
    fill(tmp_path, ["a.png"])
    os.mkfifo(tmp_path / "b.png")
    assert faces.load(tmp_path).names == ["a.png"]


def test_zeros_without_end_are_no_archive_and_hold_nobody_up(tmp_path):
    with (tmp_path / "zeros.tar").open("wb") as file:
        file.truncate(2**34)  # takes no room
    with pytest.raises(FacesError, match=r"zeros: no files for split"):
        faces.load(tmp_path / "zeros.tar")


@pytest.mark.parametrize("source", ["", " "])
def test_an_empty_source_is_not_the_working_folder(source, tmp_path, monkeypatch):
    monkeypatch.chdir(fill(tmp_path, ["a.png"]))
    with pytest.raises(FacesError, match="source of faces is empty"):
        faces.load(source)


LOADING = """
import sys, tracemalloc
from urdgn_lite import faces
tracemalloc.start()
found = faces.load(sys.argv[1])
print(tracemalloc.get_traced_memory()[1] / found.images.numel())
"""


def test_loading_takes_the_memory_of_the_faces_once(tmp_path):
    """In a process of its own: what other tests' threads allocate is counted otherwise."""
    fill(tmp_path, [f"{i:03d}.png" for i in range(400)])
    command = [sys.executable, "-c", LOADING, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 1 <= float(told.stdout) < 1.2


def test_the_gaps_of_skipped_files_are_closed_in_order(tmp_path):
    for i in range(6):
        fill(tmp_path, [f"{i}.png"], data(picture(i)) if i % 2 else b"no image")
    with pytest.warns(UserWarning, match="3 of 6 files skipped"):
        found = faces.load(tmp_path)
    expected = [np.asarray(picture(i)).transpose(2, 0, 1) for i in (1, 3, 5)]
    assert torch.equal(found.images, torch.from_numpy(np.stack(expected)))


def test_the_gallery_is_there_for_pictures():
    found = faces.load("gallery", limit=8)
    assert (len(found), found.source) == (8, "gallery")


# --- CelebA as others lay it out.

NAMES = [f"{i:06d}.jpg" for i in range(1, 5)]
TEXT = {
    "list_eval_partition": "".join(f"{n} {i // 2}\n" for i, n in enumerate(NAMES)),
    "list_landmarks_align_celeba": "4\nlefteye_x lefteye_y righteye_x righteye_y\n"
    + "".join(f"{n} 69 110 107 112\n" for n in NAMES),
}
CSV = {
    "list_eval_partition": "image_id,partition\n"
    + "".join(f"{n},{i // 2}\n" for i, n in enumerate(NAMES)),
    "list_landmarks_align_celeba": "image_id,lefteye_x,lefteye_y,righteye_x,righteye_y\n"
    + "".join(f"{n},69,110,107,112\n" for n in NAMES),
}
JPEG = data(Image.fromarray(np.full((218, 178, 3), 90, np.uint8)), "JPEG")


def lists(base, texts, suffix, *, where=("", ""), bom=""):
    for (name, text), below in zip(texts.items(), where, strict=True):
        (base / below).mkdir(parents=True, exist_ok=True)
        (base / below / f"{name}.{suffix}").write_text(bom + text, encoding="utf-8")


def kaggle(base):
    fill(base, [f"img_align_celeba/img_align_celeba/{n}" for n in NAMES], JPEG)
    lists(base, CSV, "csv")


def drive(base):
    fill(base, [f"Img/img_align_celeba/{n}" for n in NAMES], JPEG)
    lists(base, TEXT, "txt", where=("Eval", "Anno"))


def packed(base):
    base.mkdir()
    zipped(base / "img_align_celeba.zip", [f"img_align_celeba/{n}" for n in NAMES], JPEG)
    lists(base, TEXT, "txt")


def windows(base):
    fill(base, [f"img_align_celeba/{n}" for n in NAMES], JPEG)
    lists(base, TEXT, "txt", bom="\ufeff")


@pytest.mark.parametrize("layout", [kaggle, drive, packed, windows])
def test_celeba_is_read_as_its_sources_lay_it_out(tmp_path, layout):
    layout(tmp_path / "celeba")
    assert faces.load("celeba", "train", root=tmp_path).names == NAMES[:2]
    assert faces.load("celeba", "val", root=tmp_path).names == NAMES[2:]
