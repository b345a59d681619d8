"""The command line: `urdgn-lite faces | shards | train | evaluate | table1 | upsample | …`."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from urdgn_lite._console import err, out, plain_errors, say
from urdgn_lite.presets import PRESETS, Preset

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Learn UR-DGN (Yu & Porikli, ECCV 2016) by running it: 16 × 16 faces become 128 × 128.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
FacesOption = Annotated[
    str, typer.Option(help="imaginary, celeba, lfw, a folder, tar or shards, or in $URDGN_FACES")
]
SEEDS = 2**32 - 1
MODEL = "residual"  # the truest generator that comes with the package
Root = Annotated[Path, typer.Option(help="folder that holds celeba/ and LFW")]


@app.command()
def faces(
    source: Annotated[str, typer.Argument(help="as --faces of train")] = "imaginary",
    split: Annotated[str, typer.Option(help="train, val, test or all")] = "all",
    sheet: Annotated[Path | None, typer.Option(help="write the first 32 faces as a PNG")] = None,
    root: Root = Path("data"),
) -> None:
    """Look at a source of faces: how many there are, what was skipped and why."""
    from urdgn_lite.faces import load, stream
    from urdgn_lite.lesson import figures

    with plain_errors():
        found = stream(source, split, root=root)
        say(out, found)
        for name, reason in getattr(found, "skipped", ()):
            say(out, f"  skipped {name}: {reason}")
        if sheet:
            first = load(source, split, root=root, limit=32).images
            figures.save_png(figures.sheet(*first.split(8)), sheet)
            say(out, f"wrote {sheet}")


@app.command()
def shards(
    source: Annotated[str, typer.Argument(help="as --faces of train")],
    folder: Annotated[Path, typer.Option("--out", help="a new folder")],
    root: Root = Path("data"),
) -> None:
    """Pack a set larger than memory for `train --faces FOLDER`. Needs the extra `shards`."""
    from urdgn_lite.faces import write_shards

    with plain_errors():
        counts, skipped = write_shards(source, folder, root=root)
        told = ", ".join(f"{n} faces in {split}" for split, n in counts.items())
        say(out, "\n".join([f"{folder}: {told}", *(f"  skipped {why}" for why in skipped)]))


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="what to make")] = "residual-s-imaginary",
    faces: FacesOption = "imaginary",
    lam: Annotated[
        float | None,
        typer.Option("--lam", min=0, help="λ of Eq. 2: 0 … inf; default: the preset's"),
    ] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="default: runs/PRESET")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="default: the preset's")] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS)] = 0,
    start: Annotated[
        str | None, typer.Option(help="begin as this generator: a name or a file; '' as none")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from --out")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="stop and save after so long")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="use so many faces")] = None,
    bf16: Annotated[bool, typer.Option("--bf16", help="compute in bfloat16, as GPUs do")] = False,
    root: Root = Path("data"),
) -> None:
    """Make the generator of a preset; without options, in minutes on a laptop.

    Ctrl-C saves; `--resume` goes on from there and ends where an uninterrupted run would. Exit
    code 130 says that the run is not at its end yet. `torchrun` starts it as several processes.
    """
    import os

    import torch

    from urdgn_lite import presets
    from urdgn_lite.faces import load, stream
    from urdgn_lite.watch import gain

    with plain_errors():
        recipe = presets.get(preset)
        if lam is not None:
            recipe = weighed(recipe, lam)
        folder = folder or Path("runs") / recipe.name
        images = stream(faces, "train", root=root, limit=limit)
        val = load(faces, "val", root=root, limit=100)
        how: Any = {"seed": seed, "start": start, "resume": resume}
        how |= {} if minutes is None else {"minutes": minutes}
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from urdgn_lite.distributed import train
        else:
            from urdgn_lite.train import train
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            run = train(recipe, images, val, out=folder, steps=steps, **how)
        done = "done" if run.done else "stopped (go on with --resume)"
        say(
            out,
            f"{done}: step {run.step} of {run.steps}, {run.seconds / 60:.1f} min, "
            f"{gain(run.generator, val.images):+.2f} dB over bicubic on {len(val)} validation "
            f"faces; {folder}/generator.safetensors",
        )
        if not run.done:
            raise typer.Exit(130)


@app.command()
def evaluate(
    methods: Annotated[list[str], typer.Argument(help="names in the zoo, bicubic, or files")],
    faces: FacesOption = "imaginary",
    split: str = "test",
    save: Annotated[str | None, typer.Option(help="keep the row in results/ as this")] = None,
    root: Root = Path("data"),
) -> None:
    """Measure methods on faces: PSNR, SSIM, LPIPS, identity, LR consistency, seconds a face."""
    from urdgn_lite import zoo
    from urdgn_lite.faces import load
    from urdgn_lite.measure.evaluate import check_name, evaluate, write_row
    from urdgn_lite.measure.report import measured
    from urdgn_lite.methods import REGISTRY, get
    from urdgn_lite.provenance import circumstances

    with plain_errors():
        if save is not None and len(methods) != 1:
            raise ValueError("--save keeps one row under one name: give one method")
        if save is not None:
            check_name(save)
        known = [get(name) for name in methods]  # a wrong name costs no measuring
        found = load(faces, split, root=root)
        named = zip(methods, known, strict=True)
        rows = {name: evaluate(method, found, perceptual=True) for name, method in named}
        out.print(measured(rows, str(found)).printed())
        if save is not None:
            name = methods[0]
            trained = {} if name in REGISTRY else {"trained": zoo.card(name.rstrip("+"))}
            row = rows[name] | circumstances() | trained
            say(out, f"wrote {write_row(save, found, row)}")


@app.command()
def table1(
    methods: Annotated[list[str] | None, typer.Argument(help="keys; default: all")] = None,
    faces: FacesOption = "celeba128",
    split: str = "test",
    training: Annotated[str, typer.Option(help="source of the faces to fit on")] = "celeba128",
    limit: Annotated[int, typer.Option(min=1, help="fit on so many faces at most")] = 15_000,
    folder: Annotated[Path, typer.Option("--out", help="fitted methods")] = Path("runs/table1"),
    again: Annotated[bool, typer.Option("--again", help="measure rows that are there")] = False,
    unaligned: Annotated[
        bool, typer.Option("--unaligned", help="the same people, as a detector cuts them out")
    ] = False,
    bins: Annotated[bool, typer.Option("--bins", help="by pose, damage … (Figs. 5–9)")] = False,
    root: Root = Path("data"),
) -> None:
    """Rebuild Table 1: fit and measure what the ledger lacks, print the paper's numbers and ours.

    Every row is written to the ledger as soon as it is measured. Ctrl-C keeps what is done; the
    same command goes on from there.
    """
    from urdgn_lite.faces import load
    from urdgn_lite.measure import conditions, report
    from urdgn_lite.measure.table1 import build, keys, measure

    with plain_errors():
        if unaligned:  # a source of its own, whose rows stand beside those of the aligned faces
            loose = load(f"{faces}-{split}-unaligned", split, root=root)
            found = replace(loose, source=faces, split=f"{split}-unaligned")
        else:
            found = load(faces, split, root=root)
        how: Any = {"training": training, "limit": limit, "folder": folder, "root": root}
        one = conditions.measure if bins else measure
        table = build(methods or keys(), found, one, again=again, **how)
        for part in conditions.tables(table) if bins else report.tables(table, str(found)):
            out.print(part)
        if table.interrupted:
            say(err, "interrupted: what is measured is kept, the same command goes on from there")
            raise typer.Exit(130)


@app.command()
def upsample(
    source: Annotated[Path, typer.Argument(help="an image, or a folder of images")],
    model: Annotated[str, typer.Option(help="a name in the zoo, or a file")] = MODEL,
    folder: Annotated[Path, typer.Option("--out")] = Path("upsampled"),
    eyes: Annotated[
        str | None, typer.Option(help="x,y,x,y of the two eyes in a larger photo, left one first")
    ] = None,
) -> None:
    """Turn faces into 128 × 128 PNGs, with a comparison sheet.

    A 16 × 16 file is enlarged as it is. From a larger photo a 16 × 16 face is made first: cut out
    by `--eyes`, by the eyes that dlib finds (extra `identity`), or else from the centre.
    """
    from urdgn_lite.lesson.upsample import parse_eyes, upsample_files

    with plain_errors():
        report = upsample_files(source, model, folder, parse_eyes(eyes))
        for path, reason in report.skipped:
            say(err, f"skipped {path}: {reason}")
        say(out, f"{len(report.written)} faces in {folder}, side by side in {report.sheet}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="a generator of the zoo, or a file")],
    path: Annotated[Path | None, typer.Option("--out", help="default: NAME.onnx")] = None,
) -> None:
    """Write a generator as ONNX, for use without torch. Needs the extra `export`."""
    from urdgn_lite.export import export

    with plain_errors():
        path = path or Path(f"{Path(name).stem}.onnx")
        worst = export(name, path)
        say(out, f"wrote {path}: in onnxruntime as in torch, up to {worst:.0e}")


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="what was handed in, as it was downloaded")],
    table: Annotated[Path, typer.Option("--out", help="the table of grades")] = Path("grades.csv"),
    feedback: Annotated[Path, typer.Option(help="folder for a page a student")] = Path("feedback"),
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEEDS, help="of the hidden inputs; default: drawn")
    ] = None,
    students: Annotated[
        Path | None, typer.Option("--class", help="class list, as Canvas or Moodle exports it")
    ] = None,
    only: Annotated[str, typer.Option(help="grade files with this in their path")] = "",
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="CPU time of a function")] = 60,
    wall: Annotated[
        float | None, typer.Option(min=1, help="seconds by the clock; default: 60 + 4 × --seconds")
    ] = None,
    memory: Annotated[float, typer.Option(min=0.1, max=1024, help="GiB")] = 2,
    workers: Annotated[int, typer.Option(min=1, max=64, help="submissions at a time")] = 2,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="without bubblewrap")] = False,
) -> None:
    """Grade handed-in notebooks: a table, a page of feedback for each, pages of written answers.

    Functions run shut in, with limits. Check cells are never run. Ctrl-C keeps what is done, and
    grading again keeps what the teacher wrote.
    """
    import secrets

    from urdgn_lite.grading.course import grade_course
    from urdgn_lite.grading.sandbox import Limits, isolation

    with plain_errors():
        seed = secrets.randbelow(10**6) if seed is None else seed
        out.print(f"isolation: {isolation(unsafe)}", highlight=False)
        limits = Limits(seconds, wall or 60 + 4 * seconds, int(memory * 2**30))
        how: Any = {"limits": limits, "workers": workers, "only": only, "unsafe": unsafe}
        made = grade_course(folder, table, feedback, students, seed=seed, **how)
        ok = sum(one.status == "ok" for one in made.grades)
        out.print(
            f"{len(made.grades)} submissions, {ok} without problems: {table}; "
            f"{len(made.feedback)} pages in {feedback} (and {feedback}.zip); {len(made.questions)} "
            f"questions to read in {table.parent / 'written'}; {made.similar} pairs in "
            f"similar.csv; seed {seed}",
            highlight=False,
        )


def weighed(preset: Preset, lam: float) -> Preset:
    """A preset with another λ; ∞ leaves D out.

    Raises
    ------
    ValueError : λ for a preset without D; the message names one that has it.
    """
    if preset.discriminator is None:
        name = f"{preset.name.removesuffix('-imaginary')}-gan"
        use = name if name in PRESETS else "lite-gan"
        raise ValueError(f"{preset.name} has no D, and λ weighs nothing there: take {use}")
    D = None if math.isinf(lam) else preset.discriminator
    return preset.but(name=f"{preset.name}-{lam:g}", lam=lam, discriminator=D)


def main() -> None:
    """Entry point of `urdgn-lite`."""
    app()
