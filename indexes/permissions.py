"""Permissions: what the bot keeps is for its own user alone, whatever the umask says."""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

FOLDER, FILE = 0o700, 0o600


def make_private_folder(folder: Path) -> None:
    """Make a folder, or take an existing one from all other users; raises OSError if it can't be made."""
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    make_private(folder)


def make_private(path: Path) -> None:
    """Take a file or a folder from all other users; one that belongs to somebody else is logged. Not on Windows."""
    if os.name == "nt":
        return
    wanted = FOLDER if path.is_dir() else FILE
    try:
        if path.stat().st_mode & 0o777 != wanted:
            path.chmod(wanted)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s can be read by others, and that can't be changed (%s)", path, error.strerror)
