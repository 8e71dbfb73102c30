"""What the bot does with its state by itself, in the background: counts old votes after an upgrade."""

import logging
import threading

from handlers.access import Standing
from handlers.desk import Services

log = logging.getLogger(__name__)

AT_ONCE = 30
PAUSE_SECONDS = 1.0
"""People who are looked up at once, and the pause after each further one: Slack allows some 100 a minute for all."""
LOOK_SECONDS = 3600.0
"""How often is looked whether there is something to do."""
JOIN_SECONDS = 2.0


class _ClosingError(Exception):
    """The bot stops: what was begun is given up, and begun again at the next start."""


class Housekeeping:
    """A thread that keeps the state in order."""

    def __init__(self, services: Services, look_seconds: float = LOOK_SECONDS) -> None:
        self._services = services
        self._look_seconds = look_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kotae-housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after what is being done just now."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.tidy()
            except _ClosingError:
                return
            except Exception:
                log.exception("Housekeeping failed; it is tried again in %.0f minutes", self._look_seconds / 60)
            self._stop.wait(self._look_seconds)

    def tidy(self) -> None:
        """Do what is due."""
        self._count_old_votes()

    def _count_old_votes(self) -> None:
        """Give the votes of before there were voices their weight: Slack says who is a member."""
        voices = self._services.journal.voices
        if voices.is_counted():
            return
        looked_up = 0

        def is_member(user: str) -> bool:
            nonlocal looked_up
            looked_up += 1
            if self._stop.wait(PAUSE_SECONDS if looked_up > AT_ONCE else 0):
                raise _ClosingError
            return self._services.access.person(user).standing is Standing.MEMBER

        voices.recount(is_member)
        self._services.learn()
