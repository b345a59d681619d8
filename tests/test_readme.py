"""Every command of the README is run, small; its tree names every file."""

import functools
import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from urdgn_lite import faces
from urdgn_lite.cli import app
from urdgn_lite.measure import evaluate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SMALL = {  # what makes a command of a reader's machine one of a test
    "train": ["--steps", "2", "--limit", "8"],
    "table1": ["bicubic"],
    "evaluate": [],
    "upsample": [],
    "export": [],
}
COMMANDS = [
    shlex.split("".join(line).split("#")[0])
    for line in re.findall(r"(?m)^(urdgn-lite [a-z][^`\n]*)|`(urdgn-lite [a-z][^`]*)`", README)
    if "…" not in "".join(line)
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, few_faces):
    """A folder with a photo and a ledger; what one command leaves, the next one takes."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copytree(ROOT / "results", folder / "results")
        patch.setattr(evaluate, "ledger", lambda: folder / "results")
        patch.setattr(faces, "load", functools.partial(faces.load, limit=8))
        face = Image.fromarray(few_faces.images[0].permute(1, 2, 0).numpy())
        face.resize((600, 600)).save("photo.jpg")
        yield folder


def test_there_are_commands():
    assert {command[1] for command in COMMANDS} == set(SMALL)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_runs(place, command):
    arguments = [*command[1:], *SMALL[command[1]]]
    arguments = ["imaginary" if word == "celeba128" else word for word in arguments]
    if "--preset" in arguments:  # into a folder of its own
        arguments += ["--out", f"runs/{len(list(place.glob('runs/*')))}"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_the_tree_names_every_room_and_the_files_of_the_first_ones():
    tree = re.search(r"(?s)```\n(urdgn_lite/.*?)```", README)[1]
    for path in (ROOT / "urdgn_lite").iterdir():
        if path.suffix == ".py" and not path.name.startswith("_"):
            assert re.search(rf"(?m)^  {re.escape(path.name)} +\S", tree), path.name
        elif (path / "__init__.py").exists():
            assert re.search(rf"(?m)^  {path.name}/ +\S", tree), path.name
    for name in re.findall(r"(?m)^  (\w+\.py|\w+/) ", tree):
        assert (ROOT / "urdgn_lite" / name).exists(), name
    for path in (ROOT / "urdgn_lite" / "methods").glob("[a-z]*.py"):
        if path.stem not in ("base", "network", "belief", "back_projection"):
            assert path.stem in tree, path.name
