"""Building one knowledge base from a CSV: records, index, vectors and snapshot."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexes.atomic_file import FileContent
from indexes.encoder import Encoder, Progress
from indexes.errors import SnapshotError, UnusableFileError
from indexes.messages import Translatable, reason
from indexes.records import KnowledgeBase, Record, Source, parse_records, read_bytes
from indexes.retrieval.dense import SIZES, DenseIndex, IndexKind, Sizes
from indexes.retrieval.index import Index, passages
from indexes.retrieval.learned_aliases import LearnedAlias, RecordFinder, with_learned_aliases
from indexes.retrieval.scale import Scale, measure
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.snapshot import EncoderStamp, Snapshot, SnapshotFolder, passage_key
from indexes.storage.unfinished import Unfinished
from indexes.storage.vector_cache import PassageVectors

log = logging.getLogger(__name__)

SOON_DONE = 256
"""Answers and aliases, some seconds of encoding, below which it isn't worth searching by questions alone meanwhile."""


@dataclass(frozen=True)
class LoadedKnowledgeBase:
    """A knowledge base that can be searched. `trouble` says why its file can't be used or stored now."""

    source: Source
    knowledge_base: KnowledgeBase
    index: Index
    snapshot: Snapshot | None
    read_at: float
    file_mark: tuple[int, int] | None
    trouble: Translatable | None = None
    by_questions: bool = False
    """Whether only the questions have vectors so far: answers and aliases are still being encoded."""

    @cached_property
    def by_id(self) -> Mapping[str, Record]:
        """The records of the file by id, without learned aliases."""
        return {record.id: record for record in self.knowledge_base.records}

    @cached_property
    def record_finder(self) -> RecordFinder:
        """Finds the record that a learned alias belongs to."""
        return RecordFinder(self.knowledge_base.records)

    @property
    def file_changed(self) -> bool:
        """Return whether the CSV on disk is no longer the one that was loaded."""
        return _file_mark(self.source.path) != self.file_mark


@dataclass(frozen=True)
class BuildResult:
    """A knowledge base, how many texts were encoded for it and for how many a vector was reused.

    `trouble` says why it could not be stored on disk.
    """

    loaded: LoadedKnowledgeBase
    encoded: int = 0
    reused: int = 0
    trouble: Translatable | None = None


class Builder:
    """Builds knowledge bases and stores their snapshots below `data_dir`."""

    def __init__(self, data_dir: Path, sizes: Sizes = SIZES) -> None:
        self._data_dir = data_dir
        self._sizes = sizes

    def read(
        self, source: Source, synonyms: Synonyms, snapshot: Snapshot | None, aliases: Sequence[LearnedAlias] = ()
    ) -> tuple[LoadedKnowledgeBase, bytes]:
        """Read the CSV and index it lexically; also return its bytes. Raises UnusableFileError."""
        mark = _file_mark(source.path)
        data = read_bytes(source.path)
        return _indexed(source, data, synonyms, snapshot, mark, aliases), data

    def load(self, source: Source, synonyms: Synonyms, aliases: Sequence[LearnedAlias] = ()) -> BuildResult:
        """Load a file at start. If it can't be used, load its last snapshot; raises UnusableFileError without one."""
        snapshot = self.snapshots(source).load()
        try:
            loaded, data = self.read(source, synonyms, snapshot, aliases)
        except UnusableFileError as error:
            if snapshot is None:
                raise
            log.warning("%s; the version of %s keeps answering", error, time.ctime(snapshot.created))
            old = _indexed(source, snapshot.source.read_bytes(), synonyms, snapshot, None, aliases)
            return BuildResult(replace(old, trouble=error.message))
        if snapshot and snapshot.digest == loaded.knowledge_base.digest:
            return BuildResult(loaded)
        return self.save_source(loaded, data)

    def with_aliases(self, loaded: LoadedKnowledgeBase, aliases: Sequence[LearnedAlias]) -> LoadedKnowledgeBase:
        """Return the knowledge base with these learned aliases, and no others; its index has no vectors yet."""
        records = with_learned_aliases(loaded.knowledge_base.records, aliases)
        return replace(loaded, index=Index(loaded.source.name, records, loaded.index.synonyms))

    def save_source(self, loaded: LoadedKnowledgeBase, data: bytes) -> BuildResult:
        """Store the CSV for the next start, together with the vectors that were stored before, of any encoder."""
        stored = loaded.snapshot
        if stored and stored.encoder and (files := stored.files()):
            return self._save(loaded, data, stored.encoder, stored.packed, files, stored.kind, stored.scale)
        return self._save(loaded, data)

    def with_vectors(
        self,
        loaded: LoadedKnowledgeBase,
        encoder: Encoder,
        pool: Iterable[Snapshot],
        progress: Progress | None = None,
        data: bytes | None = None,
    ) -> BuildResult:
        """Give the index its vectors: from its own snapshot if that fits, else from `pool` or encoded, and then stored.

        `data` are the bytes of the CSV, by default those of its snapshot; without any, the vectors stay in memory only.
        """
        loaded = replace(loaded, by_questions=False)
        texts, owners = _passages(loaded.index)
        keys = [passage_key(text) for text in texts]
        packed = b"".join(keys)
        stored = loaded.snapshot
        if stored and stored.fits(encoder) and (stored.packed, stored.digest) == (packed, loaded.knowledge_base.digest):
            try:
                return replace(self._opened(loaded, stored, owners, encoder), reused=len(set(keys)))
            except SnapshotError as error:
                log.warning("The snapshot of %s is gone (%s); encoding again", loaded.source.name, error)
        unfinished = self._unfinished(loaded, encoder, len(keys))
        with closing(unfinished):
            passages = PassageVectors(keys, texts, encoder, pool, unfinished, self._sizes)
            encoded, reused = len(passages.missing), len(set(keys)) - len(passages.missing)
            passages.encode(range(len(keys)), progress)
            dense = DenseIndex.build(passages.collect(self._data_dir), owners, self._sizes)
            scale = _scale(loaded, dense, encoder)
        in_memory = replace(loaded, index=loaded.index.with_dense(dense, scale))
        data = _bytes_of(stored.source) if data is None and stored else data
        if data is None:
            return BuildResult(in_memory, encoded, reused)
        kept = self._save(in_memory, data, EncoderStamp.of(encoder), packed, dense.files(), dense.kind, scale)
        if not kept.trouble and kept.loaded.snapshot:
            kept = replace(kept, loaded=_mapped(kept.loaded, kept.loaded.snapshot, owners))
            unfinished.delete()
        return replace(kept, encoded=encoded, reused=reused)

    def with_question_vectors(
        self, loaded: LoadedKnowledgeBase, encoder: Encoder, pool: Iterable[Snapshot], progress: Progress | None = None
    ) -> LoadedKnowledgeBase | None:
        """Encode the first passage of each row, the question, and search by that; None if the rest is soon done too.

        Nothing is stored but what `with_vectors` continues with. Every row has one vector, so that none is ahead of
        another for having more, and the scale is that of the questions.
        """
        stored = loaded.snapshot
        if stored and stored.fits(encoder) and stored.digest == loaded.knowledge_base.digest:
            return None
        texts, owners = _passages(loaded.index)
        keys = [passage_key(text) for text in texts]
        places = np.unique(owners, return_index=True)[1].tolist()
        with closing(self._unfinished(loaded, encoder, len(keys))) as unfinished:
            passages = PassageVectors(keys, texts, encoder, pool, unfinished, self._sizes)
            rest = passages.missing.difference(keys[place] for place in places)
            if len(rest) < SOON_DONE:
                return None
            passages.encode(places, progress)
            vectors = passages.collect(self._data_dir, places)
        dense = DenseIndex.build(vectors, np.arange(len(places), dtype=np.int32), self._sizes)
        scale = _scale(loaded, dense, encoder)
        log.info("%s: the questions can be searched by meaning; %d more texts follow", loaded.source.name, len(rest))
        return replace(loaded, index=loaded.index.with_dense(dense, scale), by_questions=True)

    def _unfinished(self, loaded: LoadedKnowledgeBase, encoder: Encoder, texts: int) -> Unfinished:
        folder = snapshot_folder(self._data_dir, loaded.source)
        return Unfinished(folder, encoder, texts, half=texts >= self._sizes.half)

    def _opened(
        self, loaded: LoadedKnowledgeBase, stored: Snapshot, owners: NDArray[np.int32], encoder: Encoder
    ) -> BuildResult:
        """Open the vectors of a snapshot; measure the scale that those of earlier versions lack, and store it."""
        mapped = _mapped(loaded, stored, owners)
        dense = mapped.index.dense
        if stored.scale or dense is None:
            return BuildResult(mapped)
        scale = _scale(loaded, dense, encoder)
        scaled = replace(mapped, index=mapped.index.with_dense(dense, scale))
        source, files = _bytes_of(stored.source), stored.files()
        if source is None or not files:
            return BuildResult(scaled)
        return self._save(scaled, source, stored.encoder, stored.packed, files, stored.kind, scale)

    def snapshots(self, source: Source) -> SnapshotFolder:
        """Return the folder of snapshots of a file."""
        return SnapshotFolder(snapshot_folder(self._data_dir, source))

    def _save(
        self,
        loaded: LoadedKnowledgeBase,
        data: bytes,
        stamp: EncoderStamp | None = None,
        packed: bytes = b"",
        vectors: Mapping[str, FileContent] | None = None,
        kind: IndexKind | None = None,
        scale: Scale | None = None,
    ) -> BuildResult:
        try:
            snapshot = self.snapshots(loaded.source).save(data, stamp, packed, vectors, kind, scale)
        except (OSError, SnapshotError) as error:
            why = error.message if isinstance(error, SnapshotError) else reason(error)
            folder = str(self._data_dir)
            trouble = Translatable("base.not_kept", name=loaded.source.name, folder=folder, reason=why)
            log.error("%s", trouble)  # noqa: TRY400 - the errno says it all
            return BuildResult(replace(loaded, trouble=loaded.trouble or trouble), trouble=trouble)
        return BuildResult(replace(loaded, snapshot=snapshot))


def snapshot_folder(data_dir: Path, source: Source) -> Path:
    """Return the folder for what is derived from a file."""
    return data_dir / "snapshots" / source.folder


def _indexed(
    source: Source,
    data: bytes,
    synonyms: Synonyms,
    snapshot: Snapshot | None,
    mark: tuple[int, int] | None,
    aliases: Sequence[LearnedAlias],
) -> LoadedKnowledgeBase:
    knowledge_base = parse_records(data, source.path, source.sheet, source.columns)
    index = Index(source.name, with_learned_aliases(knowledge_base.records, aliases), synonyms)
    return LoadedKnowledgeBase(source, knowledge_base, index, snapshot, time.time(), mark)


def _mapped(loaded: LoadedKnowledgeBase, snapshot: Snapshot, owners: NDArray[np.int32]) -> LoadedKnowledgeBase:
    dense = DenseIndex.open(snapshot.vectors, owners, snapshot.kind)
    return replace(loaded, index=loaded.index.with_dense(dense, snapshot.scale))


def _scale(loaded: LoadedKnowledgeBase, dense: DenseIndex, encoder: Encoder) -> Scale:
    """Return the scale of the last snapshot, unless it is another encoder's or that of far more or fewer rows."""
    index, stored = loaded.index, loaded.snapshot
    if stored and stored.scale and stored.fits(encoder) and stored.scale.is_of_about(len(index)):
        return stored.scale
    return measure(index, dense, encoder)


def _passages(index: Index) -> tuple[list[str], NDArray[np.int32]]:
    """Return the texts to encode, in the order of their vectors, and the row that each belongs to."""
    owned = [(text, row) for row, record in enumerate(index.records) for text in passages(record, index.synonyms)]
    return [text for text, _ in owned], np.array([row for _, row in owned], dtype=np.int32)


def _bytes_of(path: Path) -> bytes | None:
    """Read a file of a snapshot; return None if it no longer exists."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _file_mark(path: Path) -> tuple[int, int] | None:
    """Return modification time and size, enough to notice a change without reading the file; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
