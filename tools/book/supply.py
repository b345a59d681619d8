"""What comes from elsewhere: its licences, its hashes, and the checksums of our own binaries.

`make licences` writes `.ci/licences.md`, `make hashes` `.ci/hashes.txt`, and `tools/book/sync.py`
`.ci/SHA256SUMS` (which `sha256sum --check .ci/SHA256SUMS` reads too).
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Not installed with `dev`, or whose metadata name a holder in place of a licence.
ELSEWHERE = {
    "dlib-bin": "BSL-1.0",
    "face-recognition-models": "CC0-1.0",
    "nbgrader": "BSD-3-Clause",
}
BINARIES = (".gz", ".jpg", ".min.js", ".png", ".safetensors", ".wasm", ".webp")
# Their wheels differ by the place they come from: for CPUs alone, or with CUDA.
UNHASHED = ("torch", "torchvision")


def direct() -> set[str]:
    """Every dependency that `pyproject.toml` names, extras included."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return {canonicalize_name(Requirement(line).name) for line in lines} - {"urdgn-lite"}


def licence(distribution: metadata.Distribution) -> str:
    """The licence that a package states: an SPDX expression, its own words, or its classifiers."""
    told = distribution.metadata
    if expression := told.get("License-Expression"):
        return expression
    if (words := (told.get("License") or "").strip()) and len(words) < 60 and words != "UNKNOWN":
        return words
    classifiers = [c for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    kinds = {c.rpartition(" :: ")[2] for c in classifiers} - {"OSI Approved"}
    files = [f for f in distribution.files or () if f.name.upper().startswith("LICEN")]
    first = (
        Path(str(distribution.locate_file(files[0]))).read_text().split("\n")[0] if files else ""
    )
    return " or ".join(sorted(kinds)) or first.strip()


def licences() -> dict[str, str]:
    """Licence by name of all that `pip install 'urdgn_lite[dev]'` brings, and of other extras."""
    from replay import closure

    extras = {k: v for k, v in PROJECT["optional-dependencies"].items() if k != "identity"}
    named = [line for v in extras.values() for line in v if not line.startswith("urdgn_lite")]
    found = closure([*PROJECT["dependencies"], *named])
    return dict(sorted({**{name: licence(d) for name, d in found.items()}, **ELSEWHERE}.items()))


def licence_table() -> str:
    """The same as a page."""
    what = (
        "Made by `make licences` from the packages' own metadata. **Bold**: named in "
        "`pyproject.toml`; the others come with those."
    )
    lines = ["# Licences of what this project depends on", "", what, ""]
    lines += ["| package | licence |", "|---|---|"]
    names = direct()
    for name, stated in licences().items():
        lines.append(f"| {f'**{name}**' if name in names else name} | {stated} |")
    return "\n".join(lines) + "\n"


def hashes(report: dict[str, Any]) -> str:
    """pip's own report of an installation as a requirements file with a hash a line."""
    lines = [
        "# Linux, x86-64, Python 3.11; by `make hashes`. Without torch and torchvision, whose",
        "# wheels differ by where they come from (for CPUs alone, or with CUDA).",
    ]
    for one in sorted(
        report["install"], key=lambda one: canonicalize_name(one["metadata"]["name"])
    ):
        name = canonicalize_name(one["metadata"]["name"])
        if name in UNHASHED or name == "urdgn-lite":
            continue
        digest = one["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={one['metadata']['version']} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def checksums() -> str:
    """SHA-256 of every binary that is committed, as `sha256sum` writes it."""
    files = (
        p for top in ("book", "results", "urdgn_lite") for p in sorted((ROOT / top).rglob("*"))
    )
    binaries = (p for p in files if re.sub(r"^[^.]*", "", p.name).endswith(BINARIES))
    return "".join(
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(ROOT).as_posix()}\n"
        for p in binaries
    )


if __name__ == "__main__":
    if sys.argv[1] == "licences":
        (ROOT / ".ci" / "licences.md").write_text(licence_table())
    else:
        (ROOT / ".ci" / "hashes.txt").write_text(hashes(json.load(sys.stdin)))
