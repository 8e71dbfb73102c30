"""Whether the bot is quiet: it then posts nothing that nobody asked for, in any channel and from any replica."""

import math
import time
from collections.abc import Callable

from sqlalchemy import select

from handlers.store.audit import entry
from handlers.store.database import Database
from handlers.store.installation import QUIET, installation
from handlers.store.upsert import put
from indexes.messages import Translatable


class Quiet:
    """Knows until when the bot is quiet.

    It is read from the database whenever it matters, so it holds at once for all replicas, and after a restart. While
    the database can't be read, what was last known holds.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def until(self) -> float | None:
        """Return when it ends by itself, in seconds since the epoch, infinity for never; None when it isn't quiet."""
        until = self._stored()
        return until if until > self._clock() else None

    def ended(self) -> float:
        """Return when it last ended, in seconds since the epoch; 0 if it never did, or is quiet again."""
        until = self._stored()
        return until if until <= self._clock() else 0.0

    def set(self, until: float, by: str, channel: str, done: Translatable) -> None:
        """Store until when it is quiet, now to end it, and the audit entry of that; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.setting")) as connection:
            connection.execute(put(installation, {"key": QUIET, "value": str(until)}))
            connection.execute(entry(by, channel, done))
        self._known[QUIET] = until

    def _stored(self) -> float:
        wanted = select(installation.c.value).where(installation.c.key == QUIET)
        rows = self._database.read("look up whether it is quiet", wanted)
        if rows is not None:
            self._known[QUIET] = _time(rows[0].value) if rows else 0.0
        return self._known.get(QUIET, 0.0)

    @property
    def _known(self) -> dict[str, float]:
        return self._database.last_known.setdefault(QUIET, {})


def _time(stored: str) -> float:
    """Read a stored time; one that is damaged means quiet, until an admin ends it."""
    try:
        return float(stored)
    except ValueError:
        return math.inf
