"""How questions and aliases read in kana, for questions that are asked without kanji."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import Counting, Ints, Keys, expand_ranges
from indexes.retrieval.folding import verbatim_key
from indexes.retrieval.inverted import Arrays, View
from indexes.retrieval.matching import Match, Pair, RowsFound, best_of_rows
from indexes.retrieval.readings import in_kana
from indexes.retrieval.tokens import character_tokens
from indexes.retrieval.verbatim import Verbatim


class ReadingsCounted:
    """The readings of the questions and aliases of rows, while they are counted."""

    def __init__(self) -> None:
        self._rows = 0
        self._owners: list[int] = []
        self._keys: list[int] = []
        self._counting = Counting()

    def add(self, asked: Sequence[Sequence[str]]) -> None:
        """Read the normalized questions and aliases of the next rows."""
        read = [
            (row, text) for row, texts in enumerate(asked, self._rows) for text in filter(None, map(in_kana, texts))
        ]
        texts = [text for _, text in read]
        self._rows += len(asked)
        self._owners += [row for row, _ in read]
        self._keys += map(verbatim_key, texts)
        self._counting.add(character_tokens(texts), len(texts))

    def index(self) -> "Readings":
        """Return the index of all that was added."""
        owners = np.array(self._owners, dtype=np.int32)
        return Readings(View(self._counting.take()), owners, Verbatim.of(self._keys, owners))


@dataclass(frozen=True, slots=True)
class Readings:
    """How questions and aliases read in kana: the characters of each reading, and its row (ascending)."""

    view: View
    owners: NDArray[np.int32]
    verbatim: Verbatim

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """See `LexicalIndex.of_arrays`."""
        verbatim = Verbatim.of_arrays(arrays, f"{prefix}.verbatim")
        return cls(View.of_arrays(arrays, prefix), arrays[f"{prefix}.owners"], verbatim)

    def arrays(self, prefix: str) -> Arrays:
        """See `LexicalIndex.arrays`."""
        own = {f"{prefix}.owners": self.owners, **self.verbatim.arrays(f"{prefix}.verbatim")}
        return {**self.view.arrays(prefix), **own}

    def match(self, characters: Keys, affordable: int) -> "MatchedReadings | None":
        """Match a question's characters; None where nothing could be read."""
        return MatchedReadings(Match(self.view, characters, affordable), self.owners) if len(self.owners) else None


class MatchedReadings:
    """The match of one question with all readings."""

    def __init__(self, match: Match, owners: NDArray[np.int32]) -> None:
        self._match = match
        self._owners = owners

    @property
    def is_read(self) -> bool:
        """See `Match`."""
        return self._match.is_read

    def found(self) -> RowsFound:
        """Return the rows of readings that have any of the terms, with their scores, if all terms were read."""
        return best_of_rows(self._owners[self._match.texts], self._match.found())

    def raise_rough(self, covered: NDArray[np.float32]) -> None:
        """Raise the rough coverage of rows, by words and characters together, to that of their readings, in place."""
        read = 2 * self._match.rough()
        some = np.flatnonzero(read)
        np.maximum.at(covered, self._owners[some], read[some])

    def raised(self, pair: Pair, rows: Ints) -> Pair:
        """Return cosine and coverage of rows, each at least that of the row's best reading."""
        wanted = rows.astype(np.int32)  # the stored type; searchsorted would copy all for another one
        first, last = self._owners.searchsorted(wanted), self._owners.searchsorted(wanted, side="right")
        readings, _ = expand_ranges(first, last)
        places = np.repeat(np.arange(len(rows)), last - first)
        cosines, coverages = pair[0].copy(), pair[1].copy()
        found = self._match.some(readings)
        np.maximum.at(cosines, places, found[0])
        np.maximum.at(coverages, places, found[1])
        return cosines, coverages
