"""The vectors of a knowledge base: taken from snapshots where possible, the others encoded, in batches."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import numpy as np

from indexes.encoder import Encoder, Progress, Vector, Vectors
from indexes.errors import SnapshotError
from indexes.retrieval.dense import SIZES, DenseIndex, Float16Vectors, Sizes
from indexes.storage.snapshot import Snapshot

log = logging.getLogger(__name__)


class PassageVectors:
    """Collects the vector of each passage; `keys[i]` is the key of `texts[i]`. The same text is encoded once."""

    def __init__(
        self,
        keys: Sequence[bytes],
        texts: Sequence[str],
        encoder: Encoder,
        pool: Iterable[Snapshot],
        progress: Progress | None = None,
        sizes: Sizes = SIZES,
    ) -> None:
        self._keys = keys
        self._texts = texts
        self._encoder = encoder
        self._progress = progress
        self._sizes = sizes
        self.missing = set(keys)
        """The keys that no snapshot with this encoder has."""
        self._stores: list[tuple[Mapping[bytes, int], DenseIndex]] = []
        for snapshot in pool:
            if self.missing and snapshot.fits(encoder):
                self._use(snapshot)
        self._done = 0
        counted = Counter(key for key in keys if key in self.missing) if len(keys) > sizes.batch else {}
        self._again: dict[bytes, Vector | None] = {key: None for key, times in counted.items() if times > 1}

    def collect(self, folder: Path) -> Vectors | Float16Vectors:
        """Return one row per passage; from `sizes.half` passages on as float16 in an unlinked file in `folder`.

        If the folder can't be written, they are in memory.
        """
        if not self._keys:
            return np.empty((0, self._encoder.dimension), dtype=np.float32)
        if len(self._keys) < self._sizes.half:
            return np.concatenate(list(self._batches()))
        return _halves(self._batches(), self._encoder.dimension, folder)

    def _use(self, snapshot: Snapshot) -> None:
        rows = {key: row for row, key in enumerate(snapshot.keys) if key in self.missing}
        if not rows:
            return
        try:
            dense = DenseIndex.open(snapshot.vectors, np.zeros(len(snapshot.keys), dtype=np.int32))
        except SnapshotError as error:
            log.warning("%s is gone (%s); its texts are encoded again", snapshot.folder, error)
            return
        self._stores.append((rows, dense))
        self.missing.difference_update(rows)

    def _batches(self) -> Iterator[Vectors]:
        batch = self._sizes.batch
        for at in range(0, len(self._keys), batch):
            yield self._batch(self._keys[at : at + batch], self._texts[at : at + batch])

    def _batch(self, keys: Sequence[bytes], texts: Sequence[str]) -> Vectors:
        wanted = dict(zip(keys, texts, strict=True))
        known = {key: vector for key in wanted if (vector := self._again.get(key)) is not None}
        for rows, dense in self._stores:
            shared = sorted((key for key in wanted if key in rows and key not in known), key=rows.__getitem__)
            stored = dense.vectors(np.array([rows[key] for key in shared], dtype=np.int64)) if shared else ()
            known.update(zip(shared, stored, strict=True))
        fresh = [key for key in wanted if key not in known]
        if fresh:
            encoded = self._encoder.encode_documents([wanted[key] for key in fresh], self._step)
            known.update(zip(fresh, encoded, strict=True))
            self._done += len(fresh)
        self._again.update((key, known[key].copy()) for key in wanted if key in self._again)
        return np.stack([known[key] for key in keys])

    def _step(self, done: int, total: int) -> None:  # noqa: ARG002 - the total of this batch only
        if self._progress:
            self._progress(self._done + done, len(self.missing))


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
