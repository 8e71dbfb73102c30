"""Writing files so that a crash, a full disk or a second process never leaves half of one."""

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

FileContent = Callable[[Callable[[bytes], object]], object]
"""Hands the content of a file over, piece by piece."""


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Put a whole new file in the place of the old one, or leave that untouched; raises OSError.

    `mode` are its permissions, by default those of any new file.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(3)}.new")
    try:
        if mode is not None:
            fresh.touch(0o600)  # nobody reads what is not meant for them, not even before it has its permissions
        write_file(fresh, lambda put: put(data))
        if mode is not None:
            fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_file(path: Path, content: FileContent) -> str:
    """Write what is poured through to the disk; return its SHA-256."""
    digest = hashlib.sha256()

    def put(piece: bytes) -> None:
        file.write(piece)
        digest.update(piece)

    with path.open("wb") as file:
        content(put)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of files to the disk."""
    if os.name == "nt":  # Windows has no handle to flush a folder with
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
