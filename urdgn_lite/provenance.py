"""What a number depends on besides the method: faces, commit, hardware, versions, day."""

import platform
import subprocess
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def checksum(images: Tensor) -> int:
    """CRC-32 of images, whatever their layout in memory: tells faces of one name and number apart.

    A run's card keeps the same number as `data["crc32"]`.
    """
    return zlib.crc32(images.cpu().contiguous().numpy().data)


def described(faces: Any) -> dict[str, Any]:
    """Source, number and checksum of faces (in memory, in shards, or images alone)."""
    images = getattr(faces, "images", faces)
    crc32 = checksum(images) if isinstance(images, Tensor) else images.crc32
    return {"source": getattr(faces, "source", ""), "n": len(images), "crc32": crc32}


def circumstances() -> dict[str, str]:
    """Commit (with `-dirty` if code differs from it), hardware, torch version, date (UTC).

    Rows and weights that differ do not count: a series of runs writes them itself.
    """
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        n = torch.get_num_threads()
        hardware = f"{platform.machine()} CPU, {n} thread{'s' * (n > 1)}"
    return {
        "commit": _commit(),
        "hardware": hardware,
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed: a repository around it would not be ours
        return "unknown"
    try:
        code = _git("status", "--porcelain", "--untracked-files=no", "--", "*.py")
        return _git("rev-parse", "--short", "HEAD") + ("-dirty" if code else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    root = Path(__file__).resolve().parent.parent
    run = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return run.stdout.strip()
