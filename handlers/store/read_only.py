"""The state database of a bot, for another process that only reads.

Nothing is made, changed or locked: neither rows nor the schema, nor a file beside the database.
"""

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url

from handlers.store import engines
from handlers.store.database import Database, opening
from handlers.store.errors import StoreError
from handlers.store.migrations import schemas_in
from handlers.store.sqlite import WAIT_SECONDS, file_of


def open_to_read(url: str) -> Database | None:
    """Open the state database of a bot, which may be running; None if there is no such file.

    Raises StoreError if it can't be read, or is not of this version's schema.
    """
    file = file_of(url)
    if file and not file.is_file():
        return None
    with opening():
        engine = _of_file(make_url(url), file) if file else _of_server(make_url(url))
        with engine.connect() as connection:
            current, newest = schemas_in(connection)
        if current != newest:
            raise StoreError("database.older", current=current, newest=newest)
        return Database(engine)


def _of_server(location: URL) -> Engine:
    reading = {"options": "-c default_transaction_read_only=on"}
    return engines.pooled(location.update_query_dict(reading, append=True))


def _of_file(location: URL, file: Path) -> Engine:
    return create_engine(location, creator=partial(_connect, file), poolclass=NullPool, hide_parameters=True)


def _connect(file: Path) -> sqlite3.Connection:
    """Open a SQLite file without making or changing the two files of its write-ahead log.

    They are there while a bot writes, or where one was killed, and are then read as well. Without them the file is all
    there is, and SQLite need not look for anybody who changes it. Each use opens it anew and sees which of both holds.
    """
    log = file.with_name(f"{file.name}-wal")
    has_log = log.is_file() and log.stat().st_size > 0
    address = f"{file.absolute().as_uri()}?mode=ro&{'readonly_shm=1' if has_log else 'immutable=1'}"
    return sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, check_same_thread=False)
