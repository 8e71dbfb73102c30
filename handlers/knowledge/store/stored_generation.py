"""One generation of a knowledge base in PostgreSQL."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from handlers.knowledge.store.index_server import IndexServer
from handlers.knowledge.store.stored_records import RECORD_ARRAYS, StoredRecordTexts
from handlers.knowledge.store.stored_terms import StoredTerms, arrays_of_views, view_names
from handlers.knowledge.store.stored_vectors import StoredVectorIndex
from indexes.errors import SnapshotError
from indexes.records import Source
from indexes.retrieval.dense import MEAN, IndexKind
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.snapshot import Generation, StoredVectors, described
from indexes.storage.stored_index import Elsewhere, OpenedWords, opened

SOURCE, KEYS, OWNERS, NUMBERS = "source.csv", "keys.bin", "owners.i32", "numbers.i32"
"""What is stored of a generation itself, besides the mean of its vectors."""


@dataclass(frozen=True)
class StoredGeneration(Generation):
    """A generation in PostgreSQL: small arrays, such as norms, are read when it is opened; the rest stays there."""

    server: IndexServer = field(kw_only=True)
    id: int = field(kw_only=True)
    words: int = field(kw_only=True)
    """Whose tables have the terms and records."""
    collection: int | None = field(kw_only=True)
    views: tuple[str, ...] = ()

    def verify(self, names: Collection[str]) -> None:
        """See `Generation.verify`: PostgreSQL looks after its own pages."""

    def read_source(self) -> bytes:
        """See `Generation.read_source`."""
        return self._read(SOURCE)

    @property
    def packed(self) -> bytes:
        """See `Generation.packed`."""
        return self._read(KEYS)

    @property
    def has_owners(self) -> bool:
        """See `Generation.has_owners`."""
        return bool(self._arrays([OWNERS]))

    def owners(self) -> NDArray[np.int32]:
        """See `Generation.owners`."""
        return np.frombuffer(self._read(OWNERS), np.dtype("<i4")).astype(np.int32, copy=False)

    def stored_vectors(self) -> StoredVectors:
        """See `Generation.stored_vectors`."""
        if self.encoder is None or self.collection is None:
            return StoredVectors()
        mean = self._read(MEAN)
        return StoredVectors(self.encoder, self.packed, {MEAN: lambda put: put(mean)}, self.kind, self.scale)

    def open_words(self, source: Source, synonyms: Synonyms) -> OpenedWords:
        """See `Generation.open_words`."""
        terms = StoredTerms(self.server, self.words, self.views)
        elsewhere = Elsewhere(StoredRecordTexts(self.server, self.words), terms)
        wanted = [name for name in self.directory if name not in arrays_of_views(self.directory) | RECORD_ARRAYS]
        found = self._arrays(wanted)
        sections = {name: np.frombuffer(found.get(name, b""), each.dtype) for name, each in self.directory.items()}
        return opened(source, self.digest, sections, synonyms, elsewhere)

    def open_vectors(self, owners: NDArray[np.int32]) -> StoredVectorIndex:
        """See `Generation.open_vectors`."""
        if self.collection is None:
            raise SnapshotError("snapshot.count", count=0, passages=len(owners))
        found = self._arrays([NUMBERS, MEAN])
        numbers, mean = np.frombuffer(found.get(NUMBERS, b""), np.dtype("<i4")), np.frombuffer(found[MEAN], np.float32)
        kind = self.kind or IndexKind("exact")
        return StoredVectorIndex(self.server, self.collection, numbers, owners, mean, kind)

    def _read(self, name: str) -> bytes:
        return self._arrays([name]).get(name, b"")

    def _arrays(self, names: Sequence[str]) -> Mapping[str, bytes]:
        statement = """
            SELECT name, data FROM index_arrays WHERE owner = ANY(:owners) AND name = ANY(:names) ORDER BY block"""
        parts: dict[str, list[bytes]] = {}
        owners = [f"g{self.id}", f"w{self.words}"]
        for name, data in self.server.rows(statement, {"owners": owners, "names": list(names)}):
            parts.setdefault(name, []).append(bytes(data))
        return {name: b"".join(blocks) for name, blocks in parts.items()}


def generation_of(
    server: IndexServer, number: int, words: int, collection: int | None, manifest: str
) -> StoredGeneration:
    """Return a generation as its row describes it."""
    fields = described(json.loads(manifest))
    views = view_names(fields["directory"])
    return StoredGeneration(
        name=f"{number:020d}", server=server, id=number, words=words, collection=collection, views=views, **fields
    )
