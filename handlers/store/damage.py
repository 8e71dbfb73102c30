"""Whether a SQLite file is damaged: by its own structure, its write-ahead log, and what it says of our tables."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

WAIT_SECONDS = 60
"""How long it waits for another process that is writing, such as `kotae forget`."""
NO_DAMAGE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
"""Failures that say nothing about the file's content."""
HEADER_BYTES = 100
MAGIC = b"SQLite format 3\0"
FORMATS = frozenset({1, 2})
"""The versions of reading and writing: with a journal, and with a write-ahead log."""
NUMBERS = ("INT", "FLOAT", "REAL", "NUMERIC", "BOOL")


def damage_of(file: Path) -> str:
    """Return what is damaged, without anything that is stored in it; blank if nothing is.

    No connection to the file may be open in this process. Raises sqlite3.Error if the file can't be examined because it
    is locked, the disk is full or permissions are missing, and OSError if it can't be read.
    """
    with file.open("rb") as opened:
        header = opened.read(HEADER_BYTES)
    if not header:
        return "it is empty"
    if not header.startswith(MAGIC) or not FORMATS.issuperset(header[18:20]):
        return "its header is none of SQLite's"
    try:
        # only reading: a connection that may write copies its log into a damaged file, as if that were whole
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", timeout=WAIT_SECONDS, uri=True)) as whole:
            return next(_faults(whole), "")
    except UnicodeDecodeError:
        return "SQLite's own messages about it are not UTF-8"
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in NO_DAMAGE:
            raise
        name = getattr(error, "sqlite_errorname", "a text is not UTF-8")  # the message may quote what is stored
        return f"SQLite can't read it: {name}"


def _faults(connection: sqlite3.Connection) -> Iterator[str]:
    [(found,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if found != "ok":
        yield "SQLite's integrity_check finds faults"
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        yield from _faults_of_rows(connection, table)
    [(copy,)] = connection.execute("PRAGMA user_version").fetchall()
    if copy:
        yield from _faults_of_version(connection, copy, is_there=("alembic_version",) in tables)


def _faults_of_rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """Read every row: texts must be UTF-8, JSON must be JSON, and numbers numbers."""
    quoted = table.replace('"', '""')
    columns = connection.execute(f'PRAGMA table_info("{quoted}")').fetchall()
    kinds = [(at, name, kind.upper()) for at, name, kind, *_ in columns]
    for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - the name is from the file itself
        for at, name, kind in kinds:
            if row[at] is not None and not _is_of(kind, row[at]):
                yield f"{table}.{name} holds something else than {kind}"
                return


def _is_of(kind: str, value: Any) -> bool:
    if kind.startswith(NUMBERS) or "INT" in kind:
        return isinstance(value, int | float)
    if kind == "JSON":
        return _is_json(value)
    return isinstance(value, str) or not kind.startswith(("VARCHAR", "TEXT"))


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _faults_of_version(connection: sqlite3.Connection, copy: int, *, is_there: bool) -> Iterator[str]:
    """Compare the schema's number with its copy in the header, which databases of earlier versions don't have."""
    wanted = "SELECT version_num FROM alembic_version"
    versions = [version for (version,) in connection.execute(wanted)] if is_there else []
    if versions != [f"{copy:04d}"]:
        yield "the number of its schema is not the one in its header"
