"""The half of retrieval that needs no model: how much of a question's words and characters a record has.

Every score lies between 0 and 1 and means the same for every question (a cosine, or a share of the question's idf
mass), so that it can be added to a dense cosine and serve as a confidence. What was tried: docs/retrieval.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.text import normalize
from indexes.tokens import Tokens, Vocabulary, character_tokens, count_words, script_tokens

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.synonyms import Synonyms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

BUDGET = 30_000
"""Postings read for one question and view, rarest term first; the other terms are looked up for candidates only."""

VIEWS = ("words of the question", "characters of the question", "words of all", "characters of all")

_CHUNK = 2_000
_MOST = 255
_DAMPED = 1.0 + np.log(np.maximum(np.arange(_MOST + 1), 1))


@dataclass(frozen=True, slots=True)
class Scores:
    """Some rows' cosines and coverages, one line per view in the order of `VIEWS`, one column per row of `rows`."""

    rows: Ints
    cosines: Floats
    coverages: Floats

    @property
    def total(self) -> Floats:
        """The lexical score: half the better of question and all, half the mean of the two.

        What answers may stand in the question or only in the answer (a CSV of titles and texts); a plain mean would
        halve the score of the latter.
        """
        question = (self.cosines[:2].sum(axis=0) + self.coverages[:2].sum(axis=0)) / 4
        everything = (self.cosines[2:].sum(axis=0) + self.coverages[2:].sum(axis=0)) / 4
        return np.asarray(np.maximum(question, everything) / 2 + (question + everything) / 4)

    @property
    def coverage(self) -> Floats:
        """The share of the question's idf mass that each row has anywhere, in words and in characters."""
        return np.asarray(self.coverages[2:].mean(axis=0))


class View:
    """An inverted index: for each term the texts that have it, and how often (at most 255 times)."""

    def __init__(self, texts: Sequence[str], tokenize: Callable[[Sequence[str]], Tokens]) -> None:
        chunks = [_count(tokenize(texts[at : at + _CHUNK]), at) for at in range(0, max(len(texts), 1), _CHUNK)]
        self.size = len(texts)
        self._keys = np.unique(np.concatenate([chunk.keys for chunk in chunks]))
        terms = np.concatenate([np.searchsorted(self._keys, chunk.keys)[chunk.places] for chunk in chunks])
        order = np.argsort(terms, kind="stable")
        terms = terms[order]
        self._texts = np.concatenate([chunk.texts for chunk in chunks])[order]
        self._counts = np.concatenate([chunk.counts for chunk in chunks])[order]
        self._starts = np.searchsorted(terms, np.arange(len(self._keys) + 1))
        self._idf = _idf(np.diff(self._starts), self.size)
        squares = _DAMPED[self._counts] ** 2 * self._idf[terms]
        self.norms = np.sqrt(np.bincount(self._texts, squares, minlength=self.size))
        self.norms[self.norms == 0] = 1.0

    def match(self, keys: Keys, budget: int = BUDGET) -> "Match":
        """Weigh a question's terms and read their postings."""
        return Match(self, self.weigh(keys), budget)

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return the texts that have the term, ascending, and how often."""
        span = slice(self._starts[term], self._starts[term + 1])
        return self._texts[span], self._counts[span]

    def look_up(self, terms: Ints, texts: Ints) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return how often each term (line) stands in each text (column), and whether it does at all."""
        spans = zip(self._starts[terms].tolist(), self._starts[terms + 1].tolist(), strict=True)
        places = np.zeros((len(terms), len(texts)), dtype=np.int64)
        for line, (start, end) in enumerate(spans):
            places[line] = self._texts[start:end].searchsorted(texts) + start
        np.minimum(places, self._starts[terms + 1][:, np.newaxis] - 1, out=places)
        return self._counts[places], self._texts[places] == texts

    def lengths(self, terms: Ints) -> Ints:
        """Return in how many texts each term occurs."""
        return self._starts[terms + 1] - self._starts[terms]

    def weigh(self, keys: Keys) -> "Terms":
        """Return a question's terms with what they weigh here."""
        distinct, counts = np.unique(keys, return_counts=True)
        places = np.searchsorted(self._keys, distinct)
        places[places == len(self._keys)] = 0
        known = self._keys[places] == distinct if len(self._keys) else np.zeros(len(distinct), dtype=np.bool_)
        idf = np.full(len(distinct), _idf(np.zeros(1), self.size)[0])
        idf[known] = self._idf[places[known]]
        damped = _DAMPED[np.minimum(counts, _MOST)]
        weights = damped * idf
        norm, mass = float(np.sqrt(weights @ damped)), float(idf.sum())
        return Terms(distinct[known], places[known], weights[known], idf[known], norm, mass)


@dataclass(frozen=True, slots=True)
class Terms:
    """A question's terms that a view knows; `norm` and `mass` count the unknown ones too, as the rarest there are.

    A term has the square root of its idf in a vector, so that one shared by question and text counts by its idf, once.
    """

    keys: Keys
    places: Ints
    weights: Floats
    idf: Floats
    norm: float
    mass: float


class Match:
    """What one question shares with the texts of one view."""

    def __init__(self, view: View, terms: Terms, budget: int) -> None:
        self._view = view
        self._terms = terms
        lengths = view.lengths(terms.places)
        order = np.argsort(lengths, kind="stable")
        affordable = int(np.searchsorted(np.cumsum(lengths[order]), budget, side="right"))
        self._read, self._rest = order[:affordable], order[affordable:]
        self._dots, self._shared = self._accumulate()

    @property
    def known(self) -> float:
        """The share of the question's idf mass that occurs in any text."""
        return float(self._terms.idf.sum()) / (self._terms.mass or 1.0)

    def shares(self, texts: Sequence[Keys]) -> Floats:
        """Return the share of the question's idf mass that each of these token lists has."""
        return np.array([np.isin(self._terms.keys, keys) @ self._terms.idf for keys in texts]) / (self._terms.mass or 1)

    def all(self) -> tuple[Floats, Floats]:
        """Return cosine and coverage of every text; too low by the terms that the budget left out."""
        return self._scale(self._dots, self._view.norms, self._shared)

    def some(self, texts: Ints) -> tuple[Floats, Floats]:
        """Return the exact cosine and coverage of these texts."""
        counts, has = self._view.look_up(self._terms.places[self._rest], texts)
        dots = self._dots[texts] + self._terms.weights[self._rest] @ (_DAMPED[counts] * has)
        shared = self._shared[texts] + self._terms.idf[self._rest] @ has
        return self._scale(dots, self._view.norms[texts], shared)

    def _accumulate(self) -> tuple[Floats, Floats]:
        terms, size = self._terms, self._view.size
        postings = [self._view.postings(place) for place in terms.places[self._read].tolist()]
        if not postings:
            return np.zeros(size), np.zeros(size)
        texts = np.concatenate([texts for texts, _ in postings])
        weights = _DAMPED[np.concatenate([counts for _, counts in postings])]
        lengths = [len(texts) for texts, _ in postings]
        idf = terms.idf[self._read]
        weights *= np.repeat(terms.weights[self._read], lengths)
        dots, shared = np.bincount(texts, weights, size), np.bincount(texts, np.repeat(idf, lengths), size)
        return dots.astype(np.float64, copy=False), shared.astype(np.float64, copy=False)

    def _scale(self, dots: Floats, norms: Floats, shared: Floats) -> tuple[Floats, Floats]:
        return dots / (norms * (self._terms.norm or 1.0)), shared / (self._terms.mass or 1.0)


class Lexical:
    """The lexical half of an index: words and characters of the records' questions, and of all they say."""

    def __init__(self, records: Sequence["Record"], synonyms: "Synonyms") -> None:
        self._vocabulary = Vocabulary()
        asked = [[synonyms.apply(normalize(text)) for text in questions(record)] for record in records]
        told = [
            "\n".join((*texts, synonyms.apply(normalize(rest(record)))))
            for texts, record in zip(asked, records, strict=True)
        ]
        flat = [text for texts in asked for text in texts]
        self._starts = np.concatenate([[0], np.cumsum([len(texts) for texts in asked])]).astype(np.int64)
        self._questions = (View(flat, self._learn), View(flat, character_tokens))
        self._all = (View(told, self._learn), View(told, character_tokens))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def ask(self, text: str, budget: int = BUDGET) -> "Asked":
        """Look a normalized question up."""
        keys = (script_tokens([text], self._vocabulary, grow=False).keys, character_tokens([text]).keys)
        return Asked(
            [view.match(tokens, budget) for view, tokens in zip(self._questions, keys, strict=True)],
            [view.match(tokens, budget) for view, tokens in zip(self._all, keys, strict=True)],
            self._starts,
            count_words(text),
        )

    def shared_words(self, text: str, row: int) -> list[tuple[str, float, bool]]:
        """Return the question's known words and n-grams, rarest first: the term, its idf, whether the row has it."""
        view = self._all[0]
        terms = view.weigh(script_tokens([text], self._vocabulary, grow=False).keys)
        _, has = view.look_up(terms.places, np.array([row]))
        spelled = [self._vocabulary.spell(int(key)) for key in terms.keys]
        found = zip(spelled, terms.idf.tolist(), has[:, 0].tolist(), strict=True)
        return sorted(found, key=lambda term: -term[1])

    def _learn(self, texts: Sequence[str]) -> Tokens:
        return script_tokens(texts, self._vocabulary, grow=True)


class Asked:
    """One question's lexical scores, for every row or exactly for some."""

    def __init__(self, questions: Sequence[Match], everything: Sequence[Match], starts: Ints, words: int) -> None:
        self._questions = questions
        self._all = everything
        self._starts = starts
        self.words = words
        """How many words the question has."""

    @property
    def known(self) -> float:
        """The share of the question's characters (idf mass) that occurs in any row."""
        return self._all[-1].known

    def best(self, count: int) -> Ints:
        """Return the rows that score best by what the budget allowed to read, in no order; only rows above zero."""
        total = self.every().total
        rows = np.argpartition(-total, count - 1)[:count] if count < len(total) else np.arange(len(total))
        return rows[total[rows] > 0]

    def shares(self, texts: Sequence[str]) -> Floats:
        """Return the share of the question's characters (idf mass) that each normalized text has."""
        return self._all[-1].shares([character_tokens([text]).keys for text in texts])

    def every(self) -> Scores:
        """Return the scores of all rows, too low by the terms that the budget left out."""
        pairs = [_best_of(match.all(), self._starts[:-1]) for match in self._questions]
        return _scores(np.arange(len(self._starts) - 1), [*pairs, *(match.all() for match in self._all)])

    def score(self, rows: Ints) -> Scores:
        """Return the exact scores of these rows."""
        texts, starts = spread(self._starts[rows], self._starts[rows + 1])
        pairs = [_best_of(match.some(texts), starts) for match in self._questions]
        return _scores(rows, [*pairs, *(match.some(rows) for match in self._all)])


def questions(record: "Record") -> tuple[str, ...]:
    """Return the ways in which a record is asked for."""
    return (record.question, *record.aliases)


def rest(record: "Record") -> str:
    """Return what else a record says."""
    return "\n".join((*record.keywords, record.category, record.answer))


@dataclass(frozen=True, slots=True)
class _Counted:
    keys: Keys
    places: Ints
    texts: NDArray[np.int32]
    counts: NDArray[np.uint8]


def _count(tokens: Tokens, first: int) -> _Counted:
    """Count each term of each text; the texts are numbered from `first`."""
    keys, terms = np.unique(tokens.keys, return_inverse=True)
    pairs, counts = np.unique(terms * _CHUNK + tokens.texts, return_counts=True)
    texts = (pairs % _CHUNK + first).astype(np.int32)
    return _Counted(keys, pairs // _CHUNK, texts, np.minimum(counts, _MOST).astype(np.uint8))


def _idf(holders: NDArray[np.number[Any]], texts: int) -> Floats:
    """Return ln((texts + 1) / (holders + 0.5)): above zero even for a term that every text has."""
    return np.asarray(np.log((texts + 1) / (holders + 0.5)), dtype=np.float64)


def _scores(rows: Ints, pairs: Sequence[tuple[Floats, Floats]]) -> Scores:
    return Scores(rows, np.stack([cosine for cosine, _ in pairs]), np.stack([coverage for _, coverage in pairs]))


def _best_of(pair: tuple[Floats, Floats], starts: Ints) -> tuple[Floats, Floats]:
    """Return the highest cosine and the highest coverage among each row's texts."""
    if len(starts) == len(pair[0]):
        return pair
    return np.maximum.reduceat(pair[0], starts), np.maximum.reduceat(pair[1], starts)


def spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return the numbers of all ranges first <= number < last, one after the other, and where each range begins."""
    lengths = last - first
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.repeat(first, lengths) + within, ends - lengths
