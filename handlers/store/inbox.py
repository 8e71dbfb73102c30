"""The inbox: what Slack was told is taken, kept until it is done, so that a restart loses none of it."""

import json
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Float, String, Table, Text, delete, insert, select, update

from handlers.store.database import Database, metadata

log = logging.getLogger(__name__)

REDONE_SECONDS = 120.0
"""What is older is not done after a restart: nobody waits for it any more, and its response_url may be used up."""
WAIT_SECONDS = 0.5
"""How long an ack waits for the database; Slack waits 3 s for the ack."""
BATCH = 200
"""Rows of one transaction."""
WAITING = 5000
"""Changes that wait for the database; when there are more, an ack doesn't wait for it at all."""
SWEEP_SECONDS = 30.0
IDLE_SECONDS = 1.0
"""After a second without a change nothing of what was deleted is left in any file; after half a minute in any case."""
MOST_TOLD = 2
"""A private answer can't be read back; it is begun once more after a restart, and no third time."""

inbox = Table(
    "inbox",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("instance", String(64), primary_key=True),
    Column("received", Float, nullable=False, index=True),
    Column("user", String(32), nullable=False),
    Column("told", String(255), nullable=False),
    Column("body", Text, nullable=False),
)
"""`told` has a digit for each private answer: how often it was begun. `body` is the payload in JSON."""


@dataclass(frozen=True)
class Kept:
    """A payload that was taken by a process that ended before it was done; `received` in seconds since the epoch."""

    key: str
    received: float
    body: dict[str, Any]


@dataclass(frozen=True)
class InboxCounts:
    """What became of payloads since the start.

    `skipped` were acked without being kept, since the database was too slow or failed; `redone` are those of before
    the start that were done after it, `dropped` those that were too old for that.
    """

    kept: int
    skipped: int
    redone: int
    dropped: int


@dataclass
class _Held:
    """A payload that is not done: how many deliveries of it are, and what was told privately."""

    received: float
    is_repeat: bool = False
    deliveries: int = 1
    told: list[int] = field(default_factory=list)
    stored: threading.Event = field(default_factory=threading.Event)
    is_stored: bool = False


@dataclass(frozen=True)
class _Change:
    """A row to insert, to update, or, without values, to delete."""

    key: str
    values: Mapping[str, Any] | None
    is_new: bool
    done: Callable[[bool], None]


class Inbox:
    """Keeps payloads until they are done.

    All changes go through one thread, in their order: those that wait while it writes share the next transaction.
    `instance` tells this bot from others that use the same database.
    """

    def __init__(self, database: Database, instance: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._instance = instance
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._finished = threading.Condition(self._lock)
        self._counts: Counter[str] = Counter()
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._swept = clock()
        self._is_dirty = True
        self._thread = threading.Thread(target=self._write_all, name="kotae-inbox", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> InboxCounts:
        """What became of payloads since the start."""
        with self._lock:
            return InboxCounts(*(self._counts[name] for name in ("kept", "skipped", "redone", "dropped")))

    def keep(self, key: str, user: str, body: Mapping[str, Any]) -> bool:
        """Keep a payload before it is acked; False, and counted, if the database doesn't take it in time."""
        received = self._clock()
        row = {"received": received, "user": user, "told": "", "body": json.dumps(body)}
        with self._lock:
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = _Held(received)
                self._put(key, row, is_new=True, done=partial(_stored, held))
            else:
                held.deliveries += 1
        is_kept = self._changes.qsize() < WAITING and held.stored.wait(WAIT_SECONDS) and held.is_stored
        with self._lock:
            self._counts["kept" if is_kept else "skipped"] += 1
        if not is_kept:
            log.warning("The database is too slow or fails: a request is done now, but would be lost at a restart")
        return is_kept

    def recover(self) -> list[Kept]:
        """Return what an earlier process did not finish, in its order; what is too old is deleted and counted.

        Call it before anything is received.
        """
        oldest = self._clock() - REDONE_SECONDS
        wanted = select(inbox).where(inbox.c.instance == self._instance).order_by(inbox.c.received)
        rows = self._database.read("read what was not finished", wanted) or ()
        young = [row for row in rows if row.received >= oldest]
        self._counts.update(redone=len(young), dropped=len(rows) - len(young))
        for row in young:
            held = self._held[row.key] = _Held(row.received, is_repeat=True, told=[int(digit) for digit in row.told])
            _stored(held, is_stored=True)
        self._sweep()
        return [Kept(row.key, row.received, json.loads(row.body)) for row in young]

    def work(self, key: str) -> "Work":
        """Return the work on a payload, whether it is kept or not."""
        with self._lock:
            held = self._held.get(key)
        return Work(self, key, is_repeat=bool(held and held.is_repeat))

    def finish(self, key: str) -> None:
        """Delete a payload once all its deliveries are done."""
        with self._finished:
            held = self._held.get(key)
            if held is None:
                return
            held.deliveries -= 1
            if held.deliveries <= 0:
                del self._held[key]
                self._put(key, None)
                self._finished.notify_all()

    def wait_for_fewer(self, keys: Sequence[str], most: int, seconds: float) -> bool:
        """Wait until fewer than `most` of the payloads are left to do; False if that takes longer."""
        with self._finished:
            return self._finished.wait_for(lambda: sum(key in self._held for key in keys) < most, seconds)

    def may_tell(self, key: str, number: int) -> bool:
        """Note that a private answer is begun, the payload's first one being 0; False if it was begun too often."""
        stored = threading.Event()
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return True
            held.told.extend([0] * (number + 1 - len(held.told)))
            if held.told[number] >= MOST_TOLD:
                return False
            held.told[number] += 1
            self._put(key, {"told": "".join(map(str, held.told))}, done=lambda _: stored.set())
        stored.wait(WAIT_SECONDS)
        return True

    def close(self) -> None:
        """Write what waits, and end."""
        self._changes.put(None)
        self._thread.join()

    def _put(
        self,
        key: str,
        values: Mapping[str, Any] | None,
        *,
        is_new: bool = False,
        done: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._changes.put(_Change(key, values, is_new, done))

    def _write_all(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                is_written = self._database.change("keep what is to be done", partial(self._write, batch)) is not None
                for change in batch:
                    change.done(is_written)
                self._is_dirty = True
            is_due = self._clock() - self._swept > SWEEP_SECONDS
            if is_due:
                self._sweep()
            if self._is_dirty and (is_due or not batch):
                self._is_dirty = not self._database.empty_log()

    def _next_batch(self) -> tuple[list[_Change], bool]:
        """Wait for a change for a moment; return it and those that wait with it, and whether there may be more."""
        batch: list[_Change] = []
        try:
            while len(batch) < BATCH:
                change = self._changes.get(block=not batch, timeout=IDLE_SECONDS)
                if change is None:
                    return batch, False
                batch.append(change)
        except queue.Empty:
            pass
        return batch, True

    def _write(self, batch: Iterable[_Change], connection: Connection) -> bool:
        """Make the changes; a row that is inserted and deleted in the same batch is not written at all."""
        new: dict[str, dict[str, Any]] = {}
        changed: dict[str, dict[str, Any]] = {}
        gone: set[str] = set()
        for change in batch:
            if change.values is None:
                changed.pop(change.key, None)
                if not new.pop(change.key, None):
                    gone.add(change.key)
            elif change.is_new:
                new[change.key] = {"key": change.key, "instance": self._instance, **change.values}
            else:
                new.get(change.key, changed.setdefault(change.key, {})).update(change.values)
        mine = inbox.c.instance == self._instance
        if gone:
            connection.execute(delete(inbox).where(mine, inbox.c.key.in_(gone)))
        if new:
            connection.execute(insert(inbox), list(new.values()))
        for key, values in changed.items():
            if values:
                connection.execute(update(inbox).where(mine, inbox.c.key == key).values(values))
        return True

    def _sweep(self) -> None:
        """Forget what is so old that it would not be done after a restart, whoever received it."""
        oldest = self._clock() - REDONE_SECONDS
        self._swept = self._clock()
        self._database.write("tidy up the inbox", delete(inbox).where(inbox.c.received < oldest))
        with self._finished:
            for key in [key for key, held in self._held.items() if held.received < oldest]:
                del self._held[key]
            self._finished.notify_all()


def _stored(held: _Held, is_stored: bool) -> None:  # noqa: FBT001 - called by position
    held.is_stored = is_stored
    held.stored.set()


class Work:
    """What is done for one payload: it is finished once, and what it posts can be recognised when it is repeated.

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

    def finish(self) -> None:
        """Note that all is done."""
        self._inbox.finish(self.key)
