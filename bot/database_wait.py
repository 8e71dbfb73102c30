"""Waiting at the start for a database server that is not there yet: an orchestrator starts both at once."""

import logging
import threading
import time
from queue import Empty, SimpleQueue

from bot.settings import Settings, SettingsError
from bot.status import forget_status, write_waiting
from handlers.store.errors import StoreError
from handlers.store.reach import out_of_reach
from indexes.messages import Translatable

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0
"""How long it is waited for: a server is fetched, started and goes through its log in less."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""The pauses between two attempts double. With an attempt, the longest is shorter than a status is believed."""
LOOK_SECONDS = 0.1


class StoppedError(Exception):
    """The process is to end; it has not begun."""


def wait_for_database(settings: Settings, stop: threading.Event, patience: float = PATIENCE_SECONDS) -> None:
    """Return once the database's server takes connections; a file is always there.

    Raises StoppedError when `stop` is set meanwhile, SettingsError when `patience` seconds are over. While it waits
    `kotae status` says so.
    """
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while settings.is_shared and (why := _attempt(settings.database_url, stop)):
        left = until - time.monotonic()
        if left <= 0:
            forget_status(settings.environment.data_dir)
            raise SettingsError(Translatable("settings.no_server", seconds=round(patience), why=why.message))
        pause = min(pause, left)
        log.warning(
            "Waiting for the database server, %.0f s more at most. %s. Next attempt in %.1f s", left, why, pause
        )
        _tell(settings, str(why))
        if stop.wait(pause):
            break
        pause = min(2 * pause, LONGEST_PAUSE)
    if stop.is_set():
        forget_status(settings.environment.data_dir)
        raise StoppedError


def _tell(settings: Settings, why: str) -> None:
    try:
        write_waiting(settings.environment.data_dir, why)
    except OSError as error:
        log.warning("The status file can't be written (%s)", error.strerror)


def _attempt(url: str, stop: threading.Event) -> StoreError | None:
    """Return why the server can't be reached; None if it can, or once `stop` is set: an attempt may take long."""
    answers: SimpleQueue[StoreError | Exception | None] = SimpleQueue()
    threading.Thread(target=_put_answer, args=(url, answers), name="kotae-reach", daemon=True).start()
    while not stop.is_set():
        try:
            answer = answers.get(timeout=LOOK_SECONDS)
        except Empty:
            continue
        if answer is None or isinstance(answer, StoreError):
            return answer
        raise answer
    return None


def _put_answer(url: str, answers: "SimpleQueue[StoreError | Exception | None]") -> None:
    try:
        answers.put(out_of_reach(url))
    except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
        answers.put(error)
