"""Facts about this installation that outlast a restart."""

from collections.abc import Callable

from sqlalchemy import Column, Connection, String, Table, Text, select

from handlers.store.database import Database, metadata
from handlers.store.upsert import claim, put

PSEUDONYMS = "pseudonyms"
"""The secret of the pseudonyms that stand for user ids; made once, by the migration."""
VOICES_COUNTED = "voices_counted"
"""When votes from before there were voices were counted."""
PURGE_ANNOUNCED = "purge_announced"
"""When admins were told that old texts are about to be removed for the first time."""
KEEP_AUTO_REPLY = "keep_auto_reply"
"""After the upgrade to proofs: channels with auto-reply are `due` to be marked, or `kept`, or admins were `told`."""
REVIEWED = "reviewed"
"""The week, by the day on which it began, in which everybody was last asked to check entries."""
SYNONYMS_MINED = "synonyms_mined"
"""When synonyms were last looked for."""
KNOWLEDGE_HELD = "knowledge_held"
"""That the database has held a file of a knowledge base: no folder is its beginning any more."""
SOURCES = "sources"
"""What is known of the sources that knowledge bases are fetched from (handlers.remote.state)."""
QUIET = "quiet"
"""Until when nothing is posted unasked (handlers.store.quiet)."""
PICTURES = "pictures"
"""Which pictures are shown where (handlers.store.shown_pictures)."""

installation = Table(
    "installation",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)


class Installation:
    """Stores facts by key. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return a fact; None when it was never stored, or the database fails."""
        rows = self._database.read("look a fact up", select(installation.c.value).where(installation.c.key == key))
        return str(rows[0][0]) if rows else None

    def set(self, key: str, value: str) -> None:
        """Store a fact in the place of an earlier one."""
        self._database.write("store a fact", put(installation, {"key": key, "value": value}))

    def change(self, key: str, change: Callable[[str | None], str]) -> str | None:
        """Store what `change` makes of a fact and return it, however many do so at once; None if the database fails."""

        def work(connection: Connection) -> str:
            before = connection.execute(select(installation.c.value).where(installation.c.key == key)).scalar()
            value = change(before)
            connection.execute(put(installation, {"key": key, "value": value}))
            return value

        return self._database.change("store a fact", work, alone=f"installation {key}")


def note_once(connection: Connection, key: str) -> bool:
    """Store that something has happened, in the transaction in which it does; return whether it is the first time."""
    return claim(connection, installation, {"key": key, "value": "yes"})
