"""The package as others install it: from a wheel, outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the unpacked wheel, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    build += ["--no-index", "--wheel-dir", folder, ROOT]
    subprocess.run(build, check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed, code):
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=installed, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_imaginary_faces_the_weights_and_the_ledger_come_along(installed):
    code = """if True:
        import urdgn_lite
        from urdgn_lite import faces, zoo
        from urdgn_lite.measure import evaluate
        print(urdgn_lite.__file__)
        print(evaluate.ledger())
        print(len(faces.load("imaginary", "val")), evaluate.paper()["table1"]["bicubic"]["psnr"])
        print(all(zoo.load(name) is not None for name in zoo.names()), len(zoo.names()))
    """
    module, ledger, faces_and_paper, weights = run(installed, code).splitlines()
    assert module.startswith(str(installed))
    assert ledger.startswith(str(installed))
    assert faces_and_paper == "100 23.22"
    assert weights == "True " + weights.split()[1]
    assert int(weights.split()[1]) >= 2


def test_nothing_of_the_book_or_the_tests_is_installed(installed):
    assert {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")} == {
        "urdgn_lite"
    }
