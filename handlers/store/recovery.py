"""Starting without a damaged SQLite database: it is set aside, and what the newest good copy holds takes its place.

state.db.damaged-20261128-210500    a damaged file, kept for a month, with its write-ahead log
state.db.backup                     the daily copy
state.db.recovered                  what happened, and whether an admin has confirmed the settings since
"""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from handlers.store.backup import backup_of, copy_file, fresh_copy, put
from handlers.store.damage import damage_of
from handlers.store.write_ahead_log import has_lost_commits
from indexes.atomic_file import is_missing, replace_file
from indexes.permissions import make_private

log = logging.getLogger(__name__)

ENDINGS = ("", "-wal", "-shm")
KEEP_SECONDS = 30 * 24 * 3600.0
"""How long what was set aside is kept: somebody may want to look for lost rows in it."""
NOTE_SECONDS = 7 * 24 * 3600.0
"""How long a confirmed recovery still keeps older events from being answered; Slack retries for about an hour."""
LOST_COMMITS = "its write-ahead log is damaged"
MISSING = "it is gone"
SEAL_BROKEN = "its settings are not those that were stored last"
_SET_ASIDE = re.compile(r"\.damaged-\d{8}-\d{6}(-wal|-shm)?$")


@dataclass(frozen=True)
class Recovery:
    """A start without a damaged database; times are seconds since the epoch.

    `damaged` is the name under which it was set aside, blank if it was gone. What it held was stored until `stored_at`;
    None if there was no copy, and nothing is known any more.
    """

    at: float
    damaged: str
    reason: str
    stored_at: float | None
    told: bool = False
    confirmed: bool = False

    @property
    def is_about_settings(self) -> bool:
        """Whether the database itself is as it was."""
        return self.reason == SEAL_BROKEN


class RecoveryNote:
    """The stored account of the last recovery, beside the database. Thread-safe."""

    def __init__(self, file: Path | None) -> None:
        """Read the note of a SQLite file; there is none for other databases."""
        self._path = file and file.with_name(f"{file.name}.recovered")
        self._lock = Lock()
        self.current = _read(self._path) if self._path else None

    @property
    def waiting(self) -> Recovery | None:
        """The recovery whose settings no admin has confirmed yet."""
        return self.current if self.current and not self.current.confirmed else None

    @property
    def answers_since(self) -> float:
        """When the bot began anew: what was said before may have been answered already, which nobody knows."""
        return self.current.at if self.current else 0.0

    def put(self, recovery: Recovery) -> None:
        """Store a recovery; raises OSError."""
        with self._lock:
            if self._path:
                replace_file(self._path, json.dumps(asdict(recovery)).encode(), 0o600)
            self.current = recovery

    def note_told(self) -> None:
        """Store that admins were told of the recovery; raises OSError."""
        if self.current:
            self.put(replace(self.current, told=True))

    def confirm(self) -> None:
        """Store that an admin has confirmed the settings; raises OSError."""
        if self.current:
            self.put(replace(self.current, confirmed=True))

    def expire(self, now: float) -> None:
        """Delete the note of a recovery that was confirmed and is long ago; raises OSError."""
        if self._path and self.current and self.current.confirmed and now - self.current.at > NOTE_SECONDS:
            self._path.unlink(missing_ok=True)
            self.current = None


def _read(path: Path) -> Recovery | None:
    """Read the note; one that is damaged itself still says that the settings are to be confirmed."""
    try:
        known: dict[str, Any] = json.loads(path.read_bytes())
        at, stored_at = float(known["at"]), known["stored_at"]
        flags = {name: known[name] is True for name in ("told", "confirmed")}
        return Recovery(at, str(known["damaged"]), str(known["reason"]), stored_at and float(stored_at), **flags)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        log.warning("%s can't be read (%s); the settings are to be confirmed again", path, error)
        return Recovery(time.time(), "", "", None)


def fault_of(file: Path) -> str:
    """Return why a SQLite file can't be used, or blank; raises sqlite3.Error or OSError as `damage_of` does.

    One that was never there is no fault, unless there is a copy of it.
    """
    if is_missing(file):
        return MISSING if backup_of(file).is_file() else ""
    if not file.stat().st_size and not backup_of(file).is_file():
        return ""  # the first start was interrupted
    return LOST_COMMITS if has_lost_commits(file) else damage_of(file)


def recover(file: Path, fault: str, prepare: Callable[[Path], None], now: float) -> Recovery:
    """Put the newest good copy in the place of a faulty file, which is set aside; raises OSError.

    `prepare` is called with the copy first. Killed at any moment, the next start does it again.
    """
    aside = _free_name(file, now)
    with fresh_copy(file) as fresh:
        stored_at = _copied(_copies(file, fault), fresh, prepare)
        recovery = Recovery(now, aside.name if file.exists() else "", fault, stored_at)
        RecoveryNote(file).put(recovery)
        _set_aside(file, aside)
        if stored_at is not None:
            put(fresh, file)
    log.error(
        "%s: %s. It was set aside as %s; %s. Auto-reply stays in shadow mode until an admin confirms the settings",
        *(file, fault, recovery.damaged or "nothing", _now_there(stored_at)),
    )
    return recovery


def _now_there(stored_at: float | None) -> str:
    return f"what was stored until {time.ctime(stored_at)} is in its place" if stored_at else "it begins empty"


def sweep(file: Path, before: float) -> None:
    """Delete what was set aside before a time (seconds since the epoch); raises OSError."""
    for each in set_aside(file):
        if each.stat().st_mtime < before:
            each.unlink(missing_ok=True)


def set_aside(file: Path) -> list[Path]:
    """List what was set aside of a SQLite file, logs included."""
    return sorted(each for each in file.parent.glob(f"{file.name}.*") if _SET_ASIDE.search(each.name))


def _copies(file: Path, fault: str) -> Sequence[Path]:
    """Return where to look for a good copy: without its damaged log the file itself is newer than the daily copy."""
    return [file, backup_of(file)] if fault == LOST_COMMITS else [backup_of(file)]


def _copied(copies: Sequence[Path], fresh: Path, prepare: Callable[[Path], None]) -> float | None:
    """Copy the first good file to `fresh`; return when it was written, None if there is none."""
    for copy in copies:
        try:
            copy_file(copy, fresh)
            if not (damage := damage_of(fresh)):
                prepare(fresh)
                return copy.stat().st_mtime
        except FileNotFoundError:
            continue
        log.error("%s can't be used either: %s", copy, damage)
    return None


def _free_name(file: Path, now: float) -> Path:
    """Return a dated name that nothing has yet."""
    names = (
        file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.localtime(now + seconds))}")
        for seconds in range(1000)
    )
    return next(name for name in names if not name.exists())


def _set_aside(file: Path, aside: Path) -> None:
    """Rename a file, then its log: of a file without its log nobody would know that commits are missing."""
    for ending in ENDINGS:
        with suppress(FileNotFoundError):
            file.with_name(f"{file.name}{ending}").rename(aside.with_name(f"{aside.name}{ending}"))
            make_private(aside.with_name(f"{aside.name}{ending}"))
    backup = backup_of(file)
    if backup.is_file() and damage_of(backup):
        backup.rename(aside.with_name(f"{backup.name}.{aside.name.rpartition('.')[2]}"))
