"""Copies of a SQLite database: one file, checked, and readable by its owner alone."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from handlers.store.damage import damage_of
from handlers.store.sqlite import connect
from indexes.atomic_file import sync_folder

DAILY_SECONDS = 24 * 3600.0


def backup_of(file: Path) -> Path:
    """Name the daily copy of a SQLite file."""
    return file.with_name(f"{file.name}.backup")


def is_due(file: Path, now: float) -> bool:
    """Tell whether the daily copy is missing, or a day old; or from the future, when the clock was wrong."""
    try:
        return abs(now - backup_of(file).stat().st_mtime) >= DAILY_SECONDS
    except FileNotFoundError:
        return True


def back_up(file: Path) -> str:
    """Replace the daily copy unless the database is damaged; return what is damaged. Raises OSError or sqlite3.Error.

    The database may be in use: in WAL mode a reader stops nobody from writing.
    """
    with fresh_copy(backup_of(file)) as fresh:
        copy_database(file, fresh)
        damage = damage_of(fresh)
        if not damage:
            leave_out_inbox(fresh)
            put(fresh, backup_of(file))
    return damage


def copy_database(file: Path, fresh: Path) -> None:
    """Copy a database with what is still in its write-ahead log, into one file without a log."""
    with closing(connect(file)) as source, closing(connect(fresh)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")


def leave_out_inbox(fresh: Path) -> None:
    """Delete from a copy what people had just asked: it would be kept for a day, and is of use for two minutes."""
    with closing(connect(fresh)) as copy:
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'inbox'").fetchone():
            copy.execute("PRAGMA secure_delete=ON")
            copy.execute("DELETE FROM inbox")
            copy.commit()


def copy_file(file: Path, fresh: Path) -> None:
    """Copy the bytes of a database without its write-ahead log."""
    with file.open("rb") as source, fresh.open("wb") as target:
        shutil.copyfileobj(source, target)


@contextmanager
def fresh_copy(target: Path) -> Iterator[Path]:
    """Yield an empty file beside `target`, for its owner alone; it is deleted unless `put` has renamed it."""
    fresh = target.with_name(f".{target.name}.{time.time_ns() % 0x1000000:06x}.new")
    try:
        fresh.touch(0o600)
        yield fresh
    finally:
        for leftover in (fresh, *(fresh.with_name(f"{fresh.name}{ending}") for ending in ("-journal", "-wal", "-shm"))):
            leftover.unlink(missing_ok=True)


def put(fresh: Path, target: Path) -> None:
    """Flush a copy to the disk and give it its name."""
    with fresh.open("rb+") as written:
        os.fsync(written.fileno())
    fresh.replace(target)
    sync_folder(target.parent)
