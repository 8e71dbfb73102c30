"""Files that wait for an admin's decision, below DATA_DIR. They survive a restart and are deleted after a day.

Each has a folder ``<data_dir>/uploads/<id>`` with about.json (whose it is, and which knowledge base it is for) and
file.csv (its bytes). The folder is renamed to ``<id>.taken`` while the decision is carried out: renaming is
atomic, so only one of two callers succeeds.
"""

import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from handlers.texts import HandlerError
from indexes.atomic_file import replace_file
from indexes.messages import reason

log = logging.getLogger(__name__)

EXPIRES_SECONDS = 24 * 3600.0

_ID = re.compile(r"[0-9a-f]{16}")
_TAKEN, _EXPIRED = ".taken", ".expired"


class PendingError(HandlerError):
    """A file could not be stored, or is gone."""


@dataclass(frozen=True)
class Upload:
    """A file that waits. `target` is the knowledge base it is for, blank until somebody chose one.

    `version` is the number of an earlier version, 0 for an uploaded file. `is_certain` if the knowledge base is clear
    from the file's name.
    """

    id: str
    file: str
    user: str
    channel: str
    target: str
    is_certain: bool
    version: int
    at: float
    columns: Mapping[str, str] = field(default_factory=dict)
    """The headers by role that somebody chose."""

    @property
    def is_fetched(self) -> bool:
        """Whether nobody sent it: it was fetched from the knowledge base's source."""
        return not self.user


class Pending:
    """The files that wait for a decision."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def keep(
        self, data: bytes, file: str, user: str, channel: str, target: str, *, is_certain: bool, version: int = 0
    ) -> Upload:
        """Store a file; raises PendingError if the disk refuses."""
        self.purge()
        upload = Upload(secrets.token_hex(8), file, user, channel, target, is_certain, version, self._clock())
        folder = self._folder / upload.id
        try:
            folder.mkdir(parents=True)
            replace_file(folder / "file.csv", data)
            self._describe(upload)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            place = str(self._folder)
            raise PendingError("upload.not_kept", file=file, folder=place, reason=reason(error)) from error
        return upload

    def get(self, id_: str) -> Upload | None:
        """Return the file with an id; None if it was decided, is being decided, or expired."""
        self.purge()
        if not _ID.fullmatch(id_):
            return None
        try:
            return Upload(**json.loads((self._folder / id_ / "about.json").read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            log.warning("The upload %s can't be read (%s); it is left out", id_, error)
            return None

    def data(self, upload: Upload) -> bytes:
        """Return the bytes of a file; raises PendingError if it was decided meanwhile."""
        try:
            return (self._folder / upload.id / "file.csv").read_bytes()
        except OSError as error:
            raise vanished(upload) from error

    def choose(self, upload: Upload, target: str) -> Upload:
        """Store which knowledge base a file is for; raises PendingError if it was decided meanwhile."""
        return self._stored(replace(upload, target=target))

    def choose_columns(self, upload: Upload, columns: Mapping[str, str]) -> Upload:
        """Store which columns are which; raises PendingError if the file was decided meanwhile."""
        return self._stored(replace(upload, columns=columns))

    def _stored(self, chosen: Upload) -> Upload:
        try:
            self._describe(chosen)
        except OSError as error:
            raise vanished(chosen) from error
        return chosen

    @contextmanager
    def decided(self, upload: Upload) -> Iterator[bool]:
        """Yield True to exactly one caller, who carries out the decision; if the block raises, the file waits again."""
        waiting = self._folder / upload.id
        taken = waiting.with_suffix(_TAKEN)
        try:
            waiting.rename(taken)
        except FileNotFoundError:
            yield False
            return
        try:
            yield True
        except BaseException:
            taken.rename(waiting)
            raise
        shutil.rmtree(taken, ignore_errors=True)

    def purge(self) -> None:
        """Delete files that nobody decided about within a day."""
        oldest = self._clock() - EXPIRES_SECONDS
        for folder in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # decided meanwhile, or deleted by another
                if folder.suffix != _TAKEN and folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder.rename(folder.with_suffix(_EXPIRED)), ignore_errors=True)

    def _describe(self, upload: Upload) -> None:
        replace_file(self._folder / upload.id / "about.json", json.dumps(asdict(upload)).encode())


def recover(folder: Path) -> None:
    """Make files wait again if the bot was killed while carrying out a decision. Call it once, at the start."""
    for taken in folder.glob(f"*{_TAKEN}"):
        taken.rename(taken.with_suffix(""))


def forget_uploads(folder: Path, user: str) -> int:
    """Delete somebody's files that still wait for a decision, and those nobody can read; return how many."""
    removed = 0
    for about in folder.glob("*/about.json"):
        try:
            is_theirs = Upload(**json.loads(about.read_bytes())).user == user
        except FileNotFoundError:  # decided meanwhile
            continue
        except (ValueError, TypeError):  # damaged: nobody can decide about it, and it may be theirs
            is_theirs = True
        if is_theirs:
            shutil.rmtree(about.parent, ignore_errors=True)
            removed += 1
    return removed


def vanished(upload: Upload) -> PendingError:
    """Return the error for a file that was decided meanwhile."""
    return PendingError("upload.vanished", file=upload.file)
