"""What a number depends on besides the method: commit, hardware, versions, day."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch


def circumstances() -> dict[str, str]:
    """Commit (with `-dirty` if files differ from it), hardware, torch version, date (UTC)."""
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        hardware = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return {
        "commit": _commit(), "hardware": hardware, "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed: a repository around it would not be ours
        return "unknown"
    try:
        asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
        git = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return git.stdout.strip()
