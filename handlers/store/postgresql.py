"""PostgreSQL: how Kotae connects to a server, and how long it waits for it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError

from handlers.store.errors import StoreError
from handlers.store.reasons import unreachable

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
"""How long a new connection may take; the driver's least is two."""
PING_SECONDS = 5
"""How long a kept connection may take to say that it lives; one that doesn't is replaced, as are all others."""
IDLE_SECONDS = 60
"""After so long without a statement the server ends a transaction, and with it what it locks."""
SILENCE_SECONDS = 10
"""After so long without a sign of life the other side counts as gone: a machine may vanish without a word."""
AGAIN_SECONDS = 1.0
"""How long a server that can't be reached is left alone: answers would wait for each attempt."""
CONNECTIONS, MORE = 5, 10
"""Connections that are kept, and that may be added under load; each replica has them."""
POOL_SECONDS = 5
"""How long a thread waits for a connection when all are in use."""
READ_ONLY = "25006"
"""PostgreSQL's code of a server, or a session, that takes no changes."""


@dataclass(frozen=True)
class Limits:
    """How many seconds a statement may run, and how long it waits for what another holds; 0 for no limit."""

    statement: float
    lock: float

    @property
    def patience(self) -> float:
        """How long an answer is waited for: the server ends what runs too long itself, while it can."""
        return self.statement and self.statement + 2


UNREACHABLE = StoreError("database.gone")
"""Why nothing works while the server can't be reached, for readers in Slack."""
STATE = Limits(statement=10, lock=5)
"""For the state, whose statements take milliseconds."""


def single_use(location: URL, limits: Limits, reach: "Reach | None" = None) -> Engine:
    """Return an engine that connects for each use; with `reach` it says only that the server is out of reach."""
    return _engine(location, limits, reach, poolclass=NullPool)


def pooled(location: URL) -> Engine:
    """Return the engine of the state database. While the server can't be reached, most attempts fail at once."""
    kept = {"pool_size": CONNECTIONS, "max_overflow": MORE, "pool_timeout": POOL_SECONDS}
    engine = _engine(location, STATE, Reach(), poolclass=QueuePool, **kept)

    @event.listens_for(engine, "checkout")
    def check(connection: Any, *_: object) -> None:
        if not connection.is_alive(PING_SECONDS):
            raise InvalidatePoolError

    @event.listens_for(engine, "handle_error")
    def leave(failed: ExceptionContext) -> None:
        """Connect anew to a server that takes no changes: after a failover the address leads to another one."""
        used = failed.connection and failed.connection.connection
        if getattr(failed.original_exception, "sqlstate", "") == READ_ONLY and used and not used.is_detached:
            failed.is_disconnect = True  # one that is in no pool is closed by whoever has it

    return engine


def _engine(location: URL, limits: Limits, reach: "Reach | None" = None, **options: Any) -> Engine:
    try:
        from handlers.store.psycopg_connection import connect, json_of  # noqa: PLC0415 - an extra, see pyproject.toml
    except ImportError as error:
        raise StoreError("database.no_driver") from error
    location.get_dialect()  # raises NoSuchModuleError for a driver that nobody knows
    location = location.set(drivername="postgresql+psycopg")
    engine = create_engine(
        location,
        connect_args=dict(connect_args(location, limits)),
        hide_parameters=True,
        json_serializer=json_of,
        use_native_hstore=False,  # it would be looked up for each connection
        **options,
    )

    @event.listens_for(engine, "do_connect")
    def do_connect(_: object, __: object, given: list[Any], named: dict[str, Any]) -> Any:
        def attempt() -> Any:
            try:
                return connect(limits.patience, *given, **named)
            except engine.dialect.loaded_dbapi.Error as error:
                said = unreachable(error, str(location.password or ""))
                # not from the driver's error: nobody knows what it quotes
                raise OperationalError(None, None, StoreError("database.unreachable", reason=said)) from None

        return reach.attempt(attempt) if reach else attempt()

    return engine


class Reach:
    """Whether a server can be reached. If not, one thread at a time tries again; for all others it fails at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failure = ""
        self._next = 0.0

    def attempt(self, connect: Callable[[], Any]) -> Any:
        """Return a connection; raises OperationalError, at once when it isn't time to try again."""
        with self._lock:
            if self._failure and self._clock() < self._next:
                raise OperationalError(None, None, UNREACHABLE)
            self._next = self._clock() + CONNECT_SECONDS + AGAIN_SECONDS
        try:
            connection = connect()
        except OperationalError as error:
            self._note(str(error.orig))
            raise OperationalError(None, None, UNREACHABLE) from None
        with self._lock:
            if self._failure:
                log.info("The state database can be reached again")
            self._failure = ""
        return connection

    def _note(self, failure: str) -> None:
        """Log a failure unless it is the last one again: only the log has the server's address in it."""
        with self._lock:
            if failure != self._failure:
                log.error("%s", failure)
            self._failure, self._next = failure, self._clock() + AGAIN_SECONDS


def connect_args(location: URL, limits: Limits = STATE) -> Mapping[str, Any]:
    """Return what the driver is told besides the address; what the address itself says, such as TLS, counts more.

    Both sides look for a sign of life.
    """
    probes = {"keepalives_idle": SILENCE_SECONDS // 2, "keepalives_interval": 1, "keepalives_count": 5}
    settings = {
        "statement_timeout": round(limits.statement * 1000),
        "lock_timeout": round(limits.lock * 1000),
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
        "idle_session_timeout": 0,
        **{f"tcp_{name}": value for name, value in probes.items()},
    }
    chosen = location.query.get("options", ())
    said = [
        *(f"-c {name}={value}" for name, value in settings.items()),
        *([chosen] if isinstance(chosen, str) else chosen),
    ]
    ours = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "kotae",
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
        **probes,
    }
    return {
        **{name: value for name, value in ours.items() if name not in location.query},
        "options": " ".join(said),
        "prepare_threshold": None,  # a pooler may hand each transaction to another connection of the server's
    }
