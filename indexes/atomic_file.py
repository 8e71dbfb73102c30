"""Writing files so that a crash, a full disk or a second process never leaves half a file."""

import errno
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

BUSY_PAUSES = (0.02, 0.1, 0.5)
"""Seconds after which it is tried again to replace a file that another process has open, on Windows."""

FileContent = Callable[[Callable[[bytes], object]], object]
"""Passes the content of a file, piece by piece, to the function it is called with."""
_CAN_NOT = (errno.EINVAL, errno.ENOTSUP)
"""What some network file systems (CIFS) and FUSE answer when a folder is to be flushed."""


def is_missing(path: Path) -> bool:
    """Tell whether it is certain that nothing has this path: not if it can't be looked at, so that opening it says why.

    Of such a path ``Path.exists`` raises OSError, and from Python 3.14 says that it isn't there.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Replace a file with a new one, completely or not at all; raises OSError.

    `mode` sets its permissions; by default they are those of any new file.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(3)}.new")
    try:
        if mode is not None:
            fresh.touch(0o600)  # not readable by others even before its permissions are set
        write_file(fresh, lambda put: put(data))
        if mode is not None:
            fresh.chmod(mode)
        _rename(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def _rename(fresh: Path, path: Path) -> None:
    """Put a file in the place of another one; on Windows, whoever reads that keeps it from being replaced."""
    for pause in BUSY_PAUSES if os.name == "nt" else ():
        try:
            fresh.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    fresh.replace(path)


def write_file(path: Path, content: FileContent) -> None:
    """Write a file and flush it to the disk."""
    with path.open("wb") as file:
        content(file.write)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of files to the disk. Does nothing on Windows, or where the file system can't."""
    if os.name == "nt":  # a folder has no handle there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CAN_NOT:
            raise
    finally:
        os.close(handle)
