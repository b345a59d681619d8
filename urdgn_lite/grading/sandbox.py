"""A process that nobody trusts: it reads one file, runs its functions, answers the checks.

The parent keeps the properties, the points and the seeds; only plain numbers cross the pipe. The
process is shut in by bubblewrap: a file system of its own (Python and this package, read-only and
without solutions; small folders in memory for the rest), no network, no other process, no shared
memory, no rights. A filter of system calls (libseccomp) refuses what it could still do to the
machine: start processes, memory that no limit counts, new namespaces, debugging. So the limit of
memory holds for all that it does. What is left is the kernel, which it shares.

It is the student's process that says what a function returned: code written for that purpose can
answer without a function. `answers.BY_EYE` and the attempts that are told point at it.
"""

from __future__ import annotations

import errno
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
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from urdgn_lite.check.engine import Plain, Unreachable
from urdgn_lite.grading import PACKAGE, SOLUTIONS

LONGEST_LINE = 8 * 2**20  # bytes of one answer
OUT_OF_TIME = "it ran out of time: an infinite loop, or very slow code"
STARTING = 240.0  # seconds in which Python and torch must have started
NAMESPACES = """
    --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try
    --uid 65534 --gid 65534 --cap-drop ALL --die-with-parent --new-session
"""
REFUSED = """
    fork vfork execveat ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_getfd
    unshare setns mount umount2 pivot_root chroot move_mount fsopen fsmount open_tree mount_setattr
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr
    removexattr utime utimes utimensat futimesat mknod mknodat
    memfd_create memfd_secret shmget shmat shmctl semget msgget mq_open
    bpf perf_event_open keyctl add_key request_key userfaultfd io_uring_setup io_uring_enter
    kexec_load init_module finit_module delete_module quotactl swapon swapoff acct reboot
    sethostname setdomainname personality open_by_handle_at name_to_handle_at
"""
CLONE_THREAD = 0x00010000


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : CPU time of one part; so a busy machine costs nobody a grade.
    wall : wall time of one part (start-up of the process not counted).
    memory : bytes beyond what Python and torch take.
    folder : bytes of each folder that it may write.
    """

    seconds: float = 60.0
    wall: float = 300.0
    memory: int = 2 * 2**30
    folder: int = 64 * 2**20


class Stopped(Exception):  # noqa: N818
    """The teacher ended the grading: nobody's fault, and no grade."""


@cache
def missing() -> str:
    """What this machine lacks to shut a process in, in words; nothing if it lacks nothing."""
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed"
    try:
        with _filter() as rules:
            test = [*_bubblewrap(Limits(), rules.fileno()), "true"]
            done = subprocess.run(
                test, capture_output=True, text=True, timeout=60, pass_fds=[rules.fileno()]
            )
    except (ImportError, RuntimeError, OSError) as error:
        return f"system calls cannot be filtered ({error}): pip install pyseccomp, and libseccomp2"
    said = done.stderr.strip().partition("\n")[0]
    return f"bubblewrap cannot work here ({said})" if done.returncode else ""


def isolation(unsafe: bool = False) -> str:
    """What stands between a submission and this machine, in one sentence."""
    if unsafe:
        return "none but limits of time and memory (--unsafe)"
    return missing() or "bubblewrap: no network, no files, no other process; system calls filtered"


def _filter() -> IO[bytes]:
    """The filter as bubblewrap takes it: an open file."""
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    refuse = seccomp.ERRNO(errno.EPERM)
    for call in REFUSED.split():
        with suppress(RuntimeError, OSError, ValueError):  # another machine's call
            rules.add_rule(refuse, call)
    rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen: use clone
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.NE, 1))  # AF_UNIX alone
    file = tempfile.TemporaryFile()  # noqa: SIM115 - given to bubblewrap
    rules.export_bpf(file)
    file.seek(0)
    return file


def _bubblewrap(limits: Limits, rules: int) -> list[str]:
    """The command that shuts in what follows it."""
    here = [p for p in map(Path, sys.path) if p.name in ("site-packages", "dist-packages")]
    python = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent, *here}
    shown = [*map(Path, ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")), *sorted(python)]
    shown += [PACKAGE]
    command = f"bwrap {NAMESPACES} --seccomp {rules} --proc /proc --dev /dev".split()
    for place in ("/tmp", "/content", "/dev/shm"):  # first: the package may lie below one of them
        command += ["--size", str(limits.folder), "--tmpfs", place]
    for path in shown:
        command += ["--ro-bind-try", str(path), str(path)]
    stub = str(Path(__file__).with_name("hidden.py"))
    for path in (PACKAGE / f"{name.replace('.', '/')}.py" for name in SOLUTIONS):
        command += ["--ro-bind", stub, str(path)]
        compiled = path.with_name("__pycache__")  # what was compiled is readable too
        command += ["--tmpfs", str(compiled)] * compiled.exists()
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/content"]


class Sandbox:
    """One process for one student's answers. It leaves no process and no file behind.

    Parameters
    ----------
    limits : what the answers may use.
    file : what the student handed in; it is read through this, and through nothing else.
    stop : set by another thread, it ends the wait for an answer.
    unsafe : do without bubblewrap.
    """

    def __init__(
        self, limits: Limits, file: IO[bytes] | None = None, stop: threading.Event | None = None,
        unsafe: bool = False,
    ) -> None:  # fmt: skip
        self.limits, self.file, self.unsafe = limits, file, unsafe
        self.stop = stop or threading.Event()
        self.left = limits.wall
        self.tried: list[str] = []
        self._rest = b""

    def __enter__(self) -> Sandbox:
        to_child, from_child = os.pipe(), os.pipe()
        os.set_blocking(to_child[1], False)
        inherited = [to_child[0], from_child[1]]
        self._in, self._out = to_child[1], from_child[0]
        self._home = tempfile.TemporaryDirectory(prefix="urdgn-grade-", ignore_cleanup_errors=True)
        home = self._home.name if self.unsafe else "/content"
        # -u: nothing waits in a buffer; -s and -P: no modules of the account or of the folder
        worker = [sys.executable, "-u", "-s", "-P", "-m", "urdgn_lite.grading.confine"]
        worker += map(str, inherited)
        rules = None if self.unsafe else _filter()
        if rules:
            worker = [*_bubblewrap(self.limits, rules.fileno()), *worker]
            inherited.append(rules.fileno())
        self.process = subprocess.Popen(
            worker, cwd=self._home.name, env=_environment(home),
            stdin=self.file or subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=inherited, start_new_session=True,
        )  # fmt: skip
        for end in inherited[:2]:
            os.close(end)
        if rules:
            rules.close()
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._in, self._out):
            with suppress(OSError):
                os.close(end)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self._home.cleanup()

    def read(self, **known: Any) -> dict[str, Any]:
        """What `answers.read` finds in the file."""
        return self._exchange({"read": known, "memory": self.limits.memory}, STARTING)

    def begin(self, parts: int) -> None:
        """Import what checks need, and set the limits for so many parts."""
        self._exchange({"limits": vars(self.limits) | {"parts": parts}}, STARTING)

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
        return str(answer.get("problem") or answer.get("error") or ""), list(known)

    def ask(self, request: Plain) -> Plain:
        """Let the student's function answer one request of a check."""
        began = time.monotonic()
        try:
            return self._exchange(request, self.left)
        finally:
            self.left -= time.monotonic() - began

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
        tried = answer.pop("tried", None)
        if isinstance(tried, list):
            self.tried = list(map(str, tried[:20]))
        return answer

    def _wait(self, to_read: list[int], to_write: list[int], until: float) -> None:
        """Until the pipe is ready; once a second, and at the end, look whether to go on."""
        while True:
            left = max(0.0, until - time.monotonic())
            ready = select.select(to_read, to_write, [], min(1.0, left))
            if self.stop.is_set():
                raise Stopped("the grading was stopped")
            if any(ready):
                return
            if not left:
                raise Unreachable(OUT_OF_TIME)

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


def _environment(home: str) -> dict[str, str]:
    keep = {k: os.environ[k] for k in ("PATH", "LD_LIBRARY_PATH", "LANG") if k in os.environ}
    on = "OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS PYTHONDONTWRITEBYTECODE"
    on += " TORCHDYNAMO_DISABLE"  # torch.compile would start a compiler
    own = {"HOME": home, "TMPDIR": home, "USER": "student", "PYTHONPATH": str(PACKAGE.parent)}
    how = {"PYTHONIOENCODING": "utf-8:replace", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg"}
    return keep | own | how | dict.fromkeys(on.split(), "1")
