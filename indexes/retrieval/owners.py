"""Which row each passage belongs to."""

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import expand_ranges


class Owners:
    """The rows of numbered passages; a number whose row is negative belongs to none."""

    def __init__(self, rows: NDArray[np.int32]) -> None:
        self.rows = rows
        order = np.argsort(rows, kind="stable")
        self._order = order[np.searchsorted(rows, 0, sorter=order) :]
        self._sorted = rows[self._order]

    def __len__(self) -> int:
        """Return how many passages belong to a row."""
        return len(self._order)

    def rows_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some passages, ascending, each once."""
        rows = self.rows[numbers]
        return np.unique(rows[rows >= 0]).astype(np.int64)

    def of_row(self, row: int) -> NDArray[np.int64]:
        """Return a row's passages, ascending."""
        return self._order[slice(*np.searchsorted(self._sorted, [row, row + 1]))]

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the passages of all these rows, row by row."""
        return self._order[self._spans(rows)[0]]

    def best(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each row's highest value, given those of `of_rows`; 0 for a row without passages."""
        _, starts, has = self._spans(rows)
        best = np.zeros(len(rows))
        if has.any():
            best[has] = np.maximum.reduceat(values, starts[has])
        return best

    def _spans(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        first, last = self._sorted.searchsorted(rows), self._sorted.searchsorted(rows, side="right")
        places, starts = expand_ranges(first, last)
        return places, starts, last > first
