"""Whether the server of a database is there yet: it may be started at the same moment, or again."""

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from handlers.store import postgresql
from handlers.store.database import opening
from handlers.store.errors import StoreError

PING_SECONDS = "2"
"""The least that libpq takes for a connection's time limit."""


def out_of_reach(url: str) -> StoreError | None:
    """Return why a server can't be reached, or takes no connections because it is just starting.

    None if it takes them, also if it refuses this one, which waiting does not change: opening the database says why.
    """
    try:
        with opening(), postgresql.single_use(make_url(url), postgresql.STATE).connect():
            return None
    except StoreError as error:
        return None if _takes_connections(url) else error


def _takes_connections(url: str) -> bool:
    """Ask a server without a password; True as well for an address or a driver with which nobody can ask."""
    try:
        from psycopg import Error  # noqa: PLC0415 - an extra, see pyproject.toml
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415
        from psycopg.pq import PGconn, Ping  # noqa: PLC0415
    except ImportError:
        return True
    try:
        location = make_url(url).set(drivername="postgresql+psycopg")
        _, named = location.get_dialect()().create_connect_args(location)
        address = make_conninfo(**{**named, "connect_timeout": PING_SECONDS})
    except (SQLAlchemyError, Error):
        return True
    return PGconn.ping(address.encode()) not in {Ping.REJECT, Ping.NO_RESPONSE}
