"""Background work on the state: removes old texts, counts old votes after an upgrade, and tells what is proved."""

import logging
import time
from collections.abc import Callable, Iterable

from bot.background import BackgroundThread
from handlers.access import Standing
from handlers.admin.views.recovery import damaged_now
from handlers.admins import tell_admins
from handlers.learning.misses import is_miss
from handlers.learning.proof import tell_changes, tell_kept
from handlers.learning.store.judged_replies import JudgedReplies
from handlers.learning.store.voices import Voices
from handlers.learning.votes import update_confidence
from handlers.privacy.announcement import announce
from handlers.privacy.store.erasures import Erasures
from handlers.privacy.store.retention import Retention
from handlers.services import Services
from handlers.store.backup import backup_of
from handlers.store.errors import StoreError
from handlers.store.exclusive import BusyError
from handlers.store.installation import PURGE_ANNOUNCED, Installation
from handlers.store.questions import MOST_DAYS
from handlers.synonyms.mining import look_for_synonyms

log = logging.getLogger(__name__)

BURST = 30
PAUSE_SECONDS = 1.0
"""People looked up without a pause, and the pause before each further one: Slack allows about 100 a minute in all."""
LOOK_SECONDS = 3600.0
"""How often it checks for something to do."""
DAY = 24 * 3600
NOTICE_SECONDS = 7 * DAY
"""How long before the first purge admins are told about it."""
BATCH_PAUSE_SECONDS = 0.02
"""The pause between two batches of removals, in which others can write."""


class _ClosingError(Exception):
    """The bot stops: the work is abandoned, and begins again at the next start."""


class Housekeeping(BackgroundThread):
    """Removes old question texts once a day, and counts old votes after an upgrade."""

    def __init__(
        self,
        services: Services,
        keep_days: int,
        clock: Callable[[], float] = time.time,
        look_seconds: float = LOOK_SECONDS,
        sweeps: Callable[[float], Iterable[Callable[[], None]]] = lambda _: (),
    ) -> None:
        """Keep the texts of questions for `keep_days`; `clock` returns seconds since the epoch.

        `sweeps` returns jobs that delete what else is too old at a time; see `bot.retention`.
        """
        super().__init__("kotae-housekeeping")
        self._services = services
        self._keep_days = keep_days
        self._sweeps = sweeps
        self._clock = clock
        self._look_seconds = look_seconds
        self._purged = 0.0
        self._looked = clock()

    def _run(self) -> None:
        while not self._stop.is_set():
            for work in (self.tidy_alone, self.keep_files, self.ask_again):
                try:
                    work()
                except _ClosingError:
                    return
                except Exception:
                    log.exception("Housekeeping failed; trying again in %.0f minutes", self._look_seconds / 60)
            self._stop.wait(self._look_seconds)

    def keep_files(self) -> None:
        """Delete what is too old, see `bot.retention`, and make the daily copy of the state database.

        In this order: on a full disk there may be room for the copy only then.
        """
        for sweep in self._sweeps(self._clock()):
            try:
                sweep()
            except OSError as error:
                log.warning("Something old can't be deleted (%s: %s)", error.filename, error.strerror)
        database, started = self._services.database, time.time()
        if database.back_up(self._clock()):
            tell_admins(self._services, damaged_now)
        elif database.file:
            Erasures(database.file).apply(backup_of(database.file), since=started)  # of whoever was forgotten meanwhile

    def ask_again(self) -> None:
        """Ask admins what waits for their decision if the bot has been quiet since the last look."""
        looked, self._looked = self._looked, self._clock()
        if self._services.messenger.quiet.ended() > looked:
            self._services.rescan()

    def tidy_alone(self) -> None:
        """Do everything that is due, unless another replica is doing it."""
        try:
            with self._services.database.exclusively("housekeeping", wait_seconds=0):
                self.tidy()
        except BusyError:
            log.info("Another replica does the housekeeping")
        except StoreError as error:
            log.warning("No housekeeping for %.0f minutes: %s", self._look_seconds / 60, error)

    def tidy(self) -> None:
        """Do everything that is due."""
        self._count_old_votes()
        self._tell_members_apart()
        registry = self._services.registry
        if registry.wait_ready(0) and registry.loaded:  # not before all that channels have is known
            tell_kept(self._services)
            tell_changes(self._services)
            if self._services.messenger.may_post():
                look_for_synonyms(self._services, self._clock())
        if self._clock() - self._purged >= DAY and self._may_purge():
            self._purge()
            self._purged = self._clock()

    def _may_purge(self) -> bool:
        """Tell whether admins were told a week ago; tell them when there is something old for the first time."""
        installation = Installation(self._services.database)
        announced = installation.get(PURGE_ANNOUNCED)
        if announced is not None:
            return self._clock() - float(announced) >= NOTICE_SECONDS
        if not self._services.messenger.may_post():
            return False
        now = self._clock()
        if Retention(self._services.database).has_older(now - self._keep_days * DAY):
            if announce(self._services, self._keep_days, now + NOTICE_SECONDS):
                installation.set(PURGE_ANNOUNCED, str(now))
            else:
                log.warning("No old texts are removed until an admin can be told; set ADMIN_USERS")
        return False

    def _purge(self) -> None:
        before, misses_before = (self._clock() - days * DAY for days in (self._keep_days, MOST_DAYS))
        removed = 0
        for number in Retention(self._services.database).purge(before, misses_before, is_miss):
            removed += number
            if self._stop.wait(BATCH_PAUSE_SECONDS):
                raise _ClosingError
        log.info("Removed texts older than %d days: %d rows", self._keep_days, removed)

    def _count_old_votes(self) -> None:
        """Weigh the votes that an earlier version stored; Slack is asked who is a member."""
        voices = Voices(self._services.database)
        if voices.is_counted():
            return
        voices.recount(self._is_member())
        update_confidence(self._services)

    def _tell_members_apart(self) -> None:
        """Ask Slack whose votes of before an upgrade are a member's: only those prove something."""
        replies, is_member = JudgedReplies(self._services.database), self._is_member()
        for user in replies.unknown_voters():
            replies.set_member(user, member=is_member(user))

    def _is_member(self) -> Callable[[str], bool]:
        """Return what asks Slack whether somebody is a member, more slowly after some people."""
        looked_up = 0

        def is_member(user: str) -> bool:
            nonlocal looked_up
            looked_up += 1
            if self._stop.wait(PAUSE_SECONDS if looked_up > BURST else 0):
                raise _ClosingError
            return self._services.access.person(user).standing is Standing.MEMBER

        return is_member
