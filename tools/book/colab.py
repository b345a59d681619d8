"""A stand-in for `google.colab`, an IPython extension that `tools/book/replay.py` installs.

As in Colab the module is there before the first cell, and the folder is empty. But `%pip` takes the
set-up cell's one line and installs nothing, the shell is shut, there are no development faces, and
nothing outside this machine can be reached.
"""

import atexit
import os
import socket
import tempfile
from typing import Any

HERE = {"127.0.0.1", "::1", "localhost"}
_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def pip(line: str) -> None:
    """`%pip`: only what the set-up cell says."""
    if line != os.environ["COLAB_INSTALLS"]:
        raise RuntimeError(f"only the set-up cell installs, and only the package: %pip {line}")


def refuse(command: str) -> None:
    """`!command`: a notebook that needs it is not replayed with the base install alone."""
    raise RuntimeError(f"no shell in a chapter: !{command}")


def connect(self: socket.socket, address: Any) -> None:
    """Connect to this machine only."""
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
        raise OSError(f"a chapter fetches nothing: {address[0]}")
    _connect(self, address)


def getaddrinfo(host: Any, *args: Any, **named: Any) -> Any:
    """Look up this machine only."""
    if host not in HERE | {None, ""}:
        raise OSError(f"a chapter fetches nothing: {host}")
    return _getaddrinfo(host, *args, **named)


def load_ipython_extension(shell: Any) -> None:
    """Shut the doors of the kernel that loads this."""
    folder = tempfile.TemporaryDirectory()
    os.chdir(folder.name)
    atexit.register(folder.cleanup)
    os.environ.pop("URDGN_FACES", None)
    shell.register_magic_function(pip, "line", "pip")
    shell.system = shell.system_piped = shell.system_raw = refuse
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = getaddrinfo
