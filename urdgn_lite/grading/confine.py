"""The inside of the sandbox: set the limits, run the student's code, answer requests.

Started by `sandbox` as `python -m urdgn_lite.grading.confine READ_FD WRITE_FD`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Landlock (Linux 5.13): the rights to change files, and how to ask for them
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
WRITE_RIGHTS = {1: 0x1FF2, 2: 0x3FF2, 3: 0x7FF2}  # by version; later ones add other things
# not /dev/shm: it is shared with the next student, and outlives the sandbox
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom")
SOLUTIONS = ("urdgn_lite.objective", "urdgn_lite.optimiser")
COPIED = "imports the package's own solution"


def landlock_version() -> int:
    """Version of Landlock that the kernel offers; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None)
    return max(0, libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def write_only_below(folder: str) -> bool:
    """Forbid this process to change any file outside `folder`; False where it cannot be done."""
    version = landlock_version()
    if not version:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = WRITE_RIGHTS[min(version, 3)]
    ruleset = _Ruleset(rights)
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    fd = libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), size, ctypes.c_uint32(0))
    if fd < 0:
        return False
    file_rights = rights & 0x4002  # write and truncate; the others are rights over folders
    for path in (folder, *DEVICES):
        if not os.path.exists(path):
            continue
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _Beneath(rights if os.path.isdir(path) else file_rights, opened)
        libc.syscall(ADD_RULE, fd, 1, ctypes.byref(rule), ctypes.c_uint32(0))
        os.close(opened)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    done = libc.syscall(RESTRICT_SELF, fd, ctypes.c_uint32(0)) == 0
    os.close(fd)
    return done


def limit(settings: dict[str, Any]) -> None:
    """Set the limits of this process and its children; they cannot be raised again."""
    import resource

    def cap(kind: int, value: int) -> None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))

    pages = Path("/proc/self/statm")
    size = int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 2**33
    cap(resource.RLIMIT_AS, size + int(settings["memory"]))
    cap(resource.RLIMIT_FSIZE, int(settings["output"]))
    cap(resource.RLIMIT_CORE, 0)
    whole = int(time.process_time() + settings["seconds"] * settings["parts"]) + 3
    cap(resource.RLIMIT_CPU, whole)
    # the end of a part; as the first process of a namespace it must handle the signal itself
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(128 + signal.SIGXCPU))
    if hasattr(resource, "RLIMIT_NPROC"):
        cap(resource.RLIMIT_NPROC, _threads() + int(settings["processes"]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing too much raises OSError instead


def clock(seconds: float) -> None:
    """Let the CPU time of the next part begin."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = max(1, math.ceil(time.process_time() + seconds))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard) if hard > 0 else soft, hard))


def _threads() -> int:
    """Threads that this account already has: the limit counts them all."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                count += len(list((folder / "task").iterdir()))
    return max(count, 1)


def guard_sockets() -> None:
    """Where there are no namespaces: Python's own sockets refuse to be made."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network while grading")

    for name in ("socket", "create_connection", "getaddrinfo", "socketpair"):
        setattr(socket, name, refuse)


def load(job: dict[str, Any]) -> tuple[Callable[..., Any] | None, str, list[str]]:
    """Run what the answer needs, statement by statement.

    Returns
    -------
    Its function or None; why there is none; which of the statements failed. One that fails ends
    nothing: perhaps the function does without it.
    """
    for module in SOLUTIONS:
        sys.modules[module] = None  # type: ignore[assignment]
    namespace: dict[str, Any] = {"__name__": "__main__"}
    failures = []
    for statement in job["statements"]:
        try:
            exec(compile(statement, "<notebook>", "exec"), namespace)
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
    if isinstance(error, ImportError) and any(m in str(error) for m in SOLUTIONS):
        return COPIED
    line = statement.partition("\n")[0][:60]
    return f"{line}: raised {type(error).__name__}: {str(error)[:200]}"


def main(read_fd: int, write_fd: int) -> None:
    """Answer one JSON line with one JSON line, until the other side closes."""
    import torch

    from urdgn_lite.check import SUITES

    torch.set_num_threads(1)
    torch.ones(1, device="meta").add(1)  # imports 800 modules once: not in the student's time
    incoming = os.fdopen(read_fd, "rb")
    outgoing = os.fdopen(write_fd, "wb", buffering=0)
    dumps, loads = json.dumps, json.loads

    function: Callable[..., Any] | None = None
    problem, probe = "", SUITES["objective"].probe

    def respond(message: dict[str, Any]) -> dict[str, Any]:
        nonlocal function, problem, probe
        if "home" in message:
            if message["socket_guard"]:
                guard_sockets()
            confined = write_only_below(message["home"])
            limit(message)
            return {"confined": confined}
        if "job" in message:
            clock(message["seconds"])
            probe = SUITES[message["job"]["check"]].probe
            function, problem, failures = load(message["job"])
            return {"problem": problem, "failures": failures[:3]}
        return {"error": problem} if function is None else probe(function, message)

    for line in incoming:
        message = loads(line)
        ticket = message.pop("ticket")
        try:
            answer = dumps(respond(message) | {"ticket": ticket})
        except MemoryError:
            answer = dumps({"error": "it asked for more memory than it may have", "ticket": ticket})
        except (TypeError, ValueError) as error:
            answer = dumps({"error": f"the result cannot be read ({error})", "ticket": ticket})
        outgoing.write(answer.encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
