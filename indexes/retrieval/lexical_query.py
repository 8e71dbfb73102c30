"""Scoring rows for one question by its words and characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import Ints, expand_ranges
from indexes.retrieval.inverted import Floats
from indexes.retrieval.matching import Match, Pair, best_of_rows, highest, numbered
from indexes.retrieval.reading_matches import MatchedReadings
from indexes.retrieval.tokens import character_tokens

_LIKELY = 4
"""Rows that are scored for each one that is wanted, where a rough match proposes them."""
_ROUGHLY = 8_192
"""Rows with the highest rough coverage, of which those are chosen."""


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
