"""The versions of the state database's schema, and the way from one to the next.

Each file in `versions` is one revision: `r0004_what_it_does.py` with `revision = "0004"` and `down_revision = "0003"`.
A revision says what it does with its own table definitions, never with those of today's code, which change on. There is
no way back: the copy that is made before an upgrade is the way back.

Replicas of the version before go on working while newer ones start, and with them the schema changes: a revision only
adds tables, and columns that may be left out. What is not needed any more is dropped by a later version. A replica of
the older version does not start again.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, MetaData, event, inspect, text

from handlers.store import engines
from handlers.store.backup import copy_database, fresh_copy, leave_out_inbox, put
from handlers.store.errors import StoreError
from handlers.store.server import check

log = logging.getLogger(__name__)

LOCK_SECONDS = 60
"""How long a start waits for another process that is upgrading the same database."""
ADVISORY_LOCK = 0x6B6F746165
"""The number by which processes on one PostgreSQL server agree who upgrades: "kotae" in ASCII."""
UNVERSIONED = "0000"
"""The schema of a database that is empty, or was made before schemas had versions."""


def upgrade(location: URL, expected: MetaData) -> None:
    """Bring the schema up to date, once, however many processes start together; raises StoreError.

    It is one transaction: a process that is killed in the middle leaves the database as it was. A SQLite file is
    copied first, see `copy_of`. What the database has then is compared with the tables that the code expects.
    """
    is_sqlite = not engines.is_server(location)
    engine = engines.single_use(location, LOCK_SECONDS)
    if is_sqlite:
        event.listen(engine, "connect", _leave_transactions_alone)
        event.listen(engine, "begin", _begin)
    with alone(_file(location)), engine.begin() as connection:
        if not is_sqlite:
            check(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        version = _upgrade(connection)
        _compare(connection, expected)
        if is_sqlite:
            _repeat_version(connection, version)


def due(location: URL) -> tuple[str, str] | None:
    """Return from which schema to which a database would be brought by `upgrade`; None when it is up to date.

    Changes nothing. Raises what `schemas` does.
    """
    current, newest = schemas(location)
    return None if current == newest else (current, newest)


def schemas(location: URL) -> tuple[str, str]:
    """Return the schema that a database has, and that of the code.

    Raises StoreError for a newer schema, SQLAlchemyError for a database that can't be opened.
    """
    with engines.single_use(location, LOCK_SECONDS).connect() as connection:
        return schemas_in(connection)


def schemas_in(connection: Connection) -> tuple[str, str]:
    """Return the same of an open database; it changes nothing. Raises StoreError for a newer schema."""
    newest, known = _revisions()
    try:
        current = MigrationContext.configure(connection).get_current_revision() or UNVERSIONED
    except CommandError as error:  # more than one
        raise StoreError("database.odd", reason=str(error)) from error
    if current not in known:
        if engines.is_server(connection.engine.url):
            raise StoreError("database.newer_replicas", current=current, newest=newest)
        raise StoreError("database.newer", current=current, newest=newest)
    return current, newest


@cache
def _revisions() -> tuple[str, frozenset[str]]:
    """Return the newest revision and all; each is a file that Alembic would read again at every question."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    return str(scripts.get_current_head()), frozenset(
        {UNVERSIONED, *(each.revision for each in scripts.walk_revisions())}
    )


def copy_of(file: Path) -> Path:
    """Name the copy of a SQLite file as it was before the last upgrade; an earlier one is overwritten."""
    return file.with_name(f"{file.name}.before-upgrade")


def config_for(connection: Connection) -> Config:
    """Return what Alembic's commands want to know."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> str:
    """Bring the schema up to date, and return its number."""
    current, newest = schemas_in(connection)
    if current == newest:
        return newest
    tables = inspect(connection).get_table_names()
    if tables and connection.engine.url.database and connection.dialect.name == "sqlite":
        _copy(Path(connection.engine.url.database))
    try:
        command.upgrade(config_for(connection), "head")
    except (ValueError, TypeError, LookupError) as error:
        raise StoreError("database.odd", reason=type(error).__name__) from error
    if tables:
        log.info("State database upgraded from schema %s to %s", current, newest)
    return newest


def _compare(connection: Connection, expected: MetaData) -> None:
    """Refuse a database that lacks a column: nothing would be remembered in it, which nobody would notice."""
    there = _columns_in(connection) if connection.dialect.name == "sqlite" else _columns_on(connection, expected)
    missing = [
        f"{table.name}.{column}"
        for table in expected.sorted_tables
        for column in sorted({column.name for column in table.columns if (table.name, column.name) not in there})
    ]
    if missing:
        raise StoreError("database.lacks", columns=tuple(missing))


def _columns_in(connection: Connection) -> set[tuple[str, str]]:
    """Return the tables and columns of a SQLite file, in one query where SQLAlchemy has two for each table."""
    wanted = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
    return {(table, column) for table, column in connection.exec_driver_sql(wanted)}


def _columns_on(connection: Connection, expected: MetaData) -> set[tuple[str, str]]:
    """Return the tables and columns on a server, which is asked once."""
    reflected = inspect(connection).get_multi_columns(filter_names=list(expected.tables))
    return {(table, column["name"]) for (_, table), columns in reflected.items() for column in columns}


def _repeat_version(connection: Connection, version: str) -> None:
    """Write the schema's number into the header, too: a damaged number is then told from that of a newer version."""
    number = int(version)
    if connection.exec_driver_sql("PRAGMA user_version").scalar_one() != number:
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")


def _file(location: URL) -> Path | None:
    return Path(location.database) if location.get_backend_name() == "sqlite" and location.database else None


@contextmanager
def alone(file: Path | None) -> Iterator[None]:
    """Let one process at a time at a SQLite file; a server has locks of its own."""
    if file is None:
        yield
        return
    try:
        with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise StoreError("database.upgrading", seconds=LOCK_SECONDS, file=error.lock_file) from error


def _copy(file: Path) -> None:
    """Copy a SQLite file as it is before the upgrade; raises OSError."""
    with fresh_copy(copy_of(file)) as fresh:
        copy_database(file, fresh)
        leave_out_inbox(fresh)
        put(fresh, copy_of(file))


def _leave_transactions_alone(connection: sqlite3.Connection, _: object) -> None:
    """Keep Python's driver from committing behind our back, so that changes of tables are part of the transaction."""
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
