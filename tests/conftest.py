"""What all tests share: a few faces, a small trained-looking generator, quiet libraries."""

import os
import sys
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # before tqdm is imported

import matplotlib
import pytest
import torch
from browser import browser, visit, visits  # noqa: F401 - one browser for all modules
from hypothesis import settings
from shelf import put_on_shelf

from urdgn_lite import faces, networks, presets, zoo
from urdgn_lite.measure._compat import import_torchvision

# What the package imports first is compiled anew, by the hook that checks the package's types.
import_torchvision()
import torchmetrics.functional.image  # noqa: E402, F401

matplotlib.use("Agg")  # not by the environment: the notebooks' kernels would inherit it
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=40, database=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def few_faces():
    """Eight people who do not exist."""
    return faces.load("imaginary", "test", limit=8)


@pytest.fixture
def development_faces():
    """Folder of the development faces: photographs of real people, which are never committed."""
    if not os.environ.get("URDGN_FACES"):
        pytest.skip("needs the development faces: set URDGN_FACES to their folder")
    return Path(os.environ["URDGN_FACES"])


@pytest.fixture(scope="session")
def generator_file(tmp_path_factory):
    """A tiny generator as `train` leaves it, with weights that change the bicubic image."""
    torch.manual_seed(0)
    preset = presets.get("smoke")
    network = networks.build_generator(preset)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    path = tmp_path_factory.mktemp("run") / "generator.safetensors"
    zoo.save_weights(network, path, {"preset": preset.to_dict(), "seed": 0})
    return path


@pytest.fixture
def shelf(tmp_path, monkeypatch, generator_file):
    """A zoo in a temporary folder with two names: tiny, and tiny-gan."""
    monkeypatch.setattr(zoo, "SHELF", tmp_path / "weights")
    for name in ("tiny", "tiny-gan"):
        put_on_shelf(generator_file, name)
    return zoo.SHELF


def pytest_collection_modifyitems(items):
    """Begin with the longest files: no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.path.name not in ("test_pages.py", "test_play.py"))


@pytest.fixture(autouse=True)
def _figures_closed():
    yield
    if plt := sys.modules.get("matplotlib.pyplot"):
        plt.close("all")
