import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import torch

from urdgn_lite import provenance

ROOT = Path(__file__).parent.parent


def test_the_circumstances_are_commit_hardware_torch_and_day():
    found = provenance.circumstances()
    assert set(found) == {"commit", "hardware", "torch", "date"}
    assert found["torch"] == torch.__version__
    assert found["hardware"]
    assert datetime.now(UTC).date() - datetime.fromisoformat(found["date"]).date() <= timedelta(1)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout with its history")
def test_the_commit_is_the_one_checked_out():
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commit = provenance.circumstances()["commit"]
    assert re.fullmatch(r"[0-9a-f]{7,}(-dirty)?", commit)
    assert head.startswith(commit.removesuffix("-dirty"))


def test_changed_code_makes_a_commit_dirty_and_a_new_row_does_not(tmp_path, monkeypatch):
    module, row = tmp_path / "urdgn_lite" / "provenance.py", tmp_path / "row.json"
    module.parent.mkdir()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=b@c"]
    for path in (module, row):
        path.write_text("first\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(provenance, "__file__", str(module))
    clean = provenance.circumstances()["commit"]
    row.write_text("second\n")
    assert provenance.circumstances()["commit"] == clean
    module.write_text("second\n")
    assert provenance.circumstances()["commit"] == f"{clean}-dirty"


def test_without_git_the_commit_is_unknown(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert provenance.circumstances()["commit"] == "unknown"


def test_an_installed_copy_does_not_take_the_commit_of_a_repository_around_it(
    tmp_path, monkeypatch
):
    module = tmp_path / "repository" / "site-packages" / "urdgn_lite" / "provenance.py"
    module.parent.mkdir(parents=True)
    git = ["git", "-C", str(tmp_path / "repository"), "-c", "user.name=a", "-c", "user.email=b@c"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(provenance, "__file__", str(module))
    assert provenance.circumstances()["commit"] == "unknown"
