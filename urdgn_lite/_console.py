"""What every command shares: where it prints, and how it answers a user's mistake."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

out, err = Console(), Console(stderr=True)


def say(console: Console, text: object, label: str = "") -> None:
    """Print text as it is: paths may hold what rich takes for markup, and lines stay whole.

    Names of files that are no UTF-8 are spelt out.
    """
    console.print(label, end="")
    written = str(text).encode("utf-8", "backslashreplace").decode()
    console.print(written, markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """A user's mistake is answered in one line and exit code 1, without a traceback."""

    def warn(message: Warning | str, *_: object, **__: object) -> None:
        say(err, message, "[yellow]Note:[/] ")

    with warnings.catch_warnings():
        warnings.showwarning = warn
        try:
            yield
        except (ValueError, KeyError, OSError, FloatingPointError) as error:
            text = error.args[0] if isinstance(error, KeyError) else error
            say(err, text, "[red]Error:[/] ")
            raise typer.Exit(1) from None
