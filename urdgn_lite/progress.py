"""Progress bars on long work; `TQDM_DISABLE=1` in the environment silences them all."""

from __future__ import annotations

from typing import Any

from tqdm.auto import tqdm


def bar(*arguments: Any, show: bool = True, **options: Any) -> tqdm:
    """`tqdm`, hidden unless `show`. (An explicit `disable` would overrule the environment.)"""
    if not show:
        options["disable"] = True
    return tqdm(*arguments, **options)
