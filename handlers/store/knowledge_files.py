"""The knowledge bases' files, also those that are gone, and what admins decided about them."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, Float, String, Table, Text, select

from handlers.store.changes import DECISIONS, announce
from handlers.store.database import Database, metadata
from handlers.store.sqlite import connect
from handlers.store.upsert import put
from indexes.messages import Translatable

knowledge_files = Table(
    "knowledge_files",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("path", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)


class FileState(StrEnum):
    """Where a knowledge base's file is. In every state but the last, what was read of it answers."""

    THERE = "there"
    GONE = "gone"
    """Admins were not asked yet."""
    ASKED = "asked"
    KEPT = "kept"
    """An admin wants it to answer without its file."""
    LOST = "lost"
    """With so many others that it must be a fault; admins were not told yet."""
    REPORTED = "reported"
    """As before, and they were told."""
    REMOVED = "removed"
    """By an admin: its versions are kept."""

    @property
    def is_missing(self) -> bool:
        """Tell whether what was read of the file answers without it."""
        return self not in {FileState.THERE, FileState.REMOVED}

    @property
    def is_unexplained(self) -> bool:
        """Tell whether the file is missing and nobody has decided anything."""
        return self in {FileState.GONE, FileState.ASKED, FileState.LOST, FileState.REPORTED}

    @property
    def is_offered(self) -> bool:
        """Tell whether an admin may say that the file was taken away on purpose, by a press."""
        return self in {FileState.GONE, FileState.ASKED}

    @property
    def is_fault(self) -> bool:
        """Tell whether the folder is at fault rather than somebody who took a file away."""
        return self in {FileState.LOST, FileState.REPORTED}


@dataclass(frozen=True)
class KnowledgeFile:
    """A knowledge base and its file. `by` is the admin who decided, `at` when that was, since the epoch."""

    name: str
    path: Path
    state: FileState
    by: str = ""
    at: float = field(default=0.0, compare=False)


class KnowledgeFiles:
    """Stores files; while the database can't be read, what was last known counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[KnowledgeFile]:
        """List all files, by name."""
        rows = self._database.read("read which files there are", select(knowledge_files))
        if rows is not None:
            found = [KnowledgeFile(row.name, Path(row.path), FileState(row.state), row.by, row.at) for row in rows]
            found.sort(key=lambda file: file.name)  # servers sort by the rules of a language
            self._database.last_known[knowledge_files.name] = {file.name: file for file in found}
        return list(self._known.values())

    def remember(self, files: Sequence[KnowledgeFile]) -> None:
        """Store files; while the database fails they count until the process ends."""
        if files:
            self._database.write("remember files", put(knowledge_files, *map(_row, files)))
        self._keep(files)

    def decide(self, file: KnowledgeFile) -> None:
        """Store what an admin decided; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.choice")) as connection:
            connection.execute(put(knowledge_files, _row(file)))
            announce(connection, DECISIONS)
        self._keep([file])

    @property
    def _known(self) -> dict[str, KnowledgeFile]:
        return self._database.last_known.get(knowledge_files.name, {})

    def _keep(self, files: Sequence[KnowledgeFile]) -> None:
        self._database.last_known[knowledge_files.name] = {**self._known, **{file.name: file for file in files}}


def paths_in(file: Path) -> list[Path]:
    """Return the files that a SQLite database knows; no connection to it may be open."""
    with closing(connect(file)) as connection:
        has_some = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'knowledge_files'").fetchone()
        found = connection.execute("SELECT path FROM knowledge_files").fetchall() if has_some else []
    return [Path(path) for (path,) in found]


def move_paths(file: Path, before: Path, after: Path) -> None:
    """Let a SQLite database know its files in another folder; no connection to it may be open."""
    moved = [path for path in paths_in(file) if path.is_relative_to(before)]
    with closing(connect(file)) as connection, connection:
        for path in moved:
            fresh = str(after / path.relative_to(before))
            connection.execute("UPDATE knowledge_files SET path = ? WHERE path = ?", (fresh, str(path)))


def _row(file: KnowledgeFile) -> dict[str, object]:
    return {
        "name": file.name,
        "path": str(file.path),
        "state": file.state.value,
        "by": file.by,
        "at": time.time(),
    }
