"""Long work: its bar (`TQDM_DISABLE=1` in the environment hides them all), and its Ctrl-C."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm


def bar(*arguments: Any, show: bool = True, **options: Any) -> tqdm:
    """`tqdm`, hidden unless `show`. (In notebooks tqdm itself does not heed `TQDM_DISABLE`.)"""
    if not show or os.environ.get("TQDM_DISABLE"):
        options["disable"] = True
    return tqdm(*arguments, **options)


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn the first Ctrl-C (or SIGTERM) into a note, so that the step under way can finish."""
    seen: list[int] = []
    kept: dict[signal.Signals, Any] = {}

    def note(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        print("\nStopping after this step; press Ctrl-C again to drop it.")

    try:
        for name in (signal.SIGINT, signal.SIGTERM):
            kept[name] = signal.signal(name, note)
    except ValueError:  # only the main thread may do this
        pass
    try:
        yield seen
    finally:
        for name, handler in kept.items():
            signal.signal(name, handler)
