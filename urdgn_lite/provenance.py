"""What a number depends on besides the method: commit, hardware, versions, day."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch


def circumstances() -> dict[str, str]:
    """Commit (with `-dirty` if files differ from it), hardware, torch version, date (UTC)."""
    try:
        asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
        here = Path(__file__).parent
        git = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=True)
        commit = git.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        hardware = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return {
        "commit": commit, "hardware": hardware, "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
