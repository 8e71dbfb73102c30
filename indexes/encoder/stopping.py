"""Stopping long encoding work between two batches when Kotae shuts down."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from indexes.encoder.protocol import Encoder, Progress, Vector, Vectors
from indexes.errors import KnowledgeBaseError


class StoppedError(KnowledgeBaseError):
    """Encoding was stopped because Kotae is shutting down."""


def until_stopped(stop: threading.Event, progress: Progress | None = None) -> Progress:
    """Wrap `progress` so that it raises StoppedError once `stop` is set: thousands of texts may remain."""

    def step(done: int, total: int) -> None:
        if stop.is_set():
            raise StoppedError("base.closing")
        if progress:
            progress(done, total)

    return step


class StoppableEncoder:
    """An `Encoder` that raises StoppedError once `stop` is set."""

    def __init__(self, encoder: Encoder, stop: threading.Event) -> None:
        self._encoder = encoder
        self._stop = stop
        self.name, self.revision = encoder.name, encoder.revision
        self.dimension, self.canaries = encoder.dimension, encoder.canaries

    @property
    def variant(self) -> str:
        """See `Encoder.variant`; it may change while texts are being encoded."""
        return self._encoder.variant

    def encode_query(self, text: str) -> Vector:
        """See `Encoder.encode_query`."""
        until_stopped(self._stop)(0, 1)
        return self._encoder.encode_query(text)

    def begin_query(self, text: str) -> Future[Vector]:
        """See `Encoder.begin_query`."""
        until_stopped(self._stop)(0, 1)
        return self._encoder.begin_query(text)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode_queries`."""
        until_stopped(self._stop)(0, 1)
        return self._encoder.encode_queries(texts)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See `Encoder.encode_documents`; checked after each batch."""
        return self._encoder.encode_documents(texts, until_stopped(self._stop, progress))
