"""Why the database failed, in words for people: never the statement, its parameters or the server's address."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from handlers.store.errors import StoreError
from indexes.messages import Translatable

_SQLITE = {
    sqlite3.SQLITE_BUSY: Translatable("database.locked"),
    sqlite3.SQLITE_LOCKED: Translatable("database.locked"),
    sqlite3.SQLITE_FULL: Translatable("database.full"),
    sqlite3.SQLITE_READONLY: Translatable("database.read_only"),
    sqlite3.SQLITE_IOERR: Translatable("database.input_output"),
    sqlite3.SQLITE_CANTOPEN: Translatable("database.not_there"),
    sqlite3.SQLITE_CORRUPT: Translatable("database.damaged"),
    sqlite3.SQLITE_NOTADB: Translatable("database.no_database"),
}


def sqlstate_of(error: SQLAlchemyError) -> str:
    """Return PostgreSQL's code of an error; blank for one that came from elsewhere, such as a lost connection."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def reason_of(error: SQLAlchemyError) -> Translatable:
    """Say why, without the statement and its parameters: those are people's questions."""
    original = getattr(error, "orig", None)
    if isinstance(original, StoreError):
        return original.message
    if known := _SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF):
        return known
    said = getattr(getattr(original, "diag", None), "message_primary", None)  # its details quote values
    return Translatable("database.other", reason=str(said or original or type(error).__name__))
