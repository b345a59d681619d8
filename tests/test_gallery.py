import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from urdgn_lite import methods
from urdgn_lite.degrade import downsample, upsample_bicubic
from urdgn_lite.faces import to_float
from urdgn_lite.lesson import figures, gallery
from urdgn_lite.measure import conditions as bins
from urdgn_lite.measure import evaluate

BOOK = Path(__file__).parent.parent / "book"


@pytest.fixture(scope="module")
def four(few_faces):
    return to_float(few_faces.images[:4])


def flat(value):
    """A method whose results are of one grey, so that its row is known among the others."""
    return lambda lr: torch.full((len(lr), 3, 128, 128), value)


def tile(picture, row, column, side=72):
    """A face of a picture without titles whose rows all have faces."""
    x = gallery.GAP + column * (side + gallery.GAP)
    y = row * (gallery.LINE + side) + gallery.LINE
    return np.asarray(picture.convert("RGB"))[y : y + side, x : x + side].astype(float)


def test_rows_stand_in_the_papers_order(four):
    shown = gallery.redraw(4, {"bicubic": flat(-1.0), "lite": flat(1.0)}, four)
    picture = Image.open(io.BytesIO(shown.data))
    grey = [tile(picture, row, 0).mean() for row in range(4)]
    small = Image.fromarray(figures.as_array(four)[2]).resize((72, 72), Image.Resampling.LANCZOS)
    assert np.abs(tile(picture, 1, 2) - np.asarray(small)).mean() < 6  # HR; JPEG loses a little
    assert 20 < grey[0] < 235
    assert grey[2] < 5
    assert grey[3] > 250


def test_methods_are_given_what_the_lr_row_shows(four):
    seen = {}

    def spy(lr):
        seen["lr"] = lr
        return upsample_bicubic(lr)

    gallery.redraw(4, {"spy": spy}, four)
    assert torch.equal(seen["lr"], downsample(four))
    gallery.redraw(8, {"spy": spy}, four)
    left, top, right, bottom = bins.BOXES["eyes"]  # of the second face
    assert (seen["lr"][1, :, top:bottom, left:right] == -1).all()
    assert torch.equal(seen["lr"][1, :, bottom:], downsample(four)[1, :, bottom:])
    gallery.redraw(9, {"spy": spy}, four)
    still = list(bins.SHIFTS).index(0)
    assert len(seen["lr"]) == len(bins.SHIFTS)
    assert torch.equal(seen["lr"][still], downsample(four)[0])
    moved = seen["lr"][still + 1][:, :, 2:-1]  # by one LR pixel to the right
    assert (moved - downsample(four)[0][:, :, 1:-2]).abs().max() < 0.02


@pytest.mark.parametrize("figure", [1, 4, 5, 6, 7, 8, 9])
def test_every_figure_has_listed_faces_and_a_picture(figure):
    shown = gallery.redraw(figure, {"bicubic": upsample_bicubic})
    picture = Image.open(io.BytesIO(shown.data))
    columns = len(bins.SHIFTS) if figure == 9 else len(evaluate.figure_faces(figure))
    assert picture.format == "JPEG"
    assert picture.width == columns * (72 + gallery.GAP) + gallery.GAP


def test_a_figure_without_faces_is_refused():
    with pytest.raises(KeyError, match=r"no faces are listed for Fig\. 2"):
        gallery.redraw(2, {})


def test_a_method_that_cannot_run_is_a_line_that_says_why(four):
    rows = {"HR": four, "yang2013": "yang2013 needs scipy"}
    both, alone = gallery.picture(rows), gallery.picture({"HR": four})
    assert both.height - alone.height == gallery.LINE
    line = np.asarray(both)[alone.height :]
    assert (line.max((0, 1)) > 150).all()  # there is text


def test_older_methods_learn_here_and_now_and_networks_do_not(monkeypatch):
    learnt = gallery.learn(("nearest", "ma2010"), limit=40)
    lr = downsample(to_float(evaluate.figure_faces(1).images))
    assert [tuple(method(lr).shape) for method in learnt.values()] == [(6, 3, 128, 128)] * 2
    with pytest.raises(ValueError, match=r"methods\.get\('lite'\) loads it"):
        gallery.learn(("lite",), limit=4)


def test_what_is_not_installed_is_said_in_place_of_the_method(monkeypatch):
    def lacking(self, hr, *, progress=True):
        raise ValueError("yang2010 needs scikit-learn: pip install 'urdgn_lite[methods]'")

    monkeypatch.setattr(gallery.Yang2010, "fit", lacking)
    assert gallery.learn(("yang2010",), limit=8) == {
        "yang2010": "yang2010 needs scikit-learn: pip install 'urdgn_lite[methods]'"
    }


def test_the_approximation_is_called_one():
    assert "approximation" in gallery.ABOUT["yang2013"]
    assert set(gallery.ABOUT) - {"LR", "HR"} <= {*methods.names()}


def test_the_book_redraws_each_of_these_figures_with_the_listed_faces():
    drawn = {}
    for path in BOOK.glob("[0-9]*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            code = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
            for number in (1, 4, 5, 6, 7, 8, 9):
                if f"gallery.redraw({number}, " in code:
                    drawn[number] = cell
    assert sorted(drawn) == [1, 4, 5, 6, 7, 8, 9]
    for cell in drawn.values():
        assert any("image/jpeg" in output["data"] for output in cell["outputs"])
        if "yang2013" in (alt := cell["metadata"]["mystnb"]["image"]["alt"]):
            assert "yang2013, an approximation" in alt
