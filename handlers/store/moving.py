"""Moves all rows from one state database to another, also of another engine.

A row of `installation` marks the target as unfinished, and holds how many rows of each table are there: it is written
in the same transaction as the rows. So a run that was killed goes on where it was, and no bot starts on half of it.
"""

import hashlib
import json
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    make_url,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from handlers.store.database import STAYS, Database
from handlers.store.engines import single_use
from handlers.store.errors import StoreError
from handlers.store.installation import PSEUDONYMS, installation
from handlers.store.reasons import reason_of

WAIT_SECONDS = 30
"""How long it waits for what another process is writing."""
MARK = "moving"
"""The key of the mark in `installation`."""
BATCH, FILES = 1000, 8
"""Rows of one transaction; fewer where a row holds a file."""

Row = Sequence[Any]


class Digest(NamedTuple):
    """How many rows a table has, and the sum of the digests of each: the order in which they come doesn't matter."""

    rows: int
    sum: int

    def __str__(self) -> str:
        return f"{self.sum:032x}"[:16]


@dataclass(frozen=True)
class Moved:
    """A table that is the same in both databases."""

    table: str
    digest: Digest


class Move:
    """A move of all tables, from the address of one database to that of another; nobody else may write in either.

    Tables in `apart` are left to somebody else, before `finish`.
    """

    def __init__(self, source: str, target: str, metadata: MetaData, apart: Collection[str] = ()) -> None:
        self._source, self._target = (
            single_use(make_url(source), WAIT_SECONDS),
            single_use(make_url(target), WAIT_SECONDS),
        )
        self._url = target
        self._metadata = metadata
        moved = [each for each in metadata.sorted_tables if not each.info.get(STAYS)]
        self._tables = [each for each in moved if each.name not in apart]
        self._tables.sort(key=lambda table: table is installation)  # the last one, since it has the mark

    def run(self) -> Generator[Moved]:
        """Copy what is not there yet and compare all of it; yield each table as it is verified.

        Raises StoreError for a target that holds something else, for a text that is too long for it, for rows that
        differ, and if a database fails. Called again it goes on. The target is not used before `finish`.
        """
        with _failing():
            self._check_lengths()
            self._check_target()
            Database.open(self._url, self._metadata).close()
            self._mark()
            for table in self._tables:
                self._copy(table)
            for table in self._tables:
                yield self._verified(table)

    def _check_target(self) -> None:
        """Refuse a target with rows, unless they are of this move."""
        with self._target.connect() as connection:
            there = set(inspect(connection).get_table_names())
            if installation.name in there and (mark := _read_mark(connection)) is not None:
                if mark["from"] != self._fingerprint():
                    raise StoreError("database.moving_from_another")
                return
            for table in self._metadata.sorted_tables:
                wanted = table.name in there and table is not installation
                if wanted and (count := connection.execute(select(func.count()).select_from(table)).scalar_one()):
                    raise StoreError("database.not_empty", table=table.name, count=count)

    def _fingerprint(self) -> str:
        """Return what tells this source from any other: the digest of a secret that each has of its own."""
        with self._source.connect() as connection:
            wanted = select(installation.c.value).where(installation.c.key == PSEUDONYMS)
            return hashlib.sha256(str(connection.execute(wanted).scalar_one()).encode()).hexdigest()

    def _check_lengths(self) -> None:
        """Refuse texts that only SQLite takes, which ignores how long a column's texts may be."""
        if self._target.dialect.name == "sqlite":
            return
        with self._source.connect() as connection:
            for table in self._tables:
                longer = [
                    func.length(column) > column.type.length
                    for column in table.columns
                    if isinstance(column.type, String) and column.type.length
                ]
                if longer and connection.execute(select(func.count()).where(or_(*longer))).scalar_one():
                    raise StoreError("database.too_long", table=table.name)

    def _mark(self) -> None:
        """Mark the target, and delete what its own making put into it."""
        with self._target.begin() as connection:
            if _read_mark(connection) is None:
                connection.execute(delete(installation))
                value = json.dumps({"from": self._fingerprint(), "rows": {}})
                connection.execute(insert(installation).values(key=MARK, value=value))

    def _copy(self, table: Table) -> None:
        """Copy the rows that are not there yet; all of them if those that are there changed in the source since."""
        with self._target.connect() as connection:
            mark = _read_mark(connection) or {"rows": {}}
        done = mark["rows"].get(table.name, 0)
        if done and self._digest(self._target, table) != self._digest(self._source, table, done):
            self._empty(table)
            done = 0
        for batch in self._batches(table, done):
            done += len(batch)
            with self._target.begin() as connection:
                connection.execute(insert(table), batch)
                mark["rows"][table.name] = done
                marked = update(installation).where(installation.c.key == MARK)
                connection.execute(marked.values(value=json.dumps(mark)))

    def _batches(self, table: Table, done: int) -> Iterator[list[dict[str, Any]]]:
        names = [column.name for column in table.columns]
        with self._source.connect().execution_options(yield_per=_batch(table)) as connection:
            wanted = _all(table).order_by(*table.primary_key.columns).offset(done)
            for rows in connection.execute(wanted).partitions():
                yield [dict(zip(names, self._portable(row), strict=True)) for row in rows]

    def _portable(self, row: Row) -> Row:
        """Replace NUL characters by U+FFFD, which PostgreSQL's texts can't hold."""
        if self._target.dialect.name == "sqlite":
            return row
        return [value.replace("\0", "�") if isinstance(value, str) else value for value in row]

    def _verified(self, table: Table) -> Moved:
        if (found := self._digest(self._target, table)) != self._digest(self._source, table):
            raise StoreError("database.differs", table=table.name)
        return Moved(table.name, found)

    def _digest(self, engine: Engine, table: Table, most: int | None = None) -> Digest:
        """Return the digest of a table, or of its first rows."""
        count = total = 0
        with engine.connect().execution_options(yield_per=_batch(table)) as connection:
            for row in connection.execute(_all(table).order_by(*table.primary_key.columns).limit(most)):
                count, total = count + 1, (total + _number_of(self._portable(row))) % (1 << 128)
        return Digest(count, total)

    def _empty(self, table: Table) -> None:
        with self._target.begin() as connection:
            mark = _read_mark(connection) or {}
            mark["rows"].pop(table.name, None)
            gone = delete(table).where(installation.c.key != MARK) if table is installation else delete(table)
            connection.execute(gone)
            connection.execute(update(installation).where(installation.c.key == MARK).values(value=json.dumps(mark)))

    def finish(self) -> None:
        """Let the target number its next rows after those that are there, and take the mark away; raises StoreError."""
        with _failing(), self._target.begin() as connection:
            if connection.dialect.name == "postgresql":
                for table in self._tables:
                    _continue_numbers(connection, table)
            connection.execute(delete(installation).where(installation.c.key == MARK))


def is_unfinished(database: Database) -> bool:
    """Tell whether rows are being moved into a database, or were until somebody stopped that."""
    wanted = select(installation.c.value).where(installation.c.key == MARK)
    return bool(database.read("ask whether it is whole", wanted))


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError("database.not_moved", reason=reason_of(error)) from error


def _batch(table: Table) -> int:
    return FILES if any(isinstance(column.type, LargeBinary) for column in table.columns) else BATCH


def _all(table: Table) -> Any:
    """Select the rows of a table, without the mark."""
    wanted = select(table)
    return wanted.where(installation.c.key != MARK) if table is installation else wanted


def _read_mark(connection: Connection) -> dict[str, Any] | None:
    value = connection.execute(select(installation.c.value).where(installation.c.key == MARK)).scalar_one_or_none()
    return None if value is None else json.loads(value)


def _number_of(row: Iterable[Any]) -> int:
    stored = json.dumps(list(row), sort_keys=True, default=lambda value: bytes(value).hex())
    return int.from_bytes(hashlib.blake2b(stored.encode(), digest_size=16).digest())


def _continue_numbers(connection: Connection, table: Table) -> None:
    column = table.autoincrement_column
    sequence = text("SELECT pg_get_serial_sequence(:table, :column)")
    if column is None:
        return
    name = connection.execute(sequence, {"table": f'"{table.name}"', "column": column.name}).scalar_one()
    newest = connection.execute(select(func.max(column))).scalar_one()
    if name and newest:
        connection.execute(select(func.setval(name, newest)))
