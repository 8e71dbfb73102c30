"""What a process that was killed has left behind.

Files that were not renamed yet, snapshots that nothing names, and vectors of builds that nobody has continued.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from indexes.storage.snapshot import GENERATION, current_generation
from indexes.storage.unfinished import PATTERN

log = logging.getLogger(__name__)

SNAPSHOT_SECONDS = 3600.0
"""How long another process may take to write a snapshot."""
UNFINISHED_SECONDS = 7 * 86_400.0
"""How long vectors wait for their build to be continued."""
_OURS = re.compile(r"\..+\.[0-9a-f]{6}\.new(-wal|-shm|-journal)?")
"""Names that `replace_file` and copies of the database have until they are whole."""
_FOLDERS = ("snapshots/*", "versions/*", "uploads/*")
_FORMER = ("calibration.json", "snapshots/*/calibration.json")
"""Files of earlier versions that nothing reads any more."""


def sweep_data(data_dir: Path, before: float) -> int:
    """Delete leftovers below DATA_DIR from before a time (seconds since the epoch); return how many there were.

    Files that only earlier versions read are deleted too.
    """
    for former in (file for pattern in _FORMER for file in data_dir.glob(pattern)):
        former.unlink(missing_ok=True)
    folders = [data_dir, *(folder for each in _FOLDERS for folder in data_dir.glob(each) if folder.is_dir())]
    files = sum(sweep_files(folder, before) for folder in folders)
    files += _sweep_unfinished(data_dir, before - UNFINISHED_SECONDS)
    return files + sum(_sweep_snapshots(folder, before - SNAPSHOT_SECONDS) for folder in data_dir.glob("snapshots/*"))


def sweep_files(folder: Path, before: float) -> int:
    """Delete files in one folder that were never renamed; nothing with another name, and no link."""
    leftovers = [each for each in folder.glob(".*") if _OURS.fullmatch(each.name) and _is_old_file(each, before)]
    for leftover in leftovers:
        _report(leftover)
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _sweep_unfinished(data_dir: Path, before: float) -> int:
    leftovers = [each for each in data_dir.glob(f"snapshots/*/{PATTERN}") if _is_old_file(each, before)]
    for leftover in leftovers:
        _report(leftover)
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _sweep_snapshots(folder: Path, before: float) -> int:
    """Delete generations that never became current."""
    leftovers = [each for each in _never_current(folder) if each.stat().st_mtime < before]
    for leftover in leftovers:
        _report(leftover)
        shutil.rmtree(leftover, ignore_errors=True)
    return len(leftovers)


def _never_current(folder: Path) -> Iterator[Path]:
    try:
        current = current_generation(folder)
    except FileNotFoundError:
        current = ""
    except (OSError, ValueError):
        return  # nobody knows which one was current
    yield from (each for each in folder.glob("*") if GENERATION.fullmatch(each.name) and each.name > current)


def _is_old_file(path: Path, before: float) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_mtime < before


def _report(leftover: Path) -> None:
    log.info("%s was left behind by a process that was killed; it is deleted", leftover)
