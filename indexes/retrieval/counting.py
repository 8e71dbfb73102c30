"""Counting the terms of texts, some texts at a time, for an inverted index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.tokens import KEY_BITS, Tokens

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

_TEXT_BITS = np.uint64(64 - KEY_BITS)
CHUNK = 1 << int(_TEXT_BITS)
"""Texts counted at once: a token's key and its text number together fit into 64 bits."""
_MERGED = 256
"""Chunks whose keys are merged at a time, to limit memory."""
MAX_COUNT = 255
_JOINED = 32
"""Chunks that are joined: each has all its terms, which together took a third of the memory."""

Numbered = list[tuple[NDArray[np.int32], "Counted"]]
"""Chunks in order, with the number of each of their terms among the terms of all."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Term counts of some texts, fewer than 65,536: terms ascending, and for each the texts that have it, ascending."""

    size: int
    keys: Keys
    lengths: NDArray[np.int32]
    texts: NDArray[np.uint16]
    counts: NDArray[np.uint8]


class Counting:
    """Counts the terms of any number of texts, in their order."""

    def __init__(self) -> None:
        self._small: list[Counted] = []
        self._joined: list[Counted] = []

    def add(self, tokens: Tokens, size: int) -> None:
        """Count the terms of the next `size` texts."""
        self._small += count(tokens, size)
        while len(self._small) >= _JOINED:
            self._joined.append(_join(self._small[:_JOINED]))
            del self._small[:_JOINED]

    def take(self) -> list[Counted]:
        """Return what was counted, and keep nothing of it."""
        taken = [*self._joined, *self._small]
        self._small, self._joined = [], []
        return taken


def count(tokens: Tokens, size: int) -> Iterator[Counted]:
    """Count the terms of each of `size` texts."""
    for first in range(0, size, CHUNK) if size > CHUNK else ():
        inside = (tokens.texts >= first) & (tokens.texts < first + CHUNK)
        yield from count(Tokens(tokens.keys[inside], tokens.texts[inside] - first), min(size - first, CHUNK))
    if size <= CHUNK:
        packed = np.sort(tokens.keys << _TEXT_BITS | tokens.texts.astype(np.uint64))
        starts = firsts(packed)
        counts = np.minimum(np.diff(starts, append=len(packed)), MAX_COUNT).astype(np.uint8)
        keys, texts = packed[starts] >> _TEXT_BITS, packed[starts] % CHUNK
        heads = firsts(keys)
        lengths = np.diff(heads, append=len(keys)).astype(np.int32)
        yield Counted(size, keys[heads], lengths, texts.astype(np.uint16), counts)


def together(chunks: Sequence[Counted]) -> tuple[Keys, Ints, Numbered]:
    """Return the terms of all chunks, ascending, how many texts have each, and the chunks with their terms numbered."""
    keys = _union([chunk.keys for chunk in chunks])
    numbered = [(keys.searchsorted(chunk.keys).astype(np.int32), chunk) for chunk in chunks]
    lengths = np.zeros(len(keys), dtype=np.int64)
    for terms, chunk in numbered:
        lengths[terms] += chunk.lengths
    return keys, lengths, numbered


def spread(starts: Ints, numbered: Numbered) -> Iterator[tuple[int, NDArray[np.int32], Ints, Counted]]:
    """Yield each chunk with the number of its first text, its terms, and the places of its postings.

    The postings of a term begin at its start, in the order of the texts. Empties `numbered`, to free its memory early.
    """
    ends, first = starts.copy(), 0
    numbered.reverse()
    while numbered:
        terms, chunk = numbered.pop()
        places, _ = expand_ranges(ends[terms], ends[terms] + chunk.lengths)
        ends[terms] += chunk.lengths
        yield first, terms, places, chunk
        first += chunk.size


def _join(chunks: Sequence[Counted]) -> Counted:
    keys, lengths, numbered = together(chunks)
    texts, counts = np.empty(lengths.sum(), dtype=np.uint16), np.empty(lengths.sum(), dtype=np.uint8)
    for first, _, places, chunk in spread(lengths.cumsum() - lengths, numbered):
        texts[places], counts[places] = chunk.texts + np.uint16(first), chunk.counts
    return Counted(sum(chunk.size for chunk in chunks), keys, lengths.astype(np.int32), texts, counts)


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
        together = together[firsts(together)]
    return together


def firsts(ascending: NDArray[Any]) -> Ints:
    """Return the position of the first of each value."""
    return np.flatnonzero(np.concatenate([ascending[:1] == ascending[:1], ascending[1:] != ascending[:-1]]))
