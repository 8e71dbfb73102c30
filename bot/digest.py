"""The weekly digest: the questions that got no answer, posted in a channel on Monday morning."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial

from bot.background import BackgroundThread
from handlers.learning.misses import digest
from handlers.services import Services
from handlers.slack.blocks import Message
from handlers.slack.trouble import CALL_ERRORS, error_code
from handlers.store.exclusive import BusyError
from handlers.store.installation import Installation

log = logging.getLogger(__name__)

FIRST_HOUR = 9
"""It is sent on Mondays from nine, in the time zone of the settings."""
WEEK = timedelta(days=7)
MOST = timedelta(days=90)
"""The longest time that is summed up, after a long silence."""
LOOK_SECONDS = 300.0
"""How often the clock is checked."""


def now(timezone: tzinfo | None) -> datetime:
    """Return the time in a time zone, None for this machine's."""
    return datetime.now().astimezone(timezone)


class WeeklyDigest(BackgroundThread):
    """Posts the digest once a week, even with restarts and several bots.

    A digest that could not be posted on time, because the bot was down or quiet or Slack refused, is posted as soon as
    possible and covers the whole time since the last one.
    """

    def __init__(
        self,
        services: Services,
        channel: str,
        clock: Callable[[], datetime] | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        super().__init__("kotae-digest")
        self._services = services
        self._channel = channel
        self._clock = clock or partial(now, services.config.timezone)
        self._look_seconds = look_seconds
        self._key = f"digest:{channel}"
        self._sent: datetime | None = None

    def _run(self) -> None:
        while not self._stop.wait(self._look_seconds):
            try:
                self.send_if_due()
            except Exception:
                log.exception("The weekly digest could not be made")

    def send_if_due(self) -> None:
        """Post the digest unless it isn't time yet, it was posted already, or there is nothing to report.

        It is tried once an hour at most, by one replica.
        """
        with suppress(BusyError), self._services.database.exclusively(self._key, wait_seconds=0):
            self._send_if_due()

    def _send_if_due(self) -> None:
        at = self._clock()
        due = latest_due(at)
        if not self._services.messenger.may_post():
            return
        sent = self._last_sent(at, due)
        if sent >= due or not self._services.claims.take(f"digest:{self._channel}:{at:%Y-%m-%dT%H}"):
            return
        days = min(at - sent, MOST) / timedelta(days=1)
        message = digest(self._services, days, self._channel)
        if message is None or self._posted(message, due):
            self._remember(at)

    def _posted(self, message: Message, due: datetime) -> bool:
        """Post it, unless a replica has posted it that ended before it could say so."""
        key = f"{self._key} {due.isoformat()}"
        try:
            sent = self._services.messenger.post(self._channel, message, key=key)
        except CALL_ERRORS as error:
            log.error("The weekly digest could not be posted in %s (%s)", self._channel, error_code(error))  # noqa: TRY400
            return False
        return sent is not None

    def _last_sent(self, at: datetime, due: datetime) -> datetime:
        """Return when the last one was sent. The first one ever covers the week before it."""
        stored = Installation(self._services.database).get(self._key)
        known = [datetime.fromtimestamp(float(stored), UTC)] if stored else []
        if not known and self._sent is None:
            self._remember(due - WEEK if self._is_first(at, due) else due)
        return max([*known, *([self._sent] if self._sent else [])])

    def _is_first(self, at: datetime, due: datetime) -> bool:
        """Tell whether none was sent this Monday, not by an earlier version either."""
        year, week, _ = at.isocalendar()
        return at.date() == due.date() and self._services.claims.take(f"digest:{self._channel}:{year}-{week}")

    def _remember(self, sent: datetime) -> None:
        """Note the time in memory too: a broken database must not mean a digest every hour."""
        self._sent = sent
        Installation(self._services.database).set(self._key, str(sent.timestamp()))


def latest_due(at: datetime) -> datetime:
    """Return the last Monday's nine o'clock before a time, in its time zone."""
    monday = at.date() - timedelta(days=at.weekday())
    due = datetime.combine(monday, time(FIRST_HOUR), at.tzinfo)
    return due if due <= at else datetime.combine(monday - WEEK, time(FIRST_HOUR), at.tzinfo)
