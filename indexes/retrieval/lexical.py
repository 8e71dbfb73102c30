"""Lexical search, which needs no model: how much of a question's words and characters a record has.

Every score is between 0 and 1 and means the same for every question (a cosine, or a share of the question weighted by
idf), so that it can be added to the cosine of vectors and used for confidence. docs/retrieval.md compares alternatives.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.folding import verbatim_key
from indexes.retrieval.readings import in_kana, is_in_kana
from indexes.retrieval.tokens import (
    KEY_BITS,
    Tokens,
    character_tokens,
    count_words,
    in_hiragana,
    join,
    script_tokens,
    spell,
    word_key,
    words,
)
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Pair = tuple[Floats, Floats]
"""Cosine and coverage, each with one value per row or text."""

Arrays = Mapping[str, NDArray[Any]]
"""What an index consists of, by name, for storing it."""

BUDGET = 30_000
"""Postings read per question and view, rarest term first; other terms are looked up for candidates only."""

VIEWS = ("words of the question", "characters of the question", "words of all", "characters of all")

_VIEW_ARRAYS = ("keys", "starts", "texts", "counts", "norms")
_TEXT_BITS = np.uint64(64 - KEY_BITS)
_CHUNK = 1 << int(_TEXT_BITS)
"""Texts counted at once: a token's key and its text number together fit into 64 bits."""
_MERGED = 256
"""Chunks whose keys are merged at a time, to limit memory."""
_MAX_COUNT = 255
_DAMPED = 1.0 + np.log(np.maximum(np.arange(_MAX_COUNT + 1), 1))


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of some rows. `cosines` and `coverages` have shape (views in the order of `VIEWS`, rows)."""

    cosines: Floats
    coverages: Floats
    total: Floats
    """The lexical score: half the higher of question and all, half their mean.

    The words may be in the question or only in the answer (a CSV of titles and texts); a plain mean would halve the
    score of the latter.
    """
    coverage: Floats
    """The share of the question, weighted by idf, that each row has: the mean of words and characters."""


class View:
    """An inverted index: for each term the texts that have it, and how often (counted up to 255)."""

    def __init__(self, chunks: list["Counted"]) -> None:
        """Build the index of the texts in order. Empties `chunks`, to free its memory early."""
        self.size = sum(chunk.size for chunk in chunks)
        self._keys = _union([chunk.keys for chunk in chunks])
        numbered = [(self._keys.searchsorted(chunk.keys).astype(np.int32), chunk) for chunk in chunks]
        chunks.clear()
        lengths = np.zeros(len(self._keys), dtype=np.int64)
        for terms, chunk in numbered:
            lengths[terms] += chunk.lengths
        self._starts: Ints = np.concatenate([np.zeros(1, dtype=np.int64), lengths.cumsum()])
        self._texts = np.empty(self._starts[-1], dtype=np.int32)
        self._counts = np.empty(self._starts[-1], dtype=np.uint8)
        self.norms = np.ones(self.size)
        self._fill(numbered)

    def _fill(self, numbered: list[tuple[NDArray[np.int32], "Counted"]]) -> None:
        """Fill in the postings and the norms."""
        ends, first = self._starts[:-1].copy(), 0
        for terms, chunk in numbered:
            places, _ = expand_ranges(ends[terms], ends[terms] + chunk.lengths)
            ends[terms] += chunk.lengths
            self._texts[places] = chunk.texts.astype(np.int32) + first
            self._counts[places] = chunk.counts
            idf = _idf(self.lengths(terms), self.size)
            squares = _DAMPED[chunk.counts] ** 2 * np.repeat(idf, chunk.lengths)
            norms = np.sqrt(np.bincount(chunk.texts, squares, chunk.size))
            self.norms[first : first + chunk.size] = np.where(norms > 0, norms, 1.0)
            first += chunk.size

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """Make an index of what `arrays` returned, which may be mapped from a file."""
        view = object.__new__(cls)
        view._keys, view._starts, view._texts, view._counts, view.norms = (
            arrays[f"{prefix}.{name}"] for name in _VIEW_ARRAYS
        )
        view.size = len(view.norms)
        return view

    def arrays(self, prefix: str) -> Arrays:
        """Return what the index consists of, by name; the names begin with `prefix` and a dot."""
        parts = (self._keys, self._starts, self._texts, self._counts, self.norms)
        return {f"{prefix}.{name}": part for name, part in zip(_VIEW_ARRAYS, parts, strict=True)}

    def has(self, keys: Keys) -> NDArray[np.bool_]:
        """Return for each key whether any text has it."""
        return np.asarray(self._keys.searchsorted(keys, side="right") > self._keys.searchsorted(keys))

    def match(self, keys: Keys, budget: int = BUDGET) -> "Match":
        """Match a question's terms; reads at most `budget` postings at once."""
        return Match(self, self.weigh(keys), budget)

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return the texts that have a term, ascending, and how often each has it."""
        span = slice(self._starts[term], self._starts[term + 1])
        return self._texts[span], self._counts[span]

    def look_up(self, terms: Ints, texts: Ints) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return how often each term is in each text, and whether it is; both of shape (terms, texts)."""
        spans = zip(self._starts[terms].tolist(), self._starts[terms + 1].tolist(), strict=True)
        places = np.zeros((len(terms), len(texts)), dtype=np.int64)
        texts = texts.astype(np.int32)  # the stored type; searchsorted would copy all for another one
        for line, (start, end) in enumerate(spans):
            places[line] = self._texts[start:end].searchsorted(texts) + start
        np.minimum(places, self._starts[terms + 1][:, np.newaxis] - 1, out=places)
        return self._counts[places], self._texts[places] == texts

    def lengths(self, terms: NDArray[np.signedinteger[Any]]) -> Ints:
        """Return how many texts have each term."""
        return np.asarray(self._starts[terms + 1] - self._starts[terms])

    def weigh(self, keys: Keys) -> "Terms":
        """Return a question's terms with their weights in this view."""
        distinct, counts = np.unique(keys, return_counts=True)
        places = np.searchsorted(self._keys, distinct)
        places[places == len(self._keys)] = 0
        known = self._keys[places] == distinct if len(self._keys) else np.zeros(len(distinct), dtype=np.bool_)
        idf = np.full(len(distinct), _idf(np.zeros(1), self.size)[0])
        idf[known] = _idf(self.lengths(places[known]), self.size)
        damped = _DAMPED[np.minimum(counts, _MAX_COUNT)]
        weights = damped * idf
        norm, mass = float(np.sqrt(weights @ damped)), float(idf.sum())
        return Terms(distinct[known], places[known], weights[known], idf[known], norm, mass)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a question that a view has; `norm` and `mass` include unknown terms, as if they were the rarest.

    In a vector, a term is weighted by the square root of its idf: a shared term contributes its idf to the product.
    """

    keys: Keys
    places: Ints
    weights: Floats
    idf: Floats
    norm: float
    mass: float


class Match:
    """The match of one question with the texts of one view."""

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
        """The share of the question, weighted by idf, that any text has."""
        return float(self._terms.idf.sum()) / (self._terms.mass or 1.0)

    def shares(self, texts: Sequence[Keys]) -> Floats:
        """Return the share of the question, weighted by idf, that each of these lists of tokens has."""
        return np.array([np.isin(self._terms.keys, keys) @ self._terms.idf for keys in texts]) / (self._terms.mass or 1)

    def all(self) -> Pair:
        """Return cosine and coverage of every text, without the terms beyond the budget."""
        return self._scale(self._dots, self._view.norms, self._shared)

    def some(self, texts: Ints) -> Pair:
        """Return the exact cosine and coverage of some texts."""
        counts, has = self._view.look_up(self._terms.places[self._rest], texts)
        dots = self._dots[texts] + self._terms.weights[self._rest] @ (_DAMPED[counts] * has)
        shared = self._shared[texts] + self._terms.idf[self._rest] @ has
        return self._scale(dots, self._view.norms[texts], shared)

    def _accumulate(self) -> Pair:
        terms, size = self._terms, self._view.size
        postings = [self._view.postings(place) for place in terms.places[self._read].tolist()]
        if not postings:
            return np.zeros(size), np.zeros(size)
        texts = np.concatenate([texts for texts, _ in postings], dtype=np.intp)
        weights = _DAMPED[np.concatenate([counts for _, counts in postings])]
        lengths = [len(texts) for texts, _ in postings]
        idf = terms.idf[self._read]
        weights *= np.repeat(terms.weights[self._read], lengths)
        dots, shared = np.bincount(texts, weights, size), np.bincount(texts, np.repeat(idf, lengths), size)
        return dots.astype(np.float64, copy=False), shared.astype(np.float64, copy=False)

    def _scale(self, dots: Floats, norms: Floats, shared: Floats) -> Pair:
        return dots / (norms * (self._terms.norm or 1.0)), shared / (self._terms.mass or 1.0)


class LexicalIndex:
    """Searches records by words and characters, in their questions and in all their text.

    A question in kana, without kanji, is also compared with how questions and aliases read, where that is known.
    """

    def __init__(self, records: Sequence["Record"], synonyms: "Synonyms") -> None:
        lengths: list[int] = []
        chunks: tuple[list[Counted], ...] = ([], [], [], [])
        verbatim: list[int] = []
        readings = _ReadingsCounted()
        for at in range(0, len(records), _CHUNK):
            some = records[at : at + _CHUNK]
            asked = [[synonyms.apply(normalize(text)) for text in question_texts(record)] for record in some]
            others = [synonyms.apply(normalize(other_text(record))) for record in some]
            owners = np.repeat(np.arange(len(some)), [len(texts) for texts in asked])
            lengths += map(len, asked)
            verbatim += map(verbatim_key, chain.from_iterable(asked))
            readings.add(asked)
            for place, tokenize in enumerate((script_tokens, character_tokens)):
                tokens = tokenize(list(chain.from_iterable(asked)))
                both = join(Tokens(tokens.keys, owners[tokens.texts]), tokenize(others))
                chunks[place].extend(count(tokens, len(owners)))
                chunks[place + 2].extend(count(both, len(some)))
        self._verbatim = np.array(verbatim, dtype=np.uint64)
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        views = [View(counted) for counted in chunks]
        self._questions, self._all = views[:2], views[2:]
        self._readings = readings.index()

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """Make an index of what `arrays` returned, which may be mapped from a file."""
        index = object.__new__(cls)
        index._verbatim, index._starts = arrays[f"{prefix}.verbatim"], arrays[f"{prefix}.starts"]
        views = [View.of_arrays(arrays, f"{prefix}.{number}") for number in range(len(VIEWS))]
        index._questions, index._all = views[:2], views[2:]
        index._readings = Readings.of_arrays(arrays, f"{prefix}.readings")
        return index

    def arrays(self, prefix: str) -> Arrays:
        """Return what the index consists of, by name; the names begin with `prefix` and a dot."""
        found: dict[str, NDArray[Any]] = {f"{prefix}.verbatim": self._verbatim, f"{prefix}.starts": self._starts}
        for number, view in enumerate((*self._questions, *self._all)):
            found.update(view.arrays(f"{prefix}.{number}"))
        return {**found, **self._readings.arrays(f"{prefix}.readings")}

    def __len__(self) -> int:
        return len(self._starts) - 1

    def query(self, text: str, budget: int = BUDGET) -> "LexicalQuery":
        """Prepare the search for a normalized question."""
        characters = character_tokens([text]).keys
        words = self._in_script(script_tokens([text]).keys)
        questions, everything = (_matches(views, words, characters, budget) for views in (self._questions, self._all))
        readings = self._readings.match(characters, budget) if is_in_kana(text) else None
        return LexicalQuery(questions, everything, self._starts, count_words(text), readings)

    def unknown_words(self, text: str) -> Keys:
        """Return the words and n-grams of a normalized question that no row has."""
        keys = np.unique(script_tokens([text]).keys)
        return np.asarray(keys[~self._all[0].has(keys)], dtype=np.uint64)

    def verbatim(self, text: str) -> Ints:
        """Return the rows whose question, or an alias, is this normalized question word for word, ascending."""
        key = verbatim_key(text)
        if not key:
            return np.zeros(0, dtype=np.int64)
        places = np.flatnonzero(self._verbatim == np.uint64(key))
        return np.union1d(self._starts.searchsorted(places, side="right") - 1, self._readings.verbatim(key))

    def _in_script(self, keys: Keys) -> Keys:
        """Drop katakana that all records write in hiragana: words are without hiragana, characters compare them."""
        words, characters = self._all
        folded = in_hiragana(keys)
        kept: Keys = keys[(folded == keys) | words.has(keys) | ~characters.has(folded)]
        return kept

    def shared_words(self, text: str, row: int) -> list[tuple[str, float, bool]]:
        """Return the known words and n-grams of a question, rarest first: term, idf, and whether the row has it."""
        view = self._all[0]
        terms = view.weigh(script_tokens([text]).keys)
        _, has = view.look_up(terms.places, np.array([row]))
        spelled = {word_key(word): word for word in words(text)}
        letters = [spelled.get(key) or spell(key) for key in terms.keys.tolist()]
        found = zip(letters, terms.idf.tolist(), has[:, 0].tolist(), strict=True)
        return sorted(found, key=lambda term: -term[1])


class LexicalQuery:
    """A question to be scored lexically: quickly for all rows, or exactly for some."""

    def __init__(
        self,
        questions: Sequence[Match],
        everything: Sequence[Match],
        starts: Ints,
        words: int,
        readings: "MatchedReadings | None",
    ) -> None:
        self._questions = questions
        self._readings = readings
        self._all = everything
        self._starts = starts
        self.words = words
        """Number of different words in the question."""

    @property
    def known(self) -> float:
        """The share of the question's characters, weighted by idf, that any row has."""
        return self._all[-1].known

    def best(self, count: int, answers: Ints | None = None, fewest: int = 1) -> Ints:
        """Return up to `count` rows with the best scores within the budget, unordered, without rows that score 0.

        Given the number of each row's answer, fewer than `fewest` different ones are made up by the best row of each
        of the best others.
        """
        total = _total(self._of_all_rows())
        rows = np.argpartition(-total, count - 1)[:count] if count < len(total) else np.arange(len(total))
        if answers is not None and count < len(total) and len(np.unique(answers[rows])) < fewest:
            order = np.argsort(-total, kind="stable")
            _, first = np.unique(answers[order], return_index=True)
            rows = np.union1d(rows, order[np.sort(first)[:fewest]])
        return rows[total[rows] > 0]

    def shares(self, texts: Sequence[str]) -> Floats:
        """Return the share of the question's characters, weighted by idf, that each normalized text has."""
        return self._all[-1].shares([character_tokens([text]).keys for text in texts])

    def score(self, rows: Ints) -> Scores:
        """Return the exact scores of some rows."""
        texts, starts = expand_ranges(self._starts[rows], self._starts[rows + 1])
        pairs = [_best_of(match.some(texts), starts) for match in self._questions]
        if self._readings:
            pairs = [self._readings.raised(pair, rows) for pair in pairs]
        pairs += [match.some(rows) for match in self._all]
        cosines, coverages = (np.stack(side) for side in zip(*pairs, strict=True))
        return Scores(cosines, coverages, _total(pairs), coverages[2:].mean(axis=0))

    def _of_all_rows(self) -> list[Pair]:
        """Return the scores of all rows, without the terms beyond the budget."""
        pairs = [_best_of(match.all(), self._starts[:-1]) for match in self._questions]
        if self._readings:
            pairs = [self._readings.raised(pair) for pair in pairs]
        return pairs + [match.all() for match in self._all]


def _matches(views: Sequence[View], words: Keys, characters: Keys, budget: int) -> list[Match]:
    """Match words and characters; a question without words, such as one in hiragana, by its characters alone."""
    by_characters = views[1].match(characters, budget)
    return [views[0].match(words, budget) if len(words) else by_characters, by_characters]


class _ReadingsCounted:
    """The readings of the questions and aliases of rows, while they are counted."""

    def __init__(self) -> None:
        self._rows = 0
        self._owners: list[int] = []
        self._keys: list[int] = []
        self._chunks: list[Counted] = []

    def add(self, asked: Sequence[Sequence[str]]) -> None:
        """Read the normalized questions and aliases of the next rows."""
        read = [
            (row, text) for row, texts in enumerate(asked, self._rows) for text in filter(None, map(in_kana, texts))
        ]
        texts = [text for _, text in read]
        self._rows += len(asked)
        self._owners += [row for row, _ in read]
        self._keys += map(verbatim_key, texts)
        self._chunks += count(character_tokens(texts), len(texts))

    def index(self) -> "Readings":
        """Return the index of all that was added."""
        owners, keys = np.array(self._owners, dtype=np.int64), np.array(self._keys, dtype=np.uint64)
        return Readings(View(self._chunks), owners, keys)


@dataclass(frozen=True, slots=True)
class Readings:
    """How questions and aliases read in kana: the characters of each reading, its row (ascending) and verbatim key."""

    view: View
    owners: Ints
    keys: Keys

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """See `LexicalIndex.of_arrays`."""
        return cls(View.of_arrays(arrays, prefix), arrays[f"{prefix}.owners"], arrays[f"{prefix}.verbatim"])

    def arrays(self, prefix: str) -> Arrays:
        """See `LexicalIndex.arrays`."""
        return {**self.view.arrays(prefix), f"{prefix}.owners": self.owners, f"{prefix}.verbatim": self.keys}

    def verbatim(self, key: int) -> Ints:
        """Return the rows of the readings with this key."""
        return np.asarray(self.owners[self.keys == np.uint64(key)], dtype=np.int64)

    def match(self, characters: Keys, budget: int) -> "MatchedReadings | None":
        """Match a question's characters; None where nothing could be read."""
        return MatchedReadings(self.view.match(characters, budget), self.owners) if len(self.owners) else None


class MatchedReadings:
    """The match of one question with all readings."""

    def __init__(self, match: Match, owners: Ints) -> None:
        self._match = match
        self._owners = owners

    def raised(self, pair: Pair, rows: Ints | None = None) -> Pair:
        """Return cosine and coverage of rows (all by default), each at least that of the row's best reading."""
        if rows is None:
            return _at_least(pair, self._match.all(), self._owners)
        first, last = self._owners.searchsorted(rows), self._owners.searchsorted(rows, side="right")
        readings, _ = expand_ranges(first, last)
        places = np.repeat(np.arange(len(rows)), last - first)
        return _at_least(pair, self._match.some(readings), places)


def _at_least(pair: Pair, others: Pair, places: Ints) -> Pair:
    """Return the pair with each value raised to those of the others at its place."""
    cosines, coverages = pair[0].copy(), pair[1].copy()
    np.maximum.at(cosines, places, others[0])
    np.maximum.at(coverages, places, others[1])
    return cosines, coverages


def question_texts(record: "Record") -> tuple[str, ...]:
    """Return the question of a record and its aliases."""
    return (record.question, *record.aliases)


def other_text(record: "Record") -> str:
    """Return the rest of a record's searchable text: keywords, category and answer."""
    return "\n".join((*record.keywords, record.category, record.answer))


@dataclass(frozen=True, slots=True)
class Counted:
    """Term counts of at most `_CHUNK` texts: terms ascending, and for each the texts that have it, ascending."""

    size: int
    keys: Keys
    lengths: NDArray[np.int32]
    texts: NDArray[np.uint16]
    counts: NDArray[np.uint8]


def count(tokens: Tokens, size: int) -> Iterator[Counted]:
    """Count the terms of each of `size` texts."""
    for first in range(0, size, _CHUNK) if size > _CHUNK else ():
        inside = (tokens.texts >= first) & (tokens.texts < first + _CHUNK)
        yield from count(Tokens(tokens.keys[inside], tokens.texts[inside] - first), min(size - first, _CHUNK))
    if size <= _CHUNK:
        packed = np.sort(tokens.keys << _TEXT_BITS | tokens.texts.astype(np.uint64))
        firsts = _firsts(packed)
        counts = np.minimum(np.diff(firsts, append=len(packed)), _MAX_COUNT).astype(np.uint8)
        keys, texts = packed[firsts] >> _TEXT_BITS, packed[firsts] % _CHUNK
        heads = _firsts(keys)
        lengths = np.diff(heads, append=len(keys)).astype(np.int32)
        yield Counted(size, keys[heads], lengths, texts.astype(np.uint16), counts)


def _union(keys: Sequence[Keys]) -> Keys:
    """Return the distinct keys, ascending."""
    together = np.zeros(0, dtype=np.uint64)
    for at in range(0, len(keys), _MERGED):
        together = np.sort(np.concatenate([together, *keys[at : at + _MERGED]]))
        together = together[_firsts(together)]
    return together


def _firsts(ascending: Keys) -> Ints:
    """Return the position of the first of each value."""
    return np.flatnonzero(np.concatenate([ascending[:1] == ascending[:1], ascending[1:] != ascending[:-1]]))


def _idf(holders: NDArray[np.number[Any]], texts: int) -> Floats:
    """Return ln((texts + 1) / (holders + 0.5)), which is positive even for a term that every text has."""
    return np.asarray(np.log((texts + 1) / (holders + 0.5)), dtype=np.float64)


def _total(pairs: Sequence[Pair]) -> Floats:
    """Compute `Scores.total` from cosine and coverage in each view."""
    words, characters, all_words, all_characters = pairs
    question = (words[0] + characters[0] + words[1] + characters[1]) / 4
    everything = (all_words[0] + all_characters[0] + all_words[1] + all_characters[1]) / 4
    return np.asarray(np.maximum(question, everything) / 2 + (question + everything) / 4)


def _best_of(pair: Pair, starts: Ints) -> Pair:
    """Return the highest cosine and the highest coverage among the texts of each row."""
    if len(starts) == len(pair[0]):
        return pair
    return np.maximum.reduceat(pair[0], starts), np.maximum.reduceat(pair[1], starts)


def expand_ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return the numbers of all ranges first <= number < last, concatenated, and where each range begins."""
    lengths = last - first
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.repeat(first, lengths) + within, ends - lengths
