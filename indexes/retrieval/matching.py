"""The match of one question with the texts of an inverted index."""

from collections.abc import Sequence

import numpy as np

from indexes.retrieval.inverted import DAMPED, Floats, Ints, Keys, View

Pair = tuple[Floats, Floats]
"""Cosine and coverage, each with one value per row or text."""

BUDGET = 30_000
"""Postings read per question and view, rarest term first; other terms are looked up for candidates only."""


class Match:
    """The match of one question with the texts of one view."""

    def __init__(self, view: View, keys: Keys, budget: int = BUDGET) -> None:
        """Match a question's terms; reads at most `budget` postings at once."""
        self._view = view
        self._terms = terms = view.weigh(keys)
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
        dots = self._dots[texts] + self._terms.weights[self._rest] @ (DAMPED[counts] * has)
        shared = self._shared[texts] + self._terms.idf[self._rest] @ has
        return self._scale(dots, self._view.norms[texts], shared)

    def _accumulate(self) -> Pair:
        terms, size = self._terms, self._view.size
        postings = [self._view.postings(place) for place in terms.places[self._read].tolist()]
        if not postings:
            return np.zeros(size), np.zeros(size)
        texts = np.concatenate([texts for texts, _ in postings], dtype=np.intp)
        weights = DAMPED[np.concatenate([counts for _, counts in postings])]
        lengths = [len(texts) for texts, _ in postings]
        idf = terms.idf[self._read]
        weights *= np.repeat(terms.weights[self._read], lengths)
        dots, shared = np.bincount(texts, weights, size), np.bincount(texts, np.repeat(idf, lengths), size)
        return dots.astype(np.float64, copy=False), shared.astype(np.float64, copy=False)

    def _scale(self, dots: Floats, norms: Floats, shared: Floats) -> Pair:
        return dots / (norms * (self._terms.norm or 1.0)), shared / (self._terms.mass or 1.0)
