"""The strict replay must be able to fail: one altered number in a notebook, and it does.

It stands in Colab's place: the base install alone, an empty folder, no network.
"""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools" / "book"))
import replay  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
NUMBER = re.compile(r"\d")


def up_to_the_first_number(notebook):
    """The notebook cut after the first cell, past the set-up, that prints a number as text."""
    seen_setup = False
    for i, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        if seen_setup:
            for output in cell["outputs"]:
                lines = output.get("text") or output.get("data", {}).get("text/plain", [])
                printed = output.get("name") == "stdout" or output["output_type"] == (
                    "execute_result"
                )
                if printed and NUMBER.search("".join(lines)):
                    return {**notebook, "cells": notebook["cells"][: i + 1]}, lines
        seen_setup = True
    raise AssertionError("no cell prints a number")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_an_altered_number_fails_the_replay(chapter, tmp_path):
    notebook, lines = up_to_the_first_number(json.loads(chapter.read_text()))
    honest, altered = tmp_path / "honest.ipynb", tmp_path / "altered.ipynb"
    honest.write_text(json.dumps(notebook))
    index = next(i for i, line in enumerate(lines) if NUMBER.search(line))
    lines[index] = NUMBER.sub(lambda m: str((int(m[0]) + 1) % 10), lines[index], count=1)
    altered.write_text(json.dumps(notebook))

    done = replay.replay([honest, altered], tmp_path, capture_output=True)

    assert done.returncode == 1, done.stdout
    assert re.search(r"\n1 failed, \d+ passed", done.stdout), done.stdout
    assert "FAILED empty/altered/altered.ipynb" in done.stdout


SETUP = "".join(json.loads(CHAPTERS[0].read_text())["cells"][4]["source"])
ABSENT = ["sklearn", "scipy", "skimage", "dlib", "jupyter_book", "nbval", "pytest", "hypothesis",
          "beartype", "pandas", "tests", "tools"]  # fmt: skip
TRY = """
def told(attempt, *given):
    try:
        attempt(*given)
    except Exception as error:
        return str(error)
    return "nothing"
"""
CELLS = [  # (code, what it prints in Colab's place)
    ("import os\nprint(os.listdir())", "['probe.ipynb']\n"),
    ("import os\nprint('URDGN_FACES' in os.environ)", "False\n"),
    (SETUP, "urdgn_lite 0.0 · torch 0.0 · device cpu\n"),
    ("import sys\nprint('google.colab' in sys.modules)", "True\n"),
    (f"from importlib.util import find_spec\nprint([m for m in {ABSENT} if find_spec(m)])", "[]\n"),
    ("from importlib import metadata\nprint(metadata.version('torch')[:1] > '1')", "True\n"),
    (TRY + "import urllib.request\n"
     "print('fetches nothing' in told(urllib.request.urlopen, 'https://example.com', None, 5))",
     "True\n"),
    ("import socket\nprint(told(socket.create_connection, ('1.1.1.1', 443), 5))",
     "a chapter fetches nothing: 1.1.1.1\n"),
    ("print('only the set-up cell' in told(get_ipython().run_line_magic, 'pip', 'install scipy'))",
     "True\n"),
    ("print(told(get_ipython().system, 'pip install scipy'))",
     "no shell in a chapter: !pip install scipy\n"),
]  # fmt: skip


def notebook_of(cells):
    """A notebook with these cells, as if they had printed these lines."""
    code = [
        {"cell_type": "code", "id": f"c{i}", "execution_count": i, "metadata": {}, "source": source,
         "outputs": [{"output_type": "stream", "name": "stdout", "text": text}]}
        for i, (source, text) in enumerate(cells)
    ]  # fmt: skip
    return json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_replay_has_the_base_install_alone_an_empty_folder_and_no_network(tmp_path):
    probe = tmp_path / "probe.ipynb"
    probe.write_text(notebook_of(CELLS))
    done = replay.replay([probe], tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_make_test_replays_all_of_the_book_so():
    assert "$(BIN)/python tools/book/replay.py\n" in (ROOT / "Makefile").read_text()


def rules():
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "tools" / "book" / "nbval.cfg")
    return [(re.compile(config[s]["regex"]), config[s]["replace"]) for s in config.sections()]


def sanitize(text):
    for pattern, replacement in rules():
        text = pattern.sub(replacement, text)
    return text


def test_the_sanitizer_masks_versions_device_paths_and_seconds():
    one = "urdgn_lite 0.1.0 · torch 2.13.0+cpu · device cpu\n/home/a/x.png written in 3.2 s"
    two = "urdgn_lite 1.2.3 · torch 2.9.1 · device NVIDIA T4\n/tmp/b.c/y.png written in 14 s"
    assert sanitize(one) == sanitize(two)


@pytest.mark.parametrize(
    "text",
    ["gain 1.52 dB", "λ = 100", "16 × 16", "98.4 %", "max difference 2 grey levels", "SSIM 0.657",
     "step 300 of 300", "loss 0.031"],
)  # fmt: skip
def test_the_sanitizer_masks_nothing_else(text):
    assert sanitize(text) == text
