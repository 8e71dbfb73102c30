"""The vectors of a knowledge base: taken from snapshots where possible, the others encoded, in batches."""

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path

import numpy as np

from indexes.encoder import Encoder, Progress, Vectors
from indexes.errors import EncodingError, SnapshotError
from indexes.retrieval.dense import SIZES, Float16Vectors, Sizes
from indexes.retrieval.vector_index import VectorIndex
from indexes.storage.snapshot import VECTORS, Generation
from indexes.storage.unfinished import Unfinished

log = logging.getLogger(__name__)

SLICE = 512
"""Texts that are encoded before they are kept: what a kill costs, some seconds."""


Push = Callable[[Sequence[bytes], Vectors], None]
"""Given the keys and vectors of texts that were just encoded."""


class PassageVectors:
    """Collects the vector of each passage; `keys[i]` is the key of `texts[i]`. The same text is encoded once."""

    def __init__(
        self,
        keys: Sequence[bytes],
        texts: Sequence[str],
        encoder: Encoder,
        pool: Iterable[Generation],
        unfinished: Unfinished,
        sizes: Sizes = SIZES,
    ) -> None:
        self._keys = keys
        self._texts = texts
        self._encoder = encoder
        self._unfinished = unfinished
        self._sizes = sizes
        self.fetched = set[bytes]()
        """The missing keys whose vectors another process has encoded."""
        self.failed = set[bytes]()
        """The keys whose texts the model can't encode. They get zeros, and are tried again in the next build."""
        self.missing = set(keys)
        """The keys that no snapshot with this encoder has; some may be in `unfinished`."""
        self.variant = encoder.variant
        """See `EncoderStamp.variant`."""
        self._stores: list[tuple[Mapping[bytes, int], VectorIndex]] = []
        for snapshot in pool:
            if self.missing and snapshot.fits(encoder):
                self._use(snapshot)

    @property
    def lacking(self) -> set[bytes]:
        """The keys that there is no vector of anywhere in this process."""
        return {key for key in self.missing if key not in self._unfinished}

    def take(self, found: Iterable[tuple[Sequence[bytes], Vectors]]) -> None:
        """Use vectors that another process has encoded."""
        for keys, vectors in found:
            self._unfinished.keep(keys, vectors)
            self.fetched.update(keys)

    def encode(self, places: Sequence[int], progress: Progress | None = None, push: Push = lambda *_: None) -> None:
        """Encode the passages at these places, but for those that there is a vector of; a slice at a time is kept.

        `progress` is given the number of all `missing` texts, and of those that are encoded; `push` each slice. Raises
        EncodingError if none of the passages has a vector.
        """
        wanted = {self._keys[place]: self._texts[place] for place in places if self._keys[place] in self.missing}
        fresh = [key for key in wanted if key not in self._unfinished]
        done = sum(key in self._unfinished for key in self.missing)
        has_any = done > 0 or len(self.missing) < len(set(self._keys))
        for at in range(0, len(fresh), SLICE):
            keys = fresh[at : at + SLICE]
            step = partial(_report, progress, done + at, len(self.missing)) if progress else None
            vectors = self._encoder.encode_documents([wanted[key] for key in keys], step)
            there = np.flatnonzero(vectors.any(axis=1))
            kept = [keys[place] for place in there]
            self.failed.update(set(keys).difference(kept))
            has_any = has_any or bool(kept)
            if not has_any:
                raise EncodingError("model.no_text")
            self._unfinished.keep(kept, vectors[there])
            push(kept, vectors[there])

    def collect(self, folder: Path, places: Sequence[int] | None = None) -> Vectors | Float16Vectors:
        """Return one row per passage, or per one at these places; all must have been encoded.

        From `sizes.half` passages on they are float16 in an unlinked file in `folder`. If that can't be written, they
        are in memory.
        """
        keys = self._keys if places is None else [self._keys[place] for place in places]
        if not keys:
            return np.empty((0, self._encoder.dimension), dtype=np.float32)
        batches = (self._batch(keys[at : at + self._sizes.batch]) for at in range(0, len(keys), self._sizes.batch))
        if len(keys) < self._sizes.half:
            return np.concatenate(list(batches))
        return _halves(batches, self._encoder.dimension, folder)

    def _use(self, snapshot: Generation) -> None:
        try:
            keys = snapshot.keys
            rows = {key: row for row, key in enumerate(keys) if key in self.missing}
            if not rows:
                return
            snapshot.verify(VECTORS)
            vectors = snapshot.open_vectors(np.zeros(len(keys), dtype=np.int32))
        except SnapshotError as error:
            log.warning("%s is gone (%s); its texts are encoded again", snapshot.name, error)
            return
        self._stores.append((rows, vectors))
        self.variant = self.variant or (snapshot.encoder.variant if snapshot.encoder else "")
        self.missing.difference_update(rows)

    def _batch(self, keys: Sequence[bytes]) -> Vectors:
        wanted = dict.fromkeys(keys)
        known = dict.fromkeys(self.failed.intersection(wanted), np.zeros(self._encoder.dimension, np.float32))
        for rows, vectors in self._stores:
            shared = sorted((key for key in wanted if key in rows and key not in known), key=rows.__getitem__)
            stored = vectors.vectors(np.array([rows[key] for key in shared], dtype=np.int64)) if shared else ()
            known.update(zip(shared, stored, strict=True))
        if fresh := [key for key in wanted if key not in known]:
            known.update(zip(fresh, self._unfinished.vectors(fresh), strict=True))
        return np.stack([known[key] for key in keys])


def _report(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def _halves(batches: Iterable[Vectors], dimension: int, folder: Path) -> Float16Vectors:
    size, kept = 0, list[Float16Vectors]()
    with _unlinked_file(folder) as file:
        for batch in batches:
            half = batch.astype(np.float16)
            if not kept and file and _written(file, half):
                size += len(half)
                continue
            if file and size and not kept:
                kept.append(np.memmap(file, np.float16, "r", shape=(size, dimension)))
            kept.append(half)
        if kept or not file:
            return np.concatenate(kept)
        return np.memmap(file, np.float16, "r", shape=(size, dimension))


@contextmanager
def _unlinked_file(folder: Path) -> Iterator[FileIO | None]:
    """Yield a file without a name, which disappears with the process however it ends; None if there can't be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        log.warning("%s can't be written (%s); the vectors are kept in memory", folder, error)
        yield None
        return
    with opened as file:
        yield file


def _written(file: FileIO, half: Float16Vectors) -> bool:
    rest = memoryview(half.tobytes())
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        log.warning("The vectors are kept in memory from here on: %s", error)
        return False
    return True
