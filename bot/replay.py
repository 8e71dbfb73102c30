"""After a restart: what an earlier process took from Slack and did not finish is done, in its order."""

import logging
from collections.abc import Sequence

from slack_bolt import App
from slack_bolt.request import BoltRequest

from bot.background import BackgroundThread
from handlers.services import Services
from handlers.store.inbox import Kept

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Payloads that are being done at a time: what is new finds room beside them."""
READY_SECONDS = 60.0
"""How long it waits for the knowledge bases to be read."""
LOOK_SECONDS = 0.5


class Replay(BackgroundThread):
    """Hands kept payloads to the app as if they had just come; each is deleted when it is done.

    What they need is checked again: somebody may have lost a right meanwhile. A form can't be opened for a button that
    was pressed before the restart: Slack's trigger has expired, and the person is asked to press again.
    """

    def __init__(self, app: App, services: Services) -> None:
        super().__init__("kotae-replay")
        self._app = app
        self._services = services
        self._kept: Sequence[Kept] = ()

    def recover(self) -> None:
        """Look up what was not finished, before anything new is received: Slack may deliver the same again."""
        self._kept = self._services.inbox.recover()
        self._services.claims.release(each.key for each in self._kept)

    def _run(self) -> None:
        if not self._kept:
            return
        log.info("Requests of before the restart that are done now: %d", len(self._kept))
        self._services.registry.wait_ready(READY_SECONDS)
        keys = [each.key for each in self._kept]
        for number, kept in enumerate(self._kept):
            while not self._services.inbox.wait_for_fewer(keys[:number], AT_ONCE, LOOK_SECONDS):
                if self._stop.is_set():
                    return
            if self._stop.is_set():
                return
            self._app.dispatch(BoltRequest(mode="socket_mode", body=kept.body))
