"""A table of runs in the ledger that fills itself: what is there already is not run again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def fill(path: Path, names: Iterable[str], measure: Callable[[str], dict[str, Any]]) -> None:
    """Measure what the table at `path` lacks; each row is written as soon as it is measured."""
    table = json.loads(path.read_text()) if path.exists() else {}
    for name in names:
        if name not in table:
            table[name] = row = measure(name)
            path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
            print(f"{name}: {row.get('gain_psnr', math.nan):+.3f} dB, {row.get('seconds')} s")
