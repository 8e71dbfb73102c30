"""The indexes that answer, by name: searching, loading and reloading them.

Readers take one look at an immutable state and keep to it; only the maintenance thread makes a new state and puts it in
place by one assignment. So a search never sees half a reload, and a reload that fails leaves everything as it was.
"""

import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from indexes.builder import Builder, Built, Loaded, Source
from indexes.confidence.calibration import FITTED_WITH, Judgement, calibrate, learn, store_weights, stored_weights
from indexes.confidence.confidence import DENSE, Weights, judge
from indexes.encoder import Encoder, Vector, Vectors
from indexes.errors import (
    EncodingError,
    KnowledgeBaseError,
    ModelUnavailableError,
    UnknownKnowledgeBaseError,
    UnusableFileError,
    VersionError,
)
from indexes.messages import Translatable, reason
from indexes.records import Problem, Record, has_answer, may_be_volunteered, read_bytes
from indexes.retrieval.clustering import Comparison, Groups, by_letters, by_meaning
from indexes.retrieval.index import Hit, Question
from indexes.retrieval.learned_aliases import Lesson, Lessons
from indexes.retrieval.synonyms import Synonyms, read_synonyms
from indexes.storage.snapshot import Snapshot
from indexes.storage.vector_cache import Progress
from indexes.storage.versions import Origin, Version, Versions
from indexes.text import normalize

log = logging.getLogger(__name__)

Value = TypeVar("Value")

MERGED_HITS = 10
"""Hits taken from each index before they are merged and judged: confidence looks at the runners-up."""


@dataclass(frozen=True)
class Report:
    """What one reload did, for the admin who asked; with an `error`, nothing changed."""

    name: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    records: int = 0
    problems: tuple[Problem, ...] = ()
    encoded: int = 0
    reused: int = 0
    seconds: float = 0.0
    warnings: tuple[Translatable, ...] = ()
    error: Translatable | None = None


@dataclass(frozen=True)
class Effort:
    """How many texts were encoded, and for how many a vector was there already."""

    encoded: int = 0
    reused: int = 0


@dataclass(frozen=True)
class Answer:
    """Hits of all searched knowledge bases, best first; `encoder` is None when the search was lexical only."""

    question: Question
    hits: tuple[Hit, ...]
    encoder: str | None
    seconds: float
    shifts: Mapping[str, float] = field(default_factory=dict)
    """What feedback had added to the log-odds by then, by knowledge base."""

    @property
    def confidence(self) -> float:
        """Probability that the first hit answers the question; 0 without hits."""
        return self.hits[0].confidence if self.hits else 0.0

    def is_certain(self, threshold: float, *, unasked: bool = False) -> bool:
        """Tell whether the first hit has an answer and is as sure as wanted; `unasked` if it may be volunteered."""
        fits = may_be_volunteered if unasked else has_answer
        return bool(self.hits) and self.confidence >= threshold and fits(self.hits[0].record)


class _ClosingError(KnowledgeBaseError):
    """Work was broken off because Kotae stops."""


@dataclass(frozen=True)
class _State:
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    failures: Mapping[str, Translatable] = field(default_factory=dict)
    synonyms: Synonyms = field(default_factory=Synonyms)
    encoder: Encoder | None = None
    weights: Weights = DENSE
    shifts: Mapping[str, float] = field(default_factory=dict)
    lessons: Lessons = field(default_factory=dict)


class Registry:
    """The knowledge bases that answer. However many channels search one, it is read, indexed and held once.

    `catalog` lists the sources and is asked again at every reload, so that new files are found; `data_dir` keeps the
    snapshots; `synonyms` is a file that may not exist. Nothing is read before `load`.
    """

    def __init__(self, catalog: Callable[[], Sequence[Source]], data_dir: Path, synonyms: Path | None = None) -> None:
        self._catalog = catalog
        self._data_dir = data_dir
        self._builder = Builder(data_dir)
        self._synonyms_path = synonyms
        self.versions = Versions(data_dir)
        self._state = _State()
        self._comparison = Comparison()
        self._maintenance = ThreadPoolExecutor(1, thread_name_prefix="kotae-maintenance")
        self._waiting: dict[str, Future[Report]] = {}
        self._waiting_lock = threading.RLock()
        self._ready = threading.Event()
        self._closing = threading.Event()

    # Searching

    def search(self, question: str, names: Sequence[str], top_k: int = 3) -> Answer:
        """Search the named knowledge bases; a name that isn't loaded is passed over.

        The question is encoded once, whatever the number of indexes. The same question and answer found in several
        knowledge bases counts once.
        """
        started = time.perf_counter()
        state = self._state
        asked = _question(question, state)
        found = [
            hit
            for name in dict.fromkeys(names)
            if name in state.loaded
            for hit in state.loaded[name].index.search(asked, max(top_k, MERGED_HITS))
        ]
        merged = _distinct(sorted(found, key=lambda hit: hit.score, reverse=True))
        hits = tuple(judge(asked, merged, state.weights, state.shifts)[:top_k])
        encoder = state.encoder.name if state.encoder and asked.vector is not None else None
        return Answer(asked, hits, encoder, time.perf_counter() - started, state.shifts)

    def record(self, name: str, record_id: str) -> Record | None:
        """Return a record as it is now; None when a reload took it away."""
        loaded = self._state.loaded.get(name)
        return loaded.by_id.get(record_id) if loaded else None

    def subject(self, name: str, lesson: Lesson) -> Record | None:
        """Return the record that a lesson is about, as it is now; None while there is none."""
        loaded = self._state.loaded.get(name)
        return loaded.subjects.of(lesson) if loaded else None

    def group(self, texts: Sequence[str]) -> Groups:
        """Bring together questions that are nearly the same; return the places of each group's, the first one leading.

        The first time, a thousand take as long as encoding them; from then on only new ones do.
        """
        state = self._state
        if state.encoder is None or len(texts) < 2:  # noqa: PLR2004
            return by_letters(texts)
        try:
            vectors = self._comparison.vectors(texts, state.encoder)
        except (EncodingError, ModelUnavailableError) as error:
            log.error("Grouping by letters: %s", error)  # noqa: TRY400 - the message is the whole story
            return by_letters(texts)
        dense = [loaded.index.dense for loaded in state.loaded.values() if loaded.index.dense]
        return by_meaning(texts, vectors, lambda vector: max((one.background(vector) for one in dense), default=0.0))

    # What is there

    def sources(self) -> tuple[str, ...]:
        """List the names that can be reloaded: the files that are there now, and what is loaded."""
        return tuple(dict.fromkeys([*(source.name for source in self._catalog()), *self._state.loaded]))

    def source(self, name: str) -> Source:
        """Return a knowledge base's file; raises UnknownKnowledgeBaseError."""
        sources = {source.name: source for source in self._catalog()}
        if name in self._state.loaded:
            return sources.get(name, self._state.loaded[name].source)
        if name not in sources:
            raise unknown(name, sources)
        return sources[name]

    @property
    def synonyms_file(self) -> Source | None:
        """Where the synonyms are, or would be, under the name of their file."""
        return Source(self._synonyms_path.stem, self._synonyms_path) if self._synonyms_path else None

    @property
    def loaded(self) -> Mapping[str, Loaded]:
        """The knowledge bases that answer now, by name."""
        return self._state.loaded

    @property
    def failures(self) -> Mapping[str, Translatable]:
        """Why a source that is there answers nothing at all, by name."""
        there = {source.name for source in self._catalog()}
        return {name: why for name, why in self._state.failures.items() if name in there}

    @property
    def synonyms(self) -> Synonyms:
        """The synonyms in use."""
        return self._state.synonyms

    @property
    def encoder(self) -> Encoder | None:
        """The encoder in use; None while the search is lexical only."""
        return self._state.encoder

    @property
    def weights(self) -> Weights:
        """What confidence is judged by where there are vectors."""
        return self._state.weights

    @property
    def shifts(self) -> Mapping[str, float]:
        """What feedback has added to the log-odds of each knowledge base's answers."""
        return self._state.shifts

    def wait_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the first load; tell whether it is done."""
        return self._ready.wait(timeout)

    # Loading and reloading: everything below changes the state and runs on the maintenance thread

    def load(self) -> Future[None]:
        """Read every source and make it searchable lexically; a bad file is answered for by its last snapshot."""
        return self._submit(self._load)

    def use_encoder(self, encoder: Encoder, progress: Progress | None = None) -> Future[Effort]:
        """Give every index its vectors, from snapshots as far as they go, and search with them from then on."""
        return self._submit(self._use_encoder, encoder, progress)

    def calibrate(self) -> Future[None]:
        """Fit confidence to the encoder in use, unless that was done at an earlier start."""
        return self._submit(self._calibrate)

    def learn(self, judged: Mapping[str, Sequence[Judgement]]) -> Future[None]:
        """Update confidence from what people said of replies, by knowledge base; one left out has no votes."""
        return self._submit(self._learn, judged)

    def teach(self, lessons: Lessons) -> Future[None]:
        """Lay these phrasings, and no others, over the records' aliases, now and after every reload.

        Only texts that have no vector yet are encoded.
        """
        return self._submit(self._teach, lessons)

    def reload(self, name: str, progress: Progress | None = None) -> Future[Report]:
        """Read a source again; what can't be used is in the report.

        Requests made before it begins share one run, and the first one's `progress`.
        """
        with self._waiting_lock:
            if name not in self._waiting:
                self._waiting[name] = self._submit(self._reload, name, progress)
            return self._waiting[name]

    def made(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version | None:
        """Keep a content that was just put in place, saying whose work it is; before the reload, which keeps any other.

        None when the disk takes none: that is logged, since it answers all the same.
        """
        try:
            return self.versions.keep(source, data, records, origin, by)
        except VersionError as error:
            log.error("%s", error)  # noqa: TRY400 - the message is the whole story
            return None

    def remove(self, name: str, by: str) -> Future[None]:
        """Let a knowledge base answer no more and delete its file; what it was stays among the versions.

        Raises VersionError when that can't be kept or the file can't be deleted: then it answers as before.
        """
        return self._submit(self._remove, name, by)

    def note_versions(self) -> Future[None]:
        """See to it that what is loaded is among the versions, to go back to; a reload does that by itself."""
        return self._submit(self._note_versions)

    def close(self) -> None:
        """Forget what has not begun, and wait for what has; encoding is broken off."""
        with self._waiting_lock:
            self._closing.set()
        self._maintenance.shutdown(wait=True, cancel_futures=True)

    def _submit(self, job: Callable[..., Value], *arguments: Any) -> Future[Value]:
        """Hand a job to the maintenance thread; once closing, it is cancelled from the start."""
        with self._waiting_lock:
            if not self._closing.is_set():
                return self._maintenance.submit(job, *arguments)
        cancelled: Future[Value] = Future()
        cancelled.cancel()
        return cancelled

    def _load(self) -> None:
        try:
            synonyms, warnings = self._read_synonyms()
            for warning in warnings:
                log.warning("%s", warning)
            self._state = replace(self._state, synonyms=synonyms)
            for source in self._catalog():
                self._load_one(source, synonyms)
        finally:
            self._ready.set()

    def _load_one(self, source: Source, synonyms: Synonyms) -> None:
        try:
            self._put(self._builder.first_reading(source, synonyms, self._state.lessons.get(source.name, ())))
        except UnusableFileError as error:
            log.error("%s", error)  # noqa: TRY400 - the message is the whole story
            self._fail(source.name, error.message)
        except Exception as error:
            log.exception("%s could not be loaded", source.path)
            kind = type(error).__name__
            self._fail(source.name, Translatable("base.failed", file=source.path.name, kind=kind))

    def _use_encoder(self, encoder: Encoder, progress: Progress | None) -> Effort:
        weights = stored_weights(self._data_dir, encoder) or DENSE
        self._state = replace(self._state, encoder=encoder, weights=weights)
        step = self._unless_closing(progress)
        effort = Effort()
        for name, loaded in tuple(self._state.loaded.items()):
            try:
                built = self._builder.with_vectors(loaded, encoder, self._snapshots(), step)
                self._put(built)
                effort = Effort(effort.encoded + built.encoded, effort.reused + built.reused)
            except _ClosingError:
                break
            except KnowledgeBaseError as error:
                log.error("%s is searched lexically: %s", name, error)  # noqa: TRY400 - the message is the whole story
                self._fail(name, error.message)
        return effort

    def _calibrate(self) -> None:
        encoder = self._state.encoder
        if encoder is None or encoder.name.endswith(FITTED_WITH) or stored_weights(self._data_dir, encoder):
            return
        bases = [(loaded.index.records, loaded.index.synonyms) for loaded in self._state.loaded.values()]
        try:
            weights = calibrate(bases, _UntilClosing(encoder, self._closing))
            store_weights(self._data_dir, encoder, weights)
        except _ClosingError:
            return
        except (EncodingError, ModelUnavailableError, OSError) as error:
            log.error("Confidence stays as it was: it could not be fitted (%s)", error)  # noqa: TRY400 - that is all
            return
        self._state = replace(self._state, weights=weights)
        log.info("Confidence is fitted to %s", encoder.name)

    def _learn(self, judged: Mapping[str, Sequence[Judgement]]) -> None:
        self._state = replace(self._state, shifts={name: learn(pairs) for name, pairs in judged.items()})

    def _teach(self, lessons: Lessons) -> None:
        before = self._state.lessons
        self._state = replace(self._state, lessons=lessons)
        for name in sorted(before.keys() | lessons.keys()):
            if name in self._state.loaded and list(before.get(name, ())) != list(lessons.get(name, ())):
                self._teach_one(self._state.loaded[name])

    def _teach_one(self, loaded: Loaded) -> None:
        fresh = self._builder.taught(loaded, self._state.lessons.get(loaded.source.name, ()))
        if self._state.encoder is None:
            self._put(Built(fresh))
            return
        try:
            self._put(self._builder.with_vectors(fresh, self._state.encoder, self._snapshots(), self._unless_closing()))
        except _ClosingError:
            return
        except KnowledgeBaseError as error:
            log.error("What %s was taught is not in force: %s", loaded.source.name, error)  # noqa: TRY400 - that is all

    def _unless_closing(self, progress: Progress | None = None) -> Progress:
        """Break encoding off between two batches when Kotae stops: there may be thousands to come."""

        def step(done: int, total: int) -> None:
            if self._closing.is_set():
                raise _ClosingError("base.closing")
            if progress:
                progress(done, total)

        return step

    def _reload(self, name: str, progress: Progress | None) -> Report:
        with self._waiting_lock:
            self._waiting.pop(name, None)
        started = time.perf_counter()
        try:
            report = self._renew(name, progress)
        except (UnknownKnowledgeBaseError, _ClosingError) as error:
            report = Report(name, error=error.message)
        except KnowledgeBaseError as error:
            report = Report(name, error=error.message)
            self._fail(name, error.message)
        return replace(report, seconds=time.perf_counter() - started)

    def _renew(self, name: str, progress: Progress | None) -> Report:
        before = self._state.loaded.get(name)
        source = self.source(name)
        synonyms, warnings = self._read_synonyms()
        lessons = self._state.lessons.get(name, ())
        snapshot = before.snapshot if before else self._builder.snapshots(source).load()
        built = self._build(*self._builder.read(source, synonyms, snapshot, lessons), progress)
        rewritten = synonyms.digest != self._state.synonyms.digest
        self._state = replace(self._state, synonyms=synonyms)
        self._put(built)
        self._note_version(built.loaded)
        if rewritten:
            for other in self._state.loaded.keys() - {name}:
                self.reload(other)
        return _report(before, built, warnings)

    def _build(self, loaded: Loaded, data: bytes, progress: Progress | None) -> Built:
        if self._state.encoder is None:
            return self._builder.keep_source(loaded, data)
        own = [loaded.snapshot] if loaded.snapshot else []
        pool = [*own, *self._snapshots()]
        return self._builder.with_vectors(loaded, self._state.encoder, pool, self._unless_closing(progress), data)

    def _remove(self, name: str, by: str) -> None:
        source, loaded = self.source(name), self._state.loaded.get(name)
        kept = [source.path, *([loaded.snapshot.source] if loaded and loaded.snapshot else [])]
        if path := next((path for path in kept if path.is_file()), None):
            self.versions.keep(source, read_bytes(path), len(loaded.index.records) if loaded else 0, "file", by)
        try:
            source.path.unlink(missing_ok=True)
        except OSError as error:
            raise VersionError(
                "version.file_not_deleted", path=str(source.path), name=name, reason=reason(error)
            ) from error
        others = {other: one for other, one in self._state.loaded.items() if other != name}
        failures = {other: why for other, why in self._state.failures.items() if other != name}
        self._state = replace(self._state, loaded=others, failures=failures)
        shutil.rmtree(self._builder.snapshots(source).folder, ignore_errors=True)

    def _note_versions(self) -> None:
        for loaded in self._state.loaded.values():
            self._note_version(loaded)

    def _note_version(self, loaded: Loaded) -> None:
        """Keep what is loaded, as a change of the file unless it is known as somebody's work."""
        source, digest = loaded.source, loaded.knowledge_base.digest
        if (known := self.versions.of(source)) and known[0].digest == digest:
            return
        for path in [*([loaded.snapshot.source] if loaded.snapshot else []), source.path]:
            data = read_bytes(path) if path.is_file() else b""
            if hashlib.sha256(data).hexdigest() == digest:
                self.made(source, data, len(loaded.index.records), "file")
                return

    def _snapshots(self) -> list[Snapshot]:
        return [loaded.snapshot for loaded in self._state.loaded.values() if loaded.snapshot]

    def _put(self, built: Built) -> None:
        name = built.loaded.source.name
        failures = {other: why for other, why in self._state.failures.items() if other != name}
        loaded = {**self._state.loaded, name: built.loaded}
        self._state = replace(self._state, loaded=loaded, failures=failures)

    def _fail(self, name: str, why: Translatable) -> None:
        """Remember why the file can't be used; what answered before keeps answering."""
        if name in self._state.loaded:
            loaded = replace(self._state.loaded[name], trouble=why)
            self._state = replace(self._state, loaded={**self._state.loaded, name: loaded})
        else:
            self._state = replace(self._state, failures={**self._state.failures, name: why})

    def _read_synonyms(self) -> tuple[Synonyms, tuple[Translatable, ...]]:
        """Read the synonyms; a bad file leaves those in use and is reported."""
        if self._synonyms_path is None or not self._synonyms_path.exists():
            return Synonyms(), ()
        try:
            synonyms = read_synonyms(self._synonyms_path)
        except UnusableFileError as error:
            return self._state.synonyms, (error.message,)
        name = self._synonyms_path.name
        return synonyms, tuple(
            Translatable("row.place", file=name, line=problem.line, why=problem.message)
            for problem in synonyms.problems
        )


class _UntilClosing:
    """An encoder for long work on the side, which is broken off when Kotae stops."""

    def __init__(self, encoder: Encoder, closing: threading.Event) -> None:
        self._encoder = encoder
        self._closing = closing
        self.name, self.revision = encoder.name, encoder.revision
        self.dimension, self.canaries = encoder.dimension, encoder.canaries

    def encode_query(self, text: str) -> Vector:
        self._check()
        return self._encoder.encode_query(text)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        def step(done: int, total: int) -> None:
            self._check()
            if progress:
                progress(done, total)

        return self._encoder.encode_documents(texts, step)

    def _check(self) -> None:
        if self._closing.is_set():
            raise _ClosingError("base.closing")


def unknown(name: str, names: Collection[str]) -> UnknownKnowledgeBaseError:
    """Make the error that says which knowledge bases there are instead."""
    if not names:
        return UnknownKnowledgeBaseError("base.none", name=name)
    return UnknownKnowledgeBaseError("base.unknown", name=name, names=tuple(names))


def _question(text: str, state: _State) -> Question:
    normalized = state.synonyms.apply(normalize(text))
    return Question(text, normalized, _vector(normalized, state))


def _vector(text: str, state: _State) -> Vector | None:
    """Encode a question; without a working encoder the search goes on lexically."""
    if state.encoder is None or not text:
        return None
    try:
        return state.encoder.encode_query(text)
    except (EncodingError, ModelUnavailableError) as error:
        log.error("Searching lexically: %s", error)  # noqa: TRY400 - the message is the whole story
        return None


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    seen: set[tuple[str, str]] = set()
    return [
        hit
        for hit in hits
        if (key := (hit.record.question, hit.record.answer)) not in seen and not seen.add(key)  # type: ignore[func-returns-value]
    ]


def _report(before: Loaded | None, built: Built, warnings: tuple[Translatable, ...]) -> Report:
    old = before.by_id if before else {}
    new = built.loaded.by_id
    return Report(
        built.loaded.source.name,
        added=len(new.keys() - old.keys()),
        changed=sum(new[id_].as_dict() != old[id_].as_dict() for id_ in new.keys() & old.keys()),
        removed=len(old.keys() - new.keys()),
        records=len(new),
        problems=built.loaded.knowledge_base.problems,
        encoded=built.encoded,
        reused=built.reused,
        warnings=(*warnings, built.trouble) if built.trouble else warnings,
    )
