"""Damaged and hostile inputs, drawn by seed: `make fuzz` for minutes, `test_fuzz.py` for seconds.

Each kind is a function that makes one input and gives it to the product. A fault is a traceback
where the product promises a message, more than `SECONDS` for one input, or a write outside of the
folder it was given; the seed of each fault is told, and makes it again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import typer
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save
from submissions import RIGHT
from submissions import notebook as handed_in
from typer.testing import CliRunner

from urdgn_lite import faces, store
from urdgn_lite.cli import app
from urdgn_lite.grading import answers
from urdgn_lite.grading.submission import listed
from urdgn_lite.lesson import figures  # noqa: F401 - matplotlib writes its cache now
from urdgn_lite.measure import evaluate

SECONDS = 60  # for one input, on a machine that may be busy
ODD = ["", " ", "0", "-1", "1", "nan", "inf", "-inf", "1e308", "1e-308", "9" * 30, "-" + "9" * 30,
       "0x10", "1_0", "١", "½", "true", "None", "a" * 300, "\udcff", "[red]", "🙂",
       "x,y", "1,2,3,4", "nan,nan,nan,nan", "1e999,0,1,1"]  # fmt: skip
VALUES: list[Any] = [None, True, 0, -1, 1, 2**31, 10**30, 1e308, -0.5, float("nan"), float("inf"),
                     "", "x", "a" * 1000, [], {}, [[]], {"kind": "residual"}, [1, 2]]  # fmt: skip
NAMES = ["a.png", "train/a/1.png", "Val/b/1.png", "../out.png", "/out.png", "./x/../../y.png", ".",
         "..", "-", "a" * 300 + ".png", "M\udcfcller.png", "con\n.png", "\u202e.png",
         "__MACOSX/a.png", "a/" * 60 + "b.png", "b.PNG", "b.png", "c.txt"]  # fmt: skip


SPECIAL = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]


class Hang(BaseException):
    """One input took longer than `SECONDS`."""


# What happens outside of the folder


class Watch:
    """Notes every file that Python writes, moves or removes outside of `root`."""

    def __init__(self) -> None:
        self.root, self.outside = "", list[str]()
        sys.addaudithook(self.hear)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.root:
            return
        if event == "open":
            writes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
            paths = args[:1] if writes else ()
        elif event in ("os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"):
            paths = args[:1]
        elif event in ("os.rename", "os.symlink", "os.link"):
            paths = args[:2]
        else:
            return
        for path in paths:
            whole = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
            caches = "__pycache__" in whole or "torchinductor" in whole
            if whole and not caches and not f"{whole}/".startswith((self.root, "/dev/")):
                self.outside.append(f"{event} {whole}")


watching = cache(Watch)  # one hook a process: it cannot be taken out again


@contextmanager
def closed_in(folder: Path) -> Iterator[list[str]]:
    """Work in a folder, with a clock; what was written outside of it."""
    watch, here, temporary = watching(), os.getcwd(), tempfile.tempdir
    ledger, showing = evaluate.ledger, sys.stderr

    def late(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    (folder / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(folder / "tmp")
    evaluate.ledger = lambda: folder / "results"
    watch.outside, watch.root = [], f"{os.path.realpath(folder)}/"
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield watch.outside
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        os.chdir(here)
        watch.root, tempfile.tempdir, evaluate.ledger, sys.stderr = "", temporary, ledger, showing


def command(*arguments: object) -> None:
    """A command line: it works, or answers in one line."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.exit_code in (0, 1, 2, 130), result.exit_code
    assert (len(errors) == 1) == (result.exit_code == 1), result.output
    assert "Traceback" not in result.output, result.output


# What is damaged


def picture(r: random.Random) -> bytes:
    """A good picture of a random format and mode."""
    side = r.choice([16, 63, 64, 128, 200])
    size = (side, r.choice([side, 90]))
    image = Image.frombytes("L", size, r.randbytes(size[0] * size[1]))
    kind, modes = r.choice([
        ("PNG", "RGB L P RGBA LA I;16 1"), ("JPEG", "RGB L CMYK"), ("WEBP", "RGB RGBA"),
        ("GIF", "P L"), ("BMP", "RGB L P"), ("TIFF", "RGB L I;16 F RGBA CMYK"), ("PPM", "RGB L"),
        ("TGA", "RGB L RGBA"), ("ICO", "RGBA"), ("EPS", "RGB"), ("PDF", "RGB"),
    ])  # fmt: skip
    mode = r.choice(modes.split())
    image = image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
    then = time.gmtime(0)  # else a PDF holds the second in which it was made
    image.save(data := io.BytesIO(), kind, creationDate=then, modDate=then)
    return data.getvalue()


def mutate(r: random.Random, data: bytes) -> bytes:
    """The same with bits turned, bytes lost, doubled, moved, or numbers at their limits."""
    found = bytearray(data)
    for _ in range(r.choice([0, 1, 1, 2, 5, 50])):
        at = (
            r.randrange(len(found) + 1)
            if r.random() < 0.6
            else r.randrange(min(len(found), 64) + 1)
        )
        size = r.choice([1, 2, 4, 8, 300])
        match r.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << r.randrange(8)
            case 1:
                del found[at:]
            case 2:
                found[at : at + size] = bytes([r.choice([0, 1, 0x7F, 0x80, 0xFF])]) * size
            case 3:
                found[at:at] = r.randbytes(size)
            case 4:
                del found[at : at + size]
            case 5:
                found[at:at] = found[: r.randrange(2000)]
    return bytes(found)


def damaged(r: random.Random, value: Any) -> Any:
    """Plain data with a value somewhere replaced, dropped or added."""
    if isinstance(value, dict) and value and r.random() < 0.85:
        key = r.choice(list(value))
        if r.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: damaged(r, value[key])}
    if isinstance(value, list) and value and r.random() < 0.85:
        i = r.randrange(len(value))
        return [*value[:i], damaged(r, value[i]), *value[i + 1 :]]
    return r.choice(VALUES)


# The kinds


def images(r: random.Random, folder: Path) -> None:
    path = folder / r.choice(["a.png", "a.jpg", "a", "[b].gif"])
    path.write_bytes(mutate(r, picture(r)))
    try:
        faces.to_rgb(path.name, path.read_bytes())
    except faces.FacesError as error:
        if path.name not in str(error):
            raise
    if r.random() < 0.1:
        command("upsample", path, "--model", "bicubic", "--out", folder / "out")


def archives(r: random.Random, folder: Path) -> None:
    data, names = io.BytesIO(), r.sample(NAMES, r.randrange(1, 6))
    good = [(name, picture(r)) for name in names]
    if r.random() < 0.4:
        with zipfile.ZipFile(data, "w") as archive:
            for name, content in good:
                archive.writestr(name.encode("utf-8", "replace").decode(), content)
    else:
        with tarfile.open(fileobj=data, mode=r.choice(["w", "w:gz", "w:xz"])) as archive:
            for name, content in good:
                member = tarfile.TarInfo(name)
                member.type = r.choice([tarfile.REGTYPE] * 6 + SPECIAL)
                member.linkname = r.choice(NAMES)
                member.size = len(content) if member.isreg() else 0
                archive.addfile(member, io.BytesIO(content))
    path = folder / r.choice(["set.tar", "set.zip", "set.tar.gz", "set"])
    path.write_bytes(mutate(r, data.getvalue()) if r.random() < 0.6 else data.getvalue())
    command("faces", path, "--split", r.choice(["all", "train", "val", "test"]))


def a_few(folder: Path) -> Path:
    """Three faces to learn from, one to validate with."""
    for i in range(4):
        path = folder / "mine" / ("val" if i == 3 else "train") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("L", (128, 128), random.Random(i).randbytes(128**2)).save(path)
    return folder / "mine"


@cache
def a_run() -> dict[str, bytes]:
    """The files of a run that was stopped after its first step, and the faces it saw."""
    with tempfile.TemporaryDirectory() as name:
        mine = a_few(Path(name))
        command("train", "--preset", "smoke-gan", "--faces", mine, "--out", Path(name) / "run",
                "--steps", 2, "--minutes", 0)  # fmt: skip
        return {
            p.relative_to(name).as_posix(): p.read_bytes()
            for p in Path(name).rglob("*")
            if p.is_file()
        }


def laid_out(folder: Path) -> None:
    for name, data in a_run().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def used(r: random.Random, folder: Path, path: Path) -> None:
    """Give a checkpoint or a generator to the commands that take it."""
    if path.name == "checkpoint.safetensors":
        command("train", "--preset", "smoke-gan", "--faces", folder / "mine", "--out", path.parent,
                "--steps", 2, "--resume")  # fmt: skip
    elif r.random() < 0.5:
        command("evaluate", path, "--faces", folder / "mine", "--split", "val", "--save", "mine")
    else:
        command("train", "--preset", "smoke-gan", "--faces", folder / "mine", "--out", folder / "b",
                "--steps", 1, "--start", path)  # fmt: skip


def checkpoints(r: random.Random, folder: Path) -> None:
    laid_out(folder)
    path = folder / "run" / r.choice(["checkpoint.safetensors", "generator.safetensors"])
    path.write_bytes(mutate(r, path.read_bytes()))
    used(r, folder, path)


def cards(r: random.Random, folder: Path) -> None:
    """Files whose checksum is right, and whose content is not."""
    laid_out(folder)
    path = folder / "run" / r.choice(["checkpoint.safetensors", "generator.safetensors"])
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        card = json.loads(stored.metadata()["card"])
    if r.random() < 0.7:
        card = damaged(r, card)
    else:
        name = r.choice(list(tensors))
        value = tensors.pop(name)
        made = r.choice(
            [value.reshape(-1)[:0], value.flatten(), value * float("nan"), value.long(), None]
        )
        tensors |= {} if made is None else {r.choice([name, "G.more", "x"]): made.contiguous()}
    text = json.dumps(card)
    path.write_bytes(save(tensors, {"card": text, "sha256": store.checksum(tensors, text)}))
    used(r, folder, path)


def settings(r: random.Random, folder: Path) -> None:
    """One option or argument of one command with an odd value, the others small."""
    laid_out(folder)
    mine, run = folder / "mine", folder / "run"
    (folder / "in").mkdir()
    (folder / "in" / "doe-a1.ipynb").write_text("{}")
    begun = {
        "faces": [mine],
        "export": [run / "generator.safetensors"],
        "upsample": [mine / "val/3.png"],
        "train": ["--preset", "smoke", "--faces", mine, "--steps", 1, "--minutes", 0],
        "evaluate": ["bicubic", "--faces", mine, "--split", "val"],
        "table1": ["nearest", "--faces", mine, "--split", "val", "--training", mine, "--limit", 2],
        "grade": [folder / "in", "--unsafe", "--seconds", 1, "--seed", 1],
    }
    name = r.choice(list(begun))
    parameters = typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]
    options = [p.opts[-1] for p in parameters if not getattr(p, "is_flag", False)]
    chosen, value = r.choice(options), r.choice(ODD)
    line: list[object] = list(begun[name])
    if not chosen.startswith("-"):
        command(name, value, *line[1:])
        return
    if chosen in line:
        line[line.index(chosen) + 1] = value
    else:
        line += [chosen, value]
    command(name, *line)


def notebooks(r: random.Random, folder: Path) -> None:
    """What students hand in, as the sandbox reads it; now and then the whole way."""
    broken = damaged(r, handed_in(generator_loss=r.choice([
        RIGHT["generator_loss"], "%%time\n" + RIGHT["generator_loss"], "x = !ls\n", "(" * 5000,
        "lambda: " * 3000, "\0", ">>> 1", "def generator_loss(z, x, h, lam): return " + "-" * 9999,
    ])))  # fmt: skip
    raw = json.dumps(broken).encode()
    raw = mutate(r, raw) if r.random() < 0.4 else raw
    found = answers.read(raw, listed(), r.choice(["a1", "", "a9"]))
    json.dumps(found)  # what goes to the grader's process
    if r.random() < 0.03:
        (folder / "in").mkdir()
        (folder / "in" / "doe-a1.ipynb").write_bytes(raw)
        command("grade", folder / "in", "--unsafe", "--seconds", 5, "--seed", 1)


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    f.__name__: f for f in (images, archives, checkpoints, cards, settings, notebooks)
}


def fault(kind: str, seed: int) -> str:
    """What went wrong with one input; "" if nothing did."""
    folder = Path(tempfile.mkdtemp())
    try:
        a_run()  # not within this input's time
        with closed_in(folder) as outside:
            KINDS[kind](random.Random(f"{kind} {seed}"), folder)
        return "" if not outside else f"wrote outside: {', '.join(outside)}"
    except Hang:
        return f"took more than {SECONDS} s"
    except Exception:
        return traceback.format_exc(limit=-4)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Try new inputs until the time is up; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the first input of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    end, seed, faults = time.monotonic() + 60 * options.minutes, options.seed, 0
    tried = dict.fromkeys(options.kinds.split(","), 0)
    while time.monotonic() < end:
        for kind in tried:
            if found := fault(kind, seed):
                print(f"{kind} {seed}: {found}", flush=True)
                faults += 1
            tried[kind] += 1
        seed += 1
    print(f"{sum(tried.values())} inputs, {faults} faults: {tried}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
