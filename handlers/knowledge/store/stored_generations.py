"""The generations of a knowledge base in PostgreSQL: stored and made current in one transaction."""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from handlers.knowledge.store.copying import copy
from handlers.knowledge.store.index_server import (
    IndexServer,
    attach_partitions,
    drop_generation,
    make_partitions,
)
from handlers.knowledge.store.stored_generation import KEYS, NUMBERS, OWNERS, SOURCE, StoredGeneration, generation_of
from handlers.knowledge.store.stored_records import RECORD_ARRAYS, write_records
from handlers.knowledge.store.stored_terms import arrays_of_views, write_terms
from handlers.knowledge.store.stored_vectors import MANY
from handlers.knowledge.store.vector_collections import drop_collection, store_vectors, tidy
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.exclusive import BusyError, Held
from indexes.atomic_file import FileContent
from indexes.errors import IndexUnavailableError, SnapshotError
from indexes.retrieval.dense import MEAN, Sizes
from indexes.storage.index_store import IndexStores
from indexes.storage.sections import Sections
from indexes.storage.snapshot import EVERYTHING, StoredVectors, Words, description

log = logging.getLogger(__name__)

KEPT_SECONDS = 600
"""How long a generation stays after it was replaced: replicas that still search it have moved on within seconds."""
TURN_SECONDS = 5.0
"""How long a replica waits for another one's build before it looks whether it is to stop."""
NEVER = 1 << 62
IN_MEMORY = Sizes(large=NEVER)
"""How vectors are held while an index is built: candidates are PostgreSQL's business."""
_BLOCK = 1 << 20


class StoredGenerations:
    """An `IndexStore`: the generations of one knowledge base."""

    def __init__(self, server: IndexServer, database: Database, name: str, many: int = MANY) -> None:
        self._many = many
        self._server = server
        self._database = database
        self._name = name
        self._held: Held | None = None

    def load(self, names: Collection[str] = EVERYTHING) -> StoredGeneration | None:
        """See `IndexStore.load`; raises IndexUnavailableError when the server can't be reached."""
        del names
        return next(self.generations(), None)

    def generations(self) -> Iterator[StoredGeneration]:
        """See `IndexStore.generations`: only the current one is ever used."""
        statement = """
            SELECT g.id, g.words, g.collection, g.manifest
            FROM index_bases b JOIN index_generations g ON g.id = b.current WHERE b.name = :name"""
        for row in self._server.rows(statement, {"name": self._name}):
            yield generation_of(self._server, *row)

    def save(self, source: bytes, words: Words | None, vectors: StoredVectors) -> StoredGeneration:
        """See `IndexStore.save`."""
        self._verify_turn()
        with self._server.building() as connection:
            base = connection.execute(
                text(
                    "INSERT INTO index_bases (name) VALUES (:name)"
                    " ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id"
                ),
                {"name": self._name},
            ).scalar_one()
            vectors, collection, numbers = store_vectors(connection, base, vectors, self._many)
            former = _words_of(connection, base, words.recipe) if words and not words.sections else None
            manifest = json.dumps({**description(source, words, vectors), **(former.described if former else {})})
            recipe = words.recipe if words else ""
            values = {"base": base, "recipe": recipe, "collection": collection, "manifest": manifest}
            made = connection.execute(
                text(
                    "INSERT INTO index_generations (base, words, recipe, collection, manifest)"
                    " VALUES (:base, 0, :recipe, :collection, :manifest) RETURNING id"
                ),
                values,
            ).scalar_one()
            number = former.number if former else int(made)
            connection.execute(
                text("UPDATE index_generations SET words = :words WHERE id = :id"), {"words": number, "id": made}
            )
            if former is None:
                _write_words(connection, made, words.sections if words else {})
            _write_arrays(connection, f"g{made}", _files(source, vectors, numbers))
            connection.execute(
                text(
                    "UPDATE index_generations SET superseded = now()"
                    " WHERE base = :base AND id < :id AND superseded IS NULL"
                ),
                {"base": base, "id": made},
            )
            connection.execute(
                text("UPDATE index_bases SET current = :id WHERE id = :base"), {"id": made, "base": base}
            )
        return generation_of(self._server, made, number, collection, manifest)

    def has_words(self, recipe: str) -> bool:
        """See `IndexStore.has_words`."""
        statement = """
            SELECT 1 FROM index_bases b JOIN index_generations g ON g.base = b.id
            WHERE b.name = :name AND g.recipe = :recipe LIMIT 1"""
        return bool(self._server.rows(statement, {"name": self._name, "recipe": recipe}))

    @contextmanager
    def exclusively(self, wait: Callable[[], None]) -> Iterator[StoredGeneration | None]:
        """See `IndexStore.exclusively`."""
        try:
            with self._turn(wait):
                yield self.load()
                self._tidy()
        except StoreError as error:
            raise IndexUnavailableError("index.unavailable", reason=str(error)) from error

    def forget(self) -> None:
        """See `IndexStore.forget`: whoever removed it has deleted it."""

    def delete(self) -> None:
        """See `IndexStore.delete`."""
        with self._server.building() as connection:
            found = "DELETE FROM index_bases WHERE name = :name RETURNING id"
            for base in connection.execute(text(found), {"name": self._name}).scalars().all():
                for table, drop in (("generations", drop_generation), ("collections", drop_collection)):
                    statement = f"SELECT id FROM index_{table} WHERE base = :base"  # noqa: S608 - one of two names
                    for each in connection.execute(text(statement), {"base": base}).scalars().all():
                        drop(connection, each)

    @contextmanager
    def _turn(self, wait: Callable[[], None]) -> Iterator[None]:
        with ExitStack() as turn:
            turn.callback(setattr, self, "_held", None)
            while self._held is None:
                wait()
                with suppress(BusyError):
                    self._held = turn.enter_context(self._database.exclusively(f"index {self._name}", TURN_SECONDS))
            yield

    def _verify_turn(self) -> None:
        """A server that was restarted has let another replica build: what was begun before must not replace that."""
        try:
            if self._held:
                self._held.verify()
        except StoreError as error:
            raise IndexUnavailableError("index.unavailable", reason=str(error)) from error

    def _tidy(self) -> None:
        """Drop what was replaced long ago, while nobody builds: a build may use the words and vectors of before."""
        try:
            self._verify_turn()
            self._drop_superseded()
        except IndexUnavailableError as error:
            log.warning("%s: what was replaced is deleted later (%s)", self._name, error)

    def _drop_superseded(self) -> None:
        """Drop the generations that nobody reads any more, and vectors that only they have used."""
        statement = """
            SELECT g.id, g.collection FROM index_bases b JOIN index_generations g ON g.base = b.id
            WHERE b.name = :name AND g.superseded < now() - make_interval(secs => :seconds)"""
        due = self._server.rows(statement, {"name": self._name, "seconds": KEPT_SECONDS})
        if not due:
            return
        with self._server.building() as connection:
            for generation, _ in due:
                drop_generation(connection, generation)
            for collection in {collection for _, collection in due if collection is not None}:
                tidy(connection, collection)


def drop_left(server: IndexServer, database: Database, removed: Collection[str]) -> None:
    """Drop the indexes of removed knowledge bases, where the process that removed them ended before it did so."""
    found = "SELECT name FROM index_bases WHERE name = ANY(CAST(:names AS text[]))"
    try:
        for (name,) in server.rows(found, {"names": list(removed)}):
            StoredGenerations(server, database, name).delete()
            log.info("%s was removed before; its index is deleted now", name)
    except (IndexUnavailableError, SnapshotError) as error:
        log.warning("The index of something that was removed is deleted at the next start (%s)", error)


def stored_indexes(server: IndexServer, database: Database) -> IndexStores:
    """Return the index stores on a server; of all replicas with the same state database, one builds at a time."""
    by_name = lru_cache(None)(lambda name: StoredGenerations(server, database, name))
    return IndexStores(lambda source: by_name(source.name), IN_MEMORY)


@dataclass(frozen=True, slots=True)
class _FormerWords:
    """Words that are stored already: the number of their tables, and what the manifest says of them."""

    number: int
    described: Mapping[str, Any]


def _words_of(connection: Connection, base: int, recipe: str) -> _FormerWords:
    """Return the words of an earlier generation with this recipe; raises SnapshotError if it is gone."""
    statement = "SELECT words, manifest FROM index_generations WHERE base = :base AND recipe = :recipe LIMIT 1"
    found = connection.execute(text(statement), {"base": base, "recipe": recipe}).first()
    if found is None:
        raise SnapshotError("snapshot.dropped")
    return _FormerWords(found.words, {"words": json.loads(found.manifest)["words"]})


def _files(source: bytes, vectors: StoredVectors, numbers: NDArray[np.int32]) -> Mapping[str, bytes]:
    """Return what is stored besides the arrays of the words, by name."""
    files = {SOURCE: source, KEYS: vectors.packed}
    if vectors.encoder:
        files |= {NUMBERS: numbers.astype("<i4").tobytes(), MEAN: _content(vectors.files[MEAN])}
    if vectors.owners is not None:
        files[OWNERS] = vectors.owners.astype("<i4").tobytes()
    return files


def _content(file: FileContent) -> bytes:
    parts: list[bytes] = []
    file(parts.append)
    return b"".join(parts)


def _write_words(connection: Connection, words: int, sections: Sections) -> None:
    make_partitions(connection, words)
    elsewhere = arrays_of_views(sections) | RECORD_ARRAYS
    if sections:
        write_terms(connection, words, sections)
        write_records(connection, words, sections)
    arrays = {name: array.tobytes() for name, array in sections.items() if name not in elsewhere}
    _write_arrays(connection, f"w{words}", arrays)
    attach_partitions(connection, words)


def _write_arrays(connection: Connection, owner: str, arrays: Mapping[str, bytes]) -> None:
    copy(connection, "index_arrays", ("text", "text", "int4", "bytea"), _blocks(owner, arrays))


def _blocks(owner: str, arrays: Mapping[str, bytes]) -> Iterator[tuple[object, ...]]:
    for name, data in arrays.items():
        for block, at in enumerate(range(0, len(data), _BLOCK)):
            yield owner, name, block, data[at : at + _BLOCK]
