"""How questions and aliases read in kana, for questions that are asked without kanji."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from indexes.retrieval.folding import verbatim_key
from indexes.retrieval.inverted import Arrays, Counted, Ints, Keys, View, count, expand_ranges
from indexes.retrieval.matching import Match, Pair
from indexes.retrieval.readings import in_kana
from indexes.retrieval.tokens import character_tokens


class ReadingsCounted:
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
        return MatchedReadings(Match(self.view, characters, budget), self.owners) if len(self.owners) else None


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
