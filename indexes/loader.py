"""The jobs of `Maintenance`: each prepares a new state and swaps it into the registry. Not thread-safe."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from indexes.builder import Builder
from indexes.confidence.votes import Judgement, confidence_shift
from indexes.encoder import Encoder, Progress
from indexes.encoder.stopping import StoppableEncoder, StoppedError, until_stopped
from indexes.errors import (
    KnowledgeBaseError,
    UnknownKnowledgeBaseError,
    UnusableFileError,
    VersionError,
)
from indexes.loaded import BuildResult, LoadedKnowledgeBase
from indexes.messages import Translatable, reason
from indexes.records import Source, read_bytes
from indexes.registry import Registry, State
from indexes.reload_report import EncodingCounts, ReloadReport, reload_report
from indexes.retrieval.learned_aliases import LearnedAlias, LearnedAliases
from indexes.retrieval.synonyms import Synonyms, read_synonyms
from indexes.storage.snapshot import Generation
from indexes.storage.stores import Stores
from indexes.storage.versions import Origin, Version

log = logging.getLogger(__name__)


class Loader:
    """Loads, reloads and removes the knowledge bases of a registry. Setting `stop` stops encoding between batches."""

    def __init__(
        self,
        registry: Registry,
        data_dir: Path,
        stores: Stores,
        stop: threading.Event,
    ) -> None:
        self._registry = registry
        self._data_dir = data_dir
        self._versions = stores.versions
        self._writer = stores.writer
        self._stop = stop
        self._builder = Builder(data_dir, stores=stores.indexes, vectors=stores.vectors)
        self._unstored: list[tuple[LoadedKnowledgeBase, bytes | None]] = []

    def load(self) -> None:
        """See `Maintenance.load`."""
        synonyms, warnings = self._read_synonyms()
        for warning in warnings:
            log.warning("%s", warning)
        self._registry.swap(replace(self._state, synonyms=synonyms))
        for source in self._registry.catalog():
            self._load_one(source)

    def store_loaded(self) -> None:
        """Store what `load` has read from files and not from snapshots, for the next start."""
        while self._unstored:
            loaded, data = self._unstored.pop(0)
            with self._builder.turn(loaded.source, self._check_stopped) as newest:
                stored = self._builder.store(self._builder.renewed(loaded, newest), data)
            self._registry.swap(self._state.with_loaded(stored.loaded))

    def use_encoder(self, encoder: Encoder, progress: Progress | None) -> EncodingCounts:
        """See `Maintenance.use_encoder`. A knowledge base that can't be encoded is still searched by words.

        First all that takes little time, and the questions of the others; then the rest.
        """
        self._registry.swap(replace(self._state, encoder=encoder))
        counts, long = EncodingCounts(), list[str]()
        try:
            for name in tuple(self._state.loaded):
                if self._encode_questions(self._state.loaded[name], encoder, progress):
                    long.append(name)
                else:
                    counts += self._encode_all(name, encoder, progress)
            for name in long:
                counts += self._encode_all(name, encoder, progress)
        except StoppedError:
            log.info("The encoding of texts was stopped; it goes on at the next start")
        return counts

    def update_confidence(self, judged: Mapping[str, Sequence[Judgement]]) -> None:
        """See `Maintenance.update_confidence`."""
        self._registry.swap(
            replace(self._state, shifts={name: confidence_shift(pairs) for name, pairs in judged.items()})
        )

    def apply_aliases(self, aliases: LearnedAliases) -> None:
        """See `Maintenance.apply_aliases`. Knowledge bases whose aliases are the same are left alone."""
        before = self._state.learned_aliases
        self._registry.swap(replace(self._state, learned_aliases=aliases))
        for name in sorted(before.keys() | aliases.keys()):
            if name in self._state.loaded and list(before.get(name, ())) != list(aliases.get(name, ())):
                self._apply_to(self._state.loaded[name])

    def reload(self, name: str, progress: Progress | None) -> ReloadReport:
        """See `Maintenance.reload`; errors are in the report."""
        started = time.perf_counter()
        try:
            report = self._replace(name, progress)
        except (UnknownKnowledgeBaseError, StoppedError) as error:
            report = ReloadReport(name, error=error.message)
        except KnowledgeBaseError as error:
            report = ReloadReport(name, error=_reason(self._registry.source(name), error))
            self._registry.swap(self._state.with_failure(name, report.error or error.message))
        return replace(report, seconds=time.perf_counter() - started)

    def remove(self, name: str, by: str) -> None:
        """See `Maintenance.remove`."""
        source, loaded = self._registry.source(name), self._state.loaded.get(name)
        copies = [source.path, *_sources(loaded)]
        if path := next((path for path in copies if path.is_file()), None):
            self._versions.keep(source, read_bytes(path), len(loaded.index.records) if loaded else 0, "file", by)
        try:
            self._writer("file", by).delete(source.path)
        except OSError as error:
            raise VersionError(
                "version.file_not_deleted", path=str(source.path), name=name, reason=reason(error)
            ) from error
        self._registry.swap(self._state.without(name))
        with self._builder.turn(source, self._check_stopped):
            self._builder.snapshots(source).delete()

    def drop(self, name: str) -> None:
        """See `Maintenance.drop`."""
        if loaded := self._state.loaded.get(name):
            self._registry.swap(self._state.without(name))
            self._builder.snapshots(loaded.source).forget()

    def record_version(self, source: Source, data: bytes, records: int, origin: Origin, by: str) -> Version | None:
        """See `Maintenance.record_version`. May be called on any thread."""
        try:
            return self._versions.keep(source, data, records, origin, by)
        except VersionError as error:
            log.error("%s", error)  # noqa: TRY400 - the message is the whole story
            return None

    def record_versions(self) -> None:
        """See `Maintenance.record_versions`."""
        for loaded in self._state.loaded.values():
            self._record_loaded(loaded)

    @property
    def _state(self) -> State:
        return self._registry.state

    def _load_one(self, source: Source) -> None:
        try:
            loaded, data = self._builder.open(source, self._state.synonyms, self._aliases_of(source.name))
        except UnusableFileError as error:
            why = _reason(source, error)
            log.log(logging.ERROR if why == error.message else logging.INFO, "%s", why)
            self._registry.swap(self._state.with_failure(source.name, why))
        except Exception as error:
            log.exception("%s could not be loaded", source.path)
            why = Translatable("base.failed", file=source.path.name, kind=type(error).__name__)
            self._registry.swap(self._state.with_failure(source.name, why))
        else:
            self._registry.swap(self._state.with_loaded(loaded))
            if not loaded.is_stored:
                self._unstored.append((loaded, data))

    def _replace(self, name: str, progress: Progress | None) -> ReloadReport:
        """Build a knowledge base from its file as it is now, and swap it in together with the current synonyms."""
        before = self._state.loaded.get(name)
        source = self._registry.source(name)
        synonyms, warnings = self._read_synonyms()
        aliases = self._aliases_of(name)
        with self._builder.turn(source, self._check_stopped) as newest:
            if newest:
                loaded, data = self._builder.reread(source, synonyms, newest, aliases)
            else:
                snapshot = before.snapshot if before else self._builder.snapshots(source).load()
                loaded, data = self._builder.read(source, synonyms, snapshot, aliases)
            built = self._build(loaded, data, progress)
        self._registry.swap(replace(self._state, synonyms=synonyms).with_loaded(built.loaded))
        self._record_loaded(built.loaded)
        return reload_report(before, built, warnings)

    def _build(self, loaded: LoadedKnowledgeBase, data: bytes | None, progress: Progress | None) -> BuildResult:
        if self._state.encoder is None:
            return self._builder.store(loaded, data)
        own = [loaded.snapshot] if loaded.snapshot else []
        pool, before = [*own, *self._snapshots()], self._state.loaded.get(loaded.source.name)
        if before is None or before.index.dense is None or before.by_questions:
            self._encode_questions(loaded, self._state.encoder, progress)
        return self._with_vectors(loaded, self._state.encoder, pool, progress, data, again=True)

    def _with_vectors(
        self,
        loaded: LoadedKnowledgeBase,
        encoder: Encoder,
        pool: Sequence[Generation],
        progress: Progress | None = None,
        data: bytes | None = None,
        *,
        again: bool = False,
    ) -> BuildResult:
        """See `Builder.with_vectors`; raises StoppedError when Kotae shuts down."""
        name = loaded.source.name
        try:
            noting = self._noting(name, progress)
            stoppable = StoppableEncoder(encoder, self._stop)
            return self._builder.with_vectors(loaded, stoppable, pool, noting, data, again=again)
        finally:
            self._registry.swap(self._state.without_progress(name))

    def _encode_questions(self, loaded: LoadedKnowledgeBase, encoder: Encoder, progress: Progress | None) -> bool:
        """Search by the vectors of the questions until all texts are encoded, if that takes a while; else False."""
        name, stoppable = loaded.source.name, StoppableEncoder(encoder, self._stop)
        try:
            partial = self._builder.with_question_vectors(
                loaded, stoppable, self._snapshots(), self._noting(name, progress)
            )
        except StoppedError:
            raise
        except Exception:  # noqa: BLE001 - met again, and reported, when all texts are encoded
            return False
        if partial:
            self._registry.swap(self._state.with_loaded(partial))
        return partial is not None

    def _encode_all(self, name: str, encoder: Encoder, progress: Progress | None) -> EncodingCounts:
        try:
            with self._builder.turn(self._state.loaded[name].source, self._check_stopped) as newest:
                loaded = self._builder.renewed(self._state.loaded[name], newest)
                built = self._with_vectors(loaded, encoder, self._snapshots(), progress)
        except StoppedError:
            raise
        except KnowledgeBaseError as error:
            log.error("%s is searched lexically: %s", name, error)  # noqa: TRY400 - the message is the whole story
            self._registry.swap(self._state.with_failure(name, error.message))
            return EncodingCounts()
        except Exception as error:
            log.exception("%s is searched lexically", name)
            file = self._state.loaded[name].source.path.name
            why = Translatable("base.failed", file=file, kind=type(error).__name__)
            self._registry.swap(self._state.with_failure(name, why))
            return EncodingCounts()
        self._registry.swap(self._state.with_loaded(built.loaded))
        return EncodingCounts(built.encoded, built.reused)

    def _noting(self, name: str, progress: Progress | None) -> Progress:
        """Show progress in the registry, too."""

        def note(done: int, total: int) -> None:
            self._registry.swap(self._state.with_progress(name, done, total))
            if progress:
                progress(done, total)

        return note

    def _apply_to(self, loaded: LoadedKnowledgeBase) -> None:
        fresh = self._builder.with_aliases(loaded, self._aliases_of(loaded.source.name))
        try:
            with self._builder.turn(loaded.source, self._check_stopped) as newest:
                fresh = self._builder.renewed(fresh, newest)
                fresh = self._stored_with_vectors(fresh)
        except StoppedError:
            return
        except KnowledgeBaseError as error:
            name = loaded.source.name
            log.error("The learned aliases of %s are not in use: %s", name, error)  # noqa: TRY400 - that is all
            return
        self._registry.swap(self._state.with_loaded(fresh))

    def _stored_with_vectors(self, loaded: LoadedKnowledgeBase) -> LoadedKnowledgeBase:
        if self._state.encoder is None:
            return self._builder.store(loaded).loaded
        return self._with_vectors(loaded, self._state.encoder, self._snapshots()).loaded

    def _check_stopped(self) -> None:
        """Raise StoppedError when Kotae shuts down."""
        until_stopped(self._stop)(0, 0)

    def _record_loaded(self, loaded: LoadedKnowledgeBase) -> None:
        """Keep the loaded content as a change of the file, unless it is the newest version already."""
        source, digest = loaded.source, loaded.knowledge_base.digest
        self._versions.keep_found(source, digest, len(loaded.index.records), [*_sources(loaded), source.path])

    def _aliases_of(self, name: str) -> Sequence[LearnedAlias]:
        return self._state.learned_aliases.get(name, ())

    def _snapshots(self) -> list[Generation]:
        return [loaded.snapshot for loaded in self._state.loaded.values() if loaded.snapshot]

    def _read_synonyms(self) -> tuple[Synonyms, tuple[Translatable, ...]]:
        """Read the synonyms and list their problems; keep the synonyms in use if the file is unusable."""
        file = self._registry.synonyms_file
        if file is None or not file.path.exists():
            return Synonyms(), ()
        try:
            synonyms = read_synonyms(file.path)
        except UnusableFileError as error:
            return self._state.synonyms, (error.message,)
        return synonyms, tuple(
            Translatable("row.place", file=file.path.name, line=problem.line, why=problem.message)
            for problem in synonyms.problems
        )


def _reason(source: Source, error: KnowledgeBaseError) -> Translatable:
    """Return why a file can't be used: one that is fetched from elsewhere may not be there yet."""
    if source.edited_at and not source.path.exists():
        return Translatable("source.not_fetched", name=source.name)
    return error.message


def _sources(loaded: LoadedKnowledgeBase | None) -> Iterator[Path]:
    """Yield the copy of the CSV that a knowledge base was loaded from, if there is a file with it."""
    if loaded and loaded.snapshot and loaded.snapshot.source:
        yield loaded.snapshot.source
