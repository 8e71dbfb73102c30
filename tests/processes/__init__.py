"""Python processes for tests, which need not import Kotae once more: copies of one that has.

    run("-m", "bot", "status", cwd=folder, env=environment)            as subprocess.run
    Python("-c", "print(1)", stdout=subprocess.PIPE, text=True)        as subprocess.Popen

Each is a process of its own as any other, with its own number, arguments, environment, folder and files; signals, exit
codes and `kill -9` do what they always do. Only the second or so is saved that Python spends on reading modules, which
is most of what a short command takes. Where it matters what is imported, start `sys.executable`; with a PYTHONPATH of
its own, a process does begin by itself.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, AnyStr

ROOT = Path(__file__).parents[2]
SHARED = "KOTAE_TEST_PROCESSES"
"""The variable that says where the process is that has imported Kotae, if all processes of the tests share one."""
IS_POSSIBLE = sys.platform == "linux"
"""Elsewhere each process begins by itself."""


class Python(subprocess.Popen[AnyStr]):
    """`subprocess.Popen` of this Python: the arguments are Python's, `-m module …` or `-c code …`."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        self._ended = -1
        super().__init__([sys.executable, *map(str, arguments)], **options)

    if IS_POSSIBLE:

        def _execute_child(self, args: list[str], *given: Any) -> None:
            """Have it forked; `given` is what Popen's method of this name is given, in its order."""
            cwd, env = given[4], dict(os.environ if given[5] is None else given[5])
            if env.get("PYTHONPATH", str(ROOT)) != str(ROOT):
                super()._execute_child(args, *given)  # type: ignore[misc]
                return
            *_, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = given[:15]
            files = [own if own != -1 else number for number, own in enumerate((p2cread, c2pwrite, errwrite))]
            order = {
                "arguments": args[1:],
                "folder": str(cwd or Path.cwd()),
                "environment": env,
                "new_session": bool(given[20]),
            }
            try:
                self.pid, self._ended = _fork(order, files)
            finally:
                self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
            self._child_created = True

        def _try_wait(self, wait_flags: int) -> tuple[int, int]:
            """Return the number and the status of the process if it has ended, as os.waitpid does."""
            if self._ended == -1:
                found: tuple[int, int] = super()._try_wait(wait_flags)  # type: ignore[misc]
                return found
            if not select.select([self._ended], [], [], 0 if wait_flags & os.WNOHANG else None)[0]:
                return 0, 0
            status = os.read(self._ended, 16)
            os.close(self._ended)
            return self.pid, int(status or signal.SIGKILL)

        def _internal_poll(self, *_: object, **__: object) -> int | None:
            if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
                try:
                    ended, status = (0, 0) if self._was_waited_for() else self._try_wait(os.WNOHANG)
                    if ended:
                        self._handle_exitstatus(status)  # type: ignore[attr-defined]
                finally:
                    self._waitpid_lock.release()  # type: ignore[attr-defined]
            return self.returncode

        def _was_waited_for(self) -> bool:
            return self.returncode is not None


def run(
    *arguments: object, said: str = "", timeout: float | None = 120, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end with `said` as its input; return what it wrote, and its exit code."""
    pipe = subprocess.PIPE
    with Python[str](
        *map(str, arguments), stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", **options
    ) as process:
        try:
            out, errors = process.communicate(said, timeout)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


class Prepared:
    """The process that has imported everything; see `tests.processes.prepared`."""

    def __init__(self) -> None:
        self._end, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as orders:
            orders.bind("")  # to a name that Linux chooses
            orders.listen()
            self.name = orders.getsockname()[1:].decode()
            numbers = [orders.fileno(), theirs.fileno()]
            command = [sys.executable, "-m", "tests.processes.prepared", *map(str, numbers)]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=numbers, stdin=subprocess.DEVNULL)
        atexit.register(self.close)

    def close(self) -> None:
        self._end.close()
        self._process.wait()


def share_prepared() -> None:
    """Start the process that prepares for all processes of this run of the tests."""
    if IS_POSSIBLE:
        os.environ[SHARED] = Prepared().name


@cache
def _name() -> str:
    """Return where orders are taken."""
    return os.environ.get(SHARED) or Prepared().name


def _fork(order: dict[str, Any], files: list[int]) -> tuple[int, int]:
    """Start a process with files as stdin, stdout and stderr; return its number, and where its end is told."""
    ended, tell = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as orders:
        try:
            orders.connect(f"\0{_name()}")
            socket.send_fds(orders, [json.dumps(order).encode()], [*files, tell])
        finally:
            os.close(tell)
        return int(orders.recv(16)), ended
