"""The minutes on the pages: measured, of the cells as they are, within the limits."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
import minutes  # noqa: E402

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
MEASURED = minutes.measured()
CELL, CHAPTER, BOOK = 60, 90, 600  # seconds on two CPU cores


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_was_measured_as_it_is_and_is_quick(path):
    entry = MEASURED[path.stem]["cpu"]
    again = "its cells have changed: python tools/book/execute.py, then python tools/book/sync.py"
    assert entry["code"] == minutes.code(json.loads(path.read_text())), again
    assert entry["longest_cell"] <= CELL
    assert entry["seconds"] <= CHAPTER


def test_all_together_are_quick_and_nothing_else_is_listed():
    assert set(MEASURED) == {path.stem for path in NOTEBOOKS}
    assert sum(entry["cpu"]["seconds"] for entry in MEASURED.values()) <= BOOK


def test_the_first_page_says_what_all_of_it_takes():
    said = re.search(r"(\d+) hours of reading.* (\d+) minutes of running", minutes.together())
    assert minutes.together() in (ROOT / "book" / "intro.md").read_text()
    texts = [json.loads(path.read_text()) for path in NOTEBOOKS]
    assert int(said[1]) == round(sum(map(minutes.to_read, texts)) / 60)
    assert int(said[2]) == round(sum(entry["cpu"]["seconds"] for entry in MEASURED.values()) / 60)


@pytest.fixture
def notebook():
    needs = "## You need\n\n| | |\n|---|---|\n| to know | a |\n| to read | 9 |\n| on a CPU | 9 |\n"
    cells = [
        ("markdown", "# A chapter\n\n" + "word " * 700),
        ("markdown", needs + "| on a GPU | 9 |"),
        ("code", "# Set-up"),
        ("code", "x = 1"),
    ]
    return {"cells": [{"cell_type": kind, "source": [text]} for kind, text in cells]}


@pytest.fixture
def _stored(tmp_path, monkeypatch):
    monkeypatch.setattr(minutes, "STORED", tmp_path / "minutes.json")


def with_hardware(monkeypatch, name):
    monkeypatch.setattr(minutes, "circumstances", lambda: {"hardware": name})


def needs(notebook):
    text = minutes.with_needs(json.dumps(notebook), "one")
    assert minutes.with_needs(text, "one") == text, "written once, it stays"
    return minutes.source(json.loads(text)["cells"][1])


def test_the_hash_is_of_the_code_without_the_set_up(notebook):
    first = minutes.code(notebook)
    notebook["cells"][0]["source"] = ["# Another title"]
    notebook["cells"][2]["source"] = ["# Set-up from elsewhere"]
    assert minutes.code(notebook) == first
    notebook["cells"][3]["source"] = ["x = 2"]
    assert minutes.code(notebook) != first


@pytest.mark.usefixtures("_stored")
def test_what_nobody_measured_is_not_told_in_minutes(notebook):
    assert needs(notebook).splitlines()[-3:] == [
        "| to read | 5 minutes |",
        "| on a CPU | not measured |",
        "| on a GPU | not measured; nothing here needs one |",
    ]
    notebook["cells"][3]["source"] = ["steps = 3000 if torch.cuda.is_available() else 60"]
    assert needs(notebook).endswith("| on a GPU | not measured; the runs are longer there |")


@pytest.mark.usefixtures("_stored")
def test_what_was_measured_is_rounded_up_and_kept_for_each_device(notebook, monkeypatch):
    with_hardware(monkeypatch, "x86_64 CPU, 2 threads")
    minutes.record("other", notebook, 20, 10)
    minutes.record("one", notebook, 60.4, 30)
    with_hardware(monkeypatch, "NVIDIA T4")
    minutes.record("one", notebook, 12, 3)
    assert needs(notebook).endswith("| on a CPU | 2 minutes |\n| on a GPU | 1 minute |")
    assert set(minutes.measured()) == {"one", "other"}
    assert minutes.measured()["one"]["gpu"]["hardware"] == "NVIDIA T4"


@pytest.mark.usefixtures("_stored")
def test_a_chapter_without_the_lines_is_refused(notebook):
    notebook["cells"][1]["source"] = ["## You need\n\nNothing."]
    with pytest.raises(SystemExit, match="wants one line"):
        needs(notebook)
