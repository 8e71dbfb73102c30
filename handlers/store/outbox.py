"""Messages being posted, so that one is not posted again when nobody knows whether it was posted."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Column, Float, String, Table, delete, select, update

from handlers.store.database import Database, metadata
from handlers.store.upsert import claim

KEEP_SECONDS = 24 * 3600
"""How long a row stays: far longer than a request may be taken up again after a restart."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("thread", String(32), nullable=True),
    Column("at", Float, nullable=False, index=True),
    Column("posted_in", String(32), nullable=True),
    Column("ts", String(32), nullable=True),
)


@dataclass(frozen=True)
class Post:
    """A message that is being posted, or was; the text is not stored.

    `id` is in the message's metadata. `channel` may be a user's id: it is then a direct message, and `posted_in` says
    in which channel. `at` is when it was first tried. `ts` is None until it is known that the message is there.
    """

    id: str
    channel: str
    thread: str | None
    at: float
    posted_in: str | None = None
    ts: str | None = None


class Posts:
    """Stores which messages are being posted. Nothing here raises: a broken database keeps no answer back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, post: Post) -> Post | None:
        """Store a post before it is tried; return it, or the one of the same id that was tried before.

        None if the database fails.
        """
        values = {"id": post.id, "channel": post.channel, "thread": post.thread, "at": post.at}
        is_first = self._database.change("remember what is being posted", partial(claim, table=outbox, row=values))
        return post if is_first else self.get(post.id) if is_first is False else None

    def get(self, id_: str) -> Post | None:
        """Return a post; None when it was never tried, or long ago, or the database fails."""
        rows = self._database.read("look up what was posted", select(outbox).where(outbox.c.id == id_))
        return Post(*rows[0]) if rows else None

    def confirm(self, id_: str, channel: str, ts: str) -> Post | None:
        """Store that a message is there, unless another one is known to be; return the post as it is stored.

        None if it isn't stored, and if the database fails.
        """
        unknown = outbox.c.ts.is_(None)
        there = update(outbox).where(outbox.c.id == id_, unknown).values(posted_in=channel, ts=ts).returning(outbox)
        stored = self._database.change("remember what was posted", lambda connection: connection.execute(there).all())
        if stored is None:
            return None
        return Post(*stored[0]) if stored else self.get(id_)

    def purge(self, before: float) -> None:
        """Forget posts that were first tried before a time (seconds since the epoch)."""
        self._database.write("forget what was posted long ago", delete(outbox).where(outbox.c.at < before))

    def drop(self, id_: str) -> None:
        """Forget a post that Slack refused: it is not there, and may be tried again."""
        self._database.write("forget what was not posted", delete(outbox).where(outbox.c.id == id_))
