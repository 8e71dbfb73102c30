"""The data of a CSV after reading: source, records, problems and knowledge base."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.messages import Translatable
from indexes.names import name_of

TITLE_LENGTH = 80
Days = NDArray[np.int32]
"""A day for each row, as `date.toordinal` counts them; 0 where there is none."""


@dataclass(frozen=True)
class Source:
    """A CSV file or a workbook, and the name of its knowledge base.

    `sheet` is the one to read of a workbook; blank for the first one. `columns` are headers by role, where kotae.toml
    names them. `edited_at` says where people edit what is fetched from elsewhere, blank for what is edited here.
    """

    name: str
    path: Path
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict, hash=False)
    review_after: int | None = None
    """Days after its last update when a row is due for a check; None for never."""
    edited_at: str = ""

    @property
    def folder(self) -> str:
        """A folder name for data about the file: its name for people, and a digest of its path to make it unique."""
        name = self.path.stem if name_of(self.path) == self.name else self.name  # as it is spelled on the disk
        return f"{name}-{hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Record:
    """One row. Every text is as written, without surrounding white space and HTML entities; a question without tags.

    Only tags around the whole question are left out: within it they may be what it is about.
    """

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
    """The other columns by header, in file order, without blank cells."""
    line: int = 0
    """The line where the row starts, from 1."""
    guessed: bool = False
    """Whether nobody said which columns are question and answer: such a row is shown to who asks only."""
    image: str = ""
    """What names its pictures; a cell of the image column that names none is among the details."""
    review_by: str = ""

    @property
    def title(self) -> str:
        """The title for lists: the question, or else the beginning of the answer."""
        if self.question:
            return self.question
        first = self.answer.splitlines()[0] if self.answer else ""
        return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1].rstrip() + "…"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types: id, question and answer, then other filled-in roles, then the other columns.

        A column whose header is one of these names but that has another role becomes "<header> (column)".
        """
        optional = {
            "category": self.category,
            "url": self.url,
            "keywords": list(self.keywords),
            "aliases": list(self.aliases),
            "updated": self.updated,
            "review_by": self.review_by,
            "owner": self.owner,
            "image": self.image,
        }
        known = {"id": self.id, "question": self.question, "answer": self.answer, **optional}
        return {
            **{key: value for key, value in known.items() if value or key not in optional},
            **{f"{key} (column)" if key in known else key: value for key, value in self.details.items()},
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with one row; the rest of the file is still read."""

    line: int
    message: Translatable
    skipped: bool
    """Whether the row is left out; otherwise it is used, cut or cleaned as the message says."""


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """The content of one CSV file."""

    name: str
    path: Path
    records: Sequence[Record]
    problems: tuple[Problem, ...]
    encoding: str
    """The Python codec that reads and writes the file, including its byte order mark."""
    delimiter: str
    columns: Mapping[str, str]
    """Header as written by role, in file order."""
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""
    details: tuple[str, ...] = ()
    """The headers that have no role, in file order."""
    header_line: int = 1
    """The line where the header starts."""
    header: tuple[str, ...] = ()
    """All headers, in file order."""
    sheet: str = ""
    """The sheet of the workbook; blank for a CSV."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """The headers by role that an admin chose, which were given for reading."""
    guessed: bool = False
    """Whether no header was known, so that `columns` has a guess for question and answer."""
    day_first: Mapping[str, bool | None] = field(default_factory=dict)
    """Whether 01/02/2026 is in February, by role of a column with dates; None if the column leaves it open."""
    days: Mapping[str, Days] = field(default_factory=dict, compare=False)
    """The days that the cells of the roles `updated` and `review_by` name, where the file has such a column."""
