import io
import re
from base64 import b64decode

import numpy as np
import pytest
import torch
from PIL import Image

from urdgn_lite.degrade import downsample, to_float, to_uint8, upsample_bicubic
from urdgn_lite.lesson import figures


@pytest.fixture(scope="module")
def four(few_faces):
    return few_faces.images[:4]


@pytest.fixture(scope="module")
def lr(four):
    return downsample(to_float(four))


def pixels(images):
    return np.asarray(images.permute(0, 2, 3, 1))


def test_8_bit_and_float_faces_give_the_same_picture(four):
    assert np.array_equal(figures.as_array(four), pixels(four))
    assert np.array_equal(figures.as_array(to_float(four)), pixels(four))


def test_an_lr_face_is_blown_up_so_that_its_pixels_are_seen(lr):
    shown = figures.as_array(lr)
    assert shown.shape == (4, 128, 128, 3)
    blocks = shown.reshape(4, 16, 8, 16, 8, 3)
    assert (blocks == blocks[:, :, :1, :, :1]).all()
    assert np.array_equal(blocks[:, :, 0, :, 0], pixels(to_uint8(lr)))


def test_results_that_still_carry_gradients_can_be_shown(lr):
    assert figures.as_array(upsample_bicubic(lr).requires_grad_()).dtype == np.uint8


def test_the_sheet_shows_lr_bicubic_generated_and_hr_from_the_top(four, lr):
    generated = to_float(four).flip(3)
    sheet = np.asarray(figures.sheet(lr, upsample_bicubic(lr), generated, to_float(four)))
    assert sheet.shape == (4 * 128, 4 * 128, 3)
    for face in range(4):
        column = sheet[:, face * 128 :][:, :128]
        assert np.array_equal(column[:128], figures.as_array(lr)[face])
        assert np.array_equal(column[128:256], figures.as_array(upsample_bicubic(lr))[face])
        assert np.array_equal(column[256:384], pixels(four.flip(3))[face])
        assert np.array_equal(column[384:], pixels(four)[face])


def shown(pictures):
    """Of the HTML: (width, height, picture) of each image, and the words."""
    page = pictures._repr_html_()
    found = re.findall(
        r'width="(\d+)" height="(\d+)" style="[^"]+" src="data:image/webp;base64,([^"]+)"', page
    )
    decoded = [
        (int(w), int(h), Image.open(io.BytesIO(b64decode(d))).convert("RGB")) for w, h, d in found
    ]
    assert page.count("<img") == len(decoded)
    return decoded, re.findall(r">([^<>]+)<", page)


def test_the_grid_is_a_column_a_face_and_names_every_row(four, lr):
    rows = {"LR": lr, "HR": (four, ["+1 dB", "+2 dB", "", "+4 dB"])}
    images, words = shown(figures.grid(rows, titles=["a", "b", "c", "d"]))
    assert words == [
        "a",
        "LR",
        "HR +1 dB",
        "b",
        "LR",
        "HR +2 dB",
        "c",
        "LR",
        "HR",
        "d",
        "LR",
        "HR +4 dB",
    ]
    assert [picture.size for _, _, picture in images] == [(128, 128)] * 8
    exact = pixels(to_uint8(lr)).repeat(8, 1).repeat(8, 2)
    for face, (_, _, picture) in enumerate(images[::2]):
        assert np.array_equal(np.asarray(picture), exact[face]), (
            "few pixels are stored without loss, as squares: also where `pixelated` is dropped"
        )
    loss = np.asarray(images[5][2], int) - pixels(four)[2]
    assert np.abs(loss).mean() < 3


@pytest.mark.parametrize(
    ("size", "width"), [((16, 16), 128), ((128, 128), 128), ((32, 80), 160), ((4, 10), 130)]
)
def test_every_picture_is_shown_at_128_css_pixels_or_more_in_its_shape(size, width):
    images, _ = shown(figures.grid({"a": torch.zeros(2, 3, *size)}))
    assert {(w, h) for w, h, _ in images} == {(width, width * size[0] // size[1])}


def test_pictures_to_compare_are_equally_wide():
    images, _ = shown(figures.grid({"l": torch.zeros(1, 3, 4, 10), "h": torch.zeros(1, 3, 32, 80)}))
    assert {(w, h) for w, h, _ in images} == {(160, 64)}


def test_a_single_face_is_compared_side_by_side(four, lr):
    columns = figures.grid({"LR": lr[:1], "HR": four[:1]}, ["the title"]).columns
    assert [[tile.caption for tile in tiles] for _, tiles in columns] == [["LR"], ["HR"]]


def test_an_eye_is_enlarged_fourfold_below_each_face_but_not_below_an_lr_face(four, lr):
    images, _ = shown(figures.grid({"LR": lr, "HR": four}, eyes=True))
    assert [picture.size for _, _, picture in images[:3]] == [(128, 128), (128, 128), (128, 96)]
    assert images[2][:2] == (128, 96)
    eye = pixels(four)[0, 44:68, 28:60].repeat(4, 0).repeat(4, 1)
    assert np.array_equal(np.asarray(images[2][2]), eye)


def test_a_negative_number_below_a_picture_has_a_minus(four):
    images = {"λ = 10": (four, ["-1.2 dB", "lite-gan-0", "", "+4 dB"])}
    _, words = shown(figures.grid(images))
    assert words[:2] == ["λ = 10 −1.2 dB", "λ = 10 lite-gan-0"]


def test_words_cannot_break_out_of_the_page(four):
    page = figures.grid({'<b>"': four})._repr_html_()
    assert "<b>" not in page
    assert 'aria-label="&lt;b&gt;&quot;: 4 side by side"' in page


def test_a_sheet_fills_its_last_row_with_black(four):
    sheet = np.asarray(figures.sheet(*four.split(3)))
    assert sheet.shape == (2 * 128, 3 * 128, 3)
    assert np.array_equal(sheet[128:, :128], pixels(four)[3])
    assert not sheet[128:, 128:].any()
