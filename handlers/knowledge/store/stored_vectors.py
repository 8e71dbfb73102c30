"""The vectors of a knowledge base by one encoder, and searching those of one generation.

All generations have them in common: a new one adds the vectors of new texts. Few are compared one by one; of many, an
HNSW index over half precision proposes some, which are compared again in float32.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from handlers.knowledge.store.copying import copy
from handlers.knowledge.store.index_server import IndexServer
from indexes.retrieval.counting import expand_ranges
from indexes.retrieval.dense import IndexKind
from indexes.retrieval.owners import Owners

if TYPE_CHECKING:
    from indexes.encoder import Vector, Vectors
    from indexes.retrieval.vector_index import VectorIndex

log = logging.getLogger(__name__)

MANY = 50_000
"""Vectors from which there is an HNSW index: comparing as many takes 50 ms on two cores."""
LINKS, BUILD_CANDIDATES = 24, 200
_ELEMENT, _LINK = 192, 16
"""Bytes of a vector in pgvector's graph beside its numbers, and of each link, as measured with pgvector 0.8.5."""
_BLOCKS = 2 << 20
"""Bytes of blocks that are allocated and not filled."""
RESCORED = 4
"""Times as many vectors as are wanted that are compared again in float32."""
MOST_UNUSED = 0.25
"""Share of a collection's vectors that no generation uses before they are deleted."""
_BATCH = 8_192
_HEADER = 4
"""Bytes before the numbers in pgvector's binary form: their count, and nothing."""
_ON_WIRE = np.dtype(">f4")


class StoredVectorIndex:
    """A `VectorIndex` over the vectors of a collection that one generation uses.

    `numbers[i]` is the vector of passage i, `owners[i]` its row. Passages with the same text have one vector.
    """

    def __init__(
        self,
        server: IndexServer,
        collection: int,
        numbers: NDArray[np.int32],
        owners: NDArray[np.int32],
        mean: "Vector",
        kind: IndexKind,
    ) -> None:
        self.kind = kind
        self._server = server
        self._numbers = numbers
        self._owners = Owners(owners)
        self._mean = mean
        self._order = np.argsort(numbers, kind="stable")
        self._ascending = numbers[self._order]
        table, dimension = f"index_vectors_{collection}", len(mean)
        self._nearest = _NEAREST[kind.name].format(table=table, dimension=dimension)
        self._cosines = f"SELECT number, -(embedding <#> CAST(:vector AS vector)) FROM {table} {_AMONG}"  # noqa: S608 - numbers
        self._vectors = f"SELECT number, vector_send(embedding) FROM {table} {_AMONG}"  # noqa: S608 - numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def nearest(self, vector: "Vector", count: int) -> NDArray[np.int64]:
        """See `VectorIndex.nearest`."""
        wanted = count
        while True:
            found = self._server.rows(
                self._nearest, {"vector": _written(vector), "count": wanted, "wider": wanted * RESCORED}
            )
            passages = self._passages(np.array([number for (number,) in found], dtype=np.int32))[:count]
            if len(passages) >= min(count, len(self)) or len(found) < wanted:
                return np.unique(self._owners.rows[passages]).astype(np.int64)
            wanted *= 4  # others were of another generation

    def cosines(self, vector: "Vector", rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `VectorIndex.cosines`."""
        numbers = self._numbers[self._owners.of_rows(rows)].tolist()
        found = dict(self._server.rows(self._cosines, {"vector": _written(vector), "numbers": list(set(numbers))}))
        return self._owners.best(rows, np.array([found[number] for number in numbers], dtype=np.float32))

    def background(self, vector: "Vector") -> float:
        """See `VectorIndex.background`."""
        return float(self._mean @ vector)

    def of_row(self, row: int) -> "Vectors":
        """See `VectorIndex.of_row`."""
        return self.vectors(self._owners.of_row(row))

    def vectors(self, numbers: NDArray[np.int64]) -> "Vectors":
        """See `VectorIndex.vectors`."""
        wanted = self._numbers[numbers].tolist()
        found: dict[int, bytes] = {}
        for at in range(0, len(wanted), _BATCH):
            found.update(dict(self._server.rows(self._vectors, {"numbers": wanted[at : at + _BATCH]})))
        flat = np.frombuffer(b"".join(found[number][_HEADER:] for number in wanted), _ON_WIRE)
        return flat.astype(np.float32).reshape(len(wanted), len(self._mean))

    def _passages(self, found: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the passages with these vectors, in their order."""
        first, last = self._ascending.searchsorted(found), self._ascending.searchsorted(found, side="right")
        return self._order[expand_ranges(first, last)[0]]


_AMONG = "WHERE number = ANY(:numbers)"
_NEAREST: Mapping[str, str] = {
    "exact": "SELECT number FROM {table} ORDER BY embedding <#> CAST(:vector AS vector) LIMIT :count",
    "hnsw": """
        SELECT number FROM (
            SELECT number, embedding FROM {table}
            ORDER BY CAST(embedding AS halfvec({dimension})) <#> CAST(:vector AS halfvec({dimension})) LIMIT :wider
        ) AS proposed ORDER BY embedding <#> CAST(:vector AS vector) LIMIT :count""",
}


def make_collection(connection: Connection, collection: int) -> None:
    """Make the partition of a collection. Vectors are kept in its pages: elsewhere they are read one by one."""
    child = f"index_vectors_{collection}"
    connection.execute(text(f"CREATE TABLE {child} (LIKE index_vectors)"))
    connection.execute(text(f"ALTER TABLE {child} ALTER embedding SET STORAGE PLAIN"))
    connection.execute(text(f"ALTER TABLE {child} ADD PRIMARY KEY (number), ADD CHECK (collection = {collection})"))
    connection.execute(text(f"ALTER TABLE index_vectors ATTACH PARTITION {child} FOR VALUES IN ({collection})"))


def add_vectors(
    connection: Connection, collection: int, keys: Sequence[bytes], index: "VectorIndex | None"
) -> NDArray[np.int32] | None:
    """Add the vectors of those texts that have none yet, and return the number of each text's vector.

    Without an `index` to take them from, None if one is missing.
    """
    child = f"index_vectors_{collection}"
    known = {
        bytes(key): number
        for key, number in connection.execute(text(f"SELECT key, number FROM {child}"))  # noqa: S608
    }
    fresh = {key: place for place, key in enumerate(keys) if key not in known}
    if fresh and index is None:
        return None
    if fresh and index is not None:
        first = max(known.values(), default=-1) + 1
        known.update((key, first + offset) for offset, key in enumerate(fresh))
        places = np.array(list(fresh.values()), dtype=np.int64)
        for at in range(0, len(places), _BATCH):
            batch = places[at : at + _BATCH]
            rows = (
                (collection, first + at + offset, keys[place], _bytes(vector))
                for offset, (place, vector) in enumerate(zip(batch.tolist(), index.vectors(batch), strict=True))
            )
            copy(connection, child, ("int4", "int4", "bytea", "bytea"), rows)
        connection.execute(text(f"ANALYZE {child}"))
    return np.fromiter((known[key] for key in keys), np.int32, len(keys))


def index_vectors(connection: Connection, collection: int, dimension: int, many: int = MANY) -> IndexKind:
    """Make an HNSW index if there are `many` vectors and none yet; return how they are searched."""
    child = f"index_vectors_{collection}"
    count = connection.execute(text(f"SELECT count(*) FROM {child}")).scalar_one()  # noqa: S608 - a number
    if count < many:
        return IndexKind("exact")
    connection.execute(_ENOUGH_MEMORY, {"needed": build_memory(count, dimension) // 1024 + 1})
    making = text(
        f"CREATE INDEX IF NOT EXISTS {child}_near ON {child} USING hnsw"
        f" ((CAST(embedding AS halfvec({dimension}))) halfvec_ip_ops)"
        f" WITH (m = {LINKS}, ef_construction = {BUILD_CANDIDATES})"
    )
    try:
        with connection.begin_nested():
            connection.execute(making)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NO_ROOM:
            raise
        log.warning("HNSW is built by one process of PostgreSQL, which takes longer: %s", error.orig)
        connection.execute(text("SET LOCAL max_parallel_maintenance_workers = 0"))
        connection.execute(making)
    return IndexKind("hnsw", 0.99)


def build_memory(count: int, dimension: int) -> int:
    """Return the bytes of the graph of `count` vectors: with less memory, the rest takes many times as long.

    When several processes make it, all of it is allocated at once, in shared memory, of which containers have little.
    """
    return _BLOCKS + count * (_ELEMENT + 2 * dimension + 2 * LINKS * _LINK + LINKS * _LINK // (LINKS - 1))


_NO_ROOM = ("53100", "53200")
"""SQLSTATEs of disk_full and out_of_memory: what is said when shared memory is too small."""
_ENOUGH_MEMORY = text("""
    SELECT set_config('maintenance_work_mem', greatest(
        pg_size_bytes(current_setting('maintenance_work_mem')) / 1024,
        least(:needed, pg_size_bytes(current_setting('effective_cache_size')) / 2 / 1024)
    ) || 'kB', true)""")
"""As much memory as the graph needs, but no more than half of what the server is said to have for data."""


def delete_unused(connection: Connection, collection: int, used: NDArray[np.int32]) -> None:
    """Delete the vectors that no generation uses, once they are many."""
    child = f"index_vectors_{collection}"
    count = connection.execute(text(f"SELECT count(*) FROM {child}")).scalar_one()  # noqa: S608 - a number
    if count - len(used) > MOST_UNUSED * count:
        connection.execute(
            text(f"DELETE FROM {child} WHERE NOT number = ANY(:used)"),  # noqa: S608 - a number
            {"used": used.tolist()},
        )


def _bytes(vector: NDArray[np.float32]) -> bytes:
    return len(vector).to_bytes(2) + b"\0\0" + vector.astype(_ON_WIRE).tobytes()


def _written(vector: NDArray[np.float32]) -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
