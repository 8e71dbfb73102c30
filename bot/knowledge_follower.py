"""Follows what other replicas write: fetches changed files from the shared database, and reads them again."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path

from bot.background import BackgroundThread
from bot.folder_watch import Tell
from handlers.knowledge.shared import Knowledge
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.reload_report import ReloadReport

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""How often it looks without having been told: after an error, such as a full disk."""


class KnowledgeFollower(BackgroundThread):
    """Reloads what others have changed. Call `close` after maintenance is closed."""

    def __init__(
        self,
        knowledge: Knowledge,
        maintenance: Maintenance,
        sources: Callable[[], Sequence[Source]],
        synonyms: Path,
        rescan: Callable[[], None],
        tell: Tell,
    ) -> None:
        """Reload through `maintenance` what `sources` lists; `rescan` finds the channels of a new file."""
        super().__init__("kotae-knowledge")
        self._knowledge = knowledge
        self._maintenance = maintenance
        self._sources = sources
        self._synonyms = synonyms
        self._rescan = rescan
        self._tell = tell
        self._told = threading.Event()
        self._changed: set[Path] = set()

    def notice(self, _: str = "") -> None:
        """Look at once: something was announced."""
        self._told.set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._told.set()
        super().close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._told.wait(LOOK_SECONDS)
            self._told.clear()
            try:
                self._follow()
            except CancelledError:  # maintenance has closed: there is nothing to keep up to date
                return
            except Exception:
                log.exception("What other replicas changed could not be read; trying again")

    def _follow(self) -> None:
        self._changed.update(self._knowledge.follow())
        if self._changed and not self._stop.is_set():
            self._reload(sorted(self._changed))
            self._changed.clear()

    def _reload(self, changed: Sequence[Path]) -> None:
        loaded = {each.source.path: each for each in self._maintenance.registry.loaded.values()}
        if any(path not in loaded or not path.is_file() for path in changed if path != self._synonyms):
            self._rescan()
        for path in changed:
            if path in loaded and not path.is_file():
                self._maintenance.drop(loaded[path].source.name)
                log.info("%s was removed by another replica", path.name)
        for source in self._sources():
            is_read = source.path in loaded and not loaded[source.path].file_changed
            if self._synonyms in changed or (source.path in changed and not is_read):
                self._maintenance.reload(source.name).add_done_callback(self._telling(source.path))

    def _telling(self, path: Path) -> Callable[[Future[ReloadReport]], None]:
        def tell(done: Future[ReloadReport]) -> None:
            if not done.cancelled():
                self._tell(path, [done.result()])

        return tell
