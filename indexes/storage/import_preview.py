"""A CSV that is to take another's place: whether it can be used at all, and what would change."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from indexes.errors import UnusableFileError
from indexes.records import Problem, Record, Source, parse_records, read_bytes
from indexes.records.difference import difference
from indexes.retrieval.synonyms import Synonyms, parse_synonyms

Read = TypeVar("Read")


@dataclass(frozen=True)
class Change:
    """An entry that says something else: what stands for it in a list, and the columns that differ."""

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ImportPreview:
    """What putting a CSV in the place of another would do.

    `current` are the bytes there now, None for a new file, and `digest` is their SHA-256, blank for a new file.
    """

    source: Source
    data: bytes
    current: bytes | None
    entries: int
    before: int
    encoding: str
    delimiter: str
    problems: tuple[Problem, ...]
    added: tuple[str, ...]
    changed: tuple[Change, ...]
    removed: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What the file must be when it is replaced."""
        return "" if self.current is None else hashlib.sha256(self.current).hexdigest()

    @property
    def is_identical(self) -> bool:
        """Tell whether the file has these very bytes already."""
        return self.data == self.current

    @property
    def removes_most(self) -> bool:
        """Tell whether more than half of the entries would be gone: perhaps the file is another knowledge base's."""
        return 2 * len(self.removed) > self.before


def preview_knowledge_base(source: Source, data: bytes, name: str, answering: Sequence[Record]) -> ImportPreview:
    """Compare a CSV called `name` with a knowledge base; raises UnusableFileError when it can't become one.

    When the file that is there can't be read, what is `answering` now is compared.
    """
    new = parse_records(data, Path(name))
    current = _current(source)
    old = _unless_unusable(lambda: parse_records(current or b"", source.path).records, answering)
    found = difference(old, new.records)
    return ImportPreview(
        source,
        data,
        current,
        len(new.records),
        len(old),
        new.encoding,
        new.delimiter,
        new.problems,
        added=tuple(record.title for record in found.added),
        changed=tuple(Change(after.title, _columns(before, after, new.columns)) for before, after in found.changed),
        removed=tuple(record.title for record in found.removed),
    )


def preview_synonyms(source: Source, data: bytes, name: str) -> ImportPreview:
    """Compare a CSV with the synonyms; raises UnusableFileError when there are none in it."""
    new = parse_synonyms(data, name)
    if not len(new):
        raise UnusableFileError("synonyms.no_row", file=name)
    current = _current(source)
    old = _unless_unusable(lambda: parse_synonyms(current or b"", source.path.name), Synonyms())
    before, after = dict(old.pairs), dict(new.pairs)
    return ImportPreview(
        source,
        data,
        current,
        len(after),
        len(before),
        new.encoding,
        new.delimiter,
        new.problems,
        added=tuple(_pair(key, after) for key in after if key not in before),
        changed=tuple(Change(_pair(key, after), ()) for key in after if before.get(key, after[key]) != after[key]),
        removed=tuple(_pair(key, before) for key in before if key not in after),
    )


def _current(source: Source) -> bytes | None:
    return read_bytes(source.path) if source.path.exists() else None


def _unless_unusable(read: Callable[[], Read], otherwise: Read) -> Read:
    try:
        return read()
    except UnusableFileError:
        return otherwise


def _columns(before: Record, after: Record, roles: Mapping[str, str]) -> tuple[str, ...]:
    """Name the columns in which two records differ, as the new file calls them."""
    old, new = before.as_dict(), after.as_dict()
    differ = [key for key in {**new, **old} if old.get(key) != new.get(key)]
    return tuple(roles.get(key, key) for key in differ if key != "id" or "id" in roles)


def _pair(original: str, pairs: Mapping[str, str]) -> str:
    return f"{original} → {pairs[original]}"
