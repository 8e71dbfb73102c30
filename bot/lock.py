"""One bot for each DATA_DIR: two would answer twice, and write over each other's files."""

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bot.settings import SettingsError
from indexes.atomic_file import replace_file
from indexes.messages import Translatable
from indexes.permissions import make_private_folder

log = logging.getLogger(__name__)

LOCK, HOLDER = "bot.lock", "bot.json"
"""The file that the operating system locks for as long as the process lives, and the file that says whose it is."""
PAUSE_SECONDS = 0.2
"""A process that has just taken the lock has written its name after this time."""


class TakenError(SettingsError):
    """Another bot uses this DATA_DIR."""


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Lock a data folder against a second bot; raises TakenError.

    A process that is killed leaves both files behind, but not the lock. Where nothing can be locked, as on some network
    drives or in a folder that can't be written, that is logged.
    """
    lock = FileLock(data_dir / LOCK, timeout=0)
    try:
        make_private_folder(data_dir)
        lock.acquire()
    except Timeout:
        raise TakenError(Translatable("settings.taken", folder=str(data_dir), holder=_holder(data_dir))) from None
    except (OSError, NotImplementedError) as error:
        log.warning("%s can't be locked (%s): make sure that no other Kotae uses it", data_dir, error)
    with suppress(OSError):  # the lock holds without it
        replace_file(data_dir / HOLDER, json.dumps(_myself()).encode())
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # the disk may be read-only by now, and the next bot writes its own
                (data_dir / HOLDER).unlink()
        lock.release()


def _myself() -> dict[str, object]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}


def _holder(data_dir: Path) -> Translatable:
    """Describe the process that has the lock; it may not have written its name yet."""
    for pause in (0.0, PAUSE_SECONDS):
        time.sleep(pause)
        with suppress(OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
            said = json.loads((data_dir / HOLDER).read_bytes())
            since = datetime.fromtimestamp(said["since"]).astimezone()
            process, host = str(int(said["pid"])), str(said["host"])
            return Translatable("settings.holder", process=process, host=host, since=f"{since:%Y-%m-%d %H:%M:%S}")
    return Translatable("settings.locked", file=str(data_dir / LOCK))
