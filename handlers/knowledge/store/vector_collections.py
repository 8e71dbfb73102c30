"""The vectors of a knowledge base by one encoder, which its generations have in common."""

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from handlers.knowledge.store.stored_generation import NUMBERS
from handlers.knowledge.store.stored_vectors import add_vectors, delete_unused, index_vectors, make_collection
from indexes.storage.snapshot import EncoderStamp, StoredVectors, split


def store_vectors(
    connection: Connection, base: int, vectors: StoredVectors, many: int
) -> tuple[StoredVectors, int | None, NDArray[np.int32]]:
    """Store vectors, and return them as they are stored, their collection and the number of each; none if one lacks."""
    none = StoredVectors(), None, np.zeros(0, dtype=np.int32)
    if vectors.encoder is None:
        return none
    collection = _collection(connection, base, vectors.encoder)
    numbers = add_vectors(connection, collection, list(split(vectors.packed)), vectors.index)
    if numbers is None:
        return none
    kind = index_vectors(connection, collection, vectors.encoder.dimension, many)
    return replace(vectors, kind=kind), collection, numbers


def _collection(connection: Connection, base: int, stamp: EncoderStamp) -> int:
    """Return the collection of an encoder's vectors; a new one is made for another encoder, or another variant."""
    found = connection.execute(text("SELECT id, stamp FROM index_collections WHERE base = :base"), {"base": base})
    for number, told in found:
        former = EncoderStamp(**json.loads(told))
        if former.variant == stamp.variant and former.is_like(stamp):
            return int(number)
    made = connection.execute(
        text("INSERT INTO index_collections (base, stamp) VALUES (:base, :stamp) RETURNING id"),
        {"base": base, "stamp": json.dumps(stamp.as_data())},
    ).scalar_one()
    make_collection(connection, made)
    return int(made)


def drop_collection(connection: Connection, collection: int) -> None:
    """Delete all vectors of a collection."""
    connection.execute(text(f"DROP TABLE index_vectors_{collection}"))
    connection.execute(text("DELETE FROM index_collections WHERE id = :id"), {"id": collection})


def tidy(connection: Connection, collection: int) -> None:
    """Delete the vectors that no generation uses, and the whole collection if there is none that uses it."""
    numbers = connection.execute(
        text(
            "SELECT a.owner, a.data FROM index_generations g JOIN index_arrays a ON a.owner = 'g' || g.id"
            " WHERE g.collection = :id AND a.name = :name ORDER BY a.owner, a.block"
        ),
        {"id": collection, "name": NUMBERS},
    ).all()
    if not numbers:
        drop_collection(connection, collection)
        return
    used = np.unique(np.frombuffer(b"".join(bytes(data) for _, data in numbers), np.dtype("<i4")))
    delete_unused(connection, collection, used)
