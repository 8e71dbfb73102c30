"""The index of one knowledge base: cosine similarity of vectors combined with a lexical score.

Immutable after construction: searches need no lock, and a reload replaces the whole index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from indexes.records.stored import RecordRows, take
from indexes.retrieval.chunking import chunks
from indexes.retrieval.dense import CANDIDATES
from indexes.retrieval.details import DetailsIndex
from indexes.retrieval.fetched import TermSource
from indexes.retrieval.fetched_index import FetchedDetailsIndex, FetchedLexicalIndex
from indexes.retrieval.inverted import Arrays
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.lexical_query import LexicalQuery, Scores
from indexes.retrieval.scale import Scale
from indexes.retrieval.vector_index import VectorIndex
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.encoder import Vector
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

DENSE_WEIGHT = 0.7
"""Weight of the similarity in the fused score where there are vectors; the rest is the lexical score."""

AGREEMENT_ROWS = 5
"""Number of best rows that `Evidence.agreement` is computed over."""

FEWEST_ANSWERS = 3
"""Different answers that are scored, if there are as many: the rows of one answer would leave it without a rival."""

MOST_VOTES = 4.0
"""Rows as good as the best that support it at most: fifty copies of a row are no better a match than four."""

_WIDER = (1, 4, 16)
"""Times as many passages as usual that are looked at, while the nearest have too few answers."""

_BLOCK = 65_536
"""Rows whose answers are read at once, when one after the other is looked for."""

SHARPNESS = 12.0
"""A row whose score is lower by d supports its answer exp(-SHARPNESS * d) times as much as the best row."""


@dataclass(frozen=True)
class Question:
    """A question prepared for searching: `normalized` has synonyms applied; `vector` is its unit vector, if any."""

    text: str
    normalized: str
    vector: "Vector | None" = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the confidence of a hit is computed from; needs no labelled data."""

    score: float = 0.0
    """The fused score plus the support of other rows with the same answer; may exceed 1."""
    rival: float = 0.0
    """The best score of a different answer in the same knowledge base."""
    background: float = 0.0
    """The mean similarity of the question with all passages of the knowledge base; 0 without vectors."""
    missing: float = 0.0
    """The share of the question's characters, weighted by idf, that the knowledge base has but this record lacks."""
    agreement: float = 0.0
    """The share of the best AGREEMENT_ROWS rows that have this answer."""
    words: int = 0
    """Number of different words in the question."""
    lost: float = 0.0
    """The share of the knowledge base's questions that the encoder doesn't find by their words alone (`Scale.lost`)."""
    verbatim: bool = False
    """Whether the record's question or an alias is the question, word for word."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found. Scores are absolute, 0 to 1, and comparable between questions and knowledge bases."""

    record: "Record"
    knowledge_base: str
    score: float
    """Fused score plus the support of other rows with the same answer; hits are ordered by it."""
    dense: float | None
    """The best similarity of the record's passages: a cosine on the knowledge base's scale; None without vectors."""
    lexical: float
    coverage: float
    """The share of the question, weighted by idf, that the record has."""
    confidence: float = 0.0
    """The probability that this answers the question (confidence.with_confidence)."""
    evidence: Evidence = Evidence()
    chunk: str = ""
    """The chunk of a long answer that matches best, as written; set for the first hit of a search only."""
    is_held_back: bool = False
    """Whether the record is overdue for a check for so long that nobody gets it unasked; set by the registry."""


def passages(record: "Record", synonyms: "Synonyms") -> tuple[str, ...]:
    """Return the texts to encode for a record: the question, the question with each chunk of the answer, the aliases.

    A question that is longer than a chunk is split, and stands before no answer: it would leave no room for it. The
    texts are normalized, with synonyms applied.
    """
    questions = chunks(record.question)
    title = f"{record.question}\n" if len(questions) == 1 else ""
    texts = [*questions, *(f"{title}{chunk}" for chunk in chunks(record.answer)), *record.aliases]
    prepared = [synonyms.apply(normalize(text)) for text in texts]
    return tuple(dict.fromkeys(text for text in prepared if text)) or (record.id,)


@dataclass(frozen=True, slots=True)
class WordMatch:
    """What an index finds by the words of a question alone: the half of a search that needs no vector."""

    asked: LexicalQuery
    verbatim: NDArray[np.int64]
    candidates: NDArray[np.int64]


class Index:
    """Searches the records of one knowledge base: lexically at first, also by meaning once it has vectors."""

    def __init__(
        self,
        name: str,
        records: "Sequence[Record]",
        synonyms: "Synonyms",
        dense: VectorIndex | None = None,
        scale: Scale | None = None,
    ) -> None:
        """Without a `scale`, cosines are taken as they are."""
        self.name = name
        self.records = records
        self.synonyms = synonyms
        self.dense = dense
        self.scale = scale
        self.lexical = LexicalIndex(self.records, synonyms)
        self._details = DetailsIndex(self.records, synonyms)
        self._answers = _number_answers(self.records)

    @classmethod
    def of_arrays(
        cls,
        name: str,
        records: "Sequence[Record]",
        synonyms: "Synonyms",
        arrays: Arrays,
        terms: TermSource | None = None,
    ) -> Self:
        """Make an index of the arrays of one with the same records and synonyms; they may be mapped from a file.

        With `terms`, the postings are there, and not in the arrays.
        """
        index = object.__new__(cls)
        index.name, index.records, index.synonyms = name, records, synonyms
        index.dense, index.scale = None, None
        lexical, details = LexicalIndex.of_arrays(arrays, "lexical"), DetailsIndex.of_arrays(arrays, "details")
        index.lexical = FetchedLexicalIndex(lexical, "lexical", terms) if terms else lexical
        index._details = FetchedDetailsIndex(details, "details", terms) if terms else details
        index._answers = arrays["answers"]
        return index

    def arrays(self) -> Arrays:
        """Return what the index consists of, without its vectors, by name."""
        return {"answers": self._answers, **self.lexical.arrays("lexical"), **self._details.arrays("details")}

    def with_dense(self, dense: VectorIndex, scale: Scale | None = None) -> "Index":
        """Return a copy of this index with vectors and the scale of their cosines; everything else is shared."""
        other = object.__new__(Index)
        other.__dict__.update(self.__dict__, dense=dense, scale=scale)
        return other

    def row_of(self, record: "Record") -> int:
        """Return the row of a record of this index; raises LookupError for another one."""
        row = RecordRows(self.records).find(record.id)
        if row is None:
            raise LookupError(record.id)
        return row

    def passages(self, row: int) -> tuple[str, ...]:
        """Return the texts that are encoded for a row, the question first; see `passages`."""
        return passages(self.records[row], self.synonyms)

    @property
    def answers(self) -> NDArray[np.int64]:
        """The number of each record's answer: records with the same answer have the same number."""
        return self._answers

    def __len__(self) -> int:
        return len(self.records)

    def match_words(self, normalized: str, top_k: int = 3) -> WordMatch:
        """Search by words, to be continued by `search` with the same `top_k`; meanwhile the question can be encoded."""
        asked = self.lexical.query(normalized)
        candidates = asked.best(max(CANDIDATES, top_k), self._answers, max(top_k, FEWEST_ANSWERS))
        return WordMatch(asked, self.lexical.verbatim(normalized), candidates)

    def search(self, question: Question, top_k: int = 3, words: WordMatch | None = None) -> list[Hit]:
        """Return the `top_k` best records (or all, if there are fewer), best first; ties are in file order.

        A second record with the same answer is returned only when there are too few different answers. `words` is what
        `match_words` returned for this question, if it was called.
        """
        words = words or self.match_words(question.normalized, top_k)
        vector = _usable(question.vector) if self.dense else None
        asked = words.asked
        rows = np.union1d(self._candidates(words.candidates, vector, top_k), words.verbatim)
        found = self._score(asked, rows, np.isin(rows, words.verbatim), vector)
        best = np.argsort(-found.own_score, kind="stable")[:AGREEMENT_ROWS]
        hits = self._hits(found, _pick(found, top_k), asked, best)
        return [replace(hit, chunk=self.best_chunk(hit.record, asked)) if n == 0 else hit for n, hit in enumerate(hits)]

    def search_details(self, question: Question, top_k: int = 3) -> list[Hit]:
        """Return up to `top_k` records with words of the question in their details that no record has elsewhere."""
        rows = self._details.best(self.lexical.unknown_words(question.normalized), top_k)
        asked = self.lexical.query(question.normalized)
        vector = _usable(question.vector) if self.dense else None
        ascending = np.sort(rows)
        found = self._score(asked, ascending, np.zeros(len(rows), dtype=np.bool_), vector)
        best = np.argsort(-found.own_score, kind="stable")[:AGREEMENT_ROWS]
        return self._hits(found, np.searchsorted(ascending, rows).tolist(), asked, best)

    def hit_of(self, question: Question, row: int) -> Hit:
        """Return a row as if this question asked for it word for word, by words alone."""
        asked = self.lexical.query(question.normalized)
        found = self._score(asked, np.array([row]), np.ones(1, dtype=np.bool_), None)
        return self._hits(found, [0], asked, np.zeros(1, dtype=np.int64))[0]

    def _score(
        self, asked: LexicalQuery, rows: NDArray[np.int64], verbatim: NDArray[np.bool_], vector: "Vector | None"
    ) -> "_Found":
        lexical = asked.score(rows)
        own_score, dense, background = lexical.total, None, 0.0
        if vector is not None and self.dense is not None:
            similar, background = self._similarity(self.dense.cosines(vector, rows), self.dense.background(vector))
            dense = np.clip(similar, 0.0, 1.0)
            own_score = DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * own_score
        answers = self._answers[rows]
        score = own_score + _support(own_score, answers)
        score[verbatim] = score.max(initial=1.0)
        return _Found(rows, answers, lexical, dense, background, own_score, score, verbatim)

    def _similarity(self, cosines: NDArray[np.float64], background: float) -> tuple[NDArray[np.float64], float]:
        if self.scale is None:
            return cosines, background
        placed = self.scale.similarity(np.append(cosines, background), background)
        return placed[:-1], float(placed[-1])

    def _hits(self, found: "_Found", places: Sequence[int], asked: LexicalQuery, best: NDArray[np.int64]) -> list[Hit]:
        records = take(self.records, found.rows[places].tolist())
        return [self._hit(found, place, record, asked, best) for place, record in zip(places, records, strict=True)]

    def _hit(self, found: "_Found", place: int, record: "Record", asked: LexicalQuery, best: NDArray[np.int64]) -> Hit:
        same = found.answers == found.answers[place]
        coverage = found.lexical.coverages[-1, place]
        return Hit(
            record=record,
            knowledge_base=self.name,
            score=min(float(found.score[place]), 1.0),
            dense=None if found.dense is None else float(found.dense[place]),
            lexical=float(found.lexical.total[place]),
            coverage=float(found.lexical.coverage[place]),
            evidence=Evidence(
                score=float(found.score[place]),
                rival=float(found.score[~same].max(initial=0.0)),
                background=found.background,
                missing=max(asked.known - float(coverage), 0.0),
                agreement=float(same[best].mean()),
                words=asked.words,
                lost=self.scale.lost if self.scale and found.dense is not None else 0.0,
                verbatim=bool(found.verbatim[place]),
            ),
        )

    def best_chunk(self, record: "Record", asked: LexicalQuery) -> str:
        """Return the chunk of a long answer that has most of the question's characters; blank for a short answer.

        `asked` is what `lexical.query(question.normalized)` returns.
        """
        texts = chunks(record.answer)
        if len(texts) == 1:
            return ""
        shares = asked.shares([self.synonyms.apply(normalize(text)) for text in texts])
        return texts[int(np.argmax(shares))]

    def _candidates(self, rows: NDArray[np.int64], vector: "Vector | None", top_k: int) -> NDArray[np.int64]:
        """Add rows to those found by words, for scoring, ascending: the nearest ones if there is a vector.

        In all at least `top_k` and with FEWEST_ANSWERS answers, if there are as many.
        """
        fewest = max(top_k, FEWEST_ANSWERS)
        if vector is not None and self.dense is not None:
            rows = np.union1d(rows, self._near(self.dense, vector, fewest))
        missing = fewest - len(np.unique(self._answers[rows]))
        if missing > 0:
            rows = np.concatenate([rows, self._others(self._answers[rows], missing)])
        missing = min(top_k, len(self)) - len(rows)
        if missing > 0:
            rows = np.concatenate([rows, np.setdiff1d(np.arange(len(rows) + missing), rows)[:missing]])
        return np.sort(rows)

    def _near(self, dense: VectorIndex, vector: "Vector", fewest: int) -> NDArray[np.int64]:
        """Return the rows with the nearest passages; more of them while one answer has nearly all, up to a bound."""
        passages_per_row = -(-len(dense) // max(len(self), 1))
        rows = np.zeros(0, dtype=np.int64)
        for wider in _WIDER:
            rows = dense.nearest(vector, max(CANDIDATES, fewest) * passages_per_row * wider)
            if len(np.unique(self._answers[rows])) >= fewest or len(rows) == len(self):
                break
        return rows

    def _others(self, answers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the first rows of up to `count` other answers, reading no more rows than that takes."""
        found: list[int] = []
        seen = np.unique(answers)
        for at in range(0, len(self), _BLOCK):
            block = self._answers[at : at + _BLOCK]
            numbers, first = np.unique(block[~np.isin(block, seen)], return_index=True)
            places = np.flatnonzero(~np.isin(block, seen))[np.sort(first)[: count - len(found)]]
            found += (places + at).tolist()
            seen = np.union1d(seen, numbers)
            if len(found) == count:
                break
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Found:
    """Candidate rows in file order, with their scores; `own_score` is without the support of other rows."""

    rows: NDArray[np.int64]
    answers: NDArray[np.int64]
    lexical: Scores
    dense: NDArray[np.float64] | None
    background: float
    own_score: NDArray[np.float64]
    score: NDArray[np.float64]
    """With the support; what is found verbatim has the highest."""
    verbatim: NDArray[np.bool_]


def _support(own_score: NDArray[np.float64], answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each row gains from other rows with the same answer: a smooth maximum, minus the maximum.

    ln(sum of exp(SHARPNESS * score)) / SHARPNESS - max: 0 for a single row, ln(2) / SHARPNESS = 0.06 for two equals,
    0.12 for MOST_VOTES and more.
    """
    _, groups = np.unique(answers, return_inverse=True)
    top = np.zeros(groups.max(initial=-1) + 1)
    np.maximum.at(top, groups, own_score)
    votes = np.bincount(groups, np.exp(SHARPNESS * (own_score - top[groups])), len(top))
    return np.asarray((np.log(np.minimum(votes, MOST_VOTES)) / SHARPNESS)[groups])


def _pick(found: _Found, top_k: int) -> list[int]:
    """Return the positions of the best records with different answers, then others if too few; best first."""
    order = np.lexsort((-found.score, ~found.verbatim))
    _, first = np.unique(found.answers[order], return_index=True)
    distinct = np.zeros(len(order), dtype=np.bool_)
    distinct[first] = True
    ranks = np.concatenate([np.flatnonzero(distinct), np.flatnonzero(~distinct)])[:top_k]
    return [int(place) for place in order[np.sort(ranks)]]


def _number_answers(records: "Sequence[Record]") -> NDArray[np.int64]:
    """Number the answers: records with the same answer get the same number, one without an answer its own."""
    numbers: dict[str, int] = {}
    keys = (normalize(record.answer) or f"\0{row}" for row, record in enumerate(records))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _usable(vector: "Vector | None") -> "Vector | None":
    """Return the vector, or None if it has NaN or infinity: FAISS would then return rows that don't exist."""
    return vector if vector is not None and bool(np.isfinite(vector).all()) else None
