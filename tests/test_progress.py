import io

from urdgn_lite.progress import bar


def test_everything_passes_through():
    assert list(bar(range(3), "three")) == [0, 1, 2]
    assert list(bar(range(3), "three", show=False)) == [0, 1, 2]


def test_a_bar_that_is_not_to_be_shown_writes_nothing():
    written = io.StringIO()
    list(bar(range(3), "three", show=False, disable=False, file=written))
    assert written.getvalue() == ""


def test_a_bar_writes_its_name():
    written = io.StringIO()
    list(bar(range(3), "three", disable=False, file=written))
    assert "three" in written.getvalue()


def test_the_environment_silences_bars():
    written = io.StringIO()
    list(bar(range(3), "three", file=written))  # conftest.py sets TQDM_DISABLE
    assert written.getvalue() == ""
