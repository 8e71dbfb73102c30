"""The files of knowledge bases in a database that replicas share, with their versions."""

import gzip
import hashlib
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from handlers.store.audit import entry
from handlers.store.changes import announce
from handlers.store.database import FORGOTTEN, Database, metadata
from handlers.store.errors import StoreError
from handlers.store.installation import KNOWLEDGE_HELD, installation, note_once
from indexes.messages import Translatable
from indexes.storage.versions import FAST, KEEP, Origin, Version

TOPIC = "knowledge"
"""What is announced when a file is written or removed."""

documents = Table(
    "documents",
    metadata,
    Column("file", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(32), nullable=False),
)
"""`file` is the path in the knowledge folder, `digest` the SHA-256 of the content, blank once it was removed."""
versions = Table(
    "document_versions",
    metadata,
    Column("file", Text, primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("records", Integer, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("by", String(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""`data` is compressed by gzip. The newest version of a document is its content."""
LISTED = (versions.c.number, versions.c.at, versions.c.digest, versions.c.records, versions.c.origin, versions.c.by)


@dataclass(frozen=True)
class Document:
    """A file. A blank `digest` says that `by` removed it `at` that time."""

    file: str
    digest: str
    at: float
    by: str


@dataclass(frozen=True)
class Made:
    """How a content came about: it has so many records."""

    records: int
    origin: Origin
    by: str


@dataclass(frozen=True)
class Packed:
    """A file with its versions as rows, compressed."""

    document: Document
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, document: Document, history: Sequence[tuple[Version, bytes]]) -> Self:
        """Compress the contents: while a transaction runs nobody is kept waiting for that."""
        rows = [{**asdict(one), "file": document.file, "data": gzip.compress(data, FAST)} for one, data in history]
        return cls(document, rows)

    def insert(self, connection: Connection) -> None:
        """Write the rows; there are none of this file yet."""
        connection.execute(insert(documents).values(**asdict(self.document)))
        connection.execute(insert(versions), self.rows)


class ConflictError(StoreError):
    """The file in the database is not the one that was to be replaced; nothing was written."""


class Documents:
    """Stores files by their paths in the knowledge folder. Writing raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Document] | None:
        """List all files, also removed ones; None if the database fails."""
        rows = self._database.read("list the knowledge bases", select(documents))
        found = None if rows is None else [Document(*row) for row in rows]
        return found and sorted(found, key=lambda each: each.file)  # servers sort by the rules of a language

    def all_or_raise(self) -> list[Document]:
        """List all files, also removed ones; raises StoreError."""
        found = self.all()
        if found is None:
            raise self._lost()
        return found

    def content_or_raise(self, file: str, digest: str) -> bytes:
        """Return a content that a file has or had; raises StoreError if it is gone or damaged."""
        data = self.content(file, digest)
        if data is None:
            raise StoreError("database.no_content", file=file)
        return data

    def take(self, document: Document, history: Sequence[tuple[Version, bytes]]) -> None:
        """Store a file as it was elsewhere, with its versions, in the place of what is here; raises StoreError."""
        packed = Packed.of(document, history)
        with self._database.transaction(Translatable("database.failed.file")) as connection:
            note_once(connection, KNOWLEDGE_HELD)
            for table in (documents, versions):
                connection.execute(delete(table).where(table.c.file == document.file))
            packed.insert(connection)
            announce(connection, TOPIC)

    def have_begun(self) -> bool:
        """Tell whether there is a file, or ever was one, since when no folder begins anything; raises StoreError."""
        noted = exists().where(installation.c.key == KNOWLEDGE_HELD)
        wanted = select(literal(1)).where(or_(noted, exists(select(documents.c.file))))
        rows = self._database.read("look up whether there were knowledge bases", wanted)
        if rows is None:
            raise self._lost()
        return bool(rows)

    def begin(self, found: Sequence[Packed], user: str, done: Translatable) -> bool:
        """Store the first files, all or none, and log who has `done` that; return False if others were there first.

        Raises StoreError.
        """
        with self._database.transaction(Translatable("database.failed.file")) as connection:
            is_first = note_once(connection, KNOWLEDGE_HELD)  # who comes at the same moment waits here
            if not is_first or connection.execute(select(documents.c.file).limit(1)).first():
                return False
            for each in found:
                each.insert(connection)
            connection.execute(entry(user, "", done))
            announce(connection, TOPIC)
        return True

    def digest(self, file: str) -> str | None:
        """Return the digest of a file, blank if there is none; None if the database fails."""
        wanted = select(documents.c.digest).where(documents.c.file == file)
        rows = self._database.read("look up a knowledge base", wanted)
        return None if rows is None else "".join(row.digest for row in rows)

    def content(self, file: str, digest: str) -> bytes | None:
        """Return a content that a file has or had; None if it is gone, damaged, or the database fails."""
        wanted = select(versions.c.data).where(versions.c.file == file, versions.c.digest == digest)
        rows = self._database.read("read a knowledge base", wanted)
        return _unpacked(rows[0].data, digest) if rows else None

    def put(
        self,
        file: str,
        data: bytes,
        expected: str,
        made: Made,
        user: str = "",
        done: Callable[[Version], Translatable] | None = None,
    ) -> Version:
        """Replace a file, whose digest must be `expected`, blank for none; its content becomes the newest version.

        With it, the audit log says that `user` has `done` that, if it is given. Raises ConflictError if the file has
        another digest by now.
        """
        digest, now = hashlib.sha256(data).hexdigest(), time.time()
        packed = gzip.compress(data, FAST)
        with self._database.transaction(Translatable("database.failed.file")) as connection:
            note_once(connection, KNOWLEDGE_HELD)
            blank = upsert(documents).values(file=file, digest="", at=now, by="")
            connection.execute(blank.on_conflict_do_nothing())
            swap = update(documents).where(documents.c.file == file, documents.c.digest == expected)
            if not connection.execute(swap.values(digest=digest, at=now, by=made.by)).rowcount:
                raise ConflictError("file.changed", file=file)
            version = _keep(connection, file, Version(0, now, digest, made.records, made.origin, made.by), packed)
            if done:
                connection.execute(entry(user, "", done(version)))
            announce(connection, TOPIC)
        return version

    def remove(self, file: str, by: str) -> None:
        """Remove a file; its versions stay."""
        gone = update(documents).where(documents.c.file == file, documents.c.digest != "")
        with self._database.transaction(Translatable("database.failed.file")) as connection:
            connection.execute(gone.values(digest="", at=time.time(), by=by))
            announce(connection, TOPIC)

    def versions(self, file: str) -> tuple[Version, ...]:
        """Return the versions of a file, newest first; none if the database fails."""
        wanted = select(*LISTED).where(versions.c.file == file).order_by(versions.c.number.desc())
        rows = self._database.read("list versions", wanted) or ()
        return tuple(map(_version, rows))

    def purge(self, before: float) -> None:
        """Delete files that were removed before a time (since the epoch), with their versions."""
        self._database.change("delete removed knowledge bases", partial(_purge, before))

    def _lost(self) -> StoreError:
        return StoreError("database.lost", reason=self._database.trouble or Translatable("database.not_there"))


def _purge(before: float, connection: Connection) -> None:
    """Delete what is old; what remains known is that there was something."""
    is_old = and_(documents.c.digest == "", documents.c.at < before)
    old = select(documents.c.file).where(is_old)
    if connection.execute(old.limit(1)).first():
        note_once(connection, KNOWLEDGE_HELD)
    connection.execute(delete(versions).where(versions.c.file.in_(old)))
    connection.execute(delete(documents).where(is_old))


def _version(row: Any) -> Version:
    by = "" if row.by == FORGOTTEN else row.by
    return Version(row.number, row.at, row.digest, row.records, row.origin, by)


def _keep(connection: Connection, file: str, made: Version, packed: bytes) -> Version:
    """Store a version as the newest one, unless it is, and drop what is too old; the row of the file is locked."""
    own = versions.c.file == file
    last = connection.execute(select(*LISTED).where(own).order_by(versions.c.number.desc()).limit(1)).first()
    if last and last.digest == made.digest:
        return _version(last)
    number = last.number + 1 if last else 1
    connection.execute(delete(versions).where(own, versions.c.digest == made.digest))
    values = {"number": number, "at": made.at, "digest": made.digest, "records": made.records}
    values |= {"origin": made.origin, "by": made.by, "data": packed, "file": file}
    connection.execute(insert(versions).values(values))
    kept = select(versions.c.number).where(own).order_by(versions.c.number.desc()).limit(KEEP).subquery()
    connection.execute(
        delete(versions).where(own, versions.c.number < select(func.min(kept.c.number)).scalar_subquery())
    )
    return Version(number, made.at, made.digest, made.records, made.origin, made.by)


def _unpacked(packed: bytes, digest: str) -> bytes | None:
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return None
    return data if hashlib.sha256(data).hexdigest() == digest else None
