"""The strict replay must be able to fail: one altered number in a notebook, and it does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
NUMBER = re.compile(r"\d")


def replay(path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval",
               "--nbval-current-env", "--nbval-sanitize-with", ROOT / "tools" / "nbval.cfg",
               "--rootdir", path.parent, "-c", ROOT / "pyproject.toml", path]  # fmt: skip
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True)


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
    honest = tmp_path / "honest.ipynb"
    honest.write_text(json.dumps(notebook))
    index = next(i for i, line in enumerate(lines) if NUMBER.search(line))
    lines[index] = NUMBER.sub(lambda m: str((int(m[0]) + 1) % 10), lines[index], count=1)
    altered = tmp_path / "altered.ipynb"
    altered.write_text(json.dumps(notebook))

    good, bad = replay(honest), replay(altered)

    assert good.returncode == 0, good.stdout
    assert bad.returncode == 1, bad.stdout
    assert "1 failed" in bad.stdout


def rules():
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "tools" / "nbval.cfg")
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
