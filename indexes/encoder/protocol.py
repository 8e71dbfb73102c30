"""What an encoder is to the rest of Kotae, and what a backend has to bring."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.errors import EncodingError

Vector = NDArray[np.float32]
"""Shape (dimension,), length 1."""
Vectors = NDArray[np.float32]
"""Shape (n, dimension), every row of length 1."""
Progress = Callable[[int, int], None]
"""Called with (texts done, texts in all)."""

_TOLERANCE = 1e-3


class Encoder(Protocol):
    """Safe to call from any thread."""

    @property
    def name(self) -> str:
        """The hub's full name (`owner/model`), or the local folder as it was given."""

    @property
    def revision(self) -> str:
        """What tells this model from another of the same name: a commit, or a digest of a local folder."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def canaries(self) -> Vectors:
        """Vectors of a few fixed texts: stored beside an index, they show that this very model made it."""

    def encode_query(self, text: str) -> Vector:
        """Encode one question; it goes before any bulk work."""

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Encode many texts, one row each in the order given."""


class Model(Protocol):
    """A loaded model, called by the two threads of its EncoderWorker, at times by both at once.

    Queries and documents are told apart because some models put a different prompt before each.
    """

    @property
    def name(self) -> str:
        """See `Encoder.name`."""

    @property
    def revision(self) -> str:
        """See `Encoder.revision`."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return one unit vector per text, as rows."""

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return one unit vector per text, as rows."""


Loader = Callable[[str, str | None], Model]
"""(name, revision) to a loaded model; raises ModelUnavailableError."""


def unit_rows(rows: NDArray[Any], count: int) -> Vectors:
    """Check what a model returned for `count` texts and copy it.

    Raises EncodingError unless every row is finite and of length 1 (NaN and zero vectors are neither).
    """
    vectors = np.array(rows, dtype=np.float32, order="C")
    if vectors.ndim != 2 or len(vectors) != count:  # noqa: PLR2004
        raise EncodingError("model.shape", shape=str(vectors.shape), count=count)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    wrong = lengths[~(np.abs(lengths - 1) <= _TOLERANCE)]
    if wrong.size:
        raise EncodingError("model.length", length=float(wrong[0]))
    return vectors
