"""What a CSV becomes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexes.messages import Translatable
from indexes.names import name_of

TITLE_LENGTH = 80


@dataclass(frozen=True)
class Source:
    """A CSV file and the name of its knowledge base."""

    name: str
    path: Path

    @property
    def folder(self) -> str:
        """A folder name for data about the file: its name for people, and a digest of its path to make it unique."""
        name = self.path.stem if name_of(self.path) == self.name else self.name  # as it is spelled on the disk
        return f"{name}-{hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Record:
    """One row, every text as written but for the white space around it."""

    id: str
    question: str
    answer: str
    category: str = ""
    url: str = ""
    keywords: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    updated: str = ""
    owner: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    """The other columns, in file order; blank cells are left out."""
    line: int = 0
    """Where the row starts in the file, counted from 1 as editors do."""

    @property
    def title(self) -> str:
        """What stands for the record in a list: its question, or else how its answer begins."""
        if self.question:
            return self.question
        first = self.answer.splitlines()[0] if self.answer else ""
        return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1].rstrip() + "…"

    def as_dict(self) -> dict[str, Any]:
        """JSON form: id, question and answer always, the rest when filled in, then the other columns.

        A column whose header is one of those names without having its role becomes "<header> (column)".
        """
        optional = {
            "category": self.category,
            "url": self.url,
            "keywords": list(self.keywords),
            "aliases": list(self.aliases),
            "updated": self.updated,
            "owner": self.owner,
        }
        known = {"id": self.id, "question": self.question, "answer": self.answer, **optional}
        return {
            **{key: value for key, value in known.items() if value or key not in optional},
            **{f"{key} (column)" if key in known else key: value for key, value in self.details.items()},
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one row; the rest of the file loads regardless."""

    line: int
    message: Translatable
    skipped: bool
    """True: the row is left out. False: it is kept, cut or cleaned as the message says."""


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """One CSV file, read."""

    name: str
    path: Path
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    encoding: str
    """A Python codec that decodes the file's bytes and encodes new ones alike, byte order mark included."""
    delimiter: str
    columns: Mapping[str, str]
    """Role to header as written, in file order."""
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""
    details: tuple[str, ...] = ()
    """The headers that have no role, in file order."""
    header_line: int = 1
    """Where the header starts in the file."""
