"""What must agree across files: dependencies, the URL, the commands of the README."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import sync
import yaml
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from urdgn_lite import faces, methods, presets, zoo
from urdgn_lite.cli import app
from urdgn_lite.measure import evaluate

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
URL = PROJECT["urls"]["Repository"]
SLUG = URL.removeprefix("https://github.com/")
HASHES = ROOT / ".ci" / "hashes.txt"
README = (ROOT / "README.md").read_text()


def tracked():
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [ROOT / f for f in files if f]


def test_derived_files_are_up_to_date():
    assert sync.main(check=True) == 0


def test_the_url_stands_only_where_it_is_derived():
    derived = {"pyproject.toml", "README.md", "CITATION.cff", "_config.yml", "intro.md"}
    for path in tracked():
        if path.suffix in {".py", ".md", ".yml", ".toml", ".cff", ".bib"}:  # notebooks: see sync
            holds = (
                SLUG in path.read_text() or SLUG.split("/")[0] + ".github.io" in path.read_text()
            )
            assert not holds or path.name in derived, path


def test_a_new_url_reaches_every_place(monkeypatch):
    import sync

    monkeypatch.setattr(sync, "URL", "https://github.com/someone/fork")
    monkeypatch.setattr(sync, "SLUG", "someone/fork")
    for path, text in sync.wanted().items():
        if path.suffix != ".ipynb":
            assert SLUG not in text, path
            assert SLUG.split("/")[0] + ".github.io" not in text, path


def test_conda_and_colab_install_the_package_and_list_nothing_themselves():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *plain, pip = environment["dependencies"]
    assert environment["name"] == PROJECT["name"]
    assert [re.split(r"[=<>]", name)[0] for name in plain] == ["python", "pip"]
    (package,) = pip["pip"]
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", package)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    import sync

    (install,) = [line for line in sync.SETUP.splitlines() if "%pip install" in line]
    assert install.endswith(f'"{PROJECT["name"]} @ git+{URL}"')


@pytest.mark.parametrize("name", ["torch", "torchvision", "numpy"])
def test_the_base_install_leaves_colab_its_own_versions(name):
    (requirement,) = [d for d in PROJECT["dependencies"] if re.match(rf"{name}\b", d)]
    assert re.fullmatch(rf"{name}>=[\d.]+", requirement)


def test_the_constraints_name_every_direct_dependency():
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    for extra in ("", "lfw", "book", "dev"):
        names = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
        for requirement in names:
            name = re.match(r"[\w-]+", requirement)[0].lower().replace("_", "-")
            assert name in pinned or name == "urdgn-lite", name


def test_readme_commands_exist():
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text()))
    for target in re.findall(r"\bmake (\w+)", README):
        assert target in targets or target in {"it", "and"}, target
    commands = set(re.findall(r"urdgn-lite (\w+)", README))
    listed = CliRunner().invoke(app, ["--help"]).output
    assert commands
    for command in commands:
        assert command in listed


def test_the_workflows_call_what_can_be_made():
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text()))
    called = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            called |= {step["run"] for step in job["steps"] if "run" in step}
    whats = ("isolation", "test", "book", "links", "colab", "image")
    assert called == {f"make {what}" for what in whats}
    assert {command.removeprefix("make ") for command in called} <= targets


def test_the_readme_python_example_runs(monkeypatch):
    (example,) = re.findall(r"(?s)```python\n(.*?)```", README)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert tuple(names["generated"].shape) == (8, 3, 128, 128)


def test_no_tracked_file_is_large_or_a_pickle():
    for path in tracked():
        assert path.stat().st_size < 9_000_000, path
        assert path.suffix not in {".pt", ".pth", ".pkl", ".pickle", ".npy"}, path


def test_every_binary_is_the_one_of_the_manifest():
    lines = (ROOT / ".ci" / "SHA256SUMS").read_text().splitlines()
    manifest = {name: digest for digest, name in (line.split("  ") for line in lines)}
    binaries = [p for p in tracked() if b"\0" in p.read_bytes()]
    assert {p.relative_to(ROOT).as_posix() for p in binaries} <= set(manifest)
    for name, digest in manifest.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name


def test_the_licence_of_every_dependency_is_listed():
    import supply

    rows = re.findall(
        r"(?m)^\| \**([\w.-]+?)\** \| (.+) \|$", (ROOT / ".ci/licences.md").read_text()
    )
    listed = dict(rows[1:])
    assert supply.direct() <= set(listed)
    assert all(listed.values())
    for name, stated in supply.licences().items():
        if not name.startswith(("cuda", "nvidia", "triton")):  # of a torch that is not for CPUs
            assert listed.get(name) == stated, f"{name}: make licences"


def test_the_hashes_are_of_the_versions_that_are_pinned():
    hashed = re.findall(r"(?m)^([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$", HASHES.read_text())
    pinned = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text()))
    pinned = {canonicalize_name(name): version for name, version in pinned.items()}
    assert len(hashed) > 200
    other = {name for name, version in hashed if pinned.get(name) != version}
    assert other <= {"setuptools", "wheel"}  # which `pip freeze` leaves out
    assert "//" not in HASHES.read_text()  # no host


def test_files_hold_one_idea():
    for path in (ROOT / "urdgn_lite").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path


def test_the_paper_can_be_read_in_one_sitting():
    core = ("objective", "optimiser", "degrade", "networks", "presets", "run", "train")
    lines = sum(len((ROOT / "urdgn_lite" / f"{m}.py").read_text().splitlines()) for m in core)
    assert lines <= 900


def test_the_outcomes_that_presets_state_stand_in_the_ledger():
    stated = [p for p in presets.PRESETS.values() if p.outcome]
    assert stated
    for preset in stated:
        row = evaluate.read_row(preset.name, "celeba128-test")
        (gain,) = re.findall(r"([+-]\d+\.\d\d) dB on CelebA's", preset.outcome)
        assert gain == f"{row['gain_psnr']:+.2f}"
        minutes, cores = re.search(r"(\d+) (?:more )?minutes of (\d) CPU", preset.outcome).groups()
        made = row["trained"]
        assert abs(made["seconds"] / 60 - int(minutes)) < 1
        assert f"{cores} thread" in made["hardware"]


def test_the_shipped_weights_are_the_measured_ones():
    for name in zoo.names():
        row = evaluate.read_row(name, "imaginary-test")
        for key in ("preset", "steps", "seed", "data", "commit", "seconds"):
            assert row["trained"][key] == zoo.card(name)[key]


def test_rows_of_a_name_in_the_zoo_are_of_its_weights():
    for path in evaluate.ledger().glob("*/*.json"):
        trained = evaluate.read_row(path.stem, path.parent.name).get("trained")
        if trained and path.stem in zoo.names():
            assert trained["commit"] == zoo.card(path.stem)["commit"], path


def test_the_shipped_weights_score_what_the_ledger_says():
    shown = faces.load("imaginary", "test")
    row = evaluate.evaluate(methods.get("residual-s-imaginary"), shown)
    stored = evaluate.read_row("residual-s-imaginary", "imaginary-test")
    assert abs(row["psnr"] - stored["psnr"]) < 2e-3
    assert abs(row["ssim"] - stored["ssim"]) < 1e-4
