"""The interfaces of encoders, and of the models that backends provide."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexes.errors import EncodingError

Vector = NDArray[np.float32]
"""Shape (dimension,), length 1."""
Vectors = NDArray[np.float32]
"""Shape (n, dimension), every row of length 1, or 0 if the model can't encode its text."""
Outcomes = Sequence[Vector | EncodingError]
"""The vector of each text, or why it has none."""
Progress = Callable[[int, int], None]
"""Called with (texts encoded so far, texts to encode)."""

INT8 = "int8"
"""The `variant` whose weights have 8 bits."""

_TOLERANCE = 1e-3


class Encoder(Protocol):
    """Encodes texts as unit vectors. Thread-safe."""

    @property
    def name(self) -> str:
        """The full name on the hub (`owner/model`), or the local folder as given."""

    @property
    def revision(self) -> str:
        """The commit on the hub, or a digest of a local folder."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def canaries(self) -> Vectors:
        """Vectors of a few fixed texts. Stored with an index, they show whether the same model made it."""

    @property
    def variant(self) -> str:
        """`INT8` while the model runs in 8 bits, whose vectors are only nearly its own; blank for its own."""

    def encode_query(self, text: str) -> Vector:
        """Encode one question, before any bulk work. Returns shape (dimension,)."""

    def begin_query(self, text: str) -> "Future[Vector]":
        """Begin `encode_query` and return at once; the future is settled by a thread of the encoder's."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode many questions that nobody waits for, as bulk work; see `encode_documents`."""

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Encode many texts; returns shape (texts, dimension), in the same order.

        A text that the model can't encode gets zeros, whose cosine with everything is 0: the others are unharmed.
        """


class Model(Protocol):
    """A loaded model. The two threads of its EncoderWorker may call it at the same time.

    Queries and documents are separate because some models use a different prompt for each.
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

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """Return about how many tokens each text has as a document, at most as many as the model reads."""


@runtime_checkable
class Reduced(Model, Protocol):
    """A model whose vectors are only nearly those of the one with its name and revision, which it stands for."""

    @property
    def variant(self) -> str:
        """See `Encoder.variant`."""

    @property
    def canaries(self) -> Vectors:
        """The vectors of the worker's CANARIES by the model that it stands for."""


Loader = Callable[[str, str | None], Model]
"""Loads the model with a name and a revision; raises ModelUnavailableError."""


def unit_rows(rows: NDArray[Any], count: int) -> Vectors:
    """Return a checked float32 copy of the output of a model for `count` texts.

    Raises EncodingError unless there are `count` rows, each of length 1 (NaN and zero vectors are not).
    """
    vectors = np.array(rows, dtype=np.float32, order="C")
    if vectors.ndim != 2 or len(vectors) != count:  # noqa: PLR2004
        raise EncodingError("model.shape", shape=str(vectors.shape), count=count)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    wrong = lengths[~(np.abs(lengths - 1) <= _TOLERANCE)]
    if wrong.size:
        raise EncodingError("model.length", length=float(wrong[0]))
    return vectors


def encode_each(encode: Callable[[Sequence[str]], NDArray[Any]], texts: Sequence[str]) -> Outcomes:
    """Return the vector of each text, or why it has none. If one is faulty, each is encoded again, alone."""
    try:
        return list(unit_rows(encode(texts), len(texts)))
    except Exception as error:  # noqa: BLE001 - whoever wants the vector is told
        if len(texts) > 1:
            return [outcome for text in texts for outcome in encode_each(encode, [text])]
        if isinstance(error, EncodingError):
            return [error]
        failure = EncodingError("model.failed", kind=type(error).__name__)
        failure.__cause__ = error
        return [failure]


def or_zeros(outcomes: Outcomes, dimension: int) -> Vectors:
    """Return the vectors as rows, zeros for those that there are none of."""
    zeros = np.zeros(dimension, np.float32)
    return np.stack([zeros if isinstance(each, EncodingError) else each for each in outcomes])
