"""Progress bars on long work; `TQDM_DISABLE=1` in the environment silences them all."""

from __future__ import annotations

import os
from typing import Any

from tqdm.auto import tqdm


def bar(*arguments: Any, show: bool = True, **options: Any) -> tqdm:
    """`tqdm`, hidden unless `show`. (In notebooks tqdm itself does not heed `TQDM_DISABLE`.)"""
    if not show or os.environ.get("TQDM_DISABLE"):
        options["disable"] = True
    return tqdm(*arguments, **options)
