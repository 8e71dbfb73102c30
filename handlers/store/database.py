"""The state database: one engine, its transactions, and what happens when it fails."""

import logging
import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Lock, RLock
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Delete,
    Engine,
    Insert,
    Integer,
    MetaData,
    Row,
    Select,
    Update,
    event,
    literal,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from handlers.store import engines
from handlers.store.backup import back_up, backup_of, is_due
from handlers.store.commits import commit, is_rolled_back
from handlers.store.errors import StoreError
from handlers.store.exclusive import WAIT_SECONDS, Held, NamedLocks, wait_for
from handlers.store.migrations import copy_of, due, schemas, upgrade
from handlers.store.reasons import BROKE_OFF, reason_of, refused
from handlers.store.recovery import RecoveryNote
from handlers.store.server import ServerState, state_of
from handlers.store.sqlite import file_of, notice_removal, sync_later
from handlers.texts import ENGLISH
from indexes.messages import Translatable, reason

log = logging.getLogger(__name__)

TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
ATTEMPTS = 4
"""How often a transaction is tried that replicas were in each other's way with, or whose connection was lost."""
PAUSE_SECONDS = 0.02

metadata = MetaData()
STAYS = "stays"
"""In a table's `info`: its rows don't go along to another database. They are about processes, or made again."""
Value = TypeVar("Value")

Id = BigInteger().with_variant(Integer(), "sqlite")
"""The type of an id: 63 bits. In SQLite every integer has them, and only INTEGER is the row's own number."""


def new_id() -> int:
    """Return the id of a new row: it can't be guessed, and is not used again in another database.

    Buttons carry ids, and stay when the database is lost; counted from 1 again, they would mean other people's rows.
    """
    return secrets.randbits(63)


FORGOTTEN = "forgotten"
"""Replaces the user id of a person who was forgotten."""


class Database:
    """The engine behind the stores. `read`, `write` and `change` survive a failure, and `trouble` then says why.

    `last_known` keeps small tables as they were last read or written, by table and key, for while the database fails.
    `recovery` tells whether the bot had to start without a damaged database, and `damage` what the daily check found
    since. Where it is a SQLite file, threads of this process write in turns: SQLite lets those that wait try again at
    random, so that under load some would fail after a second.
    """

    def __init__(self, engine: Engine, session: str = "") -> None:
        """Use an engine; `session` tells a shared server which connections are this process's, see `session_name`."""
        self._engine = engine
        self.session = session
        self.is_shared = engines.is_server(engine.url)
        """Whether other replicas may be working with the same database, because it is on a server."""
        self.file = file_of(str(engine.url.render_as_string(hide_password=False)))
        self.recovery = RecoveryNote(self.file)
        self.damage: Translatable | None = None
        self.trouble: Translatable | None = None
        self.last_known: dict[str, dict[Any, Any]] = {}
        self.sealing = Lock()
        """Held from before a setting is changed until its seal is put."""
        self._writing: AbstractContextManager[object] = nullcontext() if self.is_shared else RLock()
        self._locks = NamedLocks(engine.url if self.is_shared else None)

    @classmethod
    def open(cls, url: str, expected: MetaData) -> "Database":
        """Open the state database, creating it or bringing its schema up to date if need be; raises StoreError.

        It is refused when it lacks a column of the `expected` tables.
        """
        session = secrets.token_hex(8)
        with opening():
            return cls(_open(engines.named(make_url(url), session_name(session)), expected), session)

    def close(self) -> None:
        """Close the connections; one that a thread still uses is closed when it is given back."""
        event.listen(self._engine.pool, "checkin", lambda _, record: record.invalidate())
        self._engine.dispose()

    @contextmanager
    def exclusively(self, name: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[Held]:
        """Run the block while nobody else does under this name, in this process or, if it is shared, in any replica.

        Raises BusyError when another holds it for longer than `wait_seconds`, StoreError when the server fails. Not
        to be nested under the same name. Work that takes long ends with `Held.verify`: a server that was restarted
        meanwhile has let others in.
        """
        with self._locks.hold(name, wait_seconds) as held:
            yield held

    @contextmanager
    def own_connection(self) -> Iterator[Connection]:
        """Lend a connection that is in no pool, each statement a transaction of its own; raises StoreError."""
        driver = self._engine.dialect.loaded_dbapi
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.detach()
                yield connection
        except SQLAlchemyError as error:
            raise StoreError("database.lost", reason=reason_of(error)) from None
        except driver.Error:
            raise StoreError("database.lost", reason=BROKE_OFF) from None

    @contextmanager
    def transaction(self, failure: Translatable, *, alone: str = "") -> Iterator[Connection]:
        """Run the block in one transaction; raises StoreError, with `failure` as what was not done.

        It is for single statements, unless `alone` names what is read and then changed: one transaction of that name
        runs at a time, in all replicas.
        """
        try:
            with self._writing, self._engine.begin() as connection:
                self._wait_for(connection, alone)
                yield connection
        except SQLAlchemyError as error:
            raise StoreError("database.not_written", failure=failure, reason=reason_of(error)) from None

    def answers(self) -> bool:
        """Ask the database for nothing, and tell whether it answered."""
        return self.read("be reached", select(literal(1))) is not None

    def read(self, purpose: str, wanted: Select[Any]) -> Sequence[Any] | None:
        """Return the selected rows; None if the database fails."""
        try:
            return self._repeated(lambda: self._read(wanted))
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None

    def write(self, purpose: str, *statements: Insert | Update | Delete, durable: bool = True) -> Row[Any] | None:
        """Run one transaction and return the key of the row inserted last; raises IntegrityError alone. See `change`.

        Only this clears `trouble`: a locked database, or one on a full disk, can still be read.
        """
        work = partial(_execute, statements=statements)
        return self.change(purpose, work, durable=durable, raising=IntegrityError)

    def change(
        self,
        purpose: str,
        work: Callable[[Connection], Value],
        *,
        alone: str = "",
        durable: bool = True,
        raising: type[IntegrityError] | tuple[()] = (),
    ) -> Value | None:
        """Run `work` in one transaction; None if the database fails, unless in a way that is to be raised.

        It may be run again when nothing of it was stored. `alone` names what it reads and then changes: one
        transaction of that name runs at a time, in all replicas. One that is not `durable` is stored for all to read,
        and survives the process; SQLite has it on the disk with the next one that is durable.
        """
        try:
            done = self._repeated(lambda: self._change(work, alone, durable=durable))
        except raising as error:
            raise refused(error) from None
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None
        self.trouble = None
        return done

    def _read(self, wanted: Select[Any]) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(wanted).all()

    def _change(self, work: Callable[[Connection], Value], alone: str, *, durable: bool) -> Value:
        with self._writing, self._engine.connect() as connection:
            transaction = connection.begin()
            if self.file and not durable:
                sync_later(connection)
            self._wait_for(connection, alone)
            done = work(connection)
            if transaction.is_active:
                commit(transaction)
            return done

    def _wait_for(self, connection: Connection, alone: str) -> None:
        if alone and self.is_shared:
            wait_for(connection, alone)

    def _repeated(self, work: Callable[[], Value]) -> Value:
        """Run a transaction again if it surely left nothing; raises what failed last."""
        for attempt in range(1, ATTEMPTS):
            try:
                return work()
            except SQLAlchemyError as error:
                if not is_rolled_back(error):
                    raise
            time.sleep(PAUSE_SECONDS * attempt * random.random())  # noqa: S311 - so that two don't meet again
        return work()

    def back_up(self, now: float) -> bool:
        """Make SQLite's daily copy if it is due; return whether the database was found damaged, for the first time.

        Of a damaged database the last good copy stays. Raises OSError or sqlite3.Error.
        """
        if self.file is None or self.damage or not self.file.is_file() or not is_due(self.file, now):
            return False
        if found := back_up(self.file):
            log.error(
                "%s is damaged (%s). The last good copy is kept; restart Kotae to go on with it", self.file, found
            )
            self.damage = Translatable("database.damaged")
        return self.damage is not None

    def drop_copy(self, before: float) -> None:
        """Delete the copies made daily and before the last upgrade that are from before a time (since the epoch)."""
        for copy in (copy_of(self.file), backup_of(self.file)) if self.file else ():
            try:
                if copy.is_file() and copy.stat().st_mtime < before:
                    copy.unlink()
            except OSError as error:
                log.warning("%s is old and can't be deleted (%s)", copy, error.strerror)

    def compact(self) -> None:
        """Rewrite SQLite's file and empty its write-ahead log: freed pages and moved rows still hold deleted texts.

        A server does so by itself, see autovacuum.
        """
        if self._maintain("rewrite its file", "VACUUM") is not None:
            self._maintain("empty its log", TRUNCATE)

    def empty_log(self) -> bool:
        """Empty SQLite's write-ahead log: it still holds what was deleted, which is overwritten in the file itself.

        Nobody waits for it: most is done while others write, and the rest at once or, if they do, not now. False then.
        """
        at_once = ("PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA busy_timeout=0", TRUNCATE)
        rows = self._maintain("empty its log", *at_once)
        return rows is not None and not (rows and rows[0][0])

    def server(self) -> ServerState | None:
        """Return what the server is like now; None for a SQLite file, and while the server can't be reached."""
        if not self.is_shared:
            return None
        try:
            with self._engine.connect() as connection:
                return state_of(connection)
        except SQLAlchemyError as error:
            self._survive("be asked what it is", error)
            return None

    def _maintain(self, purpose: str, *statements: str) -> Sequence[Any] | None:
        """Run statements of SQLite's outside of transactions; return the last one's rows, None if the database fails.

        It is done on a connection of its own, whose settings go with it.
        """
        rows: Sequence[Any] = ()
        if self._engine.dialect.name != "sqlite":
            return rows
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.detach()
                for statement in statements:
                    done = connection.exec_driver_sql(statement)
                    rows = done.all() if done.returns_rows else ()
                return rows
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None

    def _survive(self, purpose: str, error: SQLAlchemyError) -> None:
        """Log the first of a series of failures, and keep the reason for admins to see."""
        why = reason_of(error)
        if not self.trouble:
            log.error("The state database can't %s (%s); answering goes on", purpose, ENGLISH.say(why))
        self.trouble = why


def session_name(session: str) -> str:
    """Return the name under which a server knows the connections of one process."""
    return f"kotae {session}"


def examine(url: str) -> ServerState | None:
    """Return what the server of a database is like; None for a SQLite file. Raises StoreError as opening it would."""
    with opening():
        location = make_url(url)
        if not engines.is_server(location):
            return None
        with engines.single_use(location, WAIT_SECONDS).connect() as connection:
            return state_of(connection)


def upgrade_due(url: str) -> tuple[str, str] | None:
    """Return the schema of a database and the one it is upgraded to at the next start; None if it is up to date.

    Changes nothing. Raises StoreError as opening it would.
    """
    with opening():
        return due(make_url(url))


def schemas_of(url: str) -> tuple[str, str]:
    """Return the schema of a database and that of the code; raises StoreError for a newer one."""
    with opening():
        return schemas(make_url(url))


@contextmanager
def opening() -> Iterator[None]:
    """Say why a database can't be opened; raises StoreError."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError):  # they may quote the address
        raise StoreError("database.address") from None
    except SQLAlchemyError as error:
        raise _not_opened(reason_of(error)) from None
    except (sqlite3.Error, OSError, ImportError) as error:
        raise StoreError("database.not_opened", reason=reason(error)) from None


def _not_opened(why: Translatable) -> StoreError:
    if why.key == "database.unreachable":
        return StoreError("database.no_server", reason=why.values["reason"])
    return StoreError("database.not_opened", reason=why)


def _open(location: URL, expected: MetaData) -> Engine:
    engine = engines.pooled(location)
    upgrade(location, expected)
    if not engines.is_server(location):
        notice_removal(engine)
    return engine


def _execute(connection: Connection, statements: Sequence[Insert | Update | Delete]) -> Row[Any] | None:
    key: Row[Any] | None = None
    for statement in statements:
        done = connection.execute(statement)
        key = done.inserted_primary_key if isinstance(statement, Insert) else None
    return key
