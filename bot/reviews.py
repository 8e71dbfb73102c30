"""Asking owners every week about entries that are due for a check, from Monday morning on."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from bot.background import BackgroundThread
from bot.digest import latest_due
from handlers.features import Feature
from handlers.freshness.asking import ask_owners
from handlers.services import Services
from handlers.slack.trouble import CALL_ERRORS, error_code
from handlers.store.errors import StoreError
from handlers.store.exclusive import BusyError, Held
from handlers.store.installation import REVIEWED, Installation

log = logging.getLogger(__name__)

LOOK_SECONDS = 300.0
"""How often the clock is checked."""
PAUSE_SECONDS = 1.0
"""The pause before each message: Slack allows about one a second in all."""


class StoppingError(Exception):
    """The bot stops: who was not asked yet is asked after the next start."""


class WeeklyReviews(BackgroundThread):
    """Asks once a week, even with restarts and several bots.

    What could not be asked on time, because the bot was down or quiet or Slack refused, is asked as soon as possible.
    After the upgrade to a version that asks, the first Monday is waited for.
    """

    def __init__(
        self,
        services: Services,
        clock: Callable[[], datetime] | None = None,
        look_seconds: float = LOOK_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        super().__init__("kotae-reviews")
        self._services = services
        self._clock = clock or services.config.now
        self._look_seconds = look_seconds
        self._pause_seconds = pause_seconds

    def _run(self) -> None:
        while not self._stop.wait(self._look_seconds):
            try:
                self.ask_if_due()
            except StoppingError:
                return
            except Exception:
                log.exception("Owners could not be asked about due entries")

    def ask_if_due(self) -> None:
        """Ask everybody who has not been asked this week, unless another replica does, or that is switched off."""
        registry = self._services.registry
        if not (self._services.channels.offers(Feature.REVIEWS) and registry.wait_ready(0) and registry.loaded):
            return
        if not self._services.messenger.may_post():
            return
        with suppress(BusyError), self._services.database.exclusively("reviews", wait_seconds=0) as held:
            self._ask_if_due(held)

    def _ask_if_due(self, held: Held) -> None:
        at, facts = self._clock(), Installation(self._services.database)
        week = latest_due(at).date().isoformat()
        asked = facts.get(REVIEWED)
        if asked is None or (asked < week and self._is_asked(at, week, held)):
            facts.set(REVIEWED, week)

    def _is_asked(self, at: datetime, week: str, held: Held) -> bool:
        """Ask; return whether everybody was."""
        pause = 0.0

        def before_each() -> None:
            nonlocal pause
            if self._stop.wait(pause):
                raise StoppingError
            held.verify()
            pause = self._pause_seconds

        try:
            return ask_owners(self._services, at.date(), week, before_each)
        except (*CALL_ERRORS, StoreError) as error:
            log.warning("Owners are asked later about due entries (%s)", error_code(error))
            return False
