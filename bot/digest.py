"""The weekly digest: what nobody could answer, told to a channel on Monday morning."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from slack_sdk.errors import SlackApiError, SlackClientError

from handlers.access import error_code
from handlers.learning.misses import digest
from handlers.request import Services

log = logging.getLogger(__name__)

MONDAY, FIRST_HOUR = 0, 9
"""It is sent on Mondays from nine by this machine's clock; a bot that was down all Monday leaves the week out."""
DAYS = 7
LOOK_SECONDS = 300.0
"""How often the clock is looked at."""


def now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now().astimezone()


class WeeklyDigest:
    """A thread that posts the digest once a week, whatever is restarted and however many bots there are."""

    def __init__(
        self,
        services: Services,
        channel: str,
        clock: Callable[[], datetime] = now,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._services = services
        self._channel = channel
        self._clock = clock
        self._look_seconds = look_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kotae-digest", daemon=True)

    def start(self) -> None:
        """Begin to watch the clock."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._look_seconds):
            try:
                self.send_if_due()
            except Exception:
                log.exception("The weekly digest could not be made; the clock is watched on")

    def send_if_due(self) -> None:
        """Send this week's digest unless it isn't time yet, somebody did, or there is nothing to tell."""
        today = self._clock()
        if today.weekday() != MONDAY or today.hour < FIRST_HOUR:
            return
        year, week, _ = today.isocalendar()
        if not self._services.claims.take(f"digest:{self._channel}:{year}-{week}"):
            return
        if message := digest(self._services, DAYS, self._channel):
            try:
                self._services.post(self._channel, message)
            except (SlackApiError, SlackClientError, OSError) as error:
                log.error("The weekly digest could not be posted in %s (%s)", self._channel, error_code(error))  # noqa: TRY400
