"""The rows of the inbox: payloads that were acked and are not done yet."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Float, Row, String, Table, Text, delete, update
from sqlalchemy.dialects.postgresql import insert

from handlers.store.database import Database, metadata

REDONE_SECONDS = 120.0
"""What is older is not done after a restart: nobody waits for it any more, and its response_url may be used up."""
BATCH = 200
"""Rows of one transaction."""
SWEEP_SECONDS = 30.0
IDLE_SECONDS = 1.0
"""After a second without a change nothing of what was deleted is left in any file; after half a minute in any case."""

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

_INSERT = insert(inbox)
_PUT = _INSERT.on_conflict_do_update(
    index_elements=["key", "instance"],
    set_={name: _INSERT.excluded[name] for name in ("received", "user", "told", "body")},
)
"""Made once: unlike one with its values, it is compiled once."""

Done = Callable[[str], None]
"""Called with the id under which a change was written; blank if it was not."""


@dataclass(frozen=True)
class Kept:
    """A payload that was taken by a process that ended before it was done; `received` in seconds since the epoch."""

    key: str
    received: float
    told: tuple[int, ...]
    body: dict[str, Any]


@dataclass(frozen=True)
class _Change:
    """A row to insert, to update, or, without values, to delete."""

    key: str
    values: Mapping[str, Any] | None = None
    is_new: bool = False
    done: Done = lambda _: None


class InboxRows:
    """Writes rows in a thread of its own, in their order: those that wait while it writes share the next transaction.

    `instance` returns the id of this process, which tells its rows from those of others that use the same database.
    """

    def __init__(self, database: Database, instance: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._instance = instance
        self._clock = clock
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._swept = clock()
        self._is_dirty = True
        self._thread = threading.Thread(target=self._write_all, name="kotae-inbox", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Changes that are not written yet."""
        return self._changes.qsize()

    def insert(self, key: str, received: float, user: str, body: Mapping[str, Any], done: Done) -> None:
        """Write a payload as it came."""
        row = {"received": received, "user": user, "told": "", "body": json.dumps(body)}
        self._changes.put(_Change(key, row, is_new=True, done=done))

    def tell(self, key: str, told: Iterable[int], done: Done) -> None:
        """Write how often each private answer was begun."""
        self._changes.put(_Change(key, {"told": "".join(map(str, told))}, done=done))

    def delete(self, key: str) -> None:
        """Delete a payload."""
        self._changes.put(_Change(key))

    def sweep(self) -> None:
        """Delete what is so old that it would not be done after a restart.

        What other replicas have received is theirs to delete, or their heirs': their clocks may be others.
        """
        self._swept = self._clock()
        old = delete(inbox).where(inbox.c.received < self._swept - REDONE_SECONDS)
        mine = old.where(inbox.c.instance == self._instance()) if self._database.is_shared else old
        self._database.write("tidy up the inbox", mine)

    def close(self) -> None:
        """Write what waits, and end."""
        self._changes.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                instance = self._instance()
                work = partial(_write, batch, instance)
                is_written = self._database.change("keep what is to be done", work) is not None
                for change in batch:
                    change.done(instance if is_written else "")
                self._is_dirty = True
            self._tidy(is_idle=not batch)

    def _tidy(self, *, is_idle: bool) -> None:
        is_due = self._clock() - self._swept > SWEEP_SECONDS
        if is_due:
            self.sweep()
        if self._is_dirty and (is_due or is_idle):
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


def _write(batch: Iterable[_Change], instance: str, connection: Connection) -> bool:
    """Make the changes; a row that is inserted and deleted in the same batch is not written at all."""
    new: dict[str, dict[str, Any]] = {}
    changed: dict[str, dict[str, Any]] = {}
    gone: set[str] = set()
    for change in batch:
        if change.values is None:
            new.pop(change.key, None)
            changed.pop(change.key, None)
            gone.add(change.key)
        elif change.is_new:
            new[change.key] = {"key": change.key, "instance": instance, **change.values}
        else:
            new.get(change.key, changed.setdefault(change.key, {})).update(change.values)
    mine = inbox.c.instance == instance
    if gone:
        connection.execute(delete(inbox).where(mine, inbox.c.key.in_(gone)))
    if new:
        connection.execute(_PUT, list(new.values()))
    for key, values in changed.items():
        if values:
            connection.execute(update(inbox).where(mine, inbox.c.key == key).values(values))
    return True


def kept_in(rows: Iterable[Row[Any]]) -> list[Kept]:
    """Read rows of the table."""
    return [Kept(row.key, row.received, tuple(map(int, row.told)), json.loads(row.body)) for row in rows]
