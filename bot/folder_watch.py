"""Reads CSV files again when they change on disk.

An event is only a hint to look. A file is read when its mark is another than the one taken in, and has stood still for
a moment: then half-written files, editors that put another file in its place, links that are switched and file systems
that report nothing are one and the same case.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path

from watchfiles import watch

from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.reload_report import ReloadReport

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.5
"""How long no file may change before they are read."""
LOOK_SECONDS = 3.0
"""How often the files are looked at where no event comes: from network folders, some containers, links' targets."""
JOIN_SECONDS = 2.0
"""How long `close` waits; only a look at Slack's channels can take longer, and nobody needs that any more."""

Mark = tuple[int, int, int]
"""Modification time, size and inode: enough to notice a change without reading the file."""
Tell = Callable[[Path, Sequence[ReloadReport]], None]
"""Called with a changed file and what reading again did: to its knowledge base, or to all when it holds synonyms."""


def log_reports(_: Path, reports: Sequence[ReloadReport]) -> None:
    """Write what changed to the log; a `Tell`."""
    for warning in dict.fromkeys(warning for report in reports for warning in report.warnings):
        log.warning("%s", warning)
    for report in reports:
        if report.error:
            log.warning("%s was not reloaded and nothing has changed: %s", report.name, report.error)
        else:
            counts = (report.added, report.changed, report.removed, len(report.problems), report.seconds)
            log.info("%s was reloaded: %d added, %d changed, %d removed, %d problems, %.1f s", report.name, *counts)


class FolderWatch:
    """A thread that takes in changed and new CSV files. What was read of a file that is deleted keeps answering."""

    def __init__(
        self,
        maintenance: Maintenance,
        sources: Callable[[], Sequence[Source]],
        synonyms: Path,
        rescan: Callable[[], None],
        tell: Tell,
    ) -> None:
        """Reload through `maintenance` what `sources` lists; `rescan` finds the channels of a new file."""
        self._maintenance = maintenance
        self._sources = sources
        self._synonyms = synonyms
        self._rescan = rescan
        self._tell = tell
        self._taken: Mapping[Path, Mark] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kotae-watch", daemon=True)

    def start(self) -> None:
        """Watch for what changes from now on; call it before the first load."""
        self._taken = self._look()
        self._thread.start()

    def close(self) -> None:
        """Stop watching; call it after `Maintenance.close`, which ends what is being read."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        for _ in self._hints():
            try:
                now = self._settled()
                if not self._stop.is_set():
                    self._take_in(now)
            except CancelledError:  # maintenance has ended: there is nothing to keep up to date
                return
            except Exception:
                log.exception("Changed files could not be taken in; `reload` reads them")

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
        except OSError as error:
            log.warning("No events from %s (%s); looking every %.0f s", self._synonyms.parent, error, LOOK_SECONDS)
        while not self._stop.wait(LOOK_SECONDS):
            yield ()

    def _settled(self) -> Mapping[Path, Mark]:
        """Return the files as they are when none has changed for a moment."""
        before: Mapping[Path, Mark] | None = None
        now = self._look()
        while now not in (self._taken, before) and not self._stop.wait(SETTLE_SECONDS):
            before, now = now, self._look()
        return now

    def _look(self) -> Mapping[Path, Mark]:
        """Return the marks of the files that are there."""
        marks = {}
        for path in (*self._paths(), self._synonyms):
            with suppress(OSError):  # it is not there, or not just now
                status = path.stat()
                marks[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return marks

    def _paths(self) -> list[Path]:
        return [source.path for source in self._sources()]

    def _take_in(self, now: Mapping[Path, Mark]) -> None:
        before, self._taken = self._taken, now
        for path in sorted(before.keys() - now.keys()):
            log.warning("%s is not there any more; what was read of it keeps answering", path)
        changed = [path for path, mark in now.items() if before.get(path) != mark]
        if now.keys() != before.keys():
            self._rescan()
        reports = self._read_again(changed)
        for path in changed:
            own = [report for source, report in reports if path in (source.path, self._synonyms)]
            if own:
                self._tell(path, own)

    def _read_again(self, changed: Sequence[Path]) -> list[tuple[Source, ReloadReport]]:
        """Reload what depends on the changed files, unless an admin has done so meanwhile."""
        loaded = self._maintenance.registry.loaded
        sources = [
            source
            for source in self._sources()
            if self._synonyms in changed
            or (source.path in changed and (source.name not in loaded or loaded[source.name].file_changed))
        ]
        waiting = [(source, self._maintenance.reload(source.name)) for source in sources]
        return [(source, future.result()) for source, future in waiting]
