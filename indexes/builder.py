"""Building one knowledge base from a CSV: records, index, vectors and snapshot."""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import Encoder, Progress
from indexes.errors import SnapshotError, UnusableFileError
from indexes.loaded import BuildResult, LoadedKnowledgeBase
from indexes.messages import Translatable, reason
from indexes.records import Source, parse_records, read_bytes
from indexes.records.stored import with_aliases
from indexes.retrieval.dense import SIZES, DenseIndex, Sizes
from indexes.retrieval.index import Index, passages
from indexes.retrieval.learned_aliases import LearnedAlias, learned_rows
from indexes.retrieval.scale import Scale, measure
from indexes.retrieval.synonyms import Synonyms
from indexes.retrieval.vector_index import VectorIndex
from indexes.storage.file_mark import FileMark
from indexes.storage.index_store import IndexStore, IndexStores, snapshot_folder
from indexes.storage.recipe import recipe
from indexes.storage.snapshot import (
    NO_TEXT,
    SOURCE,
    VECTORS,
    WORDS,
    EncoderStamp,
    Generation,
    StoredVectors,
    Words,
    passage_key,
)
from indexes.storage.stored_index import sections_of
from indexes.storage.stores import OwnVectors, SharedVectors
from indexes.storage.unfinished import Unfinished
from indexes.storage.vector_cache import SLICE, PassageVectors

log = logging.getLogger(__name__)

SOON_DONE = 256
"""Answers and aliases, some seconds of encoding, below which it isn't worth searching by questions alone meanwhile."""


class Builder:
    """Builds knowledge bases and stores their snapshots below `data_dir`; `vectors` are those that processes share."""

    def __init__(
        self,
        data_dir: Path,
        sizes: Sizes = SIZES,
        stores: IndexStores | None = None,
        vectors: SharedVectors | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._stores = stores or IndexStores.files(data_dir, sizes)
        self._sizes = self._stores.sizes
        self._vectors = vectors or OwnVectors()

    def read(
        self, source: Source, synonyms: Synonyms, snapshot: Generation | None, aliases: Sequence[LearnedAlias] = ()
    ) -> tuple[LoadedKnowledgeBase, bytes]:
        """Read the CSV and index it lexically; also return its bytes. Raises UnusableFileError."""
        read_at, mark = time.time(), FileMark.of(source.path)
        data = read_bytes(source.path)
        return _indexed(source, data, synonyms, snapshot, read_at, mark, aliases), data

    def turn(self, source: Source, wait: Callable[[], None]) -> AbstractContextManager[Generation | None]:
        """See `IndexStore.exclusively`."""
        return self.snapshots(source).exclusively(wait)

    def renewed(self, loaded: LoadedKnowledgeBase, newest: Generation | None) -> LoadedKnowledgeBase:
        """Return the knowledge base with the generation that another replica has stored meanwhile, if there is one."""
        if newest is None or (loaded.snapshot and loaded.snapshot.name == newest.name):
            return loaded
        loaded = replace(loaded, snapshot=newest)
        return _opened_again(loaded, newest) if loaded.is_stored else loaded

    def reread(
        self, source: Source, synonyms: Synonyms, snapshot: Generation | None, aliases: Sequence[LearnedAlias]
    ) -> tuple[LoadedKnowledgeBase, bytes | None]:
        """Read the CSV again; what another replica has built of the same content is opened. See `open`."""
        read_at, mark = time.time(), FileMark.of(source.path)
        is_stored = snapshot and snapshot.recipe == recipe(source, snapshot.digest, synonyms, aliases)
        if snapshot and is_stored and _is_same(source.path, None, snapshot):
            return _opened(source, snapshot, synonyms, read_at, mark), None
        return self.read(source, synonyms, snapshot, aliases)

    def load(self, source: Source, synonyms: Synonyms, aliases: Sequence[LearnedAlias] = ()) -> BuildResult:
        """Open a knowledge base as `open` does, and store it for the next start."""
        loaded, data = self.open(source, synonyms, aliases)
        return BuildResult(loaded) if loaded.is_stored else self.store(loaded, data)

    def open(
        self, source: Source, synonyms: Synonyms, aliases: Sequence[LearnedAlias] = ()
    ) -> tuple[LoadedKnowledgeBase, bytes | None]:
        """Open a knowledge base at a start, without vectors: from its snapshot as long as nothing has changed.

        Also return the bytes of the CSV, if it had to be read. If the file can't be used, the last snapshot is; raises
        UnusableFileError without one.
        """
        snapshot, read_at, mark = self.snapshots(source).load(WORDS), time.time(), FileMark.of(source.path)
        try:
            if snapshot and _is_same(source.path, mark, snapshot):
                wanted = recipe(source, snapshot.digest, synonyms, aliases)
                if snapshot.recipe == wanted:
                    return _opened(source, snapshot, synonyms, read_at, mark), None
            return self.read(source, synonyms, snapshot, aliases)
        except UnusableFileError as error:
            if (old := self._without_file(source, snapshot, synonyms, aliases)) is None:
                raise
            log.warning(
                "%s; the version of %s keeps answering",
                error,
                time.ctime(old.snapshot.created if old.snapshot else read_at),
            )
            return replace(old, trouble=error.message), None

    def _without_file(
        self, source: Source, snapshot: Generation | None, synonyms: Synonyms, aliases: Sequence[LearnedAlias]
    ) -> LoadedKnowledgeBase | None:
        """Open the last snapshot of a file that can't be used now, or index the CSV in it anew; None without any.

        Where an earlier version took a CSV that this one refuses, the rows stay as that version has read them.
        """
        if snapshot and snapshot.recipe == recipe(source, snapshot.digest, synonyms, aliases):
            return _opened(source, snapshot, synonyms, time.time(), None)
        if (readable := self.snapshots(source).load(SOURCE)) is None:
            return None
        try:
            return _indexed(source, readable.read_source(), synonyms, readable, time.time(), None, aliases)
        except UnusableFileError:
            return _as_read_before(source, snapshot, synonyms)

    def with_aliases(self, loaded: LoadedKnowledgeBase, aliases: Sequence[LearnedAlias]) -> LoadedKnowledgeBase:
        """Return the knowledge base with these learned aliases, and no others; its index has no vectors yet."""
        base, source, synonyms = loaded.knowledge_base, loaded.source, loaded.index.synonyms
        learned = learned_rows(base.records, aliases)
        index = Index(source.name, with_aliases(base.records, learned), synonyms)
        return replace(loaded, index=index, learned=learned, recipe=recipe(source, base.digest, synonyms, aliases))

    def store(self, loaded: LoadedKnowledgeBase, data: bytes | None = None) -> BuildResult:
        """Store the words for the next start, together with the vectors that were stored before, of any encoder.

        `data` are the bytes of the CSV, by default those of the snapshot or of the file, if they are still the same.
        """
        data = _source_bytes(loaded) if data is None else data
        if data is None or (loaded.is_stored and self.snapshots(loaded.source).has_words(loaded.recipe)):
            return BuildResult(loaded)
        return self._save(loaded, data, _kept_vectors(loaded.snapshot))

    def with_vectors(
        self,
        loaded: LoadedKnowledgeBase,
        encoder: Encoder,
        pool: Iterable[Generation],
        progress: Progress | None = None,
        data: bytes | None = None,
        *,
        again: bool = False,
    ) -> BuildResult:
        """Give the index its vectors: from its own snapshot if that fits, else from `pool` or encoded, and then stored.

        `data` are the bytes of the CSV, by default those of its snapshot; without any, the vectors stay in memory only.
        With `again`, texts that could not be encoded for the snapshot are tried again.
        """
        loaded = replace(loaded, by_questions=False)
        stored, damaged = loaded.snapshot, False
        if stored and stored.fits(encoder):
            try:
                is_enough = not (again and NO_TEXT in stored.keys)
                if is_enough and (found := self._stored_vectors(loaded, stored, encoder)):
                    return found
            except SnapshotError as error:
                damaged = True
                log.warning("%s; it is left out and will be rebuilt", error)
        texts, owners = _passages(loaded.index)
        keys = [passage_key(text) for text in texts]
        pool = [*pool, *self._others(loaded, damaged=damaged)]
        unfinished = self._unfinished(loaded, encoder, len(keys))
        with closing(unfinished):
            collected = PassageVectors(keys, texts, encoder, pool, unfinished, self._sizes)
            with self._encoding(loaded, collected, encoder):
                collected.encode(range(len(keys)), progress, partial(self._vectors.push, loaded.source.name, encoder))
                dense = DenseIndex.build(collected.collect(self._data_dir), owners, self._sizes)
                scale = self._shared_scale(loaded, dense, encoder, keys)
            encoded = len(collected.missing - collected.fetched - collected.failed)
            reused = len(set(keys) - collected.failed) - encoded
        in_memory = replace(loaded, index=loaded.index.with_dense(dense, scale))
        unencoded = _unencoded(loaded, keys, owners, collected.failed)
        data = _source_bytes(loaded) if data is None else data
        if data is None:
            return BuildResult(in_memory, encoded, reused, unencoded=unencoded)
        packed = b"".join(NO_TEXT if key in collected.failed else key for key in keys)
        stamp = EncoderStamp.of(encoder, collected.variant)
        vectors = StoredVectors(stamp, packed, dense.files(), dense.kind, scale, owners, dense)
        kept = self._save(in_memory, data, vectors)
        if not kept.trouble:
            unfinished.delete()
        return replace(kept, encoded=encoded, reused=reused, unencoded=unencoded)

    def with_question_vectors(
        self,
        loaded: LoadedKnowledgeBase,
        encoder: Encoder,
        pool: Iterable[Generation],
        progress: Progress | None = None,
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
        pool = [*pool, *self._others(loaded, damaged=False)]
        with closing(self._unfinished(loaded, encoder, len(keys))) as unfinished:
            passages = PassageVectors(keys, texts, encoder, pool, unfinished, self._sizes)
            name = loaded.source.name
            passages.take(self._vectors.fetch(name, encoder, passages.lacking))
            rest = passages.missing.difference(passages.fetched, (keys[place] for place in places))
            if len(rest) < SOON_DONE:
                return None
            with self._encoding(loaded, passages, encoder):
                passages.encode(places, progress, partial(self._vectors.push, name, encoder))
            vectors = passages.collect(self._data_dir, places)
        dense = DenseIndex.build(vectors, np.arange(len(places), dtype=np.int32), self._sizes)
        scale = _scale(loaded, dense, encoder)
        log.info("%s: the questions can be searched by meaning; %d more texts follow", loaded.source.name, len(rest))
        return replace(loaded, index=loaded.index.with_dense(dense, scale), by_questions=True)

    @contextmanager
    def _encoding(self, loaded: LoadedKnowledgeBase, passages: PassageVectors, encoder: Encoder) -> Iterator[None]:
        """Take the vectors that others have encoded, and let them wait while this process encodes what is lacking."""
        name = loaded.source.name
        if not passages.lacking:
            yield
            return
        with self._vectors.turn(name, lambda: _check_stopped(encoder)):
            passages.take(self._vectors.fetch(name, encoder, passages.lacking))
            yield

    def _shared_scale(
        self, loaded: LoadedKnowledgeBase, dense: DenseIndex, encoder: Encoder, keys: Sequence[bytes]
    ) -> Scale:
        """Return the scale that other processes use; where there is none that fits, measure it for all."""
        name = loaded.source.name
        shared = self._vectors.scale(name, encoder)
        scale = shared if shared and shared.is_of_about(len(loaded.index)) else _scale(loaded, dense, encoder)
        self._vectors.settle(name, encoder, keys, scale)
        return scale

    def _unfinished(self, loaded: LoadedKnowledgeBase, encoder: Encoder, texts: int) -> Unfinished:
        folder = snapshot_folder(self._data_dir, loaded.source)
        return Unfinished(folder, encoder, texts, half=texts >= self._sizes.half)

    def _stored_vectors(self, loaded: LoadedKnowledgeBase, stored: Generation, encoder: Encoder) -> BuildResult | None:
        """Open the vectors of a snapshot, if they are those of the index; raises SnapshotError if they are damaged.

        What it lacks because an earlier version wrote it is stored now: scale, words, and whose vectors they are.
        """
        stored.verify(VECTORS | SOURCE)
        if loaded.is_stored and stored.has_owners:
            owners = stored.owners()
        elif (found := _owners(loaded, stored)) is not None:
            owners = found
        else:
            return None
        dense = stored.open_vectors(owners)
        scale = stored.scale or _scale(loaded, dense, encoder)
        mapped = replace(loaded, index=loaded.index.with_dense(dense, scale))
        if self._vectors.lacks(loaded.source.name, encoder):
            self._offer(loaded.source.name, encoder, stored.keys, dense, scale)
        if stored.scale and stored.has_owners and loaded.is_stored:
            return BuildResult(mapped, reused=stored.texts)
        vectors = replace(stored.stored_vectors(), scale=scale, owners=owners)
        return replace(self._save(mapped, stored.read_source(), vectors), reused=stored.texts)

    def _offer(self, name: str, encoder: Encoder, keys: Sequence[bytes], dense: VectorIndex, scale: Scale) -> None:
        """Give other processes the vectors that this one encoded before it shared any."""
        rows = np.array(list({key: row for row, key in enumerate(keys)}.values()), dtype=np.int64)
        for some in np.split(rows, range(SLICE, len(rows), SLICE)):
            self._vectors.push(name, encoder, [keys[row] for row in some], dense.vectors(some))
        self._vectors.settle(name, encoder, keys, scale)

    def _others(self, loaded: LoadedKnowledgeBase, *, damaged: bool) -> Iterable[Generation]:
        """Return the generations whose vectors may be of use because something in a newer or this one is damaged."""
        own = loaded.snapshot.name if loaded.snapshot else ""
        return [each for each in self.snapshots(loaded.source).generations() if damaged or each.name > own]

    def snapshots(self, source: Source) -> IndexStore:
        """Return the store of a file's snapshots."""
        return self._stores.of(source)

    def _save(self, loaded: LoadedKnowledgeBase, data: bytes, vectors: StoredVectors) -> BuildResult:
        mark = loaded.file_mark.settled(loaded.read_at) if loaded.file_mark else None
        store, is_there = self.snapshots(loaded.source), self.snapshots(loaded.source).has_words(loaded.recipe)
        sections = {} if is_there else sections_of(loaded.knowledge_base, loaded.index, loaded.learned)
        try:
            snapshot = store.save(data, Words(loaded.recipe, sections, mark), vectors)
            return BuildResult(_mapped(replace(loaded, snapshot=snapshot), vectors))
        except (OSError, SnapshotError) as error:
            why = error.message if isinstance(error, SnapshotError) else reason(error)
            folder = str(self._data_dir)
            trouble = Translatable("base.not_kept", name=loaded.source.name, folder=folder, reason=why)
            log.error("%s", trouble)  # noqa: TRY400 - the errno says it all
            return BuildResult(replace(loaded, trouble=loaded.trouble or trouble), trouble=trouble)


def _indexed(
    source: Source,
    data: bytes,
    synonyms: Synonyms,
    snapshot: Generation | None,
    read_at: float,
    mark: FileMark | None,
    aliases: Sequence[LearnedAlias],
) -> LoadedKnowledgeBase:
    base = parse_records(data, source.path, source.sheet, source.columns)
    learned = learned_rows(base.records, aliases)
    index = Index(source.name, with_aliases(base.records, learned), synonyms)
    wanted = recipe(source, base.digest, synonyms, aliases)
    return LoadedKnowledgeBase(source, base, index, snapshot, read_at, mark, recipe=wanted, learned=learned)


def _opened(
    source: Source, snapshot: Generation, synonyms: Synonyms, read_at: float, mark: FileMark | None
) -> LoadedKnowledgeBase:
    base, index, learned = snapshot.open_words(source, synonyms)
    recipe_, kept = snapshot.recipe, learned
    return LoadedKnowledgeBase(source, base, index, snapshot, read_at, mark, recipe=recipe_, learned=kept)


def _as_read_before(source: Source, snapshot: Generation | None, synonyms: Synonyms) -> LoadedKnowledgeBase | None:
    """Open the words that another version has stored; None if it has stored none, or none that can be opened."""
    try:
        return _opened(source, snapshot, synonyms, time.time(), None) if snapshot and snapshot.recipe else None
    except SnapshotError as error:
        log.warning("%s; it is left out", error)
        return None


def _mapped(loaded: LoadedKnowledgeBase, vectors: StoredVectors) -> LoadedKnowledgeBase:
    """Replace what is in memory by what was stored."""
    snapshot, before = loaded.snapshot, loaded.index
    if snapshot is None:
        return loaded
    opened, dense = _opened_again(loaded, snapshot), before.dense
    index = opened.index
    if vectors.owners is not None:
        dense = snapshot.open_vectors(vectors.owners)
    if dense:
        index = index.with_dense(dense, before.scale)
    return replace(opened, index=index)


def _opened_again(loaded: LoadedKnowledgeBase, snapshot: Generation) -> LoadedKnowledgeBase:
    """Return the knowledge base as it is stored, without vectors."""
    base, index, learned = snapshot.open_words(loaded.source, loaded.index.synonyms)
    return replace(loaded, knowledge_base=base, index=index, learned=learned)


def _is_same(path: Path, mark: FileMark | None, snapshot: Generation) -> bool:
    """Return whether a file is the one of the snapshot; it is read only if its mark has changed."""
    if mark and mark == snapshot.mark:
        return True
    return hashlib.sha256(read_bytes(path)).hexdigest() == snapshot.digest


def _kept_vectors(stored: Generation | None) -> StoredVectors:
    """Return the vectors of a snapshot for another one with other records; none if they are damaged."""
    try:
        if stored and stored.encoder and (kept := stored.stored_vectors()).encoder:
            stored.verify(VECTORS)
            return kept
    except SnapshotError as error:
        log.warning("%s; it is left out and will be rebuilt", error)
    return StoredVectors()


def _unencoded(
    loaded: LoadedKnowledgeBase, keys: Sequence[bytes], owners: NDArray[np.int32], failed: Collection[bytes]
) -> Translatable | None:
    """Say how many texts have no vector, and where the first is; log it. None if all have one."""
    places = [place for place, key in enumerate(keys) if key in failed]
    if not places:
        return None
    line = loaded.knowledge_base.records[int(owners[places[0]])].line
    said = Translatable("base.not_encoded", file=loaded.source.path.name, line=line, count=len(places))
    log.warning("%s", said)
    return said


def _owners(loaded: LoadedKnowledgeBase, stored: Generation) -> NDArray[np.int32] | None:
    """Return the row of each vector of a snapshot of the same file, or None if they are those of other texts."""
    if stored.digest != loaded.knowledge_base.digest:
        return None
    texts, owners = _passages(loaded.index)
    return owners if stored.packed == b"".join(map(passage_key, texts)) else None


def _check_stopped(encoder: Encoder) -> None:
    """Raise StoppedError when Kotae shuts down, as encoding anything would."""
    encoder.encode_queries(())


def _scale(loaded: LoadedKnowledgeBase, dense: VectorIndex, encoder: Encoder) -> Scale:
    """Return the scale of the last snapshot, unless it is another encoder's or that of far more or fewer rows."""
    index, stored = loaded.index, loaded.snapshot
    if stored and stored.scale and stored.fits(encoder) and stored.scale.is_of_about(len(index)):
        return stored.scale
    return measure(index, dense, encoder)


def _passages(index: Index) -> tuple[list[str], NDArray[np.int32]]:
    """Return the texts to encode, in the order of their vectors, and the row that each belongs to."""
    texts, counts = list[str](), list[int]()
    for record in index.records:
        of_row = passages(record, index.synonyms)
        texts += of_row
        counts.append(len(of_row))
    return texts, np.repeat(np.arange(len(counts), dtype=np.int32), np.array(counts, dtype=np.int64))


def _source_bytes(loaded: LoadedKnowledgeBase) -> bytes | None:
    """Return the bytes of the CSV that is loaded: those of its snapshot, or of the file; None if neither has them."""
    digest, stored = loaded.knowledge_base.digest, loaded.snapshot
    try:
        if stored and stored.digest == digest:
            return stored.read_source()
    except SnapshotError as error:
        log.warning("%s", error)
    try:
        data = read_bytes(loaded.source.path)
    except UnusableFileError:
        return None
    return data if hashlib.sha256(data).hexdigest() == digest else None
