"""Things that are to be done once, such as answering an event that Slack may deliver several times."""

import copy
import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from threading import Lock

from sqlalchemy import Column, Float, String, Table, delete

from handlers.store.database import Database, metadata
from handlers.store.upsert import claim

KEEP_SEEN_SECONDS = 7 * 24 * 3600
"""Slack retries an event for at most about an hour; a week is ample."""
PURGE_SECONDS = 24 * 3600
"""How often old claims are deleted while the bot runs."""
RECENT_CLAIMS = 10_000
"""Claims kept in memory, so that a broken database does not mean double answers."""

seen = Table(
    "seen",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("holder", String(255), nullable=True),
)
"""`holder` is the key of the payload for which it was claimed, NULL in claims of earlier versions."""
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

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()
        self._purged = time.monotonic()
        self._holder: str | None = None
        self.purge()

    def held_by(self, holder: str) -> "Claims":
        """Return the same claims, for taking more of them for one payload."""
        view = copy.copy(self)
        view._holder = holder  # noqa: SLF001 - of its own class
        return view

    def release(self, holders: Iterable[str]) -> None:
        """Give up what was claimed for payloads by an earlier process, which ended before it was done with them."""
        held = delete(seen).where(seen.c.holder.in_(list(holders)))
        self._database.write("release what was not finished", held)

    def take(self, key: str) -> bool:
        """Return True to exactly one caller per key within a week."""
        with self._lock:
            due = time.monotonic() - self._purged > PURGE_SECONDS
            self._purged = time.monotonic() if due else self._purged
        if due:
            self.purge()
        return self._take(seen, key)

    def take_forever(self, key: str) -> bool:
        """Return True to exactly one caller per key, however long ago that was."""
        return self._take(once, key)

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
        row = {"key": key, "at": time.time()} | ({"holder": self._holder} if table is seen else {})
        is_first = self._database.change("remember what has happened", partial(claim, table=table, row=row))
        return is_first is not False  # while the database fails, memory alone decides
