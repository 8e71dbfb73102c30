"""The state database: one engine, its transactions, and what happens when it fails."""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
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
    create_engine,
    event,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from handlers.store.backup import back_up, backup_of, is_due
from handlers.store.errors import StoreError
from handlers.store.exclusive import WAIT_SECONDS, Held, NamedLocks
from handlers.store.migrations import copy_of, due, schemas, upgrade
from handlers.store.reasons import reason_of
from handlers.store.recovery import RecoveryNote
from handlers.texts import ENGLISH
from indexes.messages import Translatable, reason
from indexes.permissions import make_private

log = logging.getLogger(__name__)

SQLITE_WAIT_SECONDS = 1
"""How long a write waits for a locked database, and an answer with it; a write itself takes a millisecond."""

TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"

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
    `reading_first` is the lock for transactions that read rows and then change them. `recovery` tells whether the bot
    had to start without a damaged database, and `damage` what the daily check found since. Threads of this process
    write in turns: SQLite lets those that wait try again at random, so that under load some would fail after a second.
    """

    def __init__(self, engine: Engine, session: str = "") -> None:
        """Use an engine; `session` tells a shared server which connections are this process's, see `session_name`."""
        self._engine = engine
        self.session = session
        self.file = file_of(str(engine.url.render_as_string(hide_password=False)))
        self.recovery = RecoveryNote(self.file)
        self.damage: Translatable | None = None
        self.trouble: Translatable | None = None
        self.last_known: dict[str, dict[Any, Any]] = {}
        self.reading_first = Lock()
        self._writing = RLock()
        self._locks = NamedLocks(engine.url if self.is_shared else None)

    @classmethod
    def open(cls, url: str, expected: MetaData) -> "Database":
        """Open the state database, creating it or bringing its schema up to date if need be; raises StoreError.

        It is refused when it lacks a column of the `expected` tables.
        """
        location, session = make_url(url), secrets.token_hex(8)
        if location.get_backend_name() == "postgresql":
            location = location.update_query_dict({"application_name": session_name(session)})
        with opening():
            return cls(_open(location, expected), session)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @property
    def is_shared(self) -> bool:
        """Tell whether other replicas may be working with the same database: it is on a PostgreSQL server."""
        return self._engine.dialect.name == "postgresql"

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
            raise StoreError("database.lost", reason=reason_of(error)) from error
        except driver.Error as error:
            raise StoreError("database.lost", reason=Translatable("database.other", reason=str(error))) from error

    @contextmanager
    def transaction(self, failure: Translatable) -> Iterator[Connection]:
        """Run the block in one transaction; raises StoreError, with `failure` as what was not done."""
        try:
            with self._writing, self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError("database.not_written", failure=failure, reason=reason_of(error)) from error

    def answers(self) -> bool:
        """Ask the database for nothing, and tell whether it answered."""
        return self.read("be reached", select(literal(1))) is not None

    def read(self, purpose: str, wanted: Select[Any]) -> Sequence[Any] | None:
        """Return the selected rows; None if the database fails."""
        try:
            with self._engine.connect() as connection:
                return connection.execute(wanted).all()
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None

    def write(self, purpose: str, *statements: Insert | Update | Delete) -> Row[Any] | None:
        """Run one transaction and return the key of the row inserted last; raises IntegrityError alone.

        Only this clears `trouble`: a locked database, or one on a full disk, can still be read.
        """
        key: Row[Any] | None = None
        try:
            with self._writing, self._engine.begin() as connection:
                for statement in statements:
                    done = connection.execute(statement)
                    key = done.inserted_primary_key if isinstance(statement, Insert) else None
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None
        self.trouble = None
        return key

    def change(self, purpose: str, work: Callable[[Connection], Value]) -> Value | None:
        """Run `work` in one transaction; None if the database fails. It should begin with a write: that locks."""
        try:
            with self._writing, self._engine.begin() as connection:
                done = work(connection)
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None
        self.trouble = None
        return done

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
        """Rewrite SQLite's file and empty its write-ahead log: freed pages and moved rows still hold deleted texts."""
        if self._maintain("rewrite its file", "VACUUM") is not None:
            self._maintain("empty its log", TRUNCATE)

    def empty_log(self) -> bool:
        """Empty SQLite's write-ahead log: it still holds what was deleted, which is overwritten in the file itself.

        Nobody waits for it: most is done while others write, and the rest at once or, if they do, not now. False then.
        """
        at_once = ("PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA busy_timeout=0", TRUNCATE)
        rows = self._maintain("empty its log", *at_once)
        return rows is not None and not (rows and rows[0][0])

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


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite database; None for any other."""
    location = make_url(url)
    is_file = location.get_backend_name() == "sqlite" and location.database not in {None, "", ":memory:"}
    return Path(str(location.database)) if is_file else None


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
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        why = reason_of(error) if isinstance(error, SQLAlchemyError) else reason(error)
        raise StoreError("database.not_opened", reason=why) from error


def _open(location: URL, expected: MetaData) -> Engine:
    is_sqlite = location.get_backend_name() == "sqlite"
    if is_sqlite and location.database in {None, "", ":memory:"}:
        raise StoreError("database.in_memory")  # there, each connection has its own, empty one
    if is_sqlite and location.database:
        _make_private(Path(location.database))
    waiting = {"timeout": SQLITE_WAIT_SECONDS} if is_sqlite else {}
    engine = create_engine(location, connect_args=waiting, hide_parameters=True)
    if is_sqlite:
        event.listen(engine, "connect", delete_securely)
        _use_wal(engine)
    upgrade(location, expected)
    if is_sqlite and location.database:
        _notice_removal(engine, Path(location.database))
    return engine


def _make_private(file: Path) -> None:
    """Make the file, and take it and its copies from all other users: SQLite gives its log the same permissions."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(0o600)
    for each in (file, *file.parent.glob(f"{file.name}[.-]*")):
        if not each.name.endswith(".lock"):
            make_private(each)


def _use_wal(engine: Engine) -> None:
    """Set WAL once, when the file is new: setting it while others write fails with "database is locked"."""
    with engine.connect() as connection:
        if connection.execute(text("PRAGMA journal_mode")).scalar_one() != "wal":
            connection.execute(text("PRAGMA journal_mode=WAL"))


def delete_securely(connection: sqlite3.Connection, _: object) -> None:
    """Make SQLite overwrite deleted rows, not just mark them as free."""
    connection.execute("PRAGMA secure_delete=ON")


def _notice_removal(engine: Engine, file: Path) -> None:
    """Refuse connections once the file is no longer the one opened: SQLite would go on writing to what was deleted."""
    opened = file.stat().st_ino

    @event.listens_for(engine, "do_connect")
    @event.listens_for(engine, "checkout")
    def check(*_: object) -> None:
        if not file.is_file() or file.stat().st_ino != opened:
            raise OperationalError(None, None, StoreError("database.removed", file=file.name))
