"""Rows that replicas may write at once, in one statement: they take the place of earlier ones, or are the first."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table
from sqlalchemy.dialects.postgresql import insert


def put(
    table: Table, *rows: Mapping[str, Any], key: tuple[str, ...] = (), where: ColumnElement[bool] | None = None
) -> Insert:
    """Insert rows, or update those that have the same `key`, by default the primary key; with `where`, only those.

    Of rows with the same key the last one counts: PostgreSQL takes each once. SQLite has the same grammar.
    """
    key = key or tuple(column.name for column in table.primary_key.columns)
    wanted = {tuple(row[name] for name in key): dict(row) for row in rows}
    statement = insert(table).values(list(wanted.values()))
    fresh = {name: statement.excluded[name] for name in next(iter(wanted.values())) if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=fresh, where=where)


def claim(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless there is one with its key; return whether it was inserted: one of several callers is told so.

    Whoever comes at the same moment waits for the other's transaction.
    """
    first = insert(table).values(row).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return connection.execute(first).first() is not None
