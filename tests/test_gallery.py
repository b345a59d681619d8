import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from urdgn_lite import methods
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.faces import EYES
from urdgn_lite.lesson import figures, gallery
from urdgn_lite.measure import claims, evaluate
from urdgn_lite.measure import conditions as bins

BOOK = Path(__file__).parent.parent / "book"
FIGURES = (1, 3, 4, 5, 6, 7, 8, 9)
COLUMN = 768  # px of a page that is 1,280 wide


@pytest.fixture
def plain(monkeypatch):
    """Every method is bicubic, unless a test gives another one."""
    monkeypatch.setattr(gallery, "get", lambda name: upsample_bicubic)
    monkeypatch.setattr(gallery, "imagined", lambda n: torch.zeros(n, 3, 64, 64))


def flat(value):
    """A method whose results are of one grey, so that its column is known among the others."""
    return lambda lr: torch.full((len(lr), 3, 128, 128), value)


def opened(shown):
    return Image.open(io.BytesIO(shown.data))


def tile(picture, row, column, of, eyes=True):
    """The face of a person, or a row, in a column of so many: five abreast at most."""
    bands = math.ceil(of / gallery.ABREAST)
    band, x = divmod(column, math.ceil(of / bands))
    face = 128 + gallery.GAP + (2 * gallery.EYE[1] + gallery.GAP) * eyes
    if eyes:  # a person's columns stay together
        y = (row * bands + band) * (gallery.HEAD + face) + gallery.HEAD
    else:
        y = band * picture.height // bands + gallery.HEAD + row * face
    x = gallery.GAP + x * (128 + gallery.GAP)
    return np.asarray(picture.convert("RGB"))[y : y + 128, x : x + 128].astype(float)


@pytest.mark.usefixtures("plain")
def test_methods_are_columns_in_the_papers_order_and_a_persons_stay_together():
    picture = opened(gallery.redraw(4, {"bicubic": flat(-1.0), "lite-gan": flat(1.0)}))
    hr = figures.as_array(evaluate.figure_faces(4).images)
    for row in range(3):
        assert np.abs(tile(picture, row, 1, 9) - hr[row]).mean() < 6  # (b); JPEG loses a little
        assert tile(picture, row, 2, 9).mean() < 5  # (c)
        assert tile(picture, row, 8, 9).mean() > 250  # (i)
        assert 20 < tile(picture, row, 3, 9).mean() < 235


@pytest.mark.usefixtures("plain")
def test_ours_come_after_the_papers():
    more = opened(gallery.redraw(4, {"mine": flat(1.0)}, ("mine",)))
    assert tile(more, 2, 9, 10).mean() > 250


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("number", FIGURES)
def test_a_page_shows_faces_at_128_px(number):
    picture = opened(gallery.redraw(number, more=("residual-gan",)))
    assert picture.width <= COLUMN


def test_the_eye_region_stands_enlarged_below_its_face():
    face = Image.new("RGB", (128, 128))
    face.paste((255, 0, 0), (60, 52, 68, 60))  # between the eyes of the default frame
    region = np.asarray(gallery.enlarged(face, EYES))
    assert region.shape == (2 * gallery.EYE[1], 2 * gallery.EYE[0], 3)
    red = np.argwhere(region[..., 0] > 200)
    assert np.abs(red.mean(0) - np.array(region.shape[:2]) / 2).max() < 2  # in the middle
    assert np.ptp(red, 0).max() == 15  # twice as large as 8 px
    edge = gallery.enlarged(face, ((2.0, 2.0), (10.0, 2.0)))
    assert edge.size == (128, 56)


def test_figure_7_looks_for_the_eyes_where_they_are():
    found = evaluate.figure_faces(7)
    places = gallery.eyes_of(found)
    assert len(places) == len(found)
    assert max(abs(p[0][0] - EYES[0][0]) for p in places) > 5


@pytest.mark.usefixtures("plain")
def test_figure_8_covers_one_person_and_shows_what_changed():
    seen = []

    def spy(lr):
        seen.append(lr)
        return upsample_bicubic(lr)

    picture = opened(gallery.redraw(8, {"lite-gan": spy}))
    free, *covered = seen
    assert torch.equal(free, downsample(to_float(evaluate.figure_faces(8).images[:1])))
    assert len(covered) == len(bins.BOXES)
    for lr, (left, top, right, bottom) in zip(covered, bins.BOXES.values(), strict=True):
        changed = (lr != free).any(1)[0]
        assert (lr[..., top:bottom, left:right] == -1).all()
        changed[top:bottom, left:right] = False
        assert not changed.any()
    mouth = tile(picture, 2, 5, 2 + len(bins.BOXES), eyes=False)  # the difference
    assert mouth[96:108, 48:80].mean() > 40
    assert mouth[:40].mean() < 3


@pytest.mark.usefixtures("plain")
def test_figure_9_moves_one_person_along_y_by_lr_pixels():
    seen = []
    gallery.redraw(9, {"lite-gan": lambda lr: seen.append(lr) or flat(0.0)(lr)})
    still = list(bins.SHIFTS).index(0)
    assert [len(lr) for lr in seen] == [1] * len(bins.SHIFTS)
    down = seen[still + 1][..., 1:, :] - seen[still][..., :-1, :]
    assert down[..., 2:-2, :].abs().max() < 0.02


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("number", FIGURES)
def test_every_figure_has_panels_and_faces(number):
    figure = evaluate.figure(number)
    panels = figure["panels"]
    assert opened(gallery.redraw(number)).format == "JPEG"
    assert figure["rows"] <= len(figure["faces"])
    assert list(panels) == list("abcdefghi"[: len(panels)])
    assert {*panels.values()} - {"LR", "HR", "LR and HR", "gan-noise"} <= {*methods.names()}
    assert set(figure["judged"]) <= set(claims.load())


def test_the_panels_are_the_papers():
    compared = ["liu", "yang2010", "yang2013", "srcnn", "ma2010"]  # [5] [7] [10] [16] [8]
    for number in (4, 5, 6, 7):
        assert list(evaluate.figure(number)["panels"].values())[3:8] == compared
    third = evaluate.figure(3)
    assert list(third["panels"].values()) == ["LR", "HR", "gan-noise", "gan", "lite-gan"]
    assert len(third["faces"]) == 6


@pytest.mark.parametrize("number", FIGURES)
def test_a_caption_quotes_the_paper_and_judges_it_by_a_number(number):
    text = gallery.caption(number).data
    assert text.startswith(f"*Fig. {number}, redrawn.* (a) LR")
    assert text.count("“") >= 1
    assert text.rstrip(".*").endswith(tuple(claims.VERDICTS))
    assert any(character.isdigit() for character in text.split("Measured")[1])


def test_a_figure_without_faces_is_refused():
    with pytest.raises(KeyError, match=r"no faces are listed for Fig\. 2"):
        gallery.redraw(2, {})


@pytest.mark.usefixtures("plain")
def test_a_method_that_cannot_run_is_a_column_that_says_why():
    shown = gallery.redraw(4, {"yang2013": "yang2013 needs scipy"})
    column = tile(opened(shown), 0, 5, 9)
    assert (column.max((0, 1)) > 100).all()  # there is text
    assert np.median(column) < 50


def test_older_methods_learn_here_and_now_and_networks_do_not():
    learnt = gallery.learn(("nearest", "ma2010"), limit=40)
    lr = downsample(to_float(evaluate.figure_faces(1).images))
    assert [tuple(method(lr).shape) for method in learnt.values()] == [(6, 3, 128, 128)] * 2
    with pytest.raises(ValueError, match=r"methods\.get\('lite'\) loads it"):
        gallery.learn(("lite",), limit=4)


def test_what_is_not_installed_is_said_in_place_of_the_method(monkeypatch):
    def lacking(self, hr):
        raise ValueError("yang2010 needs scikit-learn: pip install 'urdgn_lite[methods]'")

    monkeypatch.setattr(gallery.Yang2010, "fit", lacking)
    assert gallery.learn(("yang2010",), limit=8) == {
        "yang2010": "yang2010 needs scikit-learn: pip install 'urdgn_lite[methods]'"
    }


def test_the_approximation_is_marked_as_one():
    assert "≈" in gallery.label("yang2013")


def test_the_book_redraws_each_of_these_figures_with_the_listed_faces():
    drawn = {}
    for path in BOOK.glob("[0-9]*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            code = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
            for number in FIGURES:
                if f"gallery.redraw({number}" in code:
                    drawn[number] = cell
    assert sorted({*drawn, 3}) == list(FIGURES)  # Fig. 3 waits for its panel (c)
    for cell in drawn.values():
        assert any("image/jpeg" in output["data"] for output in cell["outputs"])
        if "yang2013" in (alt := cell["metadata"]["mystnb"]["image"]["alt"]):
            assert "yang2013, an approximation" in alt
