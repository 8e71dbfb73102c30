"""Gives the registry its encoder: at once when the model is cached, otherwise as soon as it is available."""

import logging
import time
from concurrent.futures import CancelledError

from bot.background import BackgroundThread
from bot.compilation import Compilation
from bot.startup_log import StartupLog
from indexes.encoder import EncoderWorker, ModelManager, find_model
from indexes.encoder.names import first_line, unavailable
from indexes.errors import KnowledgeBaseError
from indexes.maintenance import Maintenance
from indexes.messages import Translatable
from indexes.storage.file_mark import FileMark

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the cache is checked, so that `kotae model download` takes effect without a restart."""
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 60.0, 3600.0
"""Waits between attempts to download, doubling from the first to the last."""


class ModelWatch(BackgroundThread):
    """Loads the model, or keeps trying; `trouble` says why it isn't loaded yet. A load in progress outlives `close`."""

    def __init__(
        self,
        maintenance: Maintenance,
        manager: ModelManager,
        model: str,
        revision: str | None,
        look_seconds: float = LOOK_SECONDS,
        startup_log: StartupLog | None = None,
        compilation: Compilation | None = None,
    ) -> None:
        """Record in `startup_log` when the model and the vectors are ready; then leave the rest to `compilation`."""
        super().__init__("kotae-model", join_seconds=0.0)
        self._maintenance = maintenance
        self._manager = manager
        self._model = model
        self._revision = revision
        self._look_seconds = look_seconds
        self._startup_log = startup_log or StartupLog()
        self._compilation = compilation
        self.trouble: Translatable | None = None

    def _run(self) -> None:
        if (encoder := self._loaded()) and self._compilation:
            self._compilation.run(encoder, self._maintenance, self._stop)

    def _loaded(self) -> EncoderWorker | None:
        """Keep trying to load the model; return None once nobody needs it."""
        wait, seen = FIRST_RETRY_SECONDS, None
        while (encoder := self._load()) is None:
            seen = self._wait_for_cache(wait, seen)
            if self._stop.is_set():
                return None
            wait = min(wait * 2, LAST_RETRY_SECONDS)
        return encoder

    def _load(self) -> EncoderWorker | None:
        prepared = self._compilation.open if self._compilation else None
        try:
            encoder = self._manager.get(self._model, self._revision, prepared)
            self._startup_log.done("model", "model")
            counts = self._maintenance.use_encoder(encoder).result()
            self._startup_log.done("vectors", "vectors", f" ({counts.reused} re-used, {counts.encoded} encoded)")
        except CancelledError:  # maintenance has closed: nobody needs the model any more
            self._stop.set()
            return None
        except KnowledgeBaseError as error:
            self._without(error)
            return None
        except Exception as error:
            if not self.trouble:
                log.exception("The model %s could not be loaded", self._model)
            self._without(unavailable(self._model, first_line(error), Translatable("mend.files")))
            return None
        if self.trouble:
            log.info("The model %s has arrived; answering by meaning from now on", self._model)
        self.trouble = None
        return encoder

    def _without(self, error: KnowledgeBaseError) -> None:
        """Log why there is no model, once."""
        if not self.trouble:
            log.warning("%s Until then I answer by lexical search alone, and keep trying.", error)
        self.trouble = error.message
        self._startup_log.without_vectors("by words only until the model is there")

    def _wait_for_cache(self, seconds: float, seen: FileMark | None) -> FileMark | None:
        """Wait until the model comes into the cache, or for so many seconds; return the mark of its folder.

        One that was `seen` and could not be loaded must have changed: trying takes memory and time.
        """
        until = time.monotonic() + seconds
        while not self._stop.wait(self._look_seconds) and time.monotonic() < until:
            folder = find_model(self._model, self._revision)
            if folder and (mark := FileMark.of(folder)) != seen:
                return mark
        return seen
