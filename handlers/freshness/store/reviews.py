"""Who was asked to check entries in which week, and who said that an entry isn't theirs. No words are stored."""

import hashlib
import time
from functools import partial

from sqlalchemy import Boolean, Column, Connection, Float, String, Table, delete, select, update

from handlers.store.database import Database, metadata
from handlers.store.upsert import put

KEEP_REQUESTS_SECONDS = 60 * 24 * 3600.0
"""How long it is remembered that somebody was asked: far longer than a week."""
KEEP_REFUSALS_SECONDS = 730 * 24 * 3600.0
"""How long nobody is asked again about an entry that isn't theirs, while the file still says so."""
RESUMED_SECONDS = 20 * 3600.0
"""How long a request that was begun may be taken up: so long the outbox surely knows whether it was posted."""

requests = Table(
    "review_requests",
    metadata,
    Column("user", String(32), primary_key=True),
    Column("week", String(10), nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("sent", Boolean, nullable=False),
)
refusals = Table(
    "review_refusals",
    metadata,
    Column("entry", String(32), primary_key=True),
    Column("user", String(32), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)


def row_key(knowledge_base: str, record_id: str) -> str:
    """Return the key of a row, which tells nobody its id."""
    return hashlib.blake2b(
        f"{knowledge_base}\0{record_id}".encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


class ReviewRequests:
    """Stores who was asked. A week is the day on which it began, such as 2026-11-23."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, user: str, week: str) -> bool | None:
        """Store that somebody is about to be asked; False if they were asked this week, None if nothing can be stored.

        What was begun and not finished, since the process ended, is taken up for some hours under the same key of the
        outbox; later it counts as sent, since nobody could tell.
        """
        return self._database.change("remember who is asked", partial(_begin, user, week), alone=f"review {user}")

    def asked(self, week: str) -> frozenset[str]:
        """List who was asked in a week."""
        wanted = select(requests.c.user).where(requests.c.week == week, requests.c.sent)
        return frozenset(str(user) for (user,) in self._database.read("look up who was asked", wanted) or ())

    def finish(self, user: str, week: str) -> None:
        """Store that somebody was asked, or can't be."""
        done = update(requests).where(requests.c.user == user, requests.c.week == week).values(sent=True)
        self._database.write("remember who was asked", done)


def _begin(user: str, week: str, connection: Connection) -> bool:
    earlier = connection.execute(select(requests).where(requests.c.user == user)).first()
    if earlier is None or earlier.week < week:
        connection.execute(put(requests, {"user": user, "week": week, "at": time.time(), "sent": False}))
        return True
    return bool(earlier.week == week and not earlier.sent and time.time() - earlier.at < RESUMED_SECONDS)


class ReviewRefusals:
    """Stores who said that an entry isn't theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: str, user: str) -> None:
        """Store that a row, by its key, is not this person's."""
        self._database.write("remember whose it isn't", put(refusals, {"entry": row, "user": user, "at": time.time()}))

    def all(self) -> frozenset[tuple[str, str]]:
        """List the keys of rows with the people whose they aren't."""
        rows = self._database.read("look up whose it isn't", select(refusals.c.entry, refusals.c.user))
        return frozenset((str(entry), str(user)) for entry, user in rows or ())


def purge_requests(database: Database, before: float) -> None:
    """Forget requests from before a time, in seconds since the epoch."""
    database.write("forget who was asked", delete(requests).where(requests.c.at < before))


def purge_refusals(database: Database, before: float) -> None:
    """Forget refusals from before a time, in seconds since the epoch."""
    database.write("forget whose it isn't", delete(refusals).where(refusals.c.at < before))
