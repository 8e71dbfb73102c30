"""An inverted index: which texts have a term, how often, and what a shared term counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.memory import release_memory
from indexes.retrieval.counting import MAX_COUNT, Counted, Ints, Keys, spread, together

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]
"""What an index consists of, by name, for storing it."""

_MANY = 65_536
"""Texts whose counts, freed one by one, are worth returning to the system: a million took 900 MB until the end."""
_VIEW_ARRAYS = ("keys", "starts", "texts", "counts", "norms")
DAMPED = 1.0 + np.log(np.maximum(np.arange(MAX_COUNT + 1), 1))
"""What a term counts that a text has so often."""


class View:
    """An inverted index: for each term the texts that have it, and how often (counted up to 255)."""

    def __init__(self, chunks: list[Counted]) -> None:
        """Build the index of the texts in order. Empties `chunks`, to free its memory early."""
        self.size = sum(chunk.size for chunk in chunks)
        self._keys, lengths, numbered = together(chunks)
        chunks.clear()
        self._starts: Ints = np.concatenate([np.zeros(1, dtype=np.int64), lengths.cumsum()])
        self._texts = np.empty(self._starts[-1], dtype=np.int32)
        self._counts = np.empty(self._starts[-1], dtype=np.uint8)
        self.norms = np.ones(self.size)
        for first, terms, places, chunk in spread(self._starts[:-1], numbered):
            self._texts[places] = chunk.texts.astype(np.int32) + first
            self._counts[places] = chunk.counts
            self.norms[first : first + chunk.size] = self._norms_of(terms, chunk)
        if self.size >= _MANY:
            release_memory()

    def _norms_of(self, terms: NDArray[np.int32], chunk: Counted) -> Floats:
        idf = _idf(self.lengths(terms), self.size)
        squares = DAMPED[chunk.counts] ** 2 * np.repeat(idf, chunk.lengths)
        norms = np.sqrt(np.bincount(chunk.texts, squares, chunk.size))
        return np.where(norms > 0, norms, 1.0)

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
        damped = DAMPED[np.minimum(counts, MAX_COUNT)]
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


def _idf(holders: NDArray[np.number[Any]], texts: int) -> Floats:
    """Return ln((texts + 1) / (holders + 0.5)), which is positive even for a term that every text has."""
    return np.asarray(np.log((texts + 1) / (holders + 0.5)), dtype=np.float64)
