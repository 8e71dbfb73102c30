"""Imports Kotae, and becomes a new process for each order: ``python -m tests.processes.prepared ORDERS END``.

An order is a connection to the first socket and one message of JSON with four files: stdin, stdout, stderr, and a pipe
to which the status of the process is written when it has ended. The answer is the number of the process. It ends when
the second socket's other end is closed.
"""

import atexit
import ctypes
import gc
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import time
import types
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

MOST = 1 << 20
"""Bytes of an order."""
LEFT_OUT = ("__main__", "migrations", "indexes.encoder.compiling", "indexes.encoder.loading")
"""Modules that do something when they are imported, or import torch, which few processes need."""

Order = dict[str, Any]
Handler = Any
"""What signal.getsignal returns."""


def prepare() -> None:
    """Import everything that a process of Kotae may need."""
    for package in ("bot", "handlers", "indexes"):
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not any(each in module.name for each in LEFT_OUT):
                import_module(module.name)


def leave_modules() -> None:
    """Let Python not take these modules apart at its end: it would copy most of the memory that processes share."""
    own = {*sys.stdlib_module_names, "__main__"}
    others = {name: each for name, each in sys.modules.items() if name.split(".")[0] not in own}
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(others))  # never to be freed
    for name in others:
        del sys.modules[name]


def wait_for_order(orders: socket.socket, end: socket.socket, interruption: Handler) -> Order | None:
    """Fork for each order. Returns it in the new process; in this one None, at the end."""
    while end not in select.select([orders, end], [], [])[0]:
        client, _ = orders.accept()
        message, files, *_ = socket.recv_fds(client, MOST, 4)
        reap()
        if message and is_new(client, [orders, end], files):
            signal.signal(signal.SIGINT, interruption)
            client.close()
            for number, file in enumerate(files[:3]):
                os.dup2(file, number)
            for file in files:
                os.close(file)
            return dict(json.loads(message))
        client.close()
        for file in files:
            os.close(file)
    return None


def reap() -> None:
    """Take note of the watchers that have ended, so that the time of all processes is counted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def is_new(client: socket.socket, ours: Sequence[socket.socket], files: Sequence[int]) -> bool:
    """Fork twice: one process is the new one, and the other waits for its end. Tell whether this is the new one."""
    with warnings.catch_warnings(action="ignore"):  # there are threads: numpy's, which are made for it
        if os.fork():
            return False
        for each in ours:
            each.close()
        if not (new := os.fork()):
            return True
    client.send(str(new).encode())
    client.close()
    for file in (0, 1, 2, *files[:3]):
        os.close(file)
    _, status = os.waitpid(new, 0)
    os.write(files[3], str(status).encode())
    os._exit(0)


def become(order: Order) -> None:
    """Run what Python would run with these arguments, in this folder and environment."""
    if order["new_session"]:
        os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.path[0:0] = [order["folder"]]
    open_standard_files(is_unbuffered=bool(order["environment"].get("PYTHONUNBUFFERED")))
    how, what, *rest = order["arguments"]
    if how == "-m":
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *rest]
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


def open_standard_files(*, is_unbuffered: bool) -> None:
    """Open them as Python does when it starts: line by line at a terminal."""
    put("stdin", io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8"))
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        file = io.TextIOWrapper(
            raw if is_unbuffered else io.BufferedWriter(raw),
            "utf-8",
            "backslashreplace" if name == "stderr" else "strict",
            line_buffering=name == "stderr" or raw.isatty(),
            write_through=is_unbuffered,
        )
        put(name, file)


def put(name: str, file: io.TextIOWrapper) -> None:
    """Replace a standard file, and what it was at the start."""
    for each in (name, f"__{name}__"):
        setattr(sys, each, file)


if __name__ == "__main__":
    atexit.register(leave_modules)  # first, to be called last
    prepare()
    gc.collect()
    gc.freeze()  # a process that looks through all this again, at its end, has to copy the memory that it shares
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the tests ends this by ending them
    orders, end = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    if ordered := wait_for_order(orders, end, before):
        become(ordered)
