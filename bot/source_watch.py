"""Asks the sources of knowledge bases for what is new, each on a thread of its own: a slow one holds nobody up."""

import logging
import re
import time
from concurrent.futures import CancelledError

from bot.background import BackgroundThread
from handlers.admin.views.sources import line
from handlers.files.fetching import Clock, poll, polled_sources
from handlers.services import Services
from handlers.slack.mrkdwn import unescaped
from handlers.texts import ENGLISH

log = logging.getLogger(__name__)

READY_SECONDS = 300.0
"""How long it waits for the first load: large files take a while after an upgrade."""
_SIGN = re.compile(r"^:[a-z_]+: ")
LEAST_SECONDS, MOST_SECONDS = 1.0, 60.0
"""Between two looks whether it is time: another replica may have asked, or an admin."""


class SourceWatch(BackgroundThread):
    """Asks one source whenever it is due. Call `close` after maintenance is closed, which ends a reload in progress."""

    def __init__(self, services: Services, name: str, clock: Clock = time.time) -> None:
        super().__init__(f"kotae-source-{name}")
        self._services = services
        self._name = name
        self._clock = clock

    def _run(self) -> None:
        self._services.registry.wait_ready(READY_SECONDS)
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                due = poll(self._services, self._name, self._clock).state.due
            except CancelledError:  # maintenance has closed: there is nothing to keep up to date
                return
            except Exception:
                log.exception("%s could not be brought up to date; trying again", self._name)
                due = self._clock() + MOST_SECONDS
            pause = min(max(due - self._clock(), LEAST_SECONDS), MOST_SECONDS)


def told_of_sources(services: Services) -> dict[str, str]:
    """Return what `kotae status` says of each source, by knowledge base."""
    said = {name: line(each, ENGLISH) for name, each in polled_sources(services).items()}
    return {name: unescaped(_SIGN.sub("", text)) for name, text in said.items()}
