"""What the bot does with its state in the background: removes old texts, counts old votes after an upgrade."""

import logging
import threading
import time
from collections.abc import Callable

from handlers.access import Standing
from handlers.admin.reports import MOST_DAYS
from handlers.learning.misses import looks_like_a_question
from handlers.learning.store.voices import Voices
from handlers.privacy.announcement import announce
from handlers.privacy.store.retention import Retention
from handlers.request import Services
from handlers.store.installation import PURGE_ANNOUNCED, Installation

log = logging.getLogger(__name__)

AT_ONCE = 30
PAUSE_SECONDS = 1.0
"""People who are looked up at once, and the pause after each further one: Slack allows some 100 a minute for all."""
LOOK_SECONDS = 3600.0
"""How often is looked whether there is something to do."""
JOIN_SECONDS = 2.0
DAY = 24 * 3600
NOTICE_SECONDS = 7 * DAY
"""How long before the first purge admins are told of it."""
BREATH_SECONDS = 0.02
"""The pause between two batches of what is removed, in which others write."""


class _ClosingError(Exception):
    """The bot stops: what was begun is given up, and begun again at the next start."""


class Housekeeping:
    """A thread that keeps the state in order."""

    def __init__(
        self,
        services: Services,
        keep_days: int,
        clock: Callable[[], float] = time.time,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Keep the words of questions for `keep_days`, by `clock` (seconds since the epoch)."""
        self._services = services
        self._keep_days = keep_days
        self._clock = clock
        self._look_seconds = look_seconds
        self._purged = 0.0
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
        if self._clock() - self._purged >= DAY and self._may_purge():
            self._purge()
            self._purged = self._clock()

    def _may_purge(self) -> bool:
        """Tell whether admins have known of it for a week; tell them, the first time that there is something old."""
        installation = Installation(self._services.database)
        announced = installation.get(PURGE_ANNOUNCED)
        if announced is not None:
            return self._clock() - float(announced) >= NOTICE_SECONDS
        now = self._clock()
        if Retention(self._services.database).has_older(now - self._keep_days * DAY):
            if announce(self._services, self._keep_days, now + NOTICE_SECONDS):
                installation.set(PURGE_ANNOUNCED, str(now))
            else:
                log.warning("Nothing old is removed until an admin can be told of it; ADMIN_USERS names admins")
        return False

    def _purge(self) -> None:
        before, misses_before = (self._clock() - days * DAY for days in (self._keep_days, MOST_DAYS))
        removed = 0
        for number in Retention(self._services.database).purge(before, misses_before, looks_like_a_question):
            removed += number
            if self._stop.wait(BREATH_SECONDS):
                raise _ClosingError
        log.info("Removed what was older than %d days: %d rows", self._keep_days, removed)

    def _count_old_votes(self) -> None:
        """Give the votes of before there were voices their weight: Slack says who is a member."""
        voices = Voices(self._services.database)
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
