"""Sharing models: one worker per model for all indexes and threads."""

import threading
from collections.abc import Callable

from indexes.encoder.names import canonical_name
from indexes.encoder.protocol import Loader, Model
from indexes.encoder.worker import RECENT, EncoderWorker


class ModelManager:
    """Returns the shared EncoderWorker of each (name, revision), and loads it at the first request."""

    def __init__(self, load: Loader, recent: int = RECENT) -> None:
        """Each model remembers the vectors of the last `recent` questions; 0 is for benchmarks."""
        self._load = load
        self._recent = recent
        self._lock = threading.Lock()
        self._one_load_at_a_time = threading.Lock()
        self._workers: dict[tuple[str, str | None], EncoderWorker] = {}

    def get(
        self, name: str, revision: str | None = None, prepared: Callable[[], Model | None] | None = None
    ) -> EncoderWorker:
        """Wait until the model is loaded; concurrent calls wait for the same load.

        `prepared` may return another form of the same model, which is then used instead of loading it.
        Raises ModelUnavailableError. After a failure the next call tries again.
        """
        key = (canonical_name(name), revision)
        with self._lock:
            worker = self._workers.get(key)
            if worker is None:
                worker = self._workers[key] = EncoderWorker(
                    name, lambda: self._load_alone(name, revision, prepared), self._recent
                )
        try:
            worker.wait()
        except Exception:
            self._forget(key, worker)
            raise
        return worker

    def close(self) -> None:
        """Stop all workers. A later `get` loads the model again."""
        with self._lock:
            workers = list(self._workers.values())
            self._workers.clear()
        for worker in workers:
            worker.close()

    def _load_alone(self, name: str, revision: str | None, prepared: Callable[[], Model | None] | None) -> Model:
        """Load one model at a time: transformers changes process-wide defaults while it builds a model."""
        with self._one_load_at_a_time:
            return (prepared() if prepared else None) or self._load(name, revision)

    def _forget(self, key: tuple[str, str | None], worker: EncoderWorker) -> None:
        with self._lock:
            if self._workers.get(key) is worker:
                del self._workers[key]
