import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from urdgn_lite import faces, methods
from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.faces import EYES, FacesError
from urdgn_lite.faces import files as _files
from urdgn_lite.lesson import upsample
from urdgn_lite.lesson.upsample import parse_eyes, to_lr, upsample_files

CENTRE = "ignore:without --eyes:UserWarning"


@pytest.fixture(autouse=True)
def _no_dlib(monkeypatch, request):
    """The extra `identity` may be there or not: only a test that names dlib sees it."""
    if "dlib" not in request.node.name:
        monkeypatch.setattr(upsample, "_landmarks", lambda: None)


@pytest.fixture
def face(few_faces):
    """An HR face as a Pillow image."""
    return Image.fromarray(few_faces.images[0].permute(1, 2, 0).numpy())


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images[:1]))


def picture(images):
    return Image.fromarray(to_uint8(images)[0].permute(1, 2, 0).numpy())


def pixels(path):
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


# Eyes


def test_eyes_are_two_points():
    assert parse_eyes("44,56,84.5,57") == ((44, 56), (84.5, 57))
    assert parse_eyes(" 44, 56, 84, 57 ") == ((44, 56), (84, 57))
    assert parse_eyes(None) is None


@pytest.mark.parametrize("text", ["", "44,56", "44,56,84,56,1", "a,b,c,d", "44 56 84 56"])
def test_anything_but_four_numbers_is_refused(text):
    with pytest.raises(ValueError, match="--eyes takes four numbers x,y,x,y, not"):
        parse_eyes(text)


# From an image to an LR face


def test_a_16_by_16_image_is_the_lr_face_itself(lr):
    assert torch.equal(to_lr(picture(lr)), lr)


def test_a_16_by_16_image_has_no_use_for_eyes(lr):
    with pytest.raises(FacesError, match="needs no --eyes"):
        to_lr(picture(lr), EYES)


def test_the_lr_face_of_a_photo_is_made_as_in_training(face, lr):
    with pytest.warns(UserWarning, match="without --eyes the centre of the picture is taken"):
        assert torch.equal(to_lr(face), lr)


def test_by_its_eyes_a_face_is_found_anywhere_in_a_photo(face, lr):
    photo = Image.new("RGB", (500, 400))
    photo.paste(face.resize((256, 256), Image.Resampling.BICUBIC), (200, 100))
    eyes = tuple((200 + 2 * x, 100 + 2 * y) for x, y in EYES)
    assert (to_lr(photo, eyes) - lr).abs().mean() < 2 * 2 / 255


@pytest.mark.parametrize("size", [(8, 8), (16, 17), (17, 16), (32, 32), (63, 200)])
def test_sizes_between_16_and_64_are_refused(size):
    with pytest.raises(FacesError, match=f"{size[0]} × {size[1]} px is neither 16 × 16 nor"):
        to_lr(Image.new("RGB", size))


def test_found_eyes_cut_the_face_out(face, lr, monkeypatch):
    photo = Image.new("RGB", (500, 400))
    photo.paste(face.resize((256, 256), Image.Resampling.BICUBIC), (200, 100))
    eyes = tuple((200 + 2 * x, 100 + 2 * y) for x, y in EYES)
    monkeypatch.setattr(upsample, "find_eyes", lambda image: eyes)
    assert torch.equal(to_lr(photo), to_lr(photo, eyes))


def test_where_no_face_is_seen_the_centre_is_taken(face, lr, monkeypatch):
    monkeypatch.setattr(upsample, "_landmarks", lambda: (lambda pixels, larger: [], None))
    with pytest.warns(UserWarning, match=r"centre of the picture .* \(no face is seen\)"):
        assert torch.equal(to_lr(face), lr)


def test_eyes_are_found_by_dlib():
    pytest.importorskip("dlib", reason="the extra `identity` is not installed")
    picture = Image.fromarray(faces.load("gallery").images[0].permute(1, 2, 0).numpy())
    photo = Image.new("RGB", (500, 400), (90, 120, 60))
    photo.paste(picture.resize((256, 256), Image.Resampling.BICUBIC), (200, 100))
    found = np.array(upsample.find_eyes(photo))
    expected = np.array([(200 + 2 * x, 100 + 2 * y) for x, y in EYES])
    assert np.abs(found - expected).max() < 12  # of the 80 pixels between the eyes


# Files


def test_a_16_by_16_file_becomes_a_128_by_128_png(tmp_path, lr):
    picture(lr).save(tmp_path / "anna.png")
    report = upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")
    assert report.written == [tmp_path / "out" / "anna-128.png"]
    assert report.skipped == []
    expected = to_uint8(upsample_bicubic(lr))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(pixels(report.written[0]), expected)


def test_the_sheet_shows_lr_bicubic_and_result(tmp_path, lr):
    picture(lr).save(tmp_path / "anna.png")
    report = upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")
    sheet = pixels(report.sheet)
    assert sheet.shape == (3 * 128, 128, 3)
    assert np.array_equal(sheet[256:], pixels(report.written[0]))


def test_any_method_can_be_asked_for(tmp_path, shelf, generator_file, lr):
    picture(lr).save(tmp_path / "anna.png")
    results = [
        pixels(upsample_files(tmp_path / "anna.png", model, tmp_path / "out").written[0])
        for model in ("bicubic", "tiny", generator_file)
    ]
    assert not np.array_equal(results[0], results[1])
    assert np.array_equal(results[1], results[2])


@pytest.mark.filterwarnings(CENTRE)
def test_of_a_folder_every_image_is_enlarged_and_every_other_file_is_named(tmp_path, face, lr):
    photos = tmp_path / "photos"
    (photos / "deeper").mkdir(parents=True)
    picture(lr).save(photos / "a.png")
    face.convert("L").save(photos / "b.jpg")
    face.save(photos / "c.webp")
    (photos / "notes.txt").write_text("taken in Linz")
    (photos / "cut.jpg").write_bytes((photos / "b.jpg").read_bytes()[:300])
    Image.new("RGB", (30, 30)).save(photos / "small.png")
    (photos / ".hidden.png").write_bytes(b"")
    report = upsample_files(photos, "bicubic", tmp_path / "out")
    assert [p.name for p in report.written] == ["a-128.png", "b-128.png", "c-128.png"]
    reasons = dict(report.skipped)
    assert set(reasons) == {str(photos / name) for name in ("cut.jpg", "notes.txt", "small.png")}
    assert "damaged image" in reasons[str(photos / "cut.jpg")]
    assert "not an image" in reasons[str(photos / "notes.txt")]
    assert "30 × 30 px is neither" in reasons[str(photos / "small.png")]
    written = {"a-128.png", "b-128.png", "c-128.png", "comparison.png"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == written
    assert pixels(report.sheet).shape == (3 * 128, 3 * 128, 3)


@pytest.mark.filterwarnings(CENTRE)
def test_a_png_and_a_jpeg_of_one_name_keep_apart(tmp_path, face):
    (tmp_path / "photos").mkdir()
    face.save(tmp_path / "photos" / "a.jpg")
    face.save(tmp_path / "photos" / "a.png")
    report = upsample_files(tmp_path / "photos", "bicubic", tmp_path / "out")
    assert len({p.name for p in report.written}) == 2
    assert all(p.exists() for p in report.written)


@pytest.mark.filterwarnings(CENTRE)
def test_the_sheet_of_a_large_folder_shows_sixteen_faces(tmp_path, face):
    (tmp_path / "photos").mkdir()
    for i in range(18):
        face.save(tmp_path / "photos" / f"{i:02d}.bmp")
    report = upsample_files(tmp_path / "photos", "bicubic", tmp_path / "out")
    assert len(report.written) == 18
    assert pixels(report.sheet).shape == (3 * 128, 16 * 128, 3)


def test_results_that_the_sheet_does_not_show_are_not_kept(tmp_path, lr, monkeypatch):
    (tmp_path / "photos").mkdir()
    for i in range(40):
        picture(lr).save(tmp_path / "photos" / f"{i:02d}.png")
    alive = weakref.WeakSet()

    def method(lr):
        alive.add(result := upsample_bicubic(lr))
        most.append(len(alive))
        return result

    most = []
    monkeypatch.setattr(methods, "get", lambda name: method)
    report = upsample_files(tmp_path / "photos", "any", tmp_path / "out")
    assert len(report.written) == 40
    assert max(most) <= 16 + 2


def test_a_hidden_file_that_is_named_is_taken(tmp_path, lr):
    picture(lr).save(tmp_path / ".anna.png")
    report = upsample_files(tmp_path / ".anna.png", "bicubic", tmp_path / "out")
    assert len(report.written) == 1


def test_a_file_too_large_for_a_face_is_refused_unread(tmp_path, lr, monkeypatch):
    monkeypatch.setattr(_files, "LARGEST", 100)
    picture(lr).save(tmp_path / "anna.png")
    with pytest.raises(FacesError, match="no face needs more"):
        upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")


@pytest.mark.parametrize(
    "eyes", [((5000, 5000), (5100, 5000)), ((-1, 5), (40, 5)), ((44, 56), (84, 129))]
)
def test_eyes_outside_of_the_picture_are_refused(tmp_path, face, eyes):
    face.save(tmp_path / "photo.png")
    with pytest.raises(FacesError, match="do not lie in the picture of 128 × 128 px"):
        upsample_files(tmp_path / "photo.png", "bicubic", tmp_path / "out", eyes)


def test_one_pair_of_eyes_is_not_used_for_a_whole_folder(tmp_path, face):
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        face.save(tmp_path / "photos" / name)
    with pytest.raises(FacesError, match="--eyes belongs to one photo"):
        upsample_files(tmp_path / "photos", "bicubic", tmp_path / "out", EYES)


def test_eyes_that_lie_on_one_spot_are_refused(tmp_path, face):
    face.save(tmp_path / "photo.png")
    with pytest.raises(FacesError, match=r"0\.0 px apart: too small to align"):
        upsample_files(tmp_path / "photo.png", "bicubic", tmp_path / "out", ((50, 50), (50, 50)))


def test_a_wrong_model_is_refused_before_anything_is_written(tmp_path, lr):
    picture(lr).save(tmp_path / "anna.png")
    with pytest.raises(ValueError, match="did you mean bicubic"):
        upsample_files(tmp_path / "anna.png", "bicubik", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# What is there already


def test_its_own_results_are_replaced(tmp_path, lr):
    picture(lr).save(tmp_path / "anna.png")
    before = upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")
    first = pixels(before.written[0])
    picture(-lr).save(tmp_path / "anna.png")
    after = upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")
    assert after.written == before.written
    assert not np.array_equal(pixels(after.written[0]), first)


@pytest.mark.parametrize("name", ["anna-128.png", "comparison.png"])
def test_a_file_of_somebody_else_is_not_replaced(tmp_path, lr, name):
    picture(lr).save(tmp_path / "anna.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_bytes(b"the only copy")
    with pytest.raises(FileExistsError, match=rf"{name} exists, and urdgn_lite did not write it"):
        upsample_files(tmp_path / "anna.png", "bicubic", tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == [name]
    assert (tmp_path / "out" / name).read_bytes() == b"the only copy"


def test_what_is_enlarged_is_never_replaced(tmp_path, lr):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "a-128.png"):
        picture(lr).save(photos / name)
    before = {p.name: p.read_bytes() for p in photos.iterdir()}
    with pytest.raises(FileExistsError, match=r"a-128\.png is one of the files to enlarge"):
        upsample_files(photos, "bicubic", photos)
    assert {p.name: p.read_bytes() for p in photos.iterdir()} == before


def test_results_into_the_folder_itself_go_beside_the_photos_and_once_only(tmp_path, lr):
    picture(lr).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    assert len(upsample_files(tmp_path, "bicubic", tmp_path).written) == 1
    with pytest.raises(FileExistsError, match="one of the files to enlarge"):
        upsample_files(tmp_path, "bicubic", tmp_path)
    assert (tmp_path / "a.png").read_bytes() == before


def test_no_two_results_have_one_name_whatever_the_capitals():
    names = ["a.png", "A.png", "a.jpg", "A.PNG", "a-128.png", "comparison.png", "Comparison"]
    found = upsample.names_of_results([Path(name) for name in names], Path("out"))
    assert found[Path("a.png")] == Path("out/a-128.png")
    assert len({p.name.lower() for p in found.values()}) == len(names)
    assert "comparison.png" not in {p.name.lower() for p in found.values()}
