"""What a PostgreSQL server is like, and what Kotae lacks there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from handlers.store.errors import StoreError
from indexes.messages import Translatable

OLDEST = 14
"""Older ones are refused. Tried are 15 and 18; the makers of 14 stopped mending it in November 2026."""
OLDEST_PGVECTOR = (0, 8)
"""The oldest version of pgvector that was tried; half-precision vectors came with 0.7."""
ENCODING = "UTF8"
NO_CREATE = Translatable("database.no_create")
"""What is missing for an upgrade."""
SLOW_SECONDS = 0.02
"""A round trip that takes longer is felt: an answer makes about ten."""
_STATE = text("""
    SELECT current_setting('server_version_num')::int / 10000 AS major,
           split_part(current_setting('server_version'), ' ', 1) AS version,
           current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS is_standby,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
           (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available_pgvector,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR coalesce((
               SELECT bool_or(has_database_privilege(current_database(), 'CREATE') AND (trusted OR NOT superuser))
               FROM pg_available_extension_versions WHERE name = 'vector'), false) AS may_create_pgvector
""")


@dataclass(frozen=True)
class ServerState:
    """A server. `seconds` is how long a round trip takes; `pgvector` the version in this database, or the server's.

    `may_create` tells whether tables may be made, as at an upgrade, and `may_create_pgvector` whether the extension.
    """

    major: int
    version: str
    encoding: str
    is_standby: bool
    may_create: bool
    pgvector: str | None
    available_pgvector: str | None
    may_create_pgvector: bool = False
    seconds: float = 0.0

    @property
    def faults(self) -> Iterator[Translatable]:
        """Why Kotae can't work with the server."""
        if self.major < OLDEST:
            yield Translatable("database.old", version=self.version, oldest=OLDEST)
        if self.encoding != ENCODING:
            yield Translatable("database.encoding", encoding=self.encoding)
        if self.is_standby:
            yield Translatable("database.standby")

    @property
    def pgvector_fault(self) -> Translatable | None:
        """Why indexes can't be in this database; an extension that is not made yet is made at the start."""
        oldest = ".".join(map(str, OLDEST_PGVECTOR))
        version = self.pgvector or self.available_pgvector
        if version is None:
            return Translatable("database.no_pgvector", oldest=oldest)
        if _numbers(version) < OLDEST_PGVECTOR:
            if _numbers(self.available_pgvector or "0") >= OLDEST_PGVECTOR:
                return Translatable("database.pgvector_not_updated", version=version)
            return Translatable("database.old_pgvector", version=version, oldest=oldest)
        if self.pgvector is None and not self.may_create_pgvector:
            return Translatable("database.no_create_pgvector")
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def state_of(connection: Connection) -> ServerState:
    """Ask a server what it is; raises SQLAlchemyError."""
    row = connection.execute(_STATE).one()
    started = time.monotonic()
    connection.execute(text("SELECT 1"))
    return ServerState(**row._mapping, seconds=time.monotonic() - started)  # noqa: SLF001 - public, as SQLAlchemy says


def check(connection: Connection) -> None:
    """Refuse a server that Kotae can't work with; raises StoreError."""
    for fault in state_of(connection).faults:
        raise StoreError("database.other", reason=fault)
