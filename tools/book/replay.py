"""`pytest --nbval book`: replay notebooks as Colab would run them, and compare what they say.

A pytest plugin, which `conftest.py` loads: the replay is the same for everybody.

**Where.** Each notebook's kernel starts in an empty folder, with the package's base install and
nothing else, a stand-in for `google.colab` (`tools/book/colab.py`), no network and no data. The
environment is made in a second, of links to what is installed here. With `--fresh` it is what the
set-up cell would install today: the published package and the newest versions of all it needs.

**What.** Every cell, and after them the folded solutions. Text and signs must be equal, and numbers
without a decimal point; others may differ by three units of their last digit. A cell's tag
`rtol=0.05` allows all its numbers 5 %. What no two machines share is masked (`nbval.cfg`).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import tomllib
import venv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import solutions
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbval import plugin
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOOLS = Path(__file__).resolve().parent
KERNEL = ["ipykernel"]  # Colab brings it
NUMBER = re.compile(r"( *\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?)")  # its sign is text
Outputs = list[NotebookNode]


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


def linked(folder: Path, _: str) -> None:
    """Make an environment with the base install alone, of links to what is installed here."""
    project = tomllib.loads((TOOLS.parents[1] / "pyproject.toml").read_text())["project"]
    venv.create(folder, symlinks=True)
    site = site_of(folder)
    for distribution in closure([*project["dependencies"], *KERNEL]).values():
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))).resolve())
    (site / "urdgn_lite").symlink_to(TOOLS.parents[1] / "urdgn_lite")


def fresh(folder: Path, install: str) -> None:
    """Make an environment by the set-up cell's own line."""
    venv.create(folder, symlinks=True, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip"]
    subprocess.run([*pip, *shlex.split(install), *KERNEL], check=True)


def kernel(folder: Path, make: Callable[[Path, str], None]) -> None:
    """Make a kernel named `colab` in that folder, and tell Jupyter of it."""
    import sync  # late: it imports the package, which jaxtyping must see first

    (install,) = re.findall(r"(?m)^ *%pip (.+)$", sync.SETUP)
    base = folder / "base"
    make(base, install)
    (site_of(base) / "google").mkdir(exist_ok=True)
    (site_of(base) / "google" / "colab.py").symlink_to(TOOLS / "colab.py")
    argv = [str(base / "bin" / "python"), "-I", "-m", "ipykernel_launcher", "-f",
            "{connection_file}", "--IPKernelApp.extensions=google.colab"]  # fmt: skip
    spec = {
        "argv": argv,
        "display_name": "Colab",
        "language": "python",
        "env": {"COLAB_INSTALLS": install, "TORCH_HOME": str(folder / "none"), "TQDM_DISABLE": "1"},
    }
    file = folder / "jupyter" / "kernels" / "colab" / "kernel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(spec))
    os.environ["JUPYTER_PATH"] = str(folder / "jupyter")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fresh`."""
    parser.addoption("--fresh", action="store_true", help="replay with what Colab installs today")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One way to replay, without options to remember."""
    if not config.option.nbval or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp())
    config.add_cleanup(lambda: shutil.rmtree(folder))
    kernel(folder, fresh if config.option.fresh else linked)
    config.option.nbval_kernel_name = "colab"
    config.option.nbval_sanitize_with = str(TOOLS / "nbval.cfg")
    config.option.nbval_cell_timeout = 180
    plugin.IPyNbFile.collect, plugin.IPyNbCell.compare_outputs = collect, compare


def collect(self: plugin.IPyNbFile) -> Iterator[pytest.Item]:
    """The cells of a notebook in their order, then its folded solutions."""
    self.skip_compare += ("image/svg+xml",)
    yield from _collect(self)
    for number, cell in enumerate(solutions.cells(self.nb), 1):
        named = {"name": f"Solution {number}", "cell_num": number, "cell": cell}
        yield Solution.from_parent(self, options=defaultdict(bool, check=True), **named)


def compare(self: plugin.IPyNbCell, test: Outputs, ref: Outputs, skip: Any = None) -> bool:
    """Compare as nbval does, once numbers that are near are replaced by the stored ones."""
    tags = " ".join(self.cell.metadata.get("tags", []))
    rtol = float(found[1]) if (found := re.search(r"\brtol=([\d.]+)", tags)) else None
    for now, then in zip(test, ref, strict=False):
        for new, old in ((now, then), (now.get("data", {}), then.get("data", {}))):
            for key in {"text", *(k for k in new if k.startswith("text/"))} & {*new} & {*old}:
                new[key] = settled(self.sanitize(new[key]), self.sanitize(old[key]), rtol)
    return _compare(self, test, ref, skip)


_collect, _compare = plugin.IPyNbFile.collect, plugin.IPyNbCell.compare_outputs


class Solution(plugin.IPyNbCell):
    """A folded solution, of which the page has the text alone."""

    def compare_outputs(self, test: Outputs, ref: Outputs, skip_compare: Any = None) -> bool:
        """Compare what it prints."""
        text = solutions.printed(test)
        said = [new_output("stream", name="stdout", text=text)] if text else []
        return compare(self, said, ref, skip_compare)


def settled(new: str, old: str, rtol: float | None = None) -> str:
    """The new text with each number that is near the old one in its place replaced by that.

    So texts that are near become equal, and of others only what differs is left to be shown.
    """
    lines, before = new.splitlines(), old.splitlines()
    if len(lines) != len(before):
        return new
    end = new[len(new.rstrip("\n")) :]
    return (
        "\n".join(_line(n, o, rtol) for n, o in zip(lines, before, strict=True)).rstrip("\n") + end
    )


def _line(new: str, old: str, rtol: float | None) -> str:
    ours, theirs = NUMBER.split(new), NUMBER.split(old)
    if ours[::2] != theirs[::2]:
        return new
    pairs = zip(ours[1::2], theirs[1::2], strict=True)
    ours[1::2] = [o if near(n, o, rtol) else n for n, o in pairs]
    return "".join(ours)


def near(new: str, old: str, rtol: float | None = None) -> bool:
    """Whether a number, as it was printed, is the old one within what is allowed."""
    if new == old:
        return True
    if len(new) != len(old) and new.count(" ") != old.count(" "):
        return False  # a column out of line
    a, b = (float(text.replace(",", "")) for text in (new, old))
    if rtol is not None:
        return abs(a - b) <= rtol * abs(b)
    digits, _, power = old.lower().partition("e")
    if "." not in digits and not power:
        return False
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(a - b) <= 3.001 * unit
