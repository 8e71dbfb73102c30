"""Which knowledge bases exist, and searching them.

Every method reads one immutable `State` from start to end. `Maintenance` prepares the next state in the background and
swaps it in with one assignment, so that a search never sees half a reload, and a failed reload changes nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexes.confidence.confidence import DOUBTFUL, with_confidence
from indexes.confidence.decision import Verdict, reasons, verdict
from indexes.encoder import Encoder, Vector
from indexes.errors import EncodingError, ModelUnavailableError, UnknownKnowledgeBaseError
from indexes.loaded import LoadedKnowledgeBase
from indexes.messages import Translatable
from indexes.records import Record, Source
from indexes.records.review import Overdue, ReviewPolicy
from indexes.retrieval.clustering import Groups, QuestionVectors, group_by_letters, group_by_meaning
from indexes.retrieval.details import shared_with_details
from indexes.retrieval.index import Hit, Question
from indexes.retrieval.learned_aliases import LearnedAlias, LearnedAliases
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize

log = logging.getLogger(__name__)

MERGED_HITS = 10
"""Hits taken from each index before merging: confidence also looks at the runners-up."""

CANDIDATES = 5
"""Rows that somebody may choose from who is asked back which they mean."""

OVERDUE_TITLE = 80
"""Characters of the title of an overdue row that are quoted."""

PATIENCE = 10.0
"""Seconds that a search waits for the vector of its question: two hundred times what the default model takes."""


@dataclass(frozen=True)
class Answer:
    """The hits of all searched knowledge bases, best first; `encoder` is None if the search was lexical only."""

    question: Question
    hits: tuple[Hit, ...]
    encoder: str | None
    seconds: float
    shifts: Mapping[str, float] = field(default_factory=dict)
    """What votes had added to the log-odds at that time, by knowledge base."""
    candidates: tuple[Hit, ...] = ()
    """The best rows to choose from, CANDIDATES at most, however many hits are wanted."""

    @property
    def confidence(self) -> float:
        """Probability that the first hit answers the question; 0 without hits."""
        return self.hits[0].confidence if self.hits else 0.0

    def is_certain(self, threshold: float, *, unasked: bool = False) -> bool:
        """Return whether the first hit has an answer and reaches the threshold; `unasked`: and may be volunteered."""
        decided = verdict(self.hits[0].record if self.hits else None, self.confidence, threshold)
        if unasked:
            return decided is Verdict.GIVEN and not self.hits[0].is_held_back
        return decided in {Verdict.GIVEN, Verdict.NO_QUESTION}


@dataclass(frozen=True, slots=True)
class EncodingProgress:
    """How many of a knowledge base's texts have been encoded for the search by meaning, of those that must be."""

    done: int
    total: int


@dataclass(frozen=True)
class State:
    """Everything a search depends on. Never changed: the methods return a new state."""

    loaded: Mapping[str, LoadedKnowledgeBase] = field(default_factory=dict)
    failures: Mapping[str, Translatable] = field(default_factory=dict)
    """Why a file could not be loaded at all, by name."""
    synonyms: Synonyms = field(default_factory=Synonyms)
    encoder: Encoder | None = None
    shifts: Mapping[str, float] = field(default_factory=dict)
    learned_aliases: LearnedAliases = field(default_factory=dict)
    encoding: Mapping[str, EncodingProgress] = field(default_factory=dict)
    """The knowledge bases whose texts are being encoded, by name."""

    def with_loaded(self, loaded: LoadedKnowledgeBase) -> "State":
        """Add a knowledge base, or replace the one of that name."""
        others = self.without(loaded.source.name)
        return replace(others, loaded={**self.loaded, loaded.source.name: loaded})

    def without_progress(self, name: str) -> "State":
        """Record that nothing of a knowledge base is being encoded."""
        return replace(self, encoding={other: far for other, far in self.encoding.items() if other != name})

    def with_progress(self, name: str, done: int, total: int) -> "State":
        """Record how far the encoding of a knowledge base is."""
        return replace(self, encoding={**self.encoding, name: EncodingProgress(done, total)})

    def with_failure(self, name: str, why: Translatable) -> "State":
        """Record why a file can't be used; what was loaded from it earlier stays."""
        if name in self.loaded:
            return replace(self, loaded={**self.loaded, name: replace(self.loaded[name], trouble=why)})
        return replace(self, failures={**self.failures, name: why})

    def without(self, name: str) -> "State":
        """Remove a knowledge base and its failure."""
        return replace(
            self,
            loaded={other: loaded for other, loaded in self.loaded.items() if other != name},
            failures={other: why for other, why in self.failures.items() if other != name},
        )


class Registry:
    """The knowledge bases that can be searched. Several channels may search one; it is loaded only once.

    `catalog` lists the CSV files and is called again for each reload, to find new files; `synonyms` is a file that may
    not exist; `policy` says how rows are treated that are overdue for a check; `patience` is how many seconds a search
    waits for the vector of its question. Nothing is loaded until `Maintenance.load` runs. Safe to share by threads.
    """

    def __init__(
        self,
        catalog: Callable[[], Sequence[Source]],
        synonyms: Path | None = None,
        policy: ReviewPolicy = ReviewPolicy(),  # noqa: B008 - it never changes
        patience: float = PATIENCE,
    ) -> None:
        self.catalog = catalog
        self.policy = policy
        self._synonyms_path = synonyms
        self._patience = patience
        self._state = State()
        self._question_vectors = QuestionVectors()
        self._ready = threading.Event()

    # Searching

    def search(self, question: str, names: Sequence[str], top_k: int = 3) -> Answer:
        """Search the named knowledge bases; a name that isn't loaded is skipped.

        The question is encoded once, however many indexes are searched; once more while some of them were built with
        other synonyms than those in use. Meanwhile the indexes are searched by its words. A question and answer found
        in several knowledge bases counts once.
        """
        started = time.perf_counter()
        state = self._state
        indexes = [state.loaded[name].index for name in dict.fromkeys(names) if name in state.loaded]
        used = {synonyms.digest: synonyms for synonyms in (state.synonyms, *(index.synonyms for index in indexes))}
        begun = {digest: _begin(question, synonyms, state) for digest, synonyms in used.items()}
        wanted = max(top_k, MERGED_HITS)
        words = [index.match_words(begun[index.synonyms.digest].normalized, wanted) for index in indexes]
        said = {digest: each.question(self._patience) for digest, each in begun.items()}
        asked = said[state.synonyms.digest]
        found: list[Hit] = []
        for index, matched in zip(indexes, words, strict=True):
            found += index.search(said[index.synonyms.digest], wanted, matched)
        merged = _distinct(sorted(found, key=lambda hit: (hit.evidence.verbatim, hit.score), reverse=True))
        ordered = _by_details(merged, asked)
        wider = different_first(ordered, max(top_k, CANDIDATES))
        judged = with_confidence(asked, ordered, state.shifts, wider)
        hits, candidates = tuple(different_first(judged, top_k)), tuple(different_first(judged, CANDIDATES))
        if not hits or hits[0].confidence < DOUBTFUL:
            detailed = [hit for index in indexes for hit in index.search_details(said[index.synonyms.digest], top_k)]
            found_by_details = with_confidence(asked, detailed, state.shifts)
            hits = _details_first(found_by_details, hits, top_k)
            candidates = _details_first(found_by_details, candidates, CANDIDATES)
        encoder = state.encoder.name if state.encoder and asked.vector is not None else None
        hits, candidates = self._marked(hits), self._marked(candidates)
        return Answer(asked, hits, encoder, time.perf_counter() - started, state.shifts, candidates)

    def answer_of(self, name: str, record_id: str) -> Answer | None:
        """Return a record as the answer to its own question, by words alone; None if it no longer exists."""
        started = time.perf_counter()
        state = self._state
        loaded = state.loaded.get(name)
        record = loaded.record(record_id) if loaded else None
        if loaded is None or record is None:
            return None
        asked = Question(record.title, loaded.index.synonyms.apply(normalize(record.title)))
        hit = loaded.index.hit_of(asked, loaded.index.row_of(record))
        hits = self._marked(with_confidence(asked, [hit], state.shifts))
        return Answer(asked, hits, None, time.perf_counter() - started, state.shifts)

    def why(self, answer: Answer, threshold: float) -> tuple[Translatable, ...]:
        """Say why the first hit of an answer is given unasked at a threshold, or is not."""
        if answer.is_certain(threshold) and answer.hits[0].is_held_back:
            return (Translatable("why.overdue", title=answer.hits[0].record.title[:OVERDUE_TITLE]),)
        return reasons(answer.question, answer.hits, threshold, answer.shifts)

    def overdue(self, name: str, record: Record) -> Overdue | None:
        """Return how overdue a record of a knowledge base is for a check; None if it isn't."""
        loaded = self._state.loaded.get(name)
        return self.policy.overdue(loaded.deadline(record)) if loaded else None

    def _marked(self, hits: Iterable[Hit]) -> tuple[Hit, ...]:
        """Mark the hits that are held back."""
        overdue = [(hit, self.overdue(hit.knowledge_base, hit.record)) for hit in hits]
        return tuple(replace(hit, is_held_back=True) if how and how.is_held_back else hit for hit, how in overdue)

    def record(self, name: str, record_id: str) -> Record | None:
        """Return the current version of a record, or None if it no longer exists."""
        loaded = self._state.loaded.get(name)
        return loaded.record(record_id) if loaded else None

    def aliased_record(self, name: str, alias: LearnedAlias) -> Record | None:
        """Return the record that a learned alias belongs to, or None if there is none now."""
        loaded = self._state.loaded.get(name)
        return loaded.aliased_record(alias) if loaded else None

    def group(self, texts: Sequence[str]) -> Groups:
        """Group questions that are nearly the same; return the positions of each group, its first question first.

        The first call for a thousand questions takes as long as encoding them; later calls encode only new ones.
        """
        state = self._state
        if state.encoder is None or len(texts) < 2:  # noqa: PLR2004
            return group_by_letters(texts)
        try:
            vectors = self._question_vectors.vectors(texts, state.encoder)
        except (EncodingError, ModelUnavailableError) as error:
            log.error("Grouping by letters: %s", error)  # noqa: TRY400 - the message is the whole story
            return group_by_letters(texts)
        dense = [loaded.index.dense for loaded in state.loaded.values() if loaded.index.dense]
        return group_by_meaning(
            texts, vectors, lambda vector: max((one.background(vector) for one in dense), default=0.0)
        )

    # What is loaded

    def sources(self) -> tuple[str, ...]:
        """List the names that can be reloaded: the files on disk, and everything that is loaded."""
        return tuple(source.name for source in self.files())

    def files(self) -> list[Source]:
        """Return the file of each of `sources`; the folder is listed once."""
        found = {source.name: source for source in self.catalog()}
        gone = [loaded.source for name, loaded in self._state.loaded.items() if name not in found]
        return [*found.values(), *gone]

    def source(self, name: str) -> Source:
        """Return the file of a knowledge base; raises UnknownKnowledgeBaseError."""
        sources = {source.name: source for source in self.catalog()}
        if name in self._state.loaded:
            return sources.get(name, self._state.loaded[name].source)
        if name not in sources:
            raise unknown_knowledge_base(name, sources)
        return sources[name]

    @property
    def synonyms_file(self) -> Source | None:
        """The file of synonyms, whether or not it exists, named after the file."""
        return Source(self._synonyms_path.stem, self._synonyms_path) if self._synonyms_path else None

    @property
    def loaded(self) -> Mapping[str, LoadedKnowledgeBase]:
        """The knowledge bases that can be searched now, by name."""
        return self._state.loaded

    @property
    def failures(self) -> Mapping[str, Translatable]:
        """Why a file on disk could not be loaded at all, by name."""
        there = {source.name for source in self.catalog()}
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
    def encoding(self) -> Mapping[str, EncodingProgress]:
        """How far the encoding of texts is, by knowledge base; those that aren't being encoded are missing."""
        return self._state.encoding

    @property
    def shifts(self) -> Mapping[str, float]:
        """What votes have added to the log-odds of each knowledge base's answers."""
        return self._state.shifts

    def wait_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the first load; return whether it is done."""
        return self._ready.wait(timeout)

    # For Maintenance

    @property
    def state(self) -> State:
        """The state that searches read now."""
        return self._state

    def swap(self, state: State) -> None:
        """Search this state from now on. Called on the maintenance thread only."""
        self._state = state

    def set_ready(self) -> None:
        """Release everyone in `wait_ready`: the first load is done."""
        self._ready.set()


def unknown_knowledge_base(name: str, names: Collection[str]) -> UnknownKnowledgeBaseError:
    """Make the error for an unknown name, which lists the names that exist."""
    if not names:
        return UnknownKnowledgeBaseError("base.none", name=name)
    return UnknownKnowledgeBaseError("base.unknown", name=name, names=tuple(names))


@dataclass(frozen=True, slots=True)
class _Begun:
    """A question that is being encoded; without a vector if there is no encoder."""

    text: str
    normalized: str
    vector: Future[Vector] | None

    def question(self, patience: float) -> Question:
        """Wait for the vector, so many seconds at most; if it can't be had, the search is lexical."""
        try:
            return Question(self.text, self.normalized, self.vector.result(patience) if self.vector else None)
        except TimeoutError:
            log.warning("Searching lexically: the model has taken more than %.0f s", patience)
        except (EncodingError, ModelUnavailableError) as error:
            log.error("Searching lexically: %s", error)  # noqa: TRY400 - the message is the whole story
        return Question(self.text, self.normalized)


def _begin(text: str, synonyms: Synonyms, state: State) -> _Begun:
    """Begin to encode a question as it reads with these synonyms."""
    normalized = synonyms.apply(normalize(text))
    if state.encoder is None or not normalized:
        return _Begun(text, normalized, None)
    try:
        return _Begun(text, normalized, state.encoder.begin_query(normalized))
    except (EncodingError, ModelUnavailableError) as error:
        log.error("Searching lexically: %s", error)  # noqa: TRY400 - the message is the whole story
        return _Begun(text, normalized, None)


def different_first(hits: Sequence[Hit], top_k: int) -> list[Hit]:
    """Return `top_k` hits in their order: the best of each answer, then others if these are too few."""
    answers = [normalize(hit.record.answer) or f"\0{place}" for place, hit in enumerate(hits)]
    repeated = [answer in answers[:place] for place, answer in enumerate(answers)]
    kept = sorted(range(len(hits)), key=lambda place: (repeated[place], place))[:top_k]
    return [hits[place] for place in sorted(kept)]


def _by_details(hits: Sequence[Hit], question: Question) -> list[Hit]:
    """Order the records with the question and answer of the first by what the question says of their other columns."""
    if not hits:
        return []
    first = hits[0].record
    twins = [hit for hit in hits if (hit.record.question, hit.record.answer) == (first.question, first.answer)]
    if len(twins) == 1:
        return list(hits)
    twins.sort(key=lambda hit: -shared_with_details(question.normalized, hit.record))
    others = [hit for hit in hits if hit not in twins]
    return [*twins, *others]


def _details_first(detailed: Sequence[Hit], hits: Sequence[Hit], top_k: int) -> tuple[Hit, ...]:
    """Put the records found by their details before the others; nobody is sure of them, and they are never volunteered.

    They are at least as sure as the next, so that the order of hits stays that of their confidence.
    """
    least = hits[0].confidence if hits else 0.0
    found = [replace(hit, confidence=min(max(hit.confidence, least), DOUBTFUL)) for hit in detailed]
    found.sort(key=lambda hit: -hit.confidence)
    places = {(hit.knowledge_base, hit.record.id) for hit in found}
    others = [hit for hit in hits if (hit.knowledge_base, hit.record.id) not in places]
    return tuple([*found, *others][:top_k])


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    seen: set[tuple[str, ...]] = set()
    return [
        hit
        for hit in hits
        if (key := (hit.record.question, hit.record.answer, *hit.record.details.values())) not in seen
        and not seen.add(key)  # type: ignore[func-returns-value]
    ]
