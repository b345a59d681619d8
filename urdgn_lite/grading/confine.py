"""The inside of the sandbox: read the file, set limits, run the student's code, answer requests.

Started by `sandbox` as `python -m urdgn_lite.grading.confine READ_FD WRITE_FD`; the file is stdin.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from urdgn_lite.grading import PACKAGE, SOLUTIONS

COPIED = "imports the package's own solution"
# What Python reports before it is done (PEP 578), refused or not, and what it is called here
WATCHED = {
    "to reach the network": "socket.__new__ socket.connect socket.bind socket.getaddrinfo",
    "to start a process": "subprocess.Popen os.system os.fork os.exec os.posix_spawn os.forkpty",
    "to change a file": "os.chmod os.chown os.utime os.setxattr os.truncate os.rename os.link",
    "to remove a file": "os.remove os.rmdir shutil.rmtree",
    "to look into the grader's memory": "gc.get_objects gc.get_referrers ctypes.string_at",
    "to load a library": "ctypes.dlopen",
    "to signal a process": "os.kill",
}
EVENTS = {event: words for words, events in WATCHED.items() for event in events.split()}
ON_FILES = ("to change a file", "to remove a file")
HOME_FOLDERS = ("/content", "/tmp", "/dev/shm", "/dev/null")
READABLE = ("/usr", "/lib", "/etc", "/proc", "/sys", "/dev", *sys.path, sys.prefix, sys.base_prefix)


class Watcher:
    """Notes what a student's code tries that an exercise never needs; it forbids nothing."""

    def __init__(self) -> None:
        self.tried: dict[str, None] = {}
        self.on, self.home = False, os.getcwd()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or len(self.tried) > 20:
            return
        if event == "open":
            self._open(*args)
        elif words := EVENTS.get(event):
            own = words in ON_FILES and bool(args) and self._own(args[0])
            if not own and args[:1] != ("fc-list",):  # by which matplotlib looks for fonts
                self.tried[f"{words} ({event})"] = None

    def _own(self, path: Any) -> bool:
        if not isinstance(path, str):
            return path is None
        # the package may lie below one of them: on Colab, or in a clone of a few minutes
        return _below(path, (self.home, *HOME_FOLDERS)) and not _below(path, (str(PACKAGE),))

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str) or self._own(path):
            return
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
            self.tried[f"to write {path[:80]}"] = None
        elif not _below(path, READABLE):
            self.tried[f"to read {path[:80]}"] = None


def _below(path: str, folders: tuple[str, ...]) -> bool:
    whole = os.path.normpath(os.path.join(os.getcwd(), path))
    return any(whole == f or whole.startswith(f.rstrip("/") + "/") for f in folders if f)


class Shell:
    """Stands in for IPython where a line with a magic or a command was needed: it does nothing."""

    def __getattr__(self, name: str) -> Callable[..., list[str]]:
        return lambda *_, **__: []


def size() -> int:
    """Bytes of address space that this process has now."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 2**33


def cap(kind: int, value: int, hard: bool = True) -> None:
    """Set one limit: for good, or until it is set again."""
    _, most = resource.getrlimit(kind)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value if hard else most))


def limit(settings: dict[str, Any]) -> None:
    """Set the limits of this process; they cannot be raised again."""
    cap(resource.RLIMIT_AS, size() + int(settings["memory"]))
    cap(resource.RLIMIT_FSIZE, int(settings["folder"]))
    cap(resource.RLIMIT_NOFILE, 256)  # what waits in pipes and sockets counts for nobody
    cap(resource.RLIMIT_CORE, 0)
    whole = int(time.process_time() + settings["seconds"] * settings["parts"]) + 3
    cap(resource.RLIMIT_CPU, whole)
    # the end of a part; as the first process of a namespace it must handle the signal itself
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(128 + signal.SIGXCPU))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing too much raises OSError instead


def load(job: dict[str, Any]) -> tuple[Callable[..., Any] | None, str, list[str]]:
    """Run what the answer needs, statement by statement.

    Returns
    -------
    Its function or None; why there is none; which of the statements failed. One that fails ends
    nothing: perhaps the function does without it.
    """
    for module in SOLUTIONS:
        sys.modules[f"urdgn_lite.{module}"] = None  # type: ignore[assignment]
    namespace: dict[str, Any] = {"__name__": "__main__", "get_ipython": Shell}
    namespace["display"] = Shell().display
    if any("torchvision" in statement for statement in job["statements"]):
        from urdgn_lite.measure._compat import import_torchvision

        import_torchvision()  # it may need a repair, which the notebook's own imports did
    failures = []
    for place, statement in enumerate(job["statements"]):
        file = f"<statement {place} of the notebook>"  # `inspect` and torch.jit ask for its source
        linecache.cache[file] = (len(statement), None, statement.splitlines(keepends=True), file)
        try:
            exec(compile(statement, file, "exec"), namespace)
        except BaseException as error:
            failures.append(_said(error, statement))
    function = namespace.get(job["name"])
    if callable(function):
        return function, "", failures
    copied = [f for f in failures if f == COPIED]
    nothing = "is not a function" if job["name"] in namespace else "is never defined"
    return None, (copied or failures or [f"{job['name']} {nothing}"])[-1], []


def _said(error: BaseException, statement: str) -> str:
    if isinstance(error, SystemExit):
        return "the cell calls sys.exit()"
    if isinstance(error, MemoryError):
        return "the cell asked for more memory than it may have"
    if isinstance(error, ImportError) and any(f"urdgn_lite.{m}" in str(error) for m in SOLUTIONS):
        return COPIED
    line = statement.partition("\n")[0][:60]
    return f"{line}: raised {type(error).__name__}: {str(error)[:200]}"


def main(read_fd: int, write_fd: int) -> None:
    """Answer one JSON line with one JSON line, until the other side closes."""
    incoming = os.fdopen(read_fd, "rb")
    outgoing = os.fdopen(write_fd, "wb", buffering=0)
    dumps, loads, watcher = json.dumps, json.loads, Watcher()
    function: Callable[..., Any] | None = None
    problem, probes = "", dict[str, Any]()
    probe: Callable[..., dict[str, Any]] = dict

    def respond(message: dict[str, Any]) -> dict[str, Any]:
        nonlocal function, problem, probe
        if "read" in message:
            from urdgn_lite.grading.answers import read

            cap(resource.RLIMIT_AS, size() + int(message["memory"]), hard=False)
            try:
                return read(sys.stdin.buffer.read(), **message["read"])
            finally:
                cap(resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[1], hard=False)
        if "limits" in message:
            import torch

            from urdgn_lite.check import SUITES

            torch.set_num_threads(1)
            probes.update({name: suite.probe for name, suite in SUITES.items()})
            limit(message["limits"])
            sys.addaudithook(watcher)
            return {}
        watcher.on = True  # for good: a thread goes on between two questions
        if "job" in message:
            end = math.ceil(time.process_time() + message["seconds"])
            cap(resource.RLIMIT_CPU, end, hard=False)
            probe = probes[message["job"]["check"]]
            function, problem, failures = load(message["job"])
            return {"problem": problem, "failures": failures[:3]}
        return {"error": problem} if function is None else probe(function, message)

    for line in incoming:
        message = loads(line)
        ticket = message.pop("ticket")
        try:
            found = respond(message)
        except MemoryError:
            found = {"error": "it asked for more memory than it may have"}
        more = {"ticket": ticket, "tried": list(watcher.tried)}
        try:
            answer = dumps(found | more)
        except (TypeError, ValueError) as error:
            answer = dumps({"error": f"the result cannot be read ({error})"} | more)
        outgoing.write(answer.encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
