"""What tests read from the state database and write into it past the bot: a file of SQLite, or a PostgreSQL server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text


def url_in(data_dir: Path) -> str:
    """Return the address of the SQLite database in a DATA_DIR."""
    return f"sqlite:///{data_dir / 'state.db'}"


def rows_of(url: str, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Return what a statement selects."""
    with _connected(url) as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def change(url: str, statement: str, *rows: Mapping[str, object]) -> None:
    """Run a statement in a transaction of its own, once for each of the rows if there are any."""
    with _connected(url) as connection:
        connection.execute(text(statement), list(rows) or None)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")  # as the bot has it: some look for words in the file
        yield connection
