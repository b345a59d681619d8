"""Write what derives from elsewhere: URL, tables, minutes, references, set-ups, quizzes, sums.

`python tools/book/sync.py` writes; `--check` only says what is out of date, and fails then.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import bibliography
import minutes
import supply

from urdgn_lite import zoo
from urdgn_lite.measure import report as verdicts
from urdgn_lite.measure.evaluate import paper, read_row

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
URL = PROJECT["urls"]["Repository"]
SLUG = URL.removeprefix("https://github.com/")
SETUP = f'''# Set-up: in Colab this installs the package; elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install -q "{PROJECT["name"]} @ git+{URL}"
from urdgn_lite.lesson import notebook

notebook.setup()'''
FIRST = "01-problem"
COLAB = "https://colab.research.google.com"


def site() -> str:
    """Where the book is read."""
    owner, name = SLUG.split("/")
    return f"https://{owner}.github.io/{name}/"


def badges() -> str:
    """Links that open the first chapter elsewhere."""
    binder = "https://mybinder.org"
    chapter = f"book/{FIRST}.ipynb"
    return "\n".join(
        [
            f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]"
            f"({COLAB}/github/{SLUG}/blob/main/{chapter})",
            f"[![Open in Binder]({binder}/badge_logo.svg)]"
            f"({binder}/v2/gh/{SLUG}/main?urlpath=lab/tree/{chapter})",
            f"[![Book](https://img.shields.io/badge/book-read-2f7fd1)]({site()})",
        ]
    )


def links() -> str:
    """The same without pictures, so that the book needs no network to be read."""
    pairs = re.findall(r"!\[(Open in \w+)\]\([^)]+\)\]\(([^)]+)\)", badges())
    return " · ".join(f"[{text}]({target})" for text, target in pairs)


def assignments() -> str:
    """The assignments, each opened in Colab."""
    lines = []
    for path in sorted((ROOT / "book" / "assignments").glob("*.ipynb")):
        opening = "".join(json.loads(path.read_text())["cells"][0]["source"])
        title = opening.splitlines()[0].removeprefix("# Assignment ")
        target = f"{COLAB}/github/{SLUG}/blob/main/book/assignments/{path.name}"
        lines.append(f"[{title}]({target})")
    return " · ".join(lines)


def headline() -> str:
    """The result in two sentences."""
    row, published = read_row("residual-s-imaginary", "celeba128-test"), paper()["table1"]
    made, gain = row["trained"], published["ur-dgn"]["psnr"] - published["bicubic"]["psnr"]
    return (
        f"A small network that learnt for {made['seconds'] / 60:.0f} minutes on a CPU, from "
        f"{made['data']['n']:,} people who do not exist, gains {row['gain_psnr']:+.2f} dB over "
        f"bicubic enlargement on real faces. The paper reports {gain:+.2f} dB."
    )


def clone() -> str:
    """The README's two commands."""
    name = SLUG.split("/")[1]
    return f"```bash\ngit clone {URL} && cd {name}\nmake book    # … and make test\n```"


def shown() -> list[str]:
    """The networks to use: without the compared methods and the rest of the sweep over λ."""
    names = {name: name.removesuffix("-imaginary").removesuffix("-gan") for name in zoo.names()}
    return [name for name, bare in names.items() if bare in zoo.FAMILY]


def results() -> str:
    """Gains over bicubic: the paper's and, from the ledger, ours."""
    published = paper()["table1"]
    bicubic, urdgn = published["bicubic"], published["ur-dgn"]
    gain, ssim = urdgn["psnr"] - bicubic["psnr"], urdgn["ssim"] - bicubic["ssim"]
    lpips = f"{read_row('bicubic', 'celeba128-test')['lpips']:.2f}"
    headings = ["", "parameters", "learnt from", "minutes on a CPU"]
    headings += ["imaginary test faces", "real ones (CelebA)", "LPIPS there"]
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1)]
    lines.append(
        [
            "UR-DGN, the paper",
            "–",
            "15,000 real",
            "–",
            "–",
            f"{gain:+.2f} dB, {ssim:+.2f} SSIM",
            "–",
        ]
    )
    lines.append(["`bicubic`", "–", "–", "–", "0", "0", lpips])
    for name in shown():
        there, row = read_row(name, "imaginary-test"), read_row(name, "celeba128-test")
        made = row["trained"]
        kind = "imaginary" if made["data"]["source"] == "imaginary" else "real"
        line = [f"`{name}`", f"{row['parameters'] / 1e6:.2f} M"]
        line += [f"{made['data']['n']:,} {kind}", f"{zoo.steps_and_seconds(made)[1] / 60:.0f}"]
        line += [f"{there['gain_psnr']:+.2f} dB"]
        line += [f"{row['gain_psnr']:+.2f} dB, {row['gain_ssim']:+.3f} SSIM"]
        lines.append([*line, f"{row['lpips']:.2f}" if row.get("lpips") else "–"])
    return verdicts.pipes(*lines)


def table(headings: list[str], *rows: list[str]) -> str:
    """Markdown: names to the left, numbers to the right."""
    return verdicts.pipes(headings, ["---"] + ["---:"] * (len(headings) - 1), *rows)


def stored(name: str) -> dict[str, Any]:
    """A table of runs in the ledger: name of the run -> its row."""
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def search() -> str:
    """Short runs of what `residual` might have been."""
    headings = ["", "parameters (M)", "products (G)", "gain in PSNR (dB)", "in SSIM"]
    lines = []
    for name, row in stored("search").items():
        size = [f"{row['parameters'] / 1e6:.2f}", f"{row['gmac']:.2f}"]
        gains = [f"{row['gain_psnr']:+.2f}", f"{row['gain_ssim']:+.3f}"]
        lines.append([name, *size, *gains, f"{row['gain_psnr_mirrored']:+.2f}"])
    return table([*headings, "PSNR, mirrored too (dB)"], *lines)


def races() -> str:
    """From scratch against the clock."""
    headings = ["race, on", "steps × faces", "seconds", "gain in PSNR (dB)", "reached"]
    lines = []
    for name, row in stored("race").items():
        clock = [f"{row['steps']:,} × {row['preset']['batch']}", f"{row['seconds']:.0f}"]
        gain, reached = verdicts.cell(row, "gain_psnr", 2), "yes" if row["reached"] else "no"
        lines.append([name, *clock, gain, reached])
    return table(headings, *lines)


def dead() -> str:
    """The first steps of `residual` by four recipes, and the channels that each one kills."""
    headings = ["", "gain in PSNR (dB)", "dead channels", "block by block"]
    lines = []
    for name, row in stored("dead").items():
        counts = row["dead"]
        share = f"{sum(counts)} of {len(counts) * row['channels']}"
        lines.append([name, verdicts.cell(row, "gain_psnr", 2), share, " ".join(map(str, counts))])
    return table(headings, *lines)


def recipes() -> str:
    """What adversarial recipes did; D's losses are means over the last quarter of the run."""
    lines = [["", "gain in PSNR (dB)", "in training mode", "in SSIM", "LPIPS"]]
    lines[0] += ["D on real", "on generated"]
    for name, row in stored("recipes").items():
        cells = [
            verdicts.cell(row, "gain_psnr", 2),
            f"{row['gain_training_mode']:+.2f}",
            verdicts.cell(row, "gain_ssim", 3),
            verdicts.cell(row, "lpips", 3),
        ]
        for half in ("bce_real", "bce_fake"):
            values = row["curves"].get(half, [])
            late = values[-max(1, len(values) // 4) :]
            cells.append(f"{sum(late) / len(late):.2f}" if late else "–")
        lines.append([name, *cells])
    return table(*lines)


def between(text: str, name: str, new: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda m: f"{m[1]}{new}\n{m[2]}", text)


def with_setup(text: str) -> str:
    """A notebook's text with its set-up cell renewed."""
    notebook = json.loads(text)
    cell = next((c for c in notebook["cells"] if c["cell_type"] == "code"), None)
    if cell is None or not "".join(cell["source"]).startswith("# Set-up"):
        raise SystemExit("a notebook does not begin with the set-up cell")
    cell["source"] = SETUP.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def questions(text: str) -> list[dict[str, Any]]:
    """The quiz of a chapter: of each question the right letter, and the feedback to every one."""
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
    prose = "\n".join("".join(c["source"]) for c in cells)
    quiz = prose.partition("## Quiz\n")[2].split("\n## ")[0]
    found = []
    for question in re.split(r"(?m)^### Question \d+$", quiz)[1:]:
        folded = re.findall(
            r"(?s)<details>\n<summary>([A-Z])\. .+?</summary>(.+?)</details>", question
        )
        feedback = {letter: " ".join(text.split()) for letter, text in folded}
        right = [letter for letter, text in feedback.items() if text.strip("*").startswith("Yes")]
        if len(right) != 1:
            raise SystemExit(f"one feedback must begin with Yes, not {len(right)}:{question}")
        found.append({"right": right[0], "feedback": feedback})
    return found


def with_quiz(text: str, chapter: str) -> str:
    """A chapter's text with the cell in which its reader answers the quiz, before the exercises."""
    notebook = json.loads(text)
    blank = ", ".join(f"{i}: None" for i in range(1, len(questions(text)) + 1))
    source = (
        "from urdgn_lite import check\n\n# Your letters in place of None, then run the cell.\n"
        f'check.quiz("{chapter}", {{{blank}}})'
    ).splitlines(keepends=True)
    cells = notebook["cells"]
    for cell in cells:
        if cell["cell_type"] == "code" and "check.quiz(" in "".join(cell["source"]):
            cell["source"] = source
            return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    place = [i for i, c in enumerate(cells) if "".join(c["source"]).startswith("## Exercises")]
    if len(place) != 1:
        raise SystemExit(f"{chapter}: one cell must begin with ## Exercises")
    new = {"cell_type": "code", "execution_count": None, "id": "quiz-answers"}
    cells.insert(place[0], new | {"metadata": {}, "outputs": [], "source": source})
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def wanted() -> dict[Path, str]:
    """Every derived file with the text that it should have."""
    readme, intro = ROOT / "README.md", ROOT / "book" / "intro.md"
    tried, works = ROOT / "book" / "tried.md", ROOT / "book" / "bibliography.md"
    config, citation = ROOT / "_config.yml", ROOT / "CITATION.cff"
    files = {}
    front = {f.__name__: f for f in (badges, links, clone, headline, assignments, results)}
    front["minutes"] = minutes.together
    runs = {"search": search, "races": races, "dead": dead, "recipes": recipes}
    cited = {"references": bibliography.entries}
    for path, tables in ((readme, front), (intro, front), (tried, runs), (works, cited)):
        text = path.read_text()
        for name, make in tables.items():
            text = between(text, name, make())
        files[path] = text
    text = re.sub(r"(?m)^  url: .*$", f"  url: {URL}", config.read_text())
    files[config] = re.sub(r"(?m)^    ogp_site_url: .*$", f"    ogp_site_url: {site()}", text)
    files[citation] = re.sub(
        r"(?m)^repository-code: .*$", f"repository-code: {URL}", citation.read_text()
    )
    for path in sorted((ROOT / "book").glob("**/*.ipynb")):
        files[path] = with_setup(path.read_text())
    chapters = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
    for path in chapters:
        files[path] = minutes.with_needs(with_quiz(files[path], path.stem), path.stem)
    files[ROOT / ".ci" / "SHA256SUMS"] = supply.checksums()
    quizzes = {path.stem: questions(files[path]) for path in chapters}
    stored = ROOT / "urdgn_lite" / "data" / "quizzes.json"
    files[stored] = json.dumps(quizzes, indent=1, ensure_ascii=False) + "\n"
    return files


def main(check: bool) -> int:
    """Write the files, or only compare them."""
    stale = {path: text for path, text in wanted().items() if path.read_text() != text}
    for path, text in stale.items():
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(text)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
