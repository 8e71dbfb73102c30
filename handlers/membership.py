"""This process as one of the replicas of a bot: it says that it lives, and takes over what dead ones did not finish."""

import logging
import socket
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from handlers.store.database import Database
from handlers.store.replicas import DEAD_SECONDS, Estate, Replica, replicas_of

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
"""How often a replica says that it lives."""
SURE_SECONDS = DEAD_SECONDS - 2.0
"""How long after that nobody can have thought it dead."""


class Membership:
    """Which replica this process is. With a database of its own it is the only one, and always the same.

    A replica that was silent for too long, because it hung or was cut off, was taken over by another. It goes on under
    a new `id`: what it took from Slack under an earlier one is not its own any more.
    """

    def __init__(self, database: Database, home: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Work in the DATA_DIR whose name is `home`."""
        self._replicas = replicas_of(database)
        self._session = database.session if database.is_shared else ""
        self._home = home
        self._clock = clock
        self._lock = Lock()
        self._joined = 0
        self._beaten = self._unbroken_since = clock()
        self._asked = 0.0
        self.id = self._next_id()

    def join(self) -> Estate:
        """Begin, before anything is received; return what was left by who ended, the process before this one included.

        While the database fails the process works alone; it joins at the first beat after that.
        """
        with self._lock:
            self._join()
        return self._replicas.take_over(self.id, silent=False)

    def beat(self, doing: Mapping[str, Any]) -> Estate:
        """Say that this replica lives and what it does; return what was left by those who are dead.

        Others may seem silent while the database could not be reached: they get as long as it takes to die once more.
        """
        with self._lock:
            is_alive, now = self._renew(doing), self._clock()
            if not is_alive:
                return Estate()
            silent = now - self._unbroken_since > DEAD_SECONDS
        return self._replicas.take_over(self.id, silent=silent)

    def is_mine(self, id_: str) -> bool:
        """Tell whether what this process took under an id is still its own; asks the database if it was silent.

        While that fails nobody can take anything over.
        """
        with self._lock:
            if self._clock() - self._beaten > SURE_SECONDS and self._clock() - self._asked > BEAT_SECONDS:
                self._renew(None)
            return id_ == self.id

    def leave(self) -> None:
        """End in order: what is not finished is another's at once."""
        self._replicas.leave(self.id)

    def all(self) -> list[Replica]:
        """List the replicas, this one included; none where the database is not shared."""
        return self._replicas.all()

    def _renew(self, doing: Mapping[str, Any] | None) -> bool:
        """Say that it lives, or join again if others thought it dead; False if the database fails."""
        is_alive = self._replicas.beat(self.id, doing)
        self._asked = self._clock()
        if is_alive is None:
            self._unbroken_since = self._clock()
            return False
        if not is_alive:
            log.warning("The other replicas have taken over what this one did: it was silent for too long")
            return self._join()
        if self._clock() - self._beaten > DEAD_SECONDS / 2:
            self._unbroken_since = self._clock()
        self._beaten = self._clock()
        return True

    def _join(self) -> bool:
        if not self._replicas.join(self._next_id(), self._home, socket.gethostname()):
            return False
        self.id = self._next_id()
        self._joined += 1
        self._beaten = self._unbroken_since = self._clock()
        return True

    def _next_id(self) -> str:
        return f"{self._session}.{self._joined}" if self._session else self._home
