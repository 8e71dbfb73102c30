"""A replica's copy of the knowledge folder that the database holds.

The files are what indexes are built from, and what answers while the database can't be reached. The database is the
truth: a file that differs from it is replaced.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import Self

from handlers.knowledge.store.documents import Documents, Made
from indexes.atomic_file import replace_file
from indexes.names import composed
from indexes.permissions import make_private_folder
from indexes.storage.file_mark import FileMark
from indexes.storage.versions import Version

log = logging.getLogger(__name__)


class Mirror:
    """The copy in one folder. Thread-safe."""

    def __init__(self, documents: Documents, folder: Path) -> None:
        self._documents = documents
        self.folder = folder
        self._lock = RLock()
        self._changed: set[str] = set()
        make_private_folder(folder)
        self._copies = {self.file_of(path): _Copy.of(path, path.read_bytes()) for path in _files(folder)}

    def file_of(self, path: Path) -> str:
        """Return the name under which the database has a file."""
        return composed(path.absolute().relative_to(self.folder.absolute()).as_posix())

    def path_of(self, file: str) -> Path:
        """Return where the copy of a file is."""
        return self.folder / PurePosixPath(file)

    def follow(self) -> list[Path]:
        """Bring all files up to date; return those that changed since the last call, also those that are gone.

        While the database fails everything stays as it is.
        """
        with self._lock:
            found = self._documents.all()
            if found:  # a database without even a removed file is not the one that this is a copy of
                self._update({each.file: each.digest for each in found if each.digest}, self._copies)
            elif found is not None and self._copies:
                log.error("The database holds no knowledge base at all; %s goes on answering", self.folder)
            changed, self._changed = sorted(self._changed), set()
            return [self.path_of(file) for file in changed]

    def refresh(self, file: str) -> None:
        """Bring one file up to date; the next `follow` returns it."""
        with self._lock:
            digest = self._documents.digest(file)
            if digest is not None:
                self._update({file: digest} if digest else {}, [file])

    def put(self, file: str, data: bytes, expected: str, made: Made) -> Version:
        """Write a file to the database and to the copy. Raises ConflictError or StoreError."""
        with self._lock:
            version = self._documents.put(file, data, expected, made)
            try:
                self._write(file, data)
            except OSError as error:  # it is written all the same, and all other replicas have it
                log.error("The copy of %s can't be written (%s); it is tried again", file, error)  # noqa: TRY400
            self._changed.discard(file)
            return version

    def remove(self, file: str, by: str) -> None:
        """Remove a file from the database and the copy. Raises StoreError or OSError."""
        with self._lock:
            self._documents.remove(file, by)
            self._delete(file)
            self._changed.discard(file)

    def _update(self, wanted: Mapping[str, str], among: Iterable[str]) -> None:
        """Fetch the wanted files that differ, and delete those `among` which are not wanted."""
        for file, digest in wanted.items():
            if not self._has(file, digest) and (data := self._fetch(file, digest)) is not None:
                self._write(file, data)
                self._changed.add(file)
        for file in [each for each in among if each in self._copies and each not in wanted]:
            self._delete(file)
            self._changed.add(file)

    def _fetch(self, file: str, digest: str) -> bytes | None:
        data = self._documents.content(file, digest)
        if data is None:
            log.warning("%s can't be fetched from the database; what was there before is used", file)
        return data

    def _write(self, file: str, data: bytes) -> None:
        path = self.path_of(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, 0o600)
        self._copies[file] = _Copy.of(path, data)

    def _has(self, file: str, digest: str) -> bool:
        """Tell whether the copy is this content, and nobody has changed it by hand."""
        copy = self._copies.get(file)
        return copy is not None and copy.digest == digest and copy.mark == FileMark.of(self.path_of(file))

    def _delete(self, file: str) -> None:
        self.path_of(file).unlink(missing_ok=True)
        self._copies.pop(file, None)


@dataclass(frozen=True, slots=True)
class _Copy:
    digest: str
    mark: FileMark | None

    @classmethod
    def of(cls, path: Path, data: bytes) -> Self:
        return cls(hashlib.sha256(data).hexdigest(), FileMark.of(path))


def _files(folder: Path) -> list[Path]:
    """List the files that are there; hidden ones are nobody's."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
