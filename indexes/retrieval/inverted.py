"""An inverted index: which texts have a term, how often, and what a shared term counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.tokens import KEY_BITS, Tokens

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Arrays = Mapping[str, NDArray[Any]]
"""What an index consists of, by name, for storing it."""

_VIEW_ARRAYS = ("keys", "starts", "texts", "counts", "norms")
_TEXT_BITS = np.uint64(64 - KEY_BITS)
CHUNK = 1 << int(_TEXT_BITS)
"""Texts counted at once: a token's key and its text number together fit into 64 bits."""
_MERGED = 256
"""Chunks whose keys are merged at a time, to limit memory."""
_MAX_COUNT = 255
DAMPED = 1.0 + np.log(np.maximum(np.arange(_MAX_COUNT + 1), 1))
"""What a term counts that a text has so often."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Term counts of at most `CHUNK` texts: terms ascending, and for each the texts that have it, ascending."""

    size: int
    keys: Keys
    lengths: NDArray[np.int32]
    texts: NDArray[np.uint16]
    counts: NDArray[np.uint8]


class View:
    """An inverted index: for each term the texts that have it, and how often (counted up to 255)."""

    def __init__(self, chunks: list[Counted]) -> None:
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

    def _fill(self, numbered: list[tuple[NDArray[np.int32], Counted]]) -> None:
        """Fill in the postings and the norms."""
        ends, first = self._starts[:-1].copy(), 0
        for terms, chunk in numbered:
            places, _ = expand_ranges(ends[terms], ends[terms] + chunk.lengths)
            ends[terms] += chunk.lengths
            self._texts[places] = chunk.texts.astype(np.int32) + first
            self._counts[places] = chunk.counts
            idf = _idf(self.lengths(terms), self.size)
            squares = DAMPED[chunk.counts] ** 2 * np.repeat(idf, chunk.lengths)
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
        damped = DAMPED[np.minimum(counts, _MAX_COUNT)]
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


def count(tokens: Tokens, size: int) -> Iterator[Counted]:
    """Count the terms of each of `size` texts."""
    for first in range(0, size, CHUNK) if size > CHUNK else ():
        inside = (tokens.texts >= first) & (tokens.texts < first + CHUNK)
        yield from count(Tokens(tokens.keys[inside], tokens.texts[inside] - first), min(size - first, CHUNK))
    if size <= CHUNK:
        packed = np.sort(tokens.keys << _TEXT_BITS | tokens.texts.astype(np.uint64))
        firsts = _firsts(packed)
        counts = np.minimum(np.diff(firsts, append=len(packed)), _MAX_COUNT).astype(np.uint8)
        keys, texts = packed[firsts] >> _TEXT_BITS, packed[firsts] % CHUNK
        heads = _firsts(keys)
        lengths = np.diff(heads, append=len(keys)).astype(np.int32)
        yield Counted(size, keys[heads], lengths, texts.astype(np.uint16), counts)


def expand_ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return the numbers of all ranges first <= number < last, concatenated, and where each range begins."""
    lengths = last - first
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.repeat(first, lengths) + within, ends - lengths


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
