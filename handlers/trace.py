"""How one request went: its outcome and its times, never its text."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Trace:
    """What is logged of a request once it is done. `origin` and `search` are of the question that it asked, if any.

    `arrived` and `started` are times of the monotonic clock; `search` is in seconds.
    """

    arrived: float = field(default_factory=time.monotonic)
    started: float | None = None
    search: float | None = None
    origin: str = ""
    outcome: str = "done"

    def start(self) -> None:
        """The request has waited for its turn until now."""
        self.started = time.monotonic()

    @contextmanager
    def searching(self) -> Iterator[None]:
        """Time a search."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.search = time.monotonic() - began

    @property
    def is_question(self) -> bool:
        """Whether something was searched."""
        return self.search is not None

    def line(self, handler: str) -> str:
        """Describe the finished request as ``key=value`` pairs, times in milliseconds."""
        now = time.monotonic()
        started = now if self.started is None else self.started
        times = {"waited": started - self.arrived, "took": now - started, "search": self.search}
        told = {"handler": handler, "origin": self.origin, "outcome": self.outcome}
        told |= {f"{name}_ms": f"{seconds * 1000:.0f}" for name, seconds in times.items() if seconds is not None}
        return " ".join(f"{name}={value}" for name, value in told.items() if value)
