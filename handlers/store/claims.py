"""Things that are to be done once, such as answering an event that Slack may deliver several times."""

import copy
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy import Column, Connection, Float, String, Table, delete, or_, select

from handlers.store.database import Database, metadata
from handlers.store.errors import TakenOverError
from handlers.store.inbox import inbox
from handlers.store.upsert import claim

KEEP_SEEN_SECONDS = 7 * 24 * 3600
"""Slack retries an event for at most about an hour; a week is ample."""
PURGE_SECONDS = 24 * 3600
"""How often old claims are deleted while the bot runs."""
LAST_STAMP = "9999999999.999999"
LOOK_SECONDS = 0.1
"""How often it looks whether another replica is done."""
RECENT_CLAIMS = 10_000
"""Claims kept in memory, so that a broken database does not mean double answers."""

seen = Table(
    "seen",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("holder", String(255), nullable=True),
    Column("replica", String(64), nullable=True),
)
"""`holder` is the key of the payload for which `replica` claimed it; both are NULL in claims of earlier versions."""
once = Table(
    "once",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False),
)


class Claims:
    """Decides who does something that is to be done once, across threads, processes and restarts.

    One object for the whole process, and its views for a payload: they also remember recent claims in memory.
    """

    def __init__(self, database: Database, replica: Callable[[], str] = lambda: "") -> None:
        """Claim for this process, whose id `replica` returns."""
        self._database = database
        self._replica = replica
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()
        self._purged = time.monotonic()
        self._holder: str | None = None
        self._stored_as: Callable[[], str] = lambda: ""
        self._is_mine: Callable[[], bool] = lambda: False
        self.purge()

    def held_by(
        self, holder: str, stored_as: Callable[[], str] = lambda: "", is_mine: Callable[[], bool] = lambda: False
    ) -> "Claims":
        """Return the same claims, for taking more of them for one payload.

        `stored_as` returns the replica's id under which the payload is in the inbox, blank if it isn't: a replica that
        another has taken it over from, while it hung, claims nothing for it any more. One that is not there, since it
        is done so late, may be another's: `is_mine` then tells.
        """
        view = copy.copy(self)
        view._holder, view._stored_as, view._is_mine = holder, stored_as, is_mine  # noqa: SLF001 - of its own class
        return view

    def forget(self, keys: Iterable[str]) -> None:
        """Forget claims that were released in the database, see `release`."""
        with self._lock:
            for key in keys:
                self._recent.pop(key, None)

    def take(self, key: str) -> bool:
        """Return True to exactly one caller per key within a week; raises TakenOverError, see `held_by`."""
        with self._lock:
            due = time.monotonic() - self._purged > PURGE_SECONDS
            self._purged = time.monotonic() if due else self._purged
        if due:
            self.purge()
        return self._take(seen, key)

    def take_forever(self, key: str) -> bool:
        """Return True to exactly one caller per key, however long ago that was."""
        return self._take(once, key)

    def take_newest(self, series: str, stamp: str) -> bool:
        """Take a claim of a series; return whether none with a later stamp was taken. Stamps are Slack's.

        True while the database fails.
        """
        self.take(f"{series}{stamp}")
        later = (seen.c.key > f"{series}{stamp}", seen.c.key <= f"{series}{LAST_STAMP}")
        return not self._database.read("look up what came later", select(seen.c.key).where(*later).limit(1))

    def wait_for_others(self, key: str, seconds: float) -> None:
        """Wait until no other replica works on the payload for which a claim was taken, so many seconds at most."""
        elsewhere = (inbox.c.instance != self._replica(), seen.c.replica != self._replica())
        working = select(seen.c.key).join(inbox, inbox.c.key == seen.c.holder).where(seen.c.key == key, *elsewhere)
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._database.read("look up who works on it", working.limit(1)):
            time.sleep(LOOK_SECONDS)

    def purge(self, now: float | None = None) -> None:
        """Delete claims on events that are too old to be delivered again; `now` in seconds since the epoch."""
        oldest = (time.time() if now is None else now) - KEEP_SEEN_SECONDS
        self._database.write("tidy up", delete(seen).where(seen.c.at < oldest))

    def _take(self, table: Table, key: str) -> bool:
        with self._lock:
            if key in self._recent:
                return False
            self._recent[key] = None
            if len(self._recent) > RECENT_CLAIMS:
                self._recent.popitem(last=False)
        held = {"holder": self._holder, "replica": self._stored_as() or self._replica()} if table is seen else {}
        row = {"key": key, "at": time.time(), **held}
        try:
            # The payload is deleted by a later transaction: without that one on the disk, it is done again, and its
            # claims are released.
            durable = table is once or not self._stored_as()
            work = partial(self._claim, table, row)
            is_first = self._database.change("remember what has happened", work, durable=durable)
        except TakenOverError:
            self.forget([key])
            raise
        if is_first is False:  # whoever has it may die and lose it
            self.forget([key])
        return is_first is not False  # while the database fails, memory alone decides

    def _claim(self, table: Table, row: Mapping[str, Any], connection: Connection) -> bool:
        """Claim, unless the payload is another replica's: it can't be taken over before this transaction ends."""
        stored_as = self._stored_as() if self._database.is_shared else ""
        kept = select(inbox.c.key).where(inbox.c.key == self._holder, inbox.c.instance == stored_as)
        is_kept = not stored_as or connection.execute(kept.with_for_update(read=True)).first() is not None
        if not (is_kept or self._is_mine()):
            raise TakenOverError
        return claim(connection, table, row)


def release(connection: Connection, holders: Collection[str], replicas: Collection[str]) -> tuple[str, ...]:
    """Give up what dead replicas claimed for payloads that they did not finish; return the keys."""
    theirs = or_(seen.c.replica.in_(replicas), seen.c.replica.is_(None))
    keys = tuple(connection.execute(select(seen.c.key).where(seen.c.holder.in_(holders), theirs)).scalars())
    connection.execute(delete(seen).where(seen.c.key.in_(keys)))
    return keys
