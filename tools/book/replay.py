"""Replay notebooks as Colab would run them, and compare every text with the stored one.

    python tools/book/replay.py [--fresh] [notebook …]     # without names: all of the book

Each notebook stands alone in an empty folder. Its kernel has the package with its base install and
nothing else, a stand-in for `google.colab` (`tools/book/colab.py`), no network, no data. The
environment is made in a second, of links to what is installed here. With `--fresh` it is what the
set-up cell would install today: the published package and the newest versions of all it needs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

import sync
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ["ipykernel"]  # Colab brings it
(INSTALL,) = re.findall(r"(?m)^ *%pip (.+)$", sync.SETUP)


def closure(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """What `pip install` of these brings, by name, of what is installed here."""
    found: dict[str, metadata.Distribution] = {}
    seen = set()
    todo = [Requirement(r) for r in requirements]
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if (name, *sorted(wanted.extras)) in seen:
            continue
        seen.add((name, *sorted(wanted.extras)))
        found[name] = metadata.distribution(name)
        for line in found[name].requires or ():
            inner = Requirement(line)
            cases = [{"extra": extra} for extra in {"", *wanted.extras}]
            if not inner.marker or any(inner.marker.evaluate(case) for case in cases):
                todo.append(inner)
    return found


def site_of(folder: Path) -> Path:
    """A new virtual environment's place for packages."""
    variables = {"base": str(folder), "platbase": str(folder)}
    return Path(sysconfig.get_path("purelib", "venv", variables))


def linked(folder: Path) -> None:
    """Make an environment with the base install alone, of links to what is installed here."""
    venv.create(folder, symlinks=True)
    site = site_of(folder)
    for distribution in closure([*sync.PROJECT["dependencies"], *KERNEL]).values():
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))).resolve())
    (site / "urdgn_lite").symlink_to(ROOT / "urdgn_lite")


def fresh(folder: Path) -> None:
    """Make an environment by the set-up cell's own line."""
    venv.create(folder, symlinks=True, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip"]
    subprocess.run([*pip, *shlex.split(INSTALL), *KERNEL], check=True)


def kernel(folder: Path, make: Callable[[Path], None] = linked) -> dict[str, str]:
    """The environment variables with which Jupyter finds a kernel named `colab`."""
    base = folder / "base"
    make(base)
    (site_of(base) / "google").mkdir(exist_ok=True)
    (site_of(base) / "google" / "colab.py").symlink_to(ROOT / "tools" / "colab.py")
    argv = [str(base / "bin" / "python"), "-I", "-m", "ipykernel_launcher", "-f",
            "{connection_file}", "--IPKernelApp.extensions=google.colab"]  # fmt: skip
    spec = {"argv": argv, "display_name": "Colab", "language": "python",
            "env": {"COLAB_INSTALLS": INSTALL, "TORCH_HOME": str(folder / "none")}}  # fmt: skip
    file = folder / "jupyter" / "kernels" / "colab" / "kernel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(spec))
    variables = {k: v for k, v in os.environ.items() if k != "URDGN_FACES"}
    return variables | {"JUPYTER_PATH": str(folder / "jupyter"), "TQDM_DISABLE": "1"}


def replay(
    paths: Iterable[Path], folder: Path, make: Callable[[Path], None] = linked, **named: bool
) -> subprocess.CompletedProcess[str]:
    """Replay copies of these notebooks, each alone in its own folder below `folder`."""
    copies = []
    for path in paths:
        copies.append(folder / "empty" / path.stem / path.name)
        copies[-1].parent.mkdir(parents=True)
        shutil.copy(path, copies[-1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval",
               "--nbval-kernel-name", "colab",
               "--nbval-sanitize-with", ROOT / "tools/book/nbval.cfg",
               "--nbval-cell-timeout", "180", "--rootdir", folder / "empty",
               "-c", ROOT / "pyproject.toml", *copies]  # fmt: skip
    return subprocess.run(command, cwd=folder, env=kernel(folder, make), text=True, **named)


def main(names: list[str]) -> int:
    """Replay and say how it went."""
    paths = [Path(n) for n in names if n != "--fresh"] or sorted((ROOT / "book").glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        return replay(paths, Path(folder), fresh if "--fresh" in names else linked).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
