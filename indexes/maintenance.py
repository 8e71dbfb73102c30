"""Loading, reloading and removing knowledge bases in the background, while searches go on."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from indexes.confidence.votes import Judgement
from indexes.encoder import Encoder, EncoderWorker, Model, Progress
from indexes.loader import Loader
from indexes.records import Source
from indexes.records.editing import EditedHere, Writer
from indexes.registry import Registry
from indexes.reload_report import EncodingCounts, ReloadReport
from indexes.retrieval.learned_aliases import LearnedAliases
from indexes.storage.stores import Stores
from indexes.storage.versions import Origin, Version

Value = TypeVar("Value")


class Maintenance:
    """Changes what a `Registry` searches, one change after another on a thread of its own.

    Snapshots are kept below `data_dir`, and all else too unless there are `stores` that others share. After `close`,
    every future is cancelled.
    """

    def __init__(self, registry: Registry, data_dir: Path, stores: Stores | None = None) -> None:
        stores = stores or Stores.own(data_dir)
        self.versions = stores.versions
        self._writer = stores.writer
        self.registry = registry
        self._stop = threading.Event()
        self._loader = Loader(registry, data_dir, stores, self._stop)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kotae-maintenance")
        self._waiting: dict[str, Future[ReloadReport]] = {}
        self._lock = threading.RLock()

    def writer(self, origin: Origin, by: str) -> Writer:
        """Return what writes the files; what is fetched from elsewhere is written by a fetch alone."""
        writer = self._writer(origin, by)
        return writer if origin == "source" else EditedHere(writer, self.registry.catalog)

    def load(self) -> Future[None]:
        """Read every file and make it searchable by words; the last snapshot replaces a file that can't be used."""
        return self._submit(self._load)

    def use_encoder(self, encoder: Encoder, progress: Progress | None = None) -> Future[EncodingCounts]:
        """Give every index its vectors, from snapshots where possible, and search with `encoder` from then on."""
        return self._submit(self._loader.use_encoder, encoder, progress)

    def swap_model(self, encoder: EncoderWorker, model: Model) -> Future[bool]:
        """Have an encoder use another form of its model between two changes: one build never mixes two."""
        return self._submit(encoder.swap, model)

    def update_confidence(self, judged: Mapping[str, Sequence[Judgement]]) -> Future[None]:
        """Update confidence from all votes, by knowledge base; one that is missing has no votes."""
        return self._submit(self._loader.update_confidence, judged)

    def apply_aliases(self, aliases: LearnedAliases) -> Future[None]:
        """Add these learned aliases, and no others, to the records, now and after every reload.

        Only texts that have no vector yet are encoded.
        """
        return self._submit(self._loader.apply_aliases, aliases)

    def reload(self, name: str, progress: Progress | None = None) -> Future[ReloadReport]:
        """Read a file again; if it can't be used, the report says why.

        Calls made before the reload begins share it, and the `progress` of the first call.
        """
        with self._lock:
            if name not in self._waiting:
                self._waiting[name] = self._submit(self._reload, name, progress)
            return self._waiting[name]

    def record_version(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version | None:
        """Keep a file's new content as a version by `by`; call it before `reload`, which records it as nobody's.

        Returns None if the disk refuses it; that is logged, and the content can be used all the same.
        """
        return self._loader.record_version(source, data, records, origin, by)

    def record_versions(self) -> Future[None]:
        """Keep everything that is loaded as a version to go back to; a reload does so by itself."""
        return self._submit(self._loader.record_versions)

    def remove(self, name: str, by: str) -> Future[None]:
        """Delete a knowledge base and its file; its content stays among the versions.

        Raises VersionError if the content can't be kept or the file can't be deleted; then nothing changes.
        """
        return self._submit(self._loader.remove, name, by)

    def drop(self, name: str) -> Future[None]:
        """Stop searching a knowledge base whose file another process has removed."""
        return self._submit(self._loader.drop, name)

    def close(self) -> None:
        """Cancel the jobs that haven't begun, stop encoding, and wait for the running job."""
        with self._lock:
            self._stop.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _submit(self, job: Callable[..., Value], *arguments: Any) -> Future[Value]:
        """Queue a job for the maintenance thread; return a cancelled future after `close`."""
        with self._lock:
            if not self._stop.is_set():
                return self._thread.submit(job, *arguments)
        cancelled: Future[Value] = Future()
        cancelled.cancel()
        return cancelled

    def _load(self) -> None:
        try:
            self._loader.load()
        finally:
            self.registry.set_ready()
        self._loader.store_loaded()

    def _reload(self, name: str, progress: Progress | None) -> ReloadReport:
        with self._lock:
            self._waiting.pop(name, None)
        before = self.registry.synonyms.digest
        report = self._loader.reload(name, progress)
        if self.registry.synonyms.digest != before:
            for other in self.registry.loaded.keys() - {name}:
                self.reload(other)
        return report
