"""What the replicas of one bot tell each other: that something changed in the database they share."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, String, Table, func, select, text
from sqlalchemy.dialects.postgresql import insert

from handlers.store.database import STAYS, Database, metadata
from handlers.store.errors import StoreError
from handlers.texts import ENGLISH

log = logging.getLogger(__name__)

CHANNEL = "kotae_changes"
"""The channel of LISTEN and NOTIFY; what is sent on it only says that it is time to look."""
DECISIONS = "decisions"
"""The topic of what admins decided about channels' names and knowledge bases' files."""
CHANNELS = "channels"
"""A topic: a channel was renamed, or the bot was invited to one. Slack tells one replica."""
LOOK_SECONDS = 1.0
"""How often the table is read when nothing is heard, as behind a pooler that does not pass notifications on."""
WAIT_SECONDS = 0.2
"""How long it listens at a time; `close` takes as long."""
JOIN_SECONDS = 2.0

Callback = Callable[[str], object]
"""Called with a topic. It should be short: the next topic waits for it. If it raises, it is called again."""

changes = Table(
    "changes",
    metadata,
    Column("topic", String(255), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    info={STAYS: True},
)


def announce(connection: Connection, topic: str) -> int:
    """Say that something changed, in the transaction that changes it and near its end: others who say the same wait.

    Return how often this was said. A database that is not shared has nobody to be told.
    """
    if connection.dialect.name != "postgresql":
        return 0
    first = insert(changes).values(topic=topic, revision=1)
    following = {"revision": changes.c.revision + 1}
    said = first.on_conflict_do_update(index_elements=[changes.c.topic], set_=following)
    revision = connection.execute(said.returning(changes.c.revision)).scalar_one()
    connection.execute(select(func.pg_notify(CHANNEL, topic)))
    return int(revision)


class Changes:
    """Calls back for what any replica announces after this object was made, this one included.

    Make it and `watch` before reading what may change; it calls nobody before `start`. Several changes in a row may be
    one call. Nothing is missed while the database can't be reached: revisions are compared, not counted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: list[tuple[str, Callback]] = []
        rows = database.read("read what changed", select(changes)) if database.is_shared else None
        self._known = {row.topic: row.revision for row in rows or ()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kotae-changes", daemon=True)

    def watch(self, prefix: str, callback: Callback) -> None:
        """Call back for the topics that begin so."""
        self._watches.append((prefix, callback))

    def tell(self, topic: str) -> None:
        """Announce what is not in the database, such as something at Slack that all look up and remember for a while.

        Only others are called back, unless it is announced elsewhere at the same moment.
        """
        revision = self._database.change("tell the replicas", partial(announce, topic=topic))
        if revision and revision == self._known.get(topic, 0) + 1:
            self._known[topic] = revision

    def start(self) -> None:
        """Begin to call back; a database that is not shared is changed by nobody else."""
        if self._database.is_shared:
            self._thread.start()

    def close(self) -> None:
        """Call nobody any more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._database.own_connection() as connection:
                    self._follow(connection)
            except StoreError as error:
                log.warning("What other replicas change is not heard of: %s", ENGLISH.say(error.message))
                self._stop.wait(LOOK_SECONDS)

    def _follow(self, connection: Connection) -> None:
        connection.execute(text(f"LISTEN {CHANNEL}"))
        while not self._stop.is_set():
            self._look(connection)
            self._wait(connection)

    def _wait(self, connection: Connection) -> None:
        """Wait until something is heard, a second at most."""
        until = time.monotonic() + LOOK_SECONDS
        listening: Any = connection.connection.dbapi_connection
        while not self._stop.is_set() and time.monotonic() < until:
            if list(listening.notifies(timeout=WAIT_SECONDS, stop_after=1)):
                return

    def _look(self, connection: Connection) -> None:
        for topic, revision in connection.execute(select(changes)).all():
            if self._known.get(topic) != revision and self._tell(topic):
                self._known[topic] = revision

    def _tell(self, topic: str) -> bool:
        """Call back; False if somebody is to be called again."""
        told = [_was_told(callback, topic) for prefix, callback in self._watches if topic.startswith(prefix)]
        return all(told)


def _was_told(callback: Callback, topic: str) -> bool:
    try:
        callback(topic)
    except Exception:
        log.exception("A change of %s could not be followed; trying again", topic)
        return False
    return True
