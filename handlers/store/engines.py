"""The two engines behind the state database, told apart by the beginning of DATABASE_URL."""

from sqlalchemy import URL, Engine

from handlers.store import postgresql, sqlite
from handlers.store.errors import StoreError

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def pooled(location: URL) -> Engine:
    """Return the engine of the state database, whose connections are used again; raises StoreError."""
    return postgresql.pooled(location) if is_server(location) else sqlite.pooled(location)


def single_use(location: URL, wait_seconds: float) -> Engine:
    """Return an engine for work on a database as a whole, which waits so long for others; raises StoreError."""
    if is_server(location):
        return postgresql.single_use(location, postgresql.Limits(statement=0, lock=wait_seconds))
    return sqlite.single_use(location, wait_seconds)


def named(location: URL, name: str) -> URL:
    """Return an address under which a server shows connections with this name; a file has none to show."""
    return location.update_query_dict({"application_name": name}) if is_server(location) else location


def is_server(location: URL) -> bool:
    """Tell whether a database is on a server; raises StoreError for one that Kotae doesn't know."""
    if location.get_backend_name() not in {SQLITE, POSTGRESQL}:
        location.get_dialect()  # raises ArgumentError or NoSuchModuleError for what SQLAlchemy doesn't know either
        raise StoreError("database.unknown", name=location.get_backend_name())
    return location.get_backend_name() == POSTGRESQL
