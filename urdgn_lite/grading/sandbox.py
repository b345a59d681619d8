"""A process that nobody trusts: it runs one student's function and answers the checks' questions.

The parent keeps the properties, the points and the seeds; only plain numbers cross the pipe. What
the student's code patches, it patches in a process that gives no points. But that process says what
the function returned: code written for it can answer without a function (`answers.BY_EYE`).

What isolation this gives, strongest first, as far as the machine has it (`isolation` says which):

- always: a process, session and temporary folder of its own, a bare environment, limits of wall
  and CPU time, memory (of each process), processes and output, a temporary folder that is looked
  over every second, and everything killed afterwards;
- Linux with user namespaces: no network at all, and processes that cannot outlive the sandbox;
- Linux with Landlock: no file can be written outside the temporary folder.

Without the last two, network functions of Python are only disabled, and files of the account that
runs the grader can be written. It is never a defence against a determined attacker: files can be
read, and the kernel is shared. Grade strangers' code in a virtual machine or a container.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from urdgn_lite.check.engine import Request, Response, Unreachable
from urdgn_lite.grading.traces import holds_more, kill_marked, remove

PACKAGE = Path(__file__).resolve().parent.parent
NAMESPACES = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
LONGEST_LINE = 4 * 2**20  # bytes of one answer
OUT_OF_TIME = "it ran out of time: an infinite loop, or very slow code"
STARTING = 120.0  # seconds in which Python and torch must have started


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : CPU time of one part; so a busy machine costs nobody a grade.
    wall : wall time of one part (start-up of the process not counted).
    memory : bytes beyond what Python and torch take, for each of its processes.
    output : bytes it may print or write into one file.
    folder : bytes that its temporary folder may hold, as seen once a second.
    processes : processes and threads it may have beside those that are there.
    """

    seconds: float = 60.0
    wall: float = 300.0
    memory: int = 2 * 2**30
    output: int = 2 * 2**20
    folder: int = 64 * 2**20
    processes: int = 32


class TimedOut(Unreachable):
    """The sandbox used up its time."""


class Stopped(Exception):  # noqa: N818
    """The teacher ended the grading: nobody's fault, and no grade."""


@cache
def namespaces() -> bool:
    """Whether this machine lets an ordinary process have its own network and processes."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    test = subprocess.run([*NAMESPACES, "true"], capture_output=True, timeout=20, check=False)
    return test.returncode == 0


def isolation() -> str:
    """What stands between a submission and this machine, in one sentence."""
    from urdgn_lite.grading.confine import landlock_version

    network = "no network, own process tree (namespaces)" if namespaces() else (
        "network disabled in Python only")  # fmt: skip
    files = "no writing outside a temporary folder (Landlock)" if landlock_version() else (
        "files of this account can be written")  # fmt: skip
    return f"{network}; {files}; limits of time, memory, output and processes"


class Sandbox:
    """One process for one student's answers. It leaves no process and no file behind.

    Parameters
    ----------
    limits : what the answers may use.
    parts : how many answers it will be given.
    stop : set by another thread, it ends the wait for an answer.
    """

    def __init__(self, limits: Limits, parts: int, stop: threading.Event | None = None) -> None:
        self.limits, self.parts = limits, parts
        self.stop = stop or threading.Event()
        self.left = limits.wall
        self.mark = uuid.uuid4().hex
        self.home = Path(tempfile.mkdtemp(prefix="urdgn-grade-"))
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the sandbox
        self._rest = b""

    def __enter__(self) -> Sandbox:
        to_child, from_child = os.pipe(), os.pipe()
        os.set_blocking(to_child[1], False)
        inherited = (to_child[0], from_child[1])
        self._in, self._out = to_child[1], from_child[0]
        # -u: what it printed is there even if it is killed
        worker = [sys.executable, "-u", "-s", "-P", "-m", "urdgn_lite.grading.confine"]
        command = [*(NAMESPACES if namespaces() else ()), *worker, *map(str, inherited)]
        self.process = subprocess.Popen(
            command, cwd=self.home, env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=self.printed, stderr=self.printed, pass_fds=inherited, start_new_session=True,
        )  # fmt: skip
        for end in inherited:
            os.close(end)
        settings = {
            "memory": self.limits.memory, "output": self.limits.output, "home": str(self.home),
            "seconds": self.limits.seconds, "parts": self.parts,
            "processes": self.limits.processes, "socket_guard": not namespaces(),
        }  # fmt: skip
        try:
            self._exchange(settings, STARTING)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, check: str, statements: list[str], name: str) -> tuple[str, list[str]]:
        """Give it the next answer, with fresh time.

        Returns
        -------
        What went wrong, or nothing; and the statements that failed, each in a line.
        """
        self.left = self.limits.wall
        job = {"check": check, "statements": statements, "name": name}
        answer = self.ask({"job": job, "seconds": self.limits.seconds})
        failures = answer.get("failures")
        known = map(str, failures[:3]) if isinstance(failures, list) else ()
        return str(answer.get("problem", "")), list(known)

    def ask(self, request: Request) -> Response:
        """Let the student's function answer one request of a check."""
        began = time.monotonic()
        try:
            return self._exchange(request, self.left)
        finally:
            self.left -= time.monotonic() - began

    def _environment(self) -> dict[str, str]:
        keep = {k: os.environ[k] for k in ("PATH", "LD_LIBRARY_PATH", "LANG") if k in os.environ}
        return keep | {
            "HOME": str(self.home), "TMPDIR": str(self.home), "PYTHONPATH": str(PACKAGE.parent),
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8:replace",
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg", "URDGN_SANDBOX": self.mark,
        }  # fmt: skip

    def _exchange(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        until = time.monotonic() + seconds
        ticket = secrets.token_hex(8)  # an answer prepared in advance does not know it
        try:
            self._write(json.dumps(message | {"ticket": ticket}).encode() + b"\n", until)
            answer = json.loads(self._line(until))
        except (BrokenPipeError, ConnectionError):
            raise Unreachable(self._end()) from None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("ticket") != ticket:
            raise Unreachable("its process sent something that is not an answer")
        return answer

    def _wait(self, to_read: list[int], to_write: list[int], until: float) -> None:
        """Until the pipe is ready; once a second, and at the end, look whether to go on."""
        while True:
            left = max(0.0, until - time.monotonic())
            ready = select.select(to_read, to_write, [], min(1.0, left))
            if self.stop.is_set():
                raise Stopped("the grading was stopped")
            if holds_more(self.home, self.limits.folder):
                raise Unreachable("it wrote more than it may into its temporary folder")
            if any(ready):
                return
            if not left:
                raise TimedOut(OUT_OF_TIME)

    def _write(self, data: bytes, until: float) -> None:
        while data:
            self._wait([], [self._in], until)
            data = data[os.write(self._in, data) :]

    def _line(self, until: float) -> bytes:
        while b"\n" not in self._rest:
            self._wait([self._out], [], until)
            data = os.read(self._out, 65536)
            if not data:
                raise Unreachable(self._end())
            self._rest += data
            if len(self._rest) > LONGEST_LINE:
                raise Unreachable("its process sent far more than an answer")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self) -> str:
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if code in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
            return OUT_OF_TIME
        return f"it ended the whole process (exit code {code})"

    def output(self) -> str:
        """The last two thousand characters that it printed."""
        self.printed.seek(0, os.SEEK_END)
        self.printed.seek(max(0, self.printed.tell() - 2000))
        return self.printed.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Kill everything that was started, and remove the temporary folder."""
        for end in (self._in, self._out):
            with suppress(OSError):
                os.close(end)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        kill_marked(self.mark)
        remove(self.home)
        self.printed.close()
