"""Comparing a folder of knowledge bases with a shared database, and putting its files there."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from handlers.knowledge.store.documents import Documents, Made, Packed
from handlers.store.database import Database
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable
from indexes.names import composed
from indexes.records import Record, Source, parse_records, read_bytes
from indexes.records.difference import difference
from indexes.retrieval.synonyms import parse_synonyms
from indexes.storage.versions import Version

IMPORTER = "import"
"""Who imports, in the audit log: whoever may run commands on the machine."""


def begin(database: Database, found: Sequence[Packed]) -> int:
    """Store files as the first ones that a database holds; return how many answer, 0 if nothing was stored.

    Raises StoreError.
    """
    count = sum(bool(each.document.digest) for each in found)
    done = Translatable("audit.first_import", count=count)
    return count if count and Documents(database).begin(found, IMPORTER, done) else 0


class Standing(StrEnum):
    """How a file in the folder stands to the one in the database."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    OLDER = "older"
    """It is an earlier version of what the database has."""
    REMOVED = "removed"
    """An admin removed it from the database."""
    UNUSABLE = "unusable"
    ABSENT = "absent"
    """It is only in the database."""


@dataclass(frozen=True)
class Compared:
    """A file: `expected` is the digest that it has in the database, blank for none."""

    file: str
    standing: Standing
    source: Source | None = None
    data: bytes = b""
    expected: str = ""
    records: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many rows are added, changed and removed by importing it."""
    version: Version | None = None
    """The one that an older file is."""
    why: Translatable | None = None

    @property
    def is_imported(self) -> bool:
        """Whether importing a folder imports it; others must be named."""
        return self.standing in {Standing.NEW, Standing.CHANGED}


class Import:
    """Compares files with those in a database. `synonyms` is the file of synonyms among them."""

    def __init__(self, database: Database, folder: Path, synonyms: Path) -> None:
        self._documents = Documents(database)
        self._folder = folder.resolve()
        self._synonyms = synonyms.resolve()
        self._known = {each.file: each for each in self._documents.all() or ()}

    def compare(self, sources: Iterable[Source]) -> list[Compared]:
        """Compare files of the folder; raises ValueError for one that is outside of it."""
        return [self._compared(source) for source in sources]

    def absent(self, found: Sequence[Compared]) -> list[Compared]:
        """List what is only in the database: it stays there."""
        there = {each.file for each in found}
        return [
            Compared(each.file, Standing.ABSENT)
            for each in self._known.values()
            if each.digest and each.file not in there
        ]

    def put(self, found: Compared) -> Version:
        """Put a file into the database, with a version and an entry in the audit log. Raises StoreError.

        Raises ConflictError if somebody else changed it there since it was compared.
        """
        counts = {name: found.counts.get(name, 0) for name in ("added", "changed", "removed")}

        def done(version: Version) -> Translatable:
            return Translatable("audit.import", name=found.file, number=version.number, records=found.records, **counts)

        made = Made(found.records, "file", "")
        return self._documents.put(found.file, found.data, found.expected, made, IMPORTER, done)

    def _compared(self, source: Source) -> Compared:
        file = composed(source.path.resolve().relative_to(self._folder).as_posix())
        known = self._known.get(file)
        before = known.digest if known else ""
        try:
            data = read_bytes(source.path)
            digest = hashlib.sha256(data).hexdigest()
            if digest == before:
                return Compared(file, Standing.SAME, source)
            records, counts = self._counted(source, file, data, before)
        except KnowledgeBaseError as error:
            return Compared(file, Standing.UNUSABLE, source, why=error.message)
        older = next((each for each in self._documents.versions(file) if each.digest == digest), None)
        standing = Standing.CHANGED if before else Standing.REMOVED if known else Standing.NEW
        if older and before:
            standing = Standing.OLDER
        return Compared(file, standing, source, data, before, records, counts, older)

    def _counted(self, source: Source, file: str, data: bytes, before: str) -> tuple[int, Mapping[str, int]]:
        """Return how many records a content has, and what it changes; raises UnusableFileError."""
        current = (self._documents.content(file, before) or b"") if before else b""
        if source.path.resolve() == self._synonyms:
            new, old = (dict(parse_synonyms(each, file).pairs) if each else {} for each in (data, current))
            shared = new.keys() & old.keys()
            differ = sum(new[key] != old[key] for key in shared)
            return len(new), {"added": len(new) - len(shared), "changed": differ, "removed": len(old) - len(shared)}
        after = parse_records(data, source.path, source.sheet, source.columns).records
        found = difference(_records(current, source), after)
        counts = {"added": len(found.added), "changed": len(found.changed), "removed": len(found.removed)}
        return len(after), counts


def _records(current: bytes, source: Source) -> Sequence[Record]:
    """Return the records of what the database has; none if that can't be read: all are added then."""
    try:
        return parse_records(current, source.path, source.sheet, source.columns).records if current else ()
    except KnowledgeBaseError:
        return ()
