"""A generator on the zoo's shelf, for as long as a test wants."""

import shutil

from urdgn_lite import zoo


def put_on_shelf(path, name):
    """Let the zoo know a generator by a name."""
    zoo.SHELF.mkdir(exist_ok=True)
    shutil.copy(path, zoo.SHELF / f"{name}.safetensors")
