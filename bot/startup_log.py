"""How long each stage of the start took: one line of the log, once the bot answers as well as it can for now."""

import logging
import threading
import time
from typing import Literal, get_args

import psutil

log = logging.getLogger(__name__)

Stage = Literal["settings", "connected", "words", "model", "vectors"]


class StartupLog:
    """Records when each stage was done, in seconds since the process began; stages end in any thread and order.

    The line is logged once, when the knowledge bases can be searched by words, and by meaning if there is a model.
    """

    def __init__(self) -> None:
        self._done: dict[Stage, str] = {}
        self._lock = threading.Lock()

    def done(self, stage: Stage, what: str, more: str = "") -> None:
        """Record that a stage is done; `more` is logged after its seconds."""
        self._record(stage, f"{what} {_seconds():.2f}{more}")

    def without_vectors(self, why: str) -> None:
        """Record that the search is by words only, for now or permanently."""
        self._record("vectors", why)

    def _record(self, stage: Stage, text: str) -> None:
        with self._lock:
            was_ready = self._ready
            self._done[stage] = text
            if self._ready and not was_ready:
                line = " · ".join(self._done[each] for each in get_args(Stage) if each in self._done)
                log.info("Ready in %.1f s: %s", _seconds(), line)

    @property
    def _ready(self) -> bool:
        return {"words", "vectors"} <= self._done.keys()


def _seconds() -> float:
    return time.time() - psutil.Process().create_time()
