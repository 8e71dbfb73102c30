"""The signals that ask a process to end."""

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue


def call_at_end(act: Callable[[], object]) -> None:
    """Have the signals that ask a process to end call `act` instead, in a thread of its own.

    A handler interrupts the main thread anywhere, also where that holds a lock that `act` would wait for. Windows knows
    no SIGHUP, which is the end of a terminal, and nobody else SIGBREAK, which is Ctrl-Break.
    """
    heard: SimpleQueue[int] = SimpleQueue()  # the one that may be interrupted while it is used
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number and (name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN):  # nohup ignores it
            signal.signal(number, lambda *_: heard.put(1))
    threading.Thread(target=_call_for_each, args=(heard, act), name="kotae-signals", daemon=True).start()


def _call_for_each(heard: "SimpleQueue[int]", act: Callable[[], object]) -> None:
    while heard.get():
        act()
