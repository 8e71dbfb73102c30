"""One worker per model, however many indexes and threads ask for it."""

import threading

from indexes.encoder.names import canonical_name
from indexes.encoder.protocol import Loader, Model
from indexes.encoder.worker import RECENT, EncoderWorker


class ModelManager:
    """Hands out the one EncoderWorker of each (name, revision), loading it at the first request."""

    def __init__(self, load: Loader, recent: int = RECENT) -> None:
        """Keep the vectors of the last `recent` questions of each model; 0 for measuring."""
        self._load = load
        self._recent = recent
        self._lock = threading.Lock()
        self._one_load_at_a_time = threading.Lock()
        self._workers: dict[tuple[str, str | None], EncoderWorker] = {}

    def get(self, name: str, revision: str | None = None) -> EncoderWorker:
        """Block until the model is ready; everyone who asks meanwhile waits for the same load.

        Raises ModelUnavailableError. A failure isn't remembered: the next call tries again.
        """
        key = (canonical_name(name), revision)
        with self._lock:
            worker = self._workers.get(key)
            if worker is None:
                worker = self._workers[key] = EncoderWorker(
                    name, lambda: self._load_alone(name, revision), self._recent
                )
        try:
            worker.wait()
        except Exception:
            self._forget(key, worker)
            raise
        return worker

    def close(self) -> None:
        """End every worker. A later `get` loads anew."""
        with self._lock:
            workers = list(self._workers.values())
            self._workers.clear()
        for worker in workers:
            worker.close()

    def _load_alone(self, name: str, revision: str | None) -> Model:
        """Load. One at a time: transformers changes process-wide defaults while it builds a model."""
        with self._one_load_at_a_time:
            return self._load(name, revision)

    def _forget(self, key: tuple[str, str | None], worker: EncoderWorker) -> None:
        with self._lock:
            if self._workers.get(key) is worker:
                del self._workers[key]
