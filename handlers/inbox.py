"""The inbox: what Slack was told is taken is kept until it is done, so that a restart loses none of it."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from handlers.counters import Count, Counters
from handlers.store.database import Database
from handlers.store.inbox import REDONE_SECONDS, InboxRows, Kept

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
"""How long an ack waits for the database; Slack waits 3 s for the ack."""
WAITING = 5000
"""Changes that wait for the database; when there are more, an ack doesn't wait for it at all."""
MOST_TOLD = 2
"""A private answer can't be read back; it is begun once more after a restart, and no third time."""


@dataclass
class _Held:
    """A payload that is not done: how many deliveries of it are, and how often each private answer was begun."""

    received: float
    is_repeat: bool = False
    deliveries: int = 1
    told: list[int] = field(default_factory=list)
    written: threading.Event = field(default_factory=threading.Event)
    is_stored: bool = False


class Inbox:
    """Keeps payloads until they are done."""

    def __init__(
        self, database: Database, instance: str, counters: Counters, clock: Callable[[], float] = time.time
    ) -> None:
        self._rows = InboxRows(database, instance, clock)
        self._counters = counters
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._changed = threading.Condition()

    def keep(self, key: str, user: str, body: Mapping[str, Any]) -> bool:
        """Keep a payload before it is acked; False, and counted, if the database doesn't take it in time."""
        with self._changed:
            self._forget_old()
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = _Held(self._clock())
                self._rows.insert(key, held.received, user, body, partial(_written, held))
            else:
                held.deliveries += 1
        is_kept = len(self._rows) < WAITING and held.written.wait(WAIT_SECONDS) and held.is_stored
        if not is_kept:
            self._counters.add(Count.UNKEPT)
            log.warning("The database is too slow or fails: a request is done now, but would be lost at a restart")
        return is_kept

    def recover(self) -> list[Kept]:
        """Return what an earlier process did not finish, in its order; what is too old is deleted, counted and logged.

        Call it before anything is received.
        """
        oldest = self._clock() - REDONE_SECONDS
        rows = self._rows.read()
        young = [row for row in rows if row.received >= oldest]
        for row in rows:
            self._counters.add(Count.EXPIRED if row.received < oldest else Count.REDONE)
        if expired := len(rows) - len(young):
            log.warning("Requests of before the restart that are too old to be answered: %d", expired)
        for row in young:
            held = self._held[row.key] = _Held(row.received, is_repeat=True, told=list(row.told))
            _written(held, is_stored=True)
        self._rows.sweep()
        return young

    def work(self, key: str) -> "Work":
        """Return the work on a payload, whether it is kept or not."""
        with self._changed:
            held = self._held.get(key)
        return Work(self, key, is_repeat=bool(held and held.is_repeat))

    def finish(self, key: str) -> None:
        """Delete a payload once all its deliveries are done."""
        with self._changed:
            held = self._held.get(key)
            if held is None:
                return
            held.deliveries -= 1
            if held.deliveries <= 0:
                del self._held[key]
                self._rows.delete(key)
                self._changed.notify_all()

    def wait_for_fewer(self, keys: Sequence[str], most: int, seconds: float) -> bool:
        """Wait until fewer than `most` of the payloads are left to do; False if that takes longer."""
        with self._changed:
            self._forget_old()
            return self._changed.wait_for(lambda: sum(key in self._held for key in keys) < most, seconds)

    def may_tell(self, key: str, number: int) -> bool:
        """Note that a private answer is begun, the payload's first one being 0; False if it was begun too often."""
        written = threading.Event()
        with self._changed:
            held = self._held.get(key)
            if held is None:
                return True
            held.told.extend([0] * (number + 1 - len(held.told)))
            if held.told[number] >= MOST_TOLD:
                return False
            held.told[number] += 1
            self._rows.tell(key, held.told, lambda _: written.set())
        written.wait(WAIT_SECONDS)
        return True

    def close(self) -> None:
        """Write what waits, and end."""
        self._rows.close()

    def _forget_old(self) -> None:
        """Forget what is so old that its row is gone. The oldest come first."""
        oldest = self._clock() - REDONE_SECONDS
        while self._held and next(iter(self._held.values())).received < oldest:
            del self._held[next(iter(self._held))]


def _written(held: _Held, is_stored: bool) -> None:  # noqa: FBT001 - called by position
    held.is_stored = is_stored
    held.written.set()


class Work:
    """What is done for one payload, so that repeated work says nothing again.

    `is_repeat` tells that an earlier process may have done a part of it.
    """

    def __init__(self, inbox: Inbox, key: str, *, is_repeat: bool) -> None:
        self._inbox = inbox
        self._told = 0
        self._posted: Counter[str] = Counter()
        self.key = key
        self.is_repeat = is_repeat

    def message_key(self, to: str) -> str:
        """Return the next message's key, the same in repeated work; blank without a payload's."""
        self._posted[to] += 1
        return f"{self.key} {to} {self._posted[to]}" if self.key else ""

    def may_tell(self) -> bool:
        """Tell whether the next private answer is to be sent: what can't be read back is repeated once at most."""
        self._told += 1
        return self._inbox.may_tell(self.key, self._told - 1)
