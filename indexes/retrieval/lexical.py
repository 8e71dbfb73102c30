"""Lexical search, which needs no model: how much of a question's words and characters a record has.

Every score is between 0 and 1 and means the same for every question (a cosine, or a share of the question weighted by
idf), so that it can be added to the cosine of vectors and used for confidence. docs/retrieval.md compares alternatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import CHUNK, Counting, Ints, Keys, expand_ranges
from indexes.retrieval.folding import verbatim_key
from indexes.retrieval.inverted import Arrays, Floats, View
from indexes.retrieval.matching import AFFORDABLE, Match, Pair, best_of_rows, highest, numbered
from indexes.retrieval.reading_matches import MatchedReadings, Readings, ReadingsCounted
from indexes.retrieval.readings import is_in_kana
from indexes.retrieval.tokens import (
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
from indexes.retrieval.verbatim import Verbatim
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

_LIKELY = 4
"""Rows that are scored for each one that is wanted, where a rough match proposes them."""
_ROUGHLY = 8_192
"""Rows with the highest rough coverage, of which those are chosen."""

VIEWS = ("words of the question", "characters of the question", "words of all", "characters of all")


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


class LexicalIndex:
    """Searches records by words and characters, in their questions and in all their text.

    A question in kana, without kanji, is also compared with how questions and aliases read, where that is known.
    """

    def __init__(self, records: Sequence["Record"], synonyms: "Synonyms") -> None:
        lengths: list[int] = []
        counting = [Counting() for _ in VIEWS]
        verbatim: list[int] = []
        readings = ReadingsCounted()
        for at in range(0, len(records), CHUNK):
            some = records[at : at + CHUNK]
            asked = [[synonyms.apply(normalize(text)) for text in question_texts(record)] for record in some]
            others = [synonyms.apply(normalize(other_text(record))) for record in some]
            owners = np.repeat(np.arange(len(some)), [len(texts) for texts in asked])
            lengths += map(len, asked)
            verbatim += map(verbatim_key, chain.from_iterable(asked))
            readings.add(asked)
            for place, tokenize in enumerate((script_tokens, character_tokens)):
                tokens = tokenize(list(chain.from_iterable(asked)))
                both = join(Tokens(tokens.keys, owners[tokens.texts]), tokenize(others))
                counting[place].add(tokens, len(owners))
                counting[place + 2].add(both, len(some))
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self._owners = np.repeat(np.arange(len(records), dtype=np.int32), lengths)
        self._verbatim = Verbatim.of(verbatim, self._owners)
        views = [View(counted.take()) for counted in counting]
        self._questions, self._all = views[:2], views[2:]
        self._readings = readings.index()

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """Make an index of what `arrays` returned, which may be mapped from a file."""
        index = object.__new__(cls)
        index._starts, index._owners = arrays[f"{prefix}.starts"], arrays[f"{prefix}.owners"]
        index._verbatim = Verbatim.of_arrays(arrays, f"{prefix}.verbatim")
        views = [View.of_arrays(arrays, f"{prefix}.{number}") for number in range(len(VIEWS))]
        index._questions, index._all = views[:2], views[2:]
        index._readings = Readings.of_arrays(arrays, f"{prefix}.readings")
        return index

    def arrays(self, prefix: str) -> Arrays:
        """Return what the index consists of, by name; the names begin with `prefix` and a dot."""
        found: dict[str, NDArray[Any]] = {f"{prefix}.starts": self._starts, f"{prefix}.owners": self._owners}
        found.update(self._verbatim.arrays(f"{prefix}.verbatim"))
        for number, view in enumerate((*self._questions, *self._all)):
            found.update(view.arrays(f"{prefix}.{number}"))
        return {**found, **self._readings.arrays(f"{prefix}.readings")}

    def __len__(self) -> int:
        return len(self._starts) - 1

    def query(self, text: str, affordable: int = AFFORDABLE) -> "LexicalQuery":
        """Prepare the search for a normalized question."""
        characters = character_tokens([text]).keys
        words = self._in_script(script_tokens([text]).keys)
        questions, everything = (
            _matches(views, words, characters, affordable) for views in (self._questions, self._all)
        )
        readings = self._readings.match(characters, affordable) if is_in_kana(text) else None
        return LexicalQuery(questions, everything, (self._starts, self._owners), count_words(text), readings)

    def unknown_words(self, text: str) -> Keys:
        """Return the words and n-grams of a normalized question that no row has."""
        keys = np.unique(script_tokens([text]).keys)
        return np.asarray(keys[~self._all[0].has(keys)], dtype=np.uint64)

    def verbatim(self, text: str) -> Ints:
        """Return the rows whose question, or an alias, is this normalized question word for word, ascending."""
        key = verbatim_key(text)
        if not key:
            return np.zeros(0, dtype=np.int64)
        return np.union1d(self._verbatim.find(key), self._readings.verbatim.find(key))

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
        texts: tuple[Ints, NDArray[np.int32]],
        words: int,
        readings: "MatchedReadings | None",
    ) -> None:
        self._questions = questions
        self._readings = readings
        self._all = everything
        self._starts, self._owners = texts
        self.words = words
        """Number of different words in the question."""

    @property
    def known(self) -> float:
        """The share of the question's characters, weighted by idf, that any row has."""
        return self._all[-1].known

    def best(self, count: int, answers: Ints | None = None, fewest: int = 1) -> Ints:
        """Return up to `count` rows with the best scores, unordered, without rows that score 0.

        Given the number of each row's answer, fewer than `fewest` different ones are made up by the best row of each
        of the best others.
        """
        rows, total = self._found() if self._is_read else self._likely(_LIKELY * count, answers, fewest)
        best = _top(total, count, None if answers is None else answers[rows], fewest)
        return rows[best[total[best] > 0]]

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

    @property
    def _is_read(self) -> bool:
        readings_too = self._readings is None or self._readings.is_read
        return readings_too and all(match.is_read for match in (*self._questions, *self._all))

    def _likely(self, count: int, answers: Ints | None, fewest: int) -> tuple[Ints, Floats]:
        """Return about `count` rows that are likely to be the best, and their scores: a rough match decides which."""
        words, characters = self._all
        covered = characters.rough() + words.rough()
        if self._readings:
            self._readings.raise_rough(covered)
        rows = highest(covered, _ROUGHLY)
        rough = covered[rows] + characters.rough_cosines(rows, covered[rows])
        rows = np.sort(rows[_top(rough, count, None if answers is None else answers[rows], fewest)])
        return rows, self.score(rows).total

    def _found(self) -> tuple[Ints, Floats]:
        """Return the rows that have any of the terms, ascending, and their scores."""
        views = [[best_of_rows(self._owners[match.texts], match.found())] for match in self._questions]
        if self._readings:
            views = [[*found, self._readings.found()] for found in views]
        views += [[(match.texts, match.found())] for match in self._all]
        together = np.concatenate([rows for view in views for rows, _ in view])
        distinct, places = numbered(together, len(self._starts) - 1)
        pairs, at = [], 0
        for view in views:
            cosines, coverages = np.zeros(len(distinct)), np.zeros(len(distinct))
            for rows, (cosine, coverage) in view:
                here = places[at : at + len(rows)]
                cosines[here], coverages[here] = (
                    np.maximum(cosines[here], cosine),
                    np.maximum(coverages[here], coverage),
                )
                at += len(rows)
            pairs.append((cosines, coverages))
        return distinct, _total(pairs)


def _matches(views: Sequence[View], words: Keys, characters: Keys, affordable: int) -> list[Match]:
    """Match words and characters; a question without words, such as one in hiragana, by its characters alone."""
    by_characters = Match(views[1], characters, affordable)
    return [Match(views[0], words, affordable) if len(words) else by_characters, by_characters]


def question_texts(record: "Record") -> tuple[str, ...]:
    """Return the question of a record and its aliases."""
    return (record.question, *record.aliases)


def other_text(record: "Record") -> str:
    """Return the rest of a record's searchable text: keywords, category and answer."""
    return "\n".join((*record.keywords, record.category, record.answer))


def _top(scores: NDArray[Any], count: int, groups: Ints | None, fewest: int) -> Ints:
    """Return the places of the `count` highest scores, unordered.

    Given the group of each, fewer than `fewest` different ones are made up by the best of each of the best others.
    """
    if count >= len(scores):
        return np.arange(len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    if groups is not None and len(np.unique(groups[best])) < fewest:
        order = np.argsort(-scores, kind="stable")
        _, first = np.unique(groups[order], return_index=True)
        best = np.union1d(best, order[np.sort(first)[:fewest]])
    return best


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
