"""Reads CSV files again when they change on disk.

An event is only a hint to look. A file is read when its mark differs from the loaded one and has not changed for a
moment. That covers half-written files, editors that replace the file, links that are switched, and file systems that
report no events.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path

from watchfiles import watch

from bot.background import BackgroundThread
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.reload_report import ReloadReport

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.5
"""How long the files must stay unchanged before they are read."""
LOOK_SECONDS = 3.0
"""How often the files are checked where no event comes: on network folders, in some containers, for links' targets."""
AGAIN_SECONDS = 30.0
"""How long it waits after an error, such as a full disk, before it tries again."""

Mark = tuple[int, int, int]
"""Modification time, size and inode: enough to notice a change without reading the file."""
Tell = Callable[[Path, Sequence[ReloadReport]], None]
"""Called with a changed file and the reports of its reload: of one knowledge base, or of all for the synonyms."""


def log_reports(_: Path, reports: Sequence[ReloadReport]) -> None:
    """Log what changed; a `Tell`."""
    for warning in dict.fromkeys(warning for report in reports for warning in report.warnings):
        log.warning("%s", warning)
    for report in reports:
        if report.error:
            log.warning("%s was not reloaded and nothing has changed: %s", report.name, report.error)
        else:
            counts = (report.added, report.changed, report.removed, len(report.problems), report.seconds)
            log.info("%s was reloaded: %d added, %d changed, %d removed, %d problems, %.1f s", report.name, *counts)


class FolderWatch(BackgroundThread):
    """Reloads changed and new CSV files. Call `close` after maintenance is closed, which ends a reload in progress."""

    def __init__(
        self,
        maintenance: Maintenance,
        sources: Callable[[], Sequence[Source]],
        synonyms: Path,
        rescan: Callable[[], None],
        tell: Tell,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        """Reload through `maintenance` what `sources` lists; `rescan` finds the channels of a new file."""
        super().__init__("kotae-watch")
        self._maintenance = maintenance
        self._sources = sources
        self._synonyms = synonyms
        self._rescan = rescan
        self._tell = tell
        self._again_seconds = again_seconds
        self._loaded: Mapping[Path, Mark] = {}

    def start(self) -> None:
        """Watch for changes from now on; call it before the first load."""
        self._loaded = self._marks()
        super().start()

    def _run(self) -> None:
        for _ in self._hints():
            try:
                now = self._settled()
                if not self._stop.is_set():
                    self._reload_changed(now)
            except CancelledError:  # maintenance has closed: there is nothing to keep up to date
                return
            except Exception:
                log.exception("Changed files could not be reloaded; trying again in %.0f s", self._again_seconds)
                self._stop.wait(self._again_seconds)

    def _hints(self) -> Iterator[object]:
        """Yield on every event and every few seconds, until the watch is closed."""
        folders = {path.parent for path in (*self._paths(), self._synonyms)}
        try:
            yield from watch(
                *(folder for folder in folders if folder.is_dir()),
                watch_filter=None,
                rust_timeout=int(LOOK_SECONDS * 1000),
                yield_on_timeout=True,
                stop_event=self._stop,
                recursive=False,
            )
        except (OSError, RuntimeError) as error:  # of inotify, some limits are reported as RuntimeError
            log.warning("No events from %s (%s); looking every %.0f s", self._synonyms.parent, error, LOOK_SECONDS)
        while not self._stop.wait(LOOK_SECONDS):
            yield ()

    def _settled(self) -> Mapping[Path, Mark]:
        """Return the marks once no file has changed for a moment."""
        before: Mapping[Path, Mark] | None = None
        now = self._marks()
        while now not in (self._loaded, before) and not self._stop.wait(SETTLE_SECONDS):
            before, now = now, self._marks()
        return now

    def _marks(self) -> Mapping[Path, Mark]:
        """Return the marks of the existing files."""
        marks = {}
        for path in (*self._paths(), self._synonyms):
            with suppress(OSError):  # it doesn't exist, or not at the moment
                status = path.stat()
                marks[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return marks

    def _paths(self) -> list[Path]:
        return [source.path for source in self._sources()]

    def _reload_changed(self, now: Mapping[Path, Mark]) -> None:
        before = self._loaded
        for path in sorted(before.keys() - now.keys()):
            log.warning("%s no longer exists; its knowledge base keeps answering", path)
        changed = [path for path, mark in now.items() if before.get(path) != mark]
        if now.keys() != before.keys():
            self._rescan()
        reports = self._reload(changed)
        for path in changed:
            own = [report for source, report in reports if path in (source.path, self._synonyms)]
            if own:
                self._tell(path, own)
        self._loaded = now

    def _reload(self, changed: Sequence[Path]) -> list[tuple[Source, ReloadReport]]:
        """Reload the knowledge bases of the changed files, unless an admin has done so already."""
        loaded = self._maintenance.registry.loaded
        sources = [
            source
            for source in self._sources()
            if self._synonyms in changed
            or (source.path in changed and (source.name not in loaded or loaded[source.name].file_changed))
        ]
        waiting = [(source, self._maintenance.reload(source.name)) for source in sources]
        return [(source, future.result()) for source, future in waiting]
