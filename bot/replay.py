"""What a dead process took from Slack and did not finish is done, in its order: after a restart, or by a replica.

A replica says every second that it lives, and looks whether others don't any more.
"""

import logging
import queue
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from slack_bolt import App
from slack_bolt.request import BoltRequest

from bot.background import BackgroundThread
from handlers.membership import BEAT_SECONDS
from handlers.services import Services
from handlers.store.inbox import Kept
from handlers.store.replicas import Estate

log = logging.getLogger(__name__)

COMPARED_BEATS = 10
"""How often it says that it lives before it looks whether others have another kotae.toml."""
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
        self._left: queue.SimpleQueue[Sequence[Kept]] = queue.SimpleQueue()

    def recover(self) -> None:
        """Look up what was not finished, before anything new is received: Slack may deliver the same again."""
        self.take(self._services.membership.join())

    def take(self, estate: Estate) -> None:
        """Take over what was left; what is too old is not done."""
        if not estate.kept:
            return
        self._services.claims.forget(estate.claims)
        if kept := self._services.inbox.adopt(estate.kept):
            self._left.put(kept)

    def close(self) -> None:
        """See `BackgroundThread.close`."""
        self._left.put(())  # it waits for nothing else
        super().close()

    def _run(self) -> None:
        while kept := self._left.get():
            log.info("Requests that were not finished before and are done now: %d", len(kept))
            self._services.registry.wait_ready(READY_SECONDS)
            self._do(kept)

    def _do(self, left: Sequence[Kept]) -> None:
        keys = [each.key for each in left]
        for number, kept in enumerate(left):
            while not self._services.inbox.wait_for_fewer(keys[:number], AT_ONCE, LOOK_SECONDS):
                if self._stop.is_set():
                    return
            if self._stop.is_set():
                return
            self._app.dispatch(BoltRequest(mode="socket_mode", body=kept.body))


class Heartbeat(BackgroundThread):
    """Says that this replica lives and what it does, and takes over what dead ones left."""

    def __init__(self, services: Services, replay: Replay) -> None:
        super().__init__("kotae-heartbeat")
        self._services = services
        self._replay = replay
        self._differing: list[str] = []

    def _run(self) -> None:
        beats = count(1)
        while not self._stop.wait(BEAT_SECONDS):
            try:
                self._replay.take(self._services.membership.beat(self._doing()))
                if next(beats) % COMPARED_BEATS == 0:
                    self._compare()
            except Exception:
                log.exception("The heartbeat failed; trying again")

    def _compare(self) -> None:
        """Warn once of replicas that were given another kotae.toml: which one answers is Slack's choice."""
        digest = self._services.config.digest
        differing = [each for each in self._services.membership.all() if each.has_other_config(digest)]
        if (ids := [each.id for each in differing]) != self._differing:
            if hosts := ", ".join(sorted(each.host for each in differing)):
                log.warning("kotae.toml is another one on %s: give all replicas the same, and restart them", hosts)
            else:
                log.info("kotae.toml is the same on all replicas again")
            self._differing = ids

    def _doing(self) -> Mapping[str, Any]:
        registry, process = self._services.registry, self._services.process()
        return {
            "queue": process.queue,
            "memory": round(process.memory),
            "knowledge_bases": len(registry.loaded),
            "encoding": len(registry.encoding),
            "config": self._services.config.digest,
            "is_ready": registry.wait_ready(0),
        }
