"""Finding the rows whose question, or an alias, is what is asked word for word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import Ints, Keys
from indexes.retrieval.inverted import Arrays


@dataclass(frozen=True, slots=True)
class Verbatim:
    """The verbatim keys of texts, ascending, and the row of each."""

    keys: Keys
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, keys: Sequence[int], rows: NDArray[np.int32]) -> Self:
        """Index the keys (`folding.verbatim_key`) of texts of these rows."""
        unsorted = np.array(keys, dtype=np.uint64)
        order = np.argsort(unsorted, kind="stable")
        return cls(unsorted[order], rows[order])

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """See `LexicalIndex.of_arrays`."""
        return cls(arrays[f"{prefix}.keys"], arrays[f"{prefix}.rows"])

    def arrays(self, prefix: str) -> Arrays:
        """See `LexicalIndex.arrays`."""
        return {f"{prefix}.keys": self.keys, f"{prefix}.rows": self.rows}

    def find(self, key: int) -> Ints:
        """Return the rows of the texts with this key."""
        wanted = np.uint64(key)
        first, last = self.keys.searchsorted(wanted), self.keys.searchsorted(wanted, side="right")
        return self.rows[first:last].astype(np.int64)
