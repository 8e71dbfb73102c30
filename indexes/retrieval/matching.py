"""The match of one question with the texts of an inverted index: exact, or a rough one that reads few postings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import Ints, Keys, firsts
from indexes.retrieval.inverted import DAMPED, Floats, View

Pair = tuple[Floats, Floats]
"""Cosine and coverage, each with one value per row or text."""

RowsFound = tuple[Ints, Pair]
"""Different rows, ascending, with cosine and coverage of each."""

AFFORDABLE = 60_000
"""Postings of a question up to which all texts of a view are scored: as long as a rough match and looking up takes."""

ROUGH = 300_000
"""Postings read per question and view where there are more, rarest term first."""

_FEW = 32_768
"""Texts of which an array with a value for each costs less than finding out which have a value."""
_SAMPLE = 16_384


_NOTHING: tuple[Ints, Floats, Floats] = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)


class Match:
    """The match of one question with the texts of one view.

    If its terms have few postings, all are read; `texts` are then those that have any of its terms, ascending (or all,
    if they are few). Of terms with many postings, only those of the texts that are asked for are looked up.
    """

    def __init__(self, view: View, keys: Keys, affordable: int = AFFORDABLE) -> None:
        """Match a question's terms; reads them if they have at most `affordable` postings."""
        self._view = view
        self._terms = view.weigh(keys)
        self._lengths = view.lengths(self._terms.places)
        self.is_read = int(self._lengths.sum()) <= affordable
        self.texts, self._dots, self._shared = self._read() if self.is_read else _NOTHING

    @property
    def known(self) -> float:
        """The share of the question, weighted by idf, that any text has."""
        return float(self._terms.idf.sum()) / (self._terms.mass or 1.0)

    def shares(self, texts: Sequence[Keys]) -> Floats:
        """Return the share of the question, weighted by idf, that each of these lists of tokens has."""
        return np.array([np.isin(self._terms.keys, keys) @ self._terms.idf for keys in texts]) / (self._terms.mass or 1)

    def found(self) -> Pair:
        """Return cosine and coverage of each of `texts`, if all terms were read; those of all other texts are 0."""
        return self._scale(self._dots, self._view.norms[self.texts], self._shared)

    def some(self, texts: Ints) -> Pair:
        """Return cosine and coverage of some texts."""
        if self.is_read:
            return self._of_read(texts)
        counts, has = self._view.look_up(self._terms.places, texts)
        dots, shared = self._terms.weights @ (DAMPED[counts] * has), self._terms.idf @ has
        return self._scale(dots, self._view.norms[texts], shared)

    def _of_read(self, texts: Ints) -> Pair:
        if not len(self.texts):
            return np.zeros(len(texts)), np.zeros(len(texts))
        places = self.texts.searchsorted(texts).clip(max=len(self.texts) - 1)
        has = self.texts[places] == texts
        return self._scale(self._dots[places] * has, self._view.norms[texts], self._shared[places] * has)

    def rough(self, most: int = ROUGH) -> NDArray[np.float32]:
        """Return about what each text's coverage is, by the rarest terms with `most` postings, or the rarest alone."""
        terms, shared = self._terms, np.zeros(self._view.size, dtype=np.float32)
        order = np.argsort(self._lengths, kind="stable")
        within = max(int(np.searchsorted(np.cumsum(self._lengths[order]), most, side="right")), 1)
        weights = (terms.idf / (terms.mass or 1.0)).astype(np.float32)
        for term in order[:within].tolist():
            texts, _ = self._view.postings(terms.places[term])
            shared[texts] += weights[term]
        return shared

    def rough_cosines(self, texts: Ints, coverages: NDArray[np.float32]) -> Floats:
        """Return about what the cosine of some texts is, given their coverage: as if they had each term once."""
        shared = coverages.astype(np.float64) * self._terms.mass
        return self._scale(shared, self._view.norms[texts], shared)[0]

    def _read(self) -> tuple[Ints, Floats, Floats]:
        terms = self._terms
        if not len(terms.places):
            return _NOTHING
        postings = [self._view.postings(place) for place in terms.places.tolist()]
        texts, places = numbered(np.concatenate([texts for texts, _ in postings]), self._view.size)
        weights = DAMPED[np.concatenate([counts for _, counts in postings])]
        weights *= np.repeat(terms.weights, self._lengths)
        idf = np.repeat(terms.idf, self._lengths)
        dots, shared = np.bincount(places, weights, len(texts)), np.bincount(places, idf, len(texts))
        return texts, dots.astype(np.float64, copy=False), shared.astype(np.float64, copy=False)

    def _scale(self, dots: Floats, norms: Floats, shared: Floats) -> Pair:
        return dots / (norms * (self._terms.norm or 1.0)), shared / (self._terms.mass or 1.0)


def best_of_rows(rows: NDArray[np.integer[Any]], pair: Pair) -> RowsFound:
    """Return each row once, with the highest cosine and coverage of its texts; `rows` are theirs, ascending."""
    heads = firsts(rows)
    if len(heads) == len(rows):
        return rows.astype(np.int64, copy=False), pair
    return rows[heads].astype(np.int64), (np.maximum.reduceat(pair[0], heads), np.maximum.reduceat(pair[1], heads))


def numbered(values: NDArray[np.integer[Any]], end: int) -> tuple[Ints, NDArray[np.integer[Any]]]:
    """Return the different values, ascending, and the place of each value among them; all are from 0 to below `end`.

    If there can't be many, all possible values are returned.
    """
    if end <= _FEW:
        return np.arange(end), values
    distinct = np.unique(values).astype(np.int64, copy=False)
    places = np.empty(end, dtype=np.int32)  # takes no memory but where it is written
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    return distinct, places[values]


def highest(values: NDArray[np.float32], most: int) -> Ints:
    """Return the places of about the `most` highest values above 0, ascending: a sample tells where they begin.

    Of many equal ones at the end, all are left out unless there would be too few then.
    """
    sample = values[:: max(len(values) // _SAMPLE, 1)]
    kept = min(max(most * len(sample) // max(len(values), 1), 1), len(sample))
    least = np.partition(sample, -kept)[-kept] if kept else 0
    above = np.flatnonzero(values > least)
    if least > 0 and len(above) < most // 8:
        above = np.union1d(above, np.flatnonzero(values == least)[:most])
    return above
