"""Who was forgotten, so that no copy of the database brings them back. The file is beside the database.

It holds no ids, only digests: an id that is found in a restored copy is compared with them.
"""

import hashlib
import json
import logging
import re
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from handlers.privacy.store.forgetting import forget, forget_voice
from handlers.store.file_address import url_of
from handlers.store.sqlite import connect
from indexes.atomic_file import is_missing, replace_file

log = logging.getLogger(__name__)

KEEP_SECONDS = 90 * 24 * 3600.0
"""How long erasures are kept: longer than any copy of the database that the bot keeps itself."""
LOCK_SECONDS = 30
_ID = re.compile(r"(?<![A-Za-z0-9])[UW][A-Z0-9]{2,}(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Erasure:
    """Somebody who was forgotten; `voices` are their pseudonyms in the databases of that time."""

    at: float
    who: str
    voices: tuple[str, ...]


class Erasures:
    """The erasures of one SQLite database."""

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(f"{file.name}.erasures")
        self._lock = FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS)

    def add(self, user: str, voices: Collection[str]) -> None:
        """Store that somebody is forgotten, before it is done; raises OSError."""
        with self._lock:
            salt, listed = self._read()
            self._write(salt, [*listed, Erasure(time.time(), _digest(user, salt), tuple(voices))])

    def expire(self, before: float) -> None:
        """Delete erasures from before a time (seconds since the epoch); raises OSError."""
        if is_missing(self._path):
            return
        with self._lock:
            salt, listed = self._read()
            kept = [each for each in listed if each.at >= before]
            if not kept:
                self._path.unlink(missing_ok=True)
            elif kept != listed:
                self._write(salt, kept)

    def apply(self, copy: Path, since: float = 0.0) -> None:
        """Forget again in a copy of the database whoever was forgotten; raises ForgettingError."""
        salt, listed = self._read()
        listed = [each for each in listed if each.at >= since]
        wanted = {each.who for each in listed}
        url = url_of(copy)
        for user in sorted(_ids(copy)) if wanted else ():
            if _digest(user, salt) in wanted:
                forget(url, user)
        for voice in {voice for each in listed for voice in each.voices}:
            forget_voice(url, voice)

    def among(self, users: Collection[str]) -> set[str]:
        """Return those of some users who were forgotten."""
        salt, listed = self._read()
        wanted = {each.who for each in listed}
        return {user for user in users if _digest(user, salt) in wanted}

    def _read(self) -> tuple[str, list[Erasure]]:
        """Return the salt and the erasures; of a damaged file as many as can be read."""
        try:
            known = json.loads(self._path.read_bytes())
            listed = [Erasure(float(each["at"]), str(each["who"]), tuple(each["voices"])) for each in known["erasures"]]
            if known["sha256"] != _checksum(known["salt"], listed):
                log.error("%s is damaged: run `kotae forget` again for whoever was forgotten lately", self._path)
            return str(known["salt"]), listed
        except FileNotFoundError:
            pass
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            log.error("%s can't be read: run `kotae forget` again for whoever was forgotten lately", self._path)  # noqa: TRY400 - that is all
        return secrets.token_hex(16), []

    def _write(self, salt: str, listed: list[Erasure]) -> None:
        stored = {"salt": salt, "erasures": [asdict(each) for each in listed], "sha256": _checksum(salt, listed)}
        replace_file(self._path, json.dumps(stored).encode(), 0o600)


def _digest(user: str, salt: str) -> str:
    return hashlib.blake2b(user.encode(), key=salt.encode()[:64], digest_size=32).hexdigest()


def _checksum(salt: object, listed: list[Erasure]) -> str:
    return hashlib.sha256(json.dumps([salt, *(asdict(each) for each in listed)]).encode()).hexdigest()


def _ids(file: Path) -> set[str]:
    """Return whatever looks like a user's id in a database."""
    with closing(connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {id_ for table in tables for text in _texts(connection, table) for id_ in _ID.findall(text)}


def _texts(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    quoted = table.replace('"', '""')
    for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - the name is from the file itself
        yield from (value for value in row if isinstance(value, str))
