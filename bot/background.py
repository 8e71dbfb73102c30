"""Threads that work until the bot stops."""

import threading
from abc import ABC, abstractmethod

JOIN_SECONDS = 2.0
"""How long `close` waits for a thread that may be in the middle of something."""


class BackgroundThread(ABC):
    """A daemon thread. `_run` is its work, and returns soon after `_stop` is set."""

    def __init__(self, name: str, join_seconds: float = JOIN_SECONDS) -> None:
        self._join_seconds = join_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Tell the thread to end, and wait for that for a moment."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(self._join_seconds)

    @abstractmethod
    def _run(self) -> None: ...
