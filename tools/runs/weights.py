"""Make the generators that are released: `python tools/runs/weights.py --faces celeba128`.

A call trains for some minutes and leaves the rest for the next one (`make weights` calls until all
is done). What is finished is measured, put on the shelf of the zoo, and its rows into the ledger,
unless what stands there is better. `weights.py keep FILE NAME` puts one file on the shelf.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rows

from urdgn_lite import methods, presets, store, zoo
from urdgn_lite.faces import Faces, load
from urdgn_lite.measure.evaluate import evaluate, write_row
from urdgn_lite.methods import Network
from urdgn_lite.provenance import circumstances
from urdgn_lite.train import train

SKIPPED = ("smoke", "smoke-gan", "dense", "dense-gan")  # of tests and ablations


class BetterKeptError(ValueError):
    """The zoo holds a better generator under that name."""


def released() -> Iterator[presets.Preset]:
    """The presets whose generators are released, each after the one that it starts from."""
    methods.names()  # other games have registered theirs
    done: set[str] = set()

    def first(preset: presets.Preset) -> Iterator[presets.Preset]:
        if preset.name not in done:
            done.add(preset.name)
            if preset.start:
                yield from first(presets.get(preset.start))
            yield preset

    for preset in presets.PRESETS.values():
        if preset.name not in SKIPPED:
            yield from first(preset)


def finished(folder: Path) -> bool:
    """Whether a folder holds a finished generator."""
    path = folder / "generator.safetensors"
    card = zoo.card(path) if path.exists() else {"step": 0, "steps": 1}
    return card["step"] >= card["steps"]


def gain(card: Mapping[str, Any]) -> float:
    """The last validation gain over bicubic in dB that a card tells of; −∞ where it tells none."""
    gains = [row["gain"] for row in card.get("history", []) if "gain" in row]
    return gains[-1] if gains else -math.inf


def keep(path: Path, name: str, *, replace: bool = False) -> None:
    """Put a run's `generator.safetensors` on the shelf under a name.

    Raises
    ------
    BetterKeptError : unless `replace`, where the one there learnt from the same faces and gained
        more on their validation split. (A gain in pixels: it does not see what D adds.)
    ValueError : `path` is no generator.
    """
    new = zoo.load_weights(path)[1]
    if not replace and name in zoo.names():
        old = zoo.card(name)
        if old.get("data") == new.get("data") and gain(new) < gain(old):
            raise BetterKeptError(
                f"{name} in the zoo gains {gain(old):+.3f} dB, this one {gain(new):+.3f}: "
                "not replaced"
            )
    store.write(zoo.SHELF / f"{name}.safetensors", path.read_bytes())


def install(name: str, path: Path, tests: Sequence[Faces], replace: bool) -> str:
    """Put a finished generator on the shelf and its rows into the ledger; says how it went."""
    try:
        keep(path, name, replace=replace)
    except BetterKeptError as error:
        return str(error)
    network, card = zoo.load_weights(path)
    method, own, said = Network(network, card), card["preset"]["downsampling"], []
    for test in tests:
        row = evaluate(method, test, perceptual=True)
        if own != "antialiased":  # what it was trained for, against bicubic from the same
            row["on_own_lr"] = rows.gain(network, test, own)
        write_row(name, test, row | circumstances() | {"trained": card})
        said.append(f"{row['gain_psnr']:+.2f} dB on {test.source}")
    return ", ".join(said)


def go_on(
    plan: Sequence[presets.Preset],
    hr: Faces,
    val: Faces,
    tests: Sequence[Faces],
    out: Path,
    *,
    minutes: float = 9,
    seed: int = 0,
    replace: bool = False,
) -> bool:
    """Go on with the plan for some minutes; True when all is done.

    A preset of imaginary faces learns from those, the others from `hr`.
    """
    until = time.monotonic() + 60 * minutes
    for preset in plan:
        folder = out / preset.name
        path = folder / "generator.safetensors"
        if finished(folder):
            continue
        imaginary = preset.name.endswith("-imaginary")
        learn = load("imaginary", "train") if imaginary else hr
        check = load("imaginary", "val") if imaginary else val
        begun = out / preset.start / "generator.safetensors"
        start = begun if preset.start and begun.exists() else None
        resume = (folder / "checkpoint.safetensors").exists()
        how = {"start": start, "resume": resume, "minutes": max(0, until - time.monotonic()) / 60}
        run = train(preset, learn, check, out=folder, seed=seed, **how)
        if not run.done:
            return False
        print(f"{preset.name}: {install(preset.name, path, tests, replace)}", flush=True)
    return True


def main() -> int:
    """Go on with what is not done yet; exit code 130 says that something is left."""
    if sys.argv[1:2] == ["keep"]:
        keep(Path(sys.argv[2]), sys.argv[3], replace=True)
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", default="celeba128")
    parser.add_argument("--out", type=Path, default=Path("runs/all"))
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--only", nargs="+", help="these presets")
    parser.add_argument("--replace", action="store_true", help="even what is better on the shelf")
    options = parser.parse_args()
    plan = [p for p in released() if p.name in (options.only or [p.name])]
    hr, val, test = (load(options.faces, split) for split in ("train", "val", "test"))
    shown = load("imaginary", "test")
    tests = [test] + [shown] * (test.source != shown.source)
    done = go_on(
        plan, hr, val, tests, options.out, minutes=options.minutes, replace=options.replace
    )
    return 0 if done else 130


if __name__ == "__main__":
    sys.exit(main())
