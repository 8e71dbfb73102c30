"""What a trial works on: a copy of the knowledge bases, so that trying changes nothing that is kept elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from bot.lock import HOLDER, LOCK
from indexes.atomic_file import replace_file
from indexes.names import is_csv, is_workbook
from indexes.records.editing import digest_of

COPIES = "copy"
NOTE = ".copied.json"
KEPT = {"compiled", LOCK, HOLDER}
"""What starting afresh leaves: the compiled model takes a minute to make, and the lock is held."""


def tables(folder: Path) -> dict[str, Path]:
    """Return the CSV files and workbooks of a folder by name, with the synonyms; none if there is no such folder."""
    found = [path for path in folder.glob("*") if is_csv(path) or is_workbook(path)]
    return {path.name: path for path in sorted(found) if path.is_file() and not path.name.startswith((".", "~$"))}


def copied(source: Path, data_dir: Path) -> Path:
    """Copy a folder's tables below the trial's data and return the copy.

    What was changed in an earlier copy stays, unless its original has changed since.
    """
    if not (data_dir / COPIES).exists():  # the state of an earlier version names channels that are not there any more
        start_afresh(data_dir)
    copy = data_dir / COPIES / source.resolve().name
    before = _copied_before(copy, source)
    if not before:
        shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True, exist_ok=True)
    originals = tables(source)
    now = {name: digest_of(path) for name, path in originals.items()}
    for name in (before.keys() - now.keys()) & tables(copy).keys():
        (copy / name).unlink(missing_ok=True)
    for name in (name for name, digest in now.items() if before.get(name) != digest):
        replace_file(copy / name, originals[name].read_bytes())
    replace_file(copy / NOTE, json.dumps({"source": str(source.resolve()), "files": now}).encode())
    return copy


def _copied_before(copy: Path, source: Path) -> Mapping[str, str]:
    """Return the digests of the originals when they were copied; none if this is no copy of them."""
    try:
        note = json.loads((copy / NOTE).read_bytes())
        files = {str(name): str(digest) for name, digest in note["files"].items()}
        return files if note["source"] == str(source.resolve()) else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def start_afresh(data_dir: Path) -> None:
    """Delete what was tried: the copies, the settings, the votes and everything else but what KEPT names."""
    for path in [each for each in data_dir.glob("*") if each.name not in KEPT]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
