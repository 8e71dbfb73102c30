"""Writing many rows at once with PostgreSQL's COPY, in its binary form."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection


def copy(connection: Connection, table: str, types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows into a table, within the transaction of the connection; `bytea` also stands for any type's bytes."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN WITH (FORMAT BINARY)") as copying:
        copying.set_types(types)
        for row in rows:
            copying.write_row(row)
