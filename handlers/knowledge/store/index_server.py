"""The PostgreSQL server with pgvector that the indexes are in: its tables and its connections.

All of it is made from the CSV files, so it isn't migrated: tables of another format are dropped and filled again.

    index_bases         a knowledge base, and its current generation: readers follow this pointer
    index_generations   what was stored, when, by what encoder, and of which words
    index_collections   the vectors of one knowledge base by one encoder, which its generations have in common
    index_arrays        small arrays of words ("w<n>") and of generations ("g<n>"), in blocks
    index_terms_<n>     of words n: term -> the texts that have it, and how often
    index_texts_<n>     of words n: text -> which terms it has of those that very many have
    index_records_<n>   of words n: the records, by row
    index_vectors_<n>   of collection n: a vector per text
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from handlers.store.errors import StoreError
from handlers.store.exclusive import wait_for
from handlers.store.postgresql import Limits, Reach, pooled, single_use
from handlers.store.reasons import reason_of, sqlstate_of
from handlers.store.server import state_of
from handlers.texts import ENGLISH
from indexes.errors import IndexUnavailableError, SnapshotError

log = logging.getLogger(__name__)

FORMAT = "1"
BUILDING = Limits(statement=6 * 3600, lock=5)
"""For a build: an index of ten million vectors is made in hours."""
UNDEFINED_TABLE = "42P01"
SEARCH_CANDIDATES = 1_000
"""At its highest: of 100,000 vectors of real texts .99 to 1 of the ten nearest are found, in 15 ms. With pgvector's
links and candidates when building (16, 64) and 400 when searching, .93 are."""
_SEARCHING = {"hnsw.ef_search": SEARCH_CANDIDATES, "jit": "off"}
"""Compiling takes longer than any search."""
_PARTS = ("terms", "texts", "records")

_TABLES = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    "CREATE TABLE IF NOT EXISTS index_format (format text NOT NULL)",
    """CREATE TABLE IF NOT EXISTS index_bases (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, current integer)""",
    """CREATE TABLE IF NOT EXISTS index_collections (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, base integer NOT NULL, stamp text NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS index_generations (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, base integer NOT NULL, words integer NOT NULL,
        recipe text NOT NULL, collection integer, manifest text NOT NULL, superseded timestamptz)""",
    """CREATE TABLE IF NOT EXISTS index_arrays (
        owner text NOT NULL, name text NOT NULL, block integer NOT NULL, data bytea NOT NULL,
        PRIMARY KEY (owner, name, block))""",
    """CREATE TABLE IF NOT EXISTS index_terms (
        words integer NOT NULL, view smallint NOT NULL, key bigint NOT NULL, holders integer NOT NULL,
        texts bytea, counts bytea) PARTITION BY LIST (words)""",
    """CREATE TABLE IF NOT EXISTS index_texts (
        words integer NOT NULL, view smallint NOT NULL, text integer NOT NULL,
        terms bytea NOT NULL, counts bytea NOT NULL) PARTITION BY LIST (words)""",
    """CREATE TABLE IF NOT EXISTS index_records (
        words integer NOT NULL, "row" integer NOT NULL, record bytea NOT NULL) PARTITION BY LIST (words)""",
    """CREATE TABLE IF NOT EXISTS index_vectors (
        collection integer NOT NULL, number integer NOT NULL, key bytea NOT NULL, embedding vector NOT NULL
        ) PARTITION BY LIST (collection)""",
)


class IndexServer:
    """Connections for searching, each statement by itself, and for building, in one transaction."""

    def __init__(self, url: str) -> None:
        location = make_url(url)
        options = " ".join(f"-c {name}={value}" for name, value in _SEARCHING.items())
        searching = pooled(location.update_query_dict({"options": options}, append=True))
        self._searching = searching.execution_options(isolation_level="AUTOCOMMIT")
        self._building = single_use(location, BUILDING, Reach())

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect, and make the tables unless they are there.

        Raises IndexUnavailableError, or StoreError for a server on which they can't be.
        """
        server = cls(url)
        try:
            server._prepare()
        except BaseException:
            server.close()
            raise
        return server

    def _prepare(self) -> None:
        with self.building() as connection:
            wait_for(connection, "index tables")
            if fault := state_of(connection).pgvector_fault:
                raise StoreError("database.no_indexes", reason=fault)
            for statement in _TABLES[:2]:
                connection.execute(text(statement))
            found = connection.execute(text("SELECT format FROM index_format")).scalars().all()
            if found and found != [FORMAT]:
                log.warning("The indexes in the database are of another version; they are made anew")
                _drop_all(connection)
            for statement in _TABLES[2:]:
                connection.execute(text(statement))
            if found != [FORMAT]:
                connection.execute(text("INSERT INTO index_format VALUES (:format)"), {"format": FORMAT})

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one statement and return its rows; raises IndexUnavailableError.

        A connection that the server has closed meanwhile is replaced once: what only reads may be repeated.
        """
        with _failing():
            try:
                return self._rows(statement, parameters)
            except OperationalError as error:
                if not error.connection_invalidated:
                    raise
                return self._rows(statement, parameters)

    @contextmanager
    def building(self) -> Iterator[Connection]:
        """Run the block in one transaction; raises IndexUnavailableError, and nothing is changed then."""
        with _failing(), self._building.begin() as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self._searching.dispose()
        self._building.dispose()

    def _rows(self, statement: str, parameters: Mapping[str, Any] | None) -> Sequence[Any]:
        with self._searching.connect() as connection:
            return connection.execute(text(statement), parameters or {}).all()


def make_partitions(connection: Connection, words: int) -> None:
    """Make the tables of some words, which are attached once they are filled."""
    for part in _PARTS:
        connection.execute(text(f"CREATE TABLE index_{part}_{words} (LIKE index_{part})"))
    for column in ("texts", "counts"):
        connection.execute(text(f"ALTER TABLE index_terms_{words} ALTER {column} SET STORAGE EXTERNAL"))


def attach_partitions(connection: Connection, words: int) -> None:
    """Make the keys of these tables and attach them."""
    for part, key in (("terms", "view, key"), ("texts", "view, text"), ("records", '"row"')):
        child = f"index_{part}_{words}"
        connection.execute(text(f"ALTER TABLE {child} ADD PRIMARY KEY ({key}), ADD CHECK (words = {words})"))
        connection.execute(text(f"ALTER TABLE index_{part} ATTACH PARTITION {child} FOR VALUES IN ({words})"))
        connection.execute(text(f"ANALYZE {child}"))


def drop_generation(connection: Connection, generation: int) -> None:
    """Delete a generation, and its words unless others have them; waits a moment for those who are reading them."""
    deleted = text("DELETE FROM index_generations WHERE id = :id RETURNING words")
    words = connection.execute(deleted, {"id": generation}).scalar_one()
    owners = [f"g{generation}"]
    others = text("SELECT count(*) FROM index_generations WHERE words = :words")
    if not connection.execute(others, {"words": words}).scalar_one():
        owners.append(f"w{words}")
        for part in _PARTS:
            connection.execute(text(f"DROP TABLE index_{part}_{words}"))
    connection.execute(text("DELETE FROM index_arrays WHERE owner = ANY(:owners)"), {"owners": owners})


def _drop_all(connection: Connection) -> None:
    for name in ("bases", "collections", "generations", "arrays", *_PARTS, "vectors"):
        connection.execute(text(f"DROP TABLE IF EXISTS index_{name} CASCADE"))
    connection.execute(text("DELETE FROM index_format"))


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        if sqlstate_of(error) == UNDEFINED_TABLE:
            raise SnapshotError("snapshot.dropped") from error
        raise IndexUnavailableError("index.unavailable", reason=ENGLISH.say(reason_of(error))) from error
