"""Why the database failed, in words for people: never the statement, its parameters or the server's password."""

import sqlite3

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

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
_POSTGRESQL = {
    "53100": Translatable("database.full"),
    "53200": Translatable("database.exhausted"),
    "53300": Translatable("database.many_connections"),
    "25006": Translatable("database.standby"),
    "42501": Translatable("database.rights"),
    "55P03": Translatable("database.locked"),
    "40P01": Translatable("database.locked"),
    "57014": Translatable("database.slow"),
    "57P01": Translatable("database.stopping"),
    "57P02": Translatable("database.stopping"),
    "57P03": Translatable("database.starting"),
    "58030": Translatable("database.input_output"),
    "XX001": Translatable("database.damaged"),
    "XX002": Translatable("database.damaged"),
}
"""By code: https://www.postgresql.org/docs/current/errcodes-appendix.html."""
BROKE_OFF = Translatable("database.broke_off")
DETAIL_LENGTH = 300
HIDDEN = "***"


class UncertainError(SQLAlchemyError):
    """The connection was lost while committing: nobody knows whether it is done."""


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
    if code := sqlstate_of(error):
        return _POSTGRESQL.get(code) or Translatable("database.refused", code=code, name=type(original).__name__)
    if getattr(error, "connection_invalidated", False) or isinstance(error, UncertainError):
        return BROKE_OFF
    if isinstance(error, PoolTimeoutError):
        return Translatable("database.many_connections")
    return Translatable("database.other", reason=str(original or type(error).__name__))


def refused(error: IntegrityError) -> IntegrityError:
    """Return a row's refusal without the row: servers quote it."""
    return IntegrityError(None, None, StoreError("database.other", reason=reason_of(error)))


def unreachable(error: Exception, password: str) -> str:
    """Return what the driver says of a failed attempt to connect, on one line and without the password."""
    said = " ".join(str(error).split())
    return (said.replace(password, HIDDEN) if password else said)[:DETAIL_LENGTH]
