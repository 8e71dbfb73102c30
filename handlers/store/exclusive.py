"""Locks by name: one holder at a time among all threads and, where they share a server, all replicas."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from handlers.store.errors import StoreError
from handlers.store.postgresql import CONNECT_SECONDS, Limits, Reach, single_use
from handlers.store.reasons import reason_of, sqlstate_of

WAIT_SECONDS = 30.0
"""How long it waits for another holder unless told otherwise."""
LOCK_NOT_AVAILABLE = "55P03"


class BusyError(StoreError):
    """Another holder has the lock for longer than the caller wants to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__("database.busy", seconds=round(seconds))


class Held:
    """A lock that is held. A server that restarts gives it to others: `verify` before what must not be done twice."""

    def __init__(self, connection: Connection | None = None) -> None:
        self._connection = connection

    def verify(self) -> None:
        """Ask the server whether the lock is still held; raises StoreError when it can't say so."""
        if self._connection:
            with _failing():
                self._connection.execute(text("SELECT 1"))


class NamedLocks:
    """The locks of one process; with the address of a PostgreSQL server, those of all processes that share it.

    On the server a lock is a session's advisory lock on a connection of its own: it ends with the process, however
    that ends.
    """

    def __init__(self, server: URL | None) -> None:
        self._server = server
        self._reach = Reach()
        self._threads: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._guard = Lock()

    @contextmanager
    def hold(self, name: str, wait_seconds: float) -> Iterator[Held]:
        """Run the block while nobody else holds the lock of this name; raises BusyError or StoreError."""
        until = time.monotonic() + wait_seconds
        with self._guard:
            lock = self._threads.setdefault(name, Lock())
        if not lock.acquire(timeout=wait_seconds):
            raise BusyError(wait_seconds)
        try:
            if self._server is None:
                yield Held()
            else:
                with self._on_server(self._server, name, wait_seconds, until) as connection:
                    yield Held(connection)
        finally:
            lock.release()

    @contextmanager
    def _on_server(self, server: URL, name: str, wait_seconds: float, until: float) -> Iterator[Connection]:
        left = max(until - time.monotonic(), 0.001)  # 0 would mean without end
        limits = Limits(statement=left + CONNECT_SECONDS, lock=left)
        engine = single_use(server, limits, self._reach).execution_options(isolation_level="AUTOCOMMIT")
        with ExitStack() as opened:
            with _failing(wait_seconds):
                connection = opened.enter_context(engine.connect())
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key_of(name)})
            yield connection


@contextmanager
def _failing(wait_seconds: float = 0.0) -> Iterator[None]:
    """Say why a lock is not held; raises StoreError."""
    try:
        yield
    except SQLAlchemyError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise BusyError(wait_seconds) from None
        raise StoreError("database.not_locked", reason=reason_of(error)) from None


def wait_for(connection: Connection, name: str) -> None:
    """Hold the lock of this name until the end of a server's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of(name)})


def key_of(name: str) -> int:
    """Return the number under which a server knows a lock: 63 bits of the name's digest."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 1
