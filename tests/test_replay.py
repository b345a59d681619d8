"""The replay must be able to fail, and only where it should.

It stands in Colab's place: the base install alone, an empty folder, no network.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import replay
import solutions

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))


SETUP = "".join(json.loads(CHAPTERS[0].read_text())["cells"][4]["source"])
ABSENT = ["sklearn", "scipy", "skimage", "dlib", "jupyter_book", "nbval", "pytest", "hypothesis"]
ABSENT += ["beartype", "pandas", "tests", "tools"]
TRY = """
def told(attempt, *given):
    try:
        attempt(*given)
    except Exception as error:
        return str(error)
    return "nothing"
"""
CELLS = [  # (code, what it prints in Colab's place)
    ("import os\nprint(os.listdir())", "[]\n"),
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


def code_cell(i, source, text, tags=()):
    output = {"output_type": "stream", "name": "stdout", "text": text}
    cell = {"cell_type": "code", "id": f"c{i}", "execution_count": i, "metadata": {"tags": [*tags]}}
    return cell | {"source": source, "outputs": [output] if text else []}


def notebook_of(cells):
    """A notebook with these cells, as if they had printed these lines."""
    made = [
        code_cell(i, *cell) if isinstance(cell, tuple) else cell for i, cell in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


TEXT = "gain  +3.412 dB on 500 faces\nSSIM 0.0657\nrate 1.2e-05"
STORED = [  # (what is stored, tags, how the cell that prints TEXT comes out)
    (TEXT, (), "PASSED"),
    (TEXT.replace("3.412", "3.415"), (), "PASSED"),
    (TEXT.replace("3.412", "3.416"), (), "FAILED"),
    (TEXT.replace("0.0657", "0.0661"), (), "FAILED"),
    (TEXT.replace("1.2e-05", "1.4e-05"), (), "PASSED"),
    (TEXT.replace("1.2e-05", "1.2e-04"), (), "FAILED"),
    (TEXT.replace("500", "501"), (), "FAILED"),
    (TEXT.replace("500", "501"), ("rtol=0.01",), "PASSED"),
    (TEXT.replace("3.412", "3.44"), ("rtol=0.01",), "PASSED"),
    (TEXT.replace("3.412", "3.45"), ("rtol=0.01",), "FAILED"),
    (TEXT.replace("+", "−"), (), "FAILED"),
    (TEXT.replace("+", "-"), ("rtol=3",), "FAILED"),
    (TEXT.replace("dB", "db"), (), "FAILED"),
    (TEXT.replace("faces", "people"), ("rtol=3",), "FAILED"),
    (TEXT + "\n", (), "FAILED"),
    (TEXT.rpartition("\n")[0], (), "FAILED"),
    ("", (), "FAILED"),
    (TEXT.replace("3.412", "9.999"), ("nbval-ignore-output",), "PASSED"),
]


SOLVED = """Write it.

<details>
<summary>Solution</summary>

```python
def twice(x):
    return 2 * x

print(f"{twice(start):.2f}")
twice(1)
```

```text
5.01
2
```

Words.
</details>"""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """How each cell of three notebooks came out, (notebook, cell or solution) → state; all said."""
    folder = tmp_path_factory.mktemp("notebooks")
    texts = SOLVED, SOLVED.replace("5.01", "5.10"), SOLVED.replace("2 * x", "x / 0")
    words = [
        {"cell_type": "markdown", "id": f"m{i}", "metadata": {}, "source": text}
        for i, text in enumerate(texts)
    ]
    altered = [(f"print({TEXT!r})", f"{text}\n" if text else "", tags) for text, tags, _ in STORED]
    for name, cells in (
        ("probe", CELLS), ("altered", altered), ("solved", [*words, ("start = 2.5", "")])
    ):  # fmt: skip
        (folder / f"{name}.ipynb").write_text(notebook_of(cells))
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-o", "addopts=-rA"]
    command += ["-p", "replay", "-p", "no:cacheprovider", "--nbval", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = re.findall(r"(?m)^(PASSED|FAILED) \S*?(\w+)\.ipynb::(.+?)(?: - .*)?$", done.stdout)
    assert found, done.stdout + done.stderr
    return {(name, cell): state for state, name, cell in found}, done.stdout


def test_a_replay_has_the_base_install_alone_an_empty_folder_and_no_network(replayed):
    found, said = replayed
    states = [state for (name, _), state in found.items() if name == "probe"]
    assert states == ["PASSED"] * len(CELLS), said


def test_a_cell_fails_by_a_number_out_of_reach_a_sign_a_word_or_a_line(replayed):
    found, said = replayed
    states = [found["altered", f"Cell {i}"] for i in range(len(STORED))]
    assert states == [how for *_, how in STORED], said


def test_a_folded_solution_is_run_after_the_cells_and_its_text_compared(replayed):
    found = {cell: state for (name, cell), state in replayed[0].items() if name == "solved"}
    assert found == {"Cell 0": "PASSED", "Solution 1": "PASSED",
                     "Solution 2": "FAILED", "Solution 3": "FAILED"}  # fmt: skip


def test_what_a_solution_prints_is_written_below_it():
    text = re.sub(r"(?s)\n```text.*?```\n", "", SOLVED)
    notebook = nbformat.reads(
        notebook_of([{"cell_type": "markdown", "id": "m", "metadata": {}, "source": text}]), 4
    )
    (cell,) = solutions.cells(notebook)
    assert cell.outputs == []
    cell.outputs = [
        nbformat.v4.new_output("stream", text="5.01\n"),
        nbformat.v4.new_output("execute_result", {"text/plain": "2"}),
    ]
    for _ in range(2):  # written once, it stays
        solutions.write(notebook, [cell])
        assert notebook.cells[0].source == SOLVED


def test_the_replay_is_the_same_for_everybody():
    """`pytest --nbval book` finds the plugin and what `make test` finds."""
    command = [sys.executable, "-m", "pytest", "--nbval", "book", "--collect-only", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    listed = set(re.findall(r"(?m)^book/(\S+\.ipynb)::", done.stdout))
    assert listed == {path.name for path in (ROOT / "book").glob("*.ipynb")}
    assert re.search(r"pytest .*--nbval book tests\n", (ROOT / "Makefile").read_text())


@pytest.mark.parametrize("new", ["a 9.99 b", "a 10.02 b", "a 10.00 b", "a  9.99 b"])
def test_columns_may_move_with_the_width_of_a_number_or_stay_in_line(new):
    assert (replay.settled(new, "a 10.00 b") == "a 10.00 b") == (new != "a 10.04 b")


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
