"""What a search by meaning asks of the vectors of a knowledge base, wherever they are."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from indexes.encoder import Vector, Vectors
    from indexes.retrieval.dense import IndexKind


class VectorIndex(Protocol):
    """Unit vectors of passages and the row each belongs to; scores are cosines in float32."""

    @property
    def kind(self) -> "IndexKind":
        """How the vectors are searched."""

    def __len__(self) -> int:
        """Return the number of passages."""

    def nearest(self, vector: "Vector", count: int) -> NDArray[np.int64]:
        """Return the rows of the `count` nearest passages, ascending, each once."""

    def cosines(self, vector: "Vector", rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return each row's best cosine; 0 for a row without vectors."""

    def background(self, vector: "Vector") -> float:
        """Return the mean cosine with all vectors."""

    def of_row(self, row: int) -> "Vectors":
        """Return a row's vectors, in the order of its passages."""

    def vectors(self, numbers: NDArray[np.int64]) -> "Vectors":
        """Return the vectors of the passages with these numbers, in that order."""
