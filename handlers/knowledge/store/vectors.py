"""Vectors that replicas share: one replica encodes a text, the others fetch its vector.

They are kept by knowledge base and encoder in chunks of some hundred: the keys of their texts, and as many vectors of
float32 in the same order.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from handlers.store.database import STAYS, Database, Id, metadata
from handlers.store.errors import StoreError
from handlers.store.exclusive import BusyError
from handlers.texts import ENGLISH
from indexes.encoder import Encoder, Vectors
from indexes.retrieval.scale import Scale
from indexes.storage.snapshot import KEY_BYTES, EncoderStamp

log = logging.getLogger(__name__)

Item = TypeVar("Item")

ASK_SECONDS = 1.0
"""How long it waits for another replica before it looks whether this one is being stopped."""
LOOKED_AT = 64
"""Chunks whose keys are read at a time, the newest first: texts that are lacking were usually encoded just now."""
FETCHED = 8
"""Chunks whose vectors are read at a time; one of 512 texts has about a megabyte."""
CHUNK = 512
SPARE = 2
"""How many vectors are kept for each text that there is, so that a version that comes back needs no encoding."""
SCATTERED = 64
"""Chunks beyond those that are needed, for texts that were encoded one at a time."""

chunks = Table(
    "vector_chunks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("knowledge_base", Text, nullable=False),
    Column("encoder", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("texts", LargeBinary, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Index("ix_vector_chunks_of", "knowledge_base", "encoder", "id"),
    info={STAYS: True},
)
encoders = Table(
    "vector_encoders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("stamp", JSON, nullable=False),
    Column("at", Float, nullable=False),
    info={STAYS: True},
)
"""Those that have made the vectors, and when each was last used."""
scales = Table(
    "vector_scales",
    metadata,
    Column("knowledge_base", Text, primary_key=True),
    Column("encoder", String(32), primary_key=True),
    Column("scale", JSON, nullable=False),
    info={STAYS: True},
)


class VectorChunks:
    """The `SharedVectors` in a database. What fails is logged by it, and this replica goes on alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str, int, str], str] = {}
        self._lock = Lock()

    @contextmanager
    def turn(self, name: str, wait: Callable[[], None]) -> Iterator[None]:
        """See `SharedVectors.turn`: a replica that dies gives its turn up."""
        with ExitStack() as held:
            while not self._is_held(held, name):
                wait()
            yield

    def _is_held(self, held: ExitStack, name: str) -> bool:
        try:
            held.enter_context(self._database.exclusively(f"vectors of {name}", ASK_SECONDS))
        except BusyError:
            return False
        except StoreError as error:
            log.warning("%s is encoded without asking other replicas: %s", name, ENGLISH.say(error.message))
        return True

    def fetch(self, name: str, encoder: Encoder, wanted: Collection[bytes]) -> Iterator[tuple[list[bytes], Vectors]]:
        """See `SharedVectors.fetch`."""
        left = set(wanted)
        own = self._of(name, encoder) if left else None
        if own is None:
            return
        before: ColumnElement[bool] = own
        while left:
            newest = select(chunks.c.id, chunks.c.texts).where(before).order_by(chunks.c.id.desc()).limit(LOOKED_AT)
            rows = self._database.read("look for vectors", newest) or ()
            holding = [row.id for row in rows if not left.isdisjoint(_split(row.texts))]
            for ids in _slices(holding, FETCHED):
                for keys, vectors in self._read(ids, encoder.dimension):
                    places = [place for place, key in enumerate(keys) if key in left]
                    left.difference_update(keys)
                    yield [keys[place] for place in places], vectors[places]
            if len(rows) < LOOKED_AT:
                return
            before = and_(own, chunks.c.id < rows[-1].id)

    def _read(self, ids: Sequence[int], dimension: int) -> Iterator[tuple[list[bytes], Vectors]]:
        wanted = select(chunks.c.digest, chunks.c.texts, chunks.c.vectors).where(chunks.c.id.in_(ids))
        for row in self._database.read("read vectors", wanted) or ():
            if row.digest != _digest(row.texts, row.vectors):
                log.warning("Vectors in the database are damaged; their texts are encoded again")
                continue
            yield _split(row.texts), np.frombuffer(row.vectors, np.dtype("<f4")).reshape(-1, dimension)

    def push(self, name: str, encoder: Encoder, keys: Sequence[bytes], vectors: Vectors) -> None:
        """See `SharedVectors.push`."""
        own = self._encoder(encoder)
        if own is not None and keys:
            row = _row(name, own, b"".join(keys), vectors.astype("<f4", copy=False).tobytes())
            self._database.write("share vectors", insert(chunks).values(row))

    def scale(self, name: str, encoder: Encoder) -> Scale | None:
        """See `SharedVectors.scale`."""
        own = self._encoder(encoder)
        wanted = select(scales.c.scale).where(scales.c.knowledge_base == name, scales.c.encoder == own)
        rows = self._database.read("look up a scale", wanted)
        return Scale(**rows[0].scale) if rows else None

    def lacks(self, name: str, encoder: Encoder) -> bool:
        """See `SharedVectors.lacks`."""
        return self._encoder(encoder) is not None and self.scale(name, encoder) is None

    def settle(self, name: str, encoder: Encoder, keys: Collection[bytes], scale: Scale) -> None:
        """See `SharedVectors.settle`."""
        own, texts = self._encoder(encoder), set(keys)
        if own is None:
            return
        if self.scale(name, encoder) != scale:
            values = {"knowledge_base": name, "encoder": own, "scale": asdict(scale)}
            kept = upsert(scales).values(values)
            self._database.change(
                "share a scale",
                lambda connection: connection.execute(
                    kept.on_conflict_do_update(index_elements=list(scales.primary_key), set_={"scale": values["scale"]})
                ),
            )
        size_of: ColumnElement[Any] = func.coalesce(func.sum(func.length(chunks.c.texts)), 0)
        wanted: Select[Any] = select(func.count(chunks.c.id), size_of).where(_same(name, own))
        [(count, size)] = self._database.read("count vectors", wanted) or [(0, 0)]
        if size > SPARE * KEY_BYTES * (len(texts) + CHUNK) or count > SPARE * len(texts) // CHUNK + SCATTERED:
            self._compact(name, own, texts)

    def _compact(self, name: str, own: str, texts: set[bytes]) -> None:
        """Write the vectors of these texts anew and drop all others, unless another replica is about it."""
        try:
            with self._database.exclusively(f"compacting vectors of {name}", ASK_SECONDS):
                self._database.change("tidy vectors", partial(_compacted, name, own, texts))
        except StoreError as error:
            log.info("The vectors of %s are tidied later: %s", name, ENGLISH.say(error.message))

    def purge(self, names: Collection[str], encoder: Encoder | None, before: float) -> None:
        """Delete the vectors of knowledge bases that are not among `names`, and of encoders not used since a time.

        `encoder` is in use now, and noted as such: a process may run longer than the vectors of an unused one are kept.
        """
        if encoder:
            self._database.change("note which encoder is used", partial(_stored_encoder, encoder))
        unused = select(encoders.c.id).where(encoders.c.at < before)
        for table in (chunks, scales):
            gone = delete(table).where(table.c.knowledge_base.not_in(names) | table.c.encoder.in_(unused))
            self._database.write("delete old vectors", gone)
        self._database.write("delete old vectors", delete(encoders).where(encoders.c.at < before))

    def _of(self, name: str, encoder: Encoder) -> ColumnElement[bool] | None:
        own = self._encoder(encoder)
        return None if own is None else _same(name, own)

    def _encoder(self, encoder: Encoder) -> str | None:
        """Return the id of the encoder whose vectors are those of this one, storing it if it is new.

        Compiled forms of a model give almost the same numbers; whether they are the same is seen by its canaries. That
        of 8 bits is another encoder. None if the database fails.
        """
        known = (encoder.name, encoder.revision, encoder.dimension, encoder.variant)
        with self._lock:
            if known not in self._known:
                found = self._database.change("look up the encoder", partial(_stored_encoder, encoder))
                if found is None:
                    return None
                self._known[known] = found
            return self._known[known]


def _stored_encoder(encoder: Encoder, connection: Connection) -> str:
    stamp = EncoderStamp.of(encoder).as_data()
    rows = connection.execute(select(encoders.c.id, encoders.c.stamp).order_by(encoders.c.id)).all()
    own = hashlib.blake2b(repr(stamp).encode(), digest_size=16).hexdigest()
    stamps = ((row.id, EncoderStamp(**row.stamp)) for row in rows)
    found = next((id_ for id_, each in stamps if each.variant == encoder.variant and each.matches(encoder)), own)
    used = upsert(encoders).values(id=found, stamp=stamp, at=time.time())
    connection.execute(used.on_conflict_do_update(index_elements=[encoders.c.id], set_={"at": time.time()}))
    return str(found)


def _compacted(name: str, own: str, texts: set[bytes], connection: Connection) -> int:
    """Return how many chunks were replaced."""
    ids = connection.execute(select(chunks.c.id).where(_same(name, own)).order_by(chunks.c.id)).scalars().all()
    left, rest = set(texts), dict[bytes, bytes]()
    for some in _slices(ids, FETCHED):
        for row in connection.execute(select(chunks.c.texts, chunks.c.vectors).where(chunks.c.id.in_(some))).all():
            rest |= _taken(row.texts, row.vectors, left)
        while len(rest) >= CHUNK:
            _insert(connection, name, own, {key: rest.pop(key) for key in list(rest)[:CHUNK]})
    if rest:
        _insert(connection, name, own, rest)
    for some in _slices(ids, 1000):
        connection.execute(delete(chunks).where(chunks.c.id.in_(some)))
    return len(ids)


def _taken(packed: bytes, vectors: bytes, left: set[bytes]) -> dict[bytes, bytes]:
    """Return the vectors of those texts that are `left`, and strike these off."""
    keys = _split(packed)
    size = len(vectors) // len(keys)
    taken = {key: vectors[at * size : (at + 1) * size] for at, key in enumerate(keys) if key in left}
    left.difference_update(taken)
    return taken


def _insert(connection: Connection, name: str, own: str, vectors: Mapping[bytes, bytes]) -> None:
    connection.execute(insert(chunks).values(_row(name, own, b"".join(vectors), b"".join(vectors.values()))))


def _row(name: str, own: str, keys: bytes, vectors: bytes) -> dict[str, object]:
    row = {"knowledge_base": name, "encoder": own, "at": time.time(), "digest": _digest(keys, vectors)}
    return row | {"texts": keys, "vectors": vectors}


def _same(name: str, own: str) -> ColumnElement[bool]:
    return and_(chunks.c.knowledge_base == name, chunks.c.encoder == own)


def _digest(keys: bytes, vectors: bytes) -> str:
    digest = hashlib.blake2b(keys, digest_size=16)
    digest.update(vectors)
    return digest.hexdigest()


def _split(packed: bytes) -> list[bytes]:
    return [packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES)]


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[at : at + size] for at in range(0, len(items), size))
