"""The seal of the settings that decide what is posted unasked: a digest beside the database.

SQLite has no checksums: a wrong byte may leave a valid file with another threshold in it, and of a write-ahead log that
was cut off nobody can tell what is missing.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from indexes.atomic_file import replace_file

log = logging.getLogger(__name__)

SEALED = ("auto_reply", "threshold", "promise", "unproved", "knowledge_bases")
"""Settings that a seal covers. Whom to ask is not among them: `kotae forget` changes it."""

SettingRow = tuple[str, str, str]
"""Channel, key and value."""


def digest_of(rows: Iterable[SettingRow]) -> str:
    """Return the digest of settings, in whatever order they come; those of direct messages don't count."""
    wanted = sorted(list(row) for row in rows if row[1] in SEALED and not row[0].startswith("D"))
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


class Seal:
    """The digests that the settings of a SQLite database may have."""

    def __init__(self, file: Path | None) -> None:
        self._path = file and file.with_name(f"{file.name}.seal")

    def put(self, *digests: str) -> None:
        """Replace the seal: by both digests before a change is committed, by the new one after it. Raises OSError."""
        if self._path:
            replace_file(self._path, "\n".join(digests).encode(), 0o600)

    def is_broken(self, digest: str) -> bool:
        """Tell whether the settings are not those that were stored last; there is no seal before they first are."""
        try:
            return self._path is not None and digest.encode() not in self._path.read_bytes().split()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("%s can't be read (%s)", self._path, error)
            return False
