"""The inbox: what Slack was told is taken is kept until it is done, so that a restart loses none of it."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from handlers.counters import Count, Counters
from handlers.membership import Membership
from handlers.store.database import Database
from handlers.store.errors import TakenOverError
from handlers.store.inbox import REDONE_SECONDS, InboxRows, Kept

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
"""How long an ack waits for the database; Slack waits 3 s for the ack."""
WAITING = 5000
"""Changes that wait for the database; when there are more, what comes is not kept, and its ack doesn't wait."""
MOST_TOLD = 2
"""A private answer can't be read back; it is begun once more after a restart, and no third time."""


@dataclass
class _Held:
    """A payload that is not done: how many deliveries of it are, and how often each private answer was begun."""

    received: float
    is_repeat: bool = False
    is_stored: bool = True
    """Whether it is in the database, or waits to be written there."""
    deliveries: int = 1
    told: list[int] = field(default_factory=list)
    written: threading.Event = field(default_factory=threading.Event)
    stored_as: str = ""
    """The id of this process under which it is stored; blank if it isn't."""


class Inbox:
    """Keeps payloads until they are done."""

    def __init__(
        self,
        database: Database,
        membership: Membership,
        counters: Counters,
        clock: Callable[[], float] = time.time,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._rows = InboxRows(database, lambda: membership.id, clock)
        self._membership = membership
        self._counters = counters
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._held: dict[str, _Held] = {}
        self._changed = threading.Condition()

    def keep(self, key: str, user: str, body: Mapping[str, Any]) -> bool:
        """Keep a payload before it is acked; False, and counted, if the database doesn't take it in time."""
        with self._changed:
            self._forget_old()
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = _Held(self._clock(), is_stored=len(self._rows) < WAITING)
                if held.is_stored:
                    self._rows.insert(key, held.received, user, body, partial(_written, held))
            else:
                held.deliveries += 1
        is_kept = held.is_stored and held.written.wait(self._wait_seconds) and bool(held.stored_as)
        if not is_kept:
            self._counters.add(Count.UNKEPT)
            log.warning("The database is too slow or fails: a request is done now, but would be lost at a restart")
        return is_kept

    def adopt(self, left: Iterable[Kept]) -> list[Kept]:
        """Take over what a process that is dead did not finish, and return what is to be done of it, in its order.

        What is too old is deleted, counted and logged.
        """
        rows, oldest = list(left), self._clock() - REDONE_SECONDS
        young = [row for row in rows if row.received >= oldest]
        for row in rows:
            self._counters.add(Count.EXPIRED if row.received < oldest else Count.REDONE)
        if expired := len(rows) - len(young):
            log.warning("Requests of before the restart that are too old to be answered: %d", expired)
        with self._changed:
            for row in young:
                self._adopt(row)
        self._rows.sweep()
        return young

    def _adopt(self, row: Kept) -> None:
        """Hold a payload. Slack may have sent it to this process as well, which then has two deliveries of it."""
        sent_here = self._held.get(row.key)
        deliveries = 1 + (sent_here.deliveries if sent_here else 0)
        held = _Held(row.received, is_repeat=True, deliveries=deliveries, told=list(row.told))
        _written(held, self._membership.id)
        self._held[row.key] = held

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
                if held.is_stored and held.stored_as in {"", self._membership.id}:
                    self._rows.delete(key)
                self._changed.notify_all()

    def wait_for_fewer(self, keys: Sequence[str], most: int, seconds: float) -> bool:
        """Wait until fewer than `most` of the payloads are left to do; False if that takes longer."""
        with self._changed:
            self._forget_old()
            return self._changed.wait_for(lambda: sum(key in self._held for key in keys) < most, seconds)

    def stored_as(self, key: str) -> str:
        """Return the id of this process under which a payload is kept; blank if it isn't."""
        with self._changed:
            held = self._held.get(key)
        return held.stored_as if held else ""

    def is_mine(self, key: str) -> bool:
        """Tell whether a payload is still this process's to do: another may have taken it over."""
        stored_as = self.stored_as(key)
        return not stored_as or self._membership.is_mine(stored_as)

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
            if not held.is_stored:
                return True
            self._rows.tell(key, held.told, lambda _: written.set())
        written.wait(self._wait_seconds)
        return True

    def close(self) -> None:
        """Write what waits, and end."""
        self._rows.close()

    def _forget_old(self) -> None:
        """Forget what is so old that its row is gone. The oldest come first."""
        oldest = self._clock() - REDONE_SECONDS
        while self._held and next(iter(self._held.values())).received < oldest:
            del self._held[next(iter(self._held))]


def _written(held: _Held, stored_as: str) -> None:
    held.stored_as = stored_as
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

    def is_mine(self) -> bool:
        """Tell whether this is still this process's to do, see `Inbox.is_mine`."""
        return self._inbox.is_mine(self.key)

    def ensure_mine(self) -> None:
        """Raise TakenOverError if another replica does this now, and says what there is to say."""
        if not self.is_mine():
            raise TakenOverError

    def stored_as(self) -> str:
        """Return the id of the process under which the payload is kept; blank if it isn't."""
        return self._inbox.stored_as(self.key)

    def message_key(self, to: str) -> str:
        """Return the next message's key, the same in repeated work; blank without a payload's."""
        self._posted[to] += 1
        return f"{self.key} {to} {self._posted[to]}" if self.key else ""

    def may_tell(self) -> bool:
        """Tell whether the next private answer is to be sent: what can't be read back is repeated once at most.

        Raises TakenOverError.
        """
        self.ensure_mine()
        self._told += 1
        return self._inbox.may_tell(self.key, self._told - 1)
