import io

import pytest

from urdgn_lite.progress import bar


@pytest.fixture
def written(monkeypatch):
    """A stream for the bar, in an environment that does not silence it."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return io.StringIO()


def test_a_bar_writes_its_name(written):
    list(bar(range(3), "three", disable=False, file=written))
    assert "three" in written.getvalue()


def test_a_bar_that_is_not_to_be_shown_writes_nothing(written):
    list(bar(range(3), "three", show=False, disable=False, file=written))
    assert written.getvalue() == ""


def test_the_environment_silences_bars(written, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    list(bar(range(3), "three", disable=False, file=written))
    assert written.getvalue() == ""
