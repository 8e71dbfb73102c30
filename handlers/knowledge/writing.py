"""How a replica writes: to the database, if nobody else was faster, and then to its own copy."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from handlers.knowledge.mirror import Mirror
from handlers.knowledge.store.documents import ConflictError, Documents, Made
from handlers.store.database import Database
from indexes.errors import VersionError
from indexes.records import Source
from indexes.records.editing import ChangedFileError
from indexes.storage.versions import Origin, Version


class SharedWriter:
    """A `Writer` of files that the database holds; `origin` and `by` say how their new versions come about."""

    def __init__(self, database: Database, mirror: Mirror, origin: Origin, by: str) -> None:
        self._database = database
        self._mirror = mirror
        self._origin = origin
        self._by = by

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """See `Writer.locked`: between replicas. Raises BusyError or StoreError."""
        file = self._mirror.file_of(path)
        with self._database.exclusively(f"knowledge file {file}"):
            self._mirror.refresh(file)
            yield

    def write(self, path: Path, data: bytes, expected: str, records: int) -> None:
        """See `Writer.write`. Raises StoreError, too."""
        file, made = self._mirror.file_of(path), Made(records, self._origin, self._by)
        try:
            self._mirror.put(file, data, expected, made)
        except ConflictError as error:
            raise ChangedFileError("file.changed", file=path.name) from error

    def delete(self, path: Path) -> None:
        """See `Writer.delete`; `by` is stored."""
        self._mirror.remove(self._mirror.file_of(path), self._by)


class SharedVersions:
    """The versions in the database, a `VersionStore`. A file is never written without its version."""

    def __init__(self, documents: Documents, mirror: Mirror) -> None:
        self._documents = documents
        self._mirror = mirror

    def of(self, source: Source) -> tuple[Version, ...]:
        """See `VersionStore.of`; none while the database fails."""
        return self._documents.versions(self._mirror.file_of(source.path))

    def read(self, source: Source, version: Version) -> bytes:
        """See `VersionStore.read`."""
        data = self._documents.content(self._mirror.file_of(source.path), version.digest)
        if data is None:
            raise VersionError("version.damaged", number=version.number, name=source.name, path="DATABASE_URL")
        return data

    def keep(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version:
        """See `VersionStore.keep`: every content was stored when it was written. Raises VersionError without one."""
        del records, origin, by
        digest, kept = hashlib.sha256(data).hexdigest(), self.of(source)
        found = next((each for each in kept if each.digest == digest), kept[0] if kept else None)
        if found is None:
            raise VersionError("version.not_shared", name=source.name)
        return found

    def keep_found(self, source: Source, digest: str, records: int, copies: Iterable[Path]) -> None:
        """See `VersionStore.keep_found`: what this replica reads came from the database, with its version."""
