import matplotlib as mpl
import numpy as np
import pytest
import torch

from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import to_float, to_uint8
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
    sheet = np.asarray(figures.sheet(lr, generated, to_float(four)))
    assert sheet.shape == (4 * 128, 4 * 128, 3)
    for face in range(4):
        column = sheet[:, face * 128 :][:, :128]
        assert np.array_equal(column[:128], figures.as_array(lr)[face])
        assert np.array_equal(column[128:256], figures.as_array(upsample_bicubic(lr))[face])
        assert np.array_equal(column[256:384], pixels(four.flip(3))[face])
        assert np.array_equal(column[384:], pixels(four)[face])


def test_without_hr_the_sheet_has_three_rows(lr):
    assert figures.sheet(lr, upsample_bicubic(lr)).size == (4 * 128, 3 * 128)


def test_the_grid_names_its_rows_and_titles_its_columns(four, lr):
    figure = figures.grid({"LR": lr, "HR": four}, titles=["a", "b", "c", "d"])
    assert len(figure.axes) == 8
    assert [t.get_text() for axis in figure.axes for t in axis.texts] == ["LR", "HR"]
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", "d", "", "", "", ""]
    assert np.array_equal(figure.axes[6].images[0].get_array(), pixels(four)[2])


def test_the_grid_can_be_drawn(four, lr, tmp_path):
    figures.grid({"LR": lr, "a name of mine": four}).savefig(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > 10_000


def test_curves_are_drawn_over_the_steps_and_named_at_their_ends():
    history = [{"step": 1, "loss": 4.0}, {"step": 2, "loss": 2.0, "gain": 0.5}]
    (axis,) = figures.curves(history, "loss", "gain", ylabel="dB").axes
    assert [(list(c.get_xdata()), list(c.get_ydata())) for c in axis.lines] == [
        ([1, 2], [4.0, 2.0]),
        ([2], [0.5]),
    ]
    assert [t.get_text().strip() for t in axis.texts] == ["loss", "gain"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("step", "dB")


def test_a_column_that_a_run_does_not_have_is_left_out():
    (axis,) = figures.curves([{"step": 1, "loss": 4.0}], "loss", "bce_real").axes
    assert len(axis.lines) == 1


def test_the_contact_sheet_fills_its_last_row_with_black(four):
    sheet = np.asarray(figures.contact_sheet(four, columns=3))
    assert sheet.shape == (2 * 128, 3 * 128, 3)
    assert np.array_equal(sheet[128:, :128], pixels(four)[3])
    assert not sheet[128:, 128:].any()


def test_the_style_is_harmless_to_use_twice():
    with mpl.rc_context():
        figures.use_style()
        once = dict(mpl.rcParams)
        figures.use_style()
        assert dict(mpl.rcParams) == once
        assert mpl.rcParams["axes.facecolor"] == "none"


def luminance(colour):
    """Relative luminance of WCAG 2."""
    rgb = torch.tensor(mpl.colors.to_rgb(colour))
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return (linear * torch.tensor([0.2126, 0.7152, 0.0722])).sum().item()


@pytest.mark.parametrize("name", [*figures.COLOURS, "ink"])
def test_every_colour_is_legible_on_white_and_on_black(name):
    light = luminance(figures.COLOURS.get(name, figures.INK))
    assert 1.05 / (light + 0.05) >= 3
    assert (light + 0.05) / 0.05 >= 3


def test_every_thing_has_a_colour_of_its_own():
    assert len(set(figures.COLOURS.values())) == len(figures.COLOURS)
