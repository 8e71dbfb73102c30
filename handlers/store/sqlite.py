"""SQLite: how its file is opened."""

import sqlite3
import warnings
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError

from handlers.store.errors import StoreError
from indexes.permissions import make_private

WAIT_SECONDS = 1
"""How long a write waits for a locked database, and an answer with it; a write itself takes a millisecond."""


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite database; None for any other."""
    location = make_url(url)
    is_file = location.get_backend_name() == "sqlite" and location.database not in {None, "", ":memory:"}
    return Path(str(location.database)) if is_file else None


def takes_options(url: str) -> bool:
    """Tell whether the driver of an address opens a file with the options behind its question mark.

    One that it ignores hinders nothing, and a bot that has run with it goes on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        try:
            location = make_url(url)
            location.get_dialect()().create_connect_args(location)
        except (SQLAlchemyError, TypeError, ValueError):
            return False
    return True


def single_use(location: URL, wait_seconds: float) -> Engine:
    """Return an engine that opens the file for each use, and waits so long for whoever is writing."""
    engine = create_engine(location, poolclass=NullPool, connect_args={"timeout": wait_seconds}, hide_parameters=True)
    event.listen(engine, "connect", delete_securely)
    return engine


def pooled(location: URL) -> Engine:
    """Return the engine of the state database; the file is made if need be, for its owner alone. Raises StoreError."""
    if location.database in {None, "", ":memory:"}:
        raise StoreError("database.in_memory")  # there, each connection has its own, empty one
    _make_private(Path(str(location.database)))
    _use_wal(location)
    engine = create_engine(location, connect_args={"timeout": WAIT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", delete_securely)
    event.listen(engine, "checkout", sync_each_commit)
    return engine


def connect(file: Path) -> sqlite3.Connection:
    """Open a SQLite file, which must be there: sqlite3.connect by itself makes an empty one of any that was removed."""
    return sqlite3.connect(_existing(file), uri=True)


def _existing(file: Path) -> str:
    return f"{file.absolute().as_uri()}?mode=rw"


def delete_securely(connection: sqlite3.Connection, _: object) -> None:
    """Make SQLite overwrite deleted rows, not just mark them as free."""
    connection.execute("PRAGMA secure_delete=ON")


def sync_each_commit(connection: sqlite3.Connection, *_: object) -> None:
    """Let each commit wait until it is on the disk; called whenever a connection is taken from the pool."""
    connection.execute("PRAGMA synchronous=FULL")


def sync_later(connection: Connection) -> None:
    """Let the next transaction of a connection not wait for the disk: the first one after it that does syncs both."""
    connection.connection.cursor().execute("PRAGMA synchronous=NORMAL")


def notice_removal(engine: Engine) -> None:
    """Refuse connections once the file is no longer the one opened: SQLite would go on writing to what was deleted."""
    file = Path(str(engine.url.database))
    opened = file.stat().st_ino

    @event.listens_for(engine, "checkout")
    def check(*_: object) -> None:
        if not file.is_file() or file.stat().st_ino != opened:
            raise OperationalError(None, None, StoreError("database.removed", file=file.name))

    @event.listens_for(engine, "do_connect")
    def make_none(_: object, __: object, arguments: list[str], options: dict[str, object]) -> None:
        check()
        arguments[:] = [_existing(file)]
        options["uri"] = True


def _make_private(file: Path) -> None:
    """Make the file, and take it and its copies from all other users: SQLite gives its log the same permissions."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(0o600)
    for each in (file, *file.parent.glob(f"{file.name}[.-]*")):
        if not each.name.endswith(".lock"):
            make_private(each)


def _use_wal(location: URL) -> None:
    """Set WAL once, when the file is new: setting it while others write fails with "database is locked".

    No connection stays open: the file may turn out to be damaged, and is replaced then.
    """
    with single_use(location, WAIT_SECONDS).connect() as connection:
        if connection.execute(text("PRAGMA journal_mode")).scalar_one() != "wal":
            connection.execute(text("PRAGMA journal_mode=WAL"))
