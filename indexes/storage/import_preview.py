"""Previewing a CSV that is to replace another: whether it can be used, and what would change."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from indexes.errors import UnusableFileError
from indexes.names import is_workbook
from indexes.records import KnowledgeBase, Problem, Record, Source, parse_records, read_bytes
from indexes.records.columns import SEARCHED, usual_names
from indexes.records.csv_editor import CsvEditor
from indexes.records.difference import difference
from indexes.records.workbook import as_csv, read_sheet
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.retrieval.synonyms import Synonyms, parse_synonyms
from indexes.storage.round_trip import table_without_export, without_export

_AS_NAMED: Mapping[str, str] = MappingProxyType({})
Read = TypeVar("Read")


@dataclass(frozen=True)
class Change:
    """A changed entry: its title, and the columns that differ."""

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ImportPreview:
    """What replacing a file with a CSV would change; `entries` and `before` are counts after and before.

    `current` are the bytes of the file now, None if there is no file yet; `data` are those that would replace them: of
    a workbook, the CSV of its `sheet`.
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
    sheet: str = ""
    headers: tuple[str, ...] = ()
    """The headers of the file, before any is renamed."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The ones of question and answer, as chosen, known or guessed."""
    open_roles: tuple[str, ...] = ()
    """Which of the two an admin may choose a column for, since no header is a known name."""

    @property
    def digest(self) -> str:
        """SHA-256 that the file must still have when it is replaced; blank for a new file."""
        return "" if self.current is None else hashlib.sha256(self.current).hexdigest()

    @property
    def is_identical(self) -> bool:
        """Return whether the file has exactly these bytes already."""
        return self.data == self.current

    @property
    def removes_most(self) -> bool:
        """Return whether more than half of the entries would be removed, perhaps since it is the wrong file."""
        return 2 * len(self.removed) > self.before


def preview_knowledge_base(
    source: Source,
    data: bytes,
    name: str,
    loaded: Sequence[Record],
    learned: Sequence[LearnedAlias] = (),
    chosen: Mapping[str, str] = _AS_NAMED,
) -> ImportPreview:
    """Compare a CSV called `name` with the file of a knowledge base; raises UnusableFileError if it can't be used.

    If the current file can't be read, the CSV is compared with the records that are `loaded`. What an export with the
    `learned` aliases changed is taken back. `chosen` are headers of question and answer that an admin chose: they are
    renamed, so that the file is read the same wherever it goes.
    """
    sent = parse_records(data, Path(name), source.sheet, {**source.columns, **chosen})
    as_named = parse_records(data, Path(name), source.sheet, source.columns) if chosen else sent
    current = _current(source)
    data = _unless_unusable(
        lambda: without_export(data, sent, Path(name), source, current or b"", learned),
        _csv_of(data, name, source.sheet),
    )
    if chosen:
        data = _renamed(data, parse_records(data, source.path, chosen=sent.chosen), chosen)
    new = parse_records(data, source.path, chosen=source.columns)
    old = _unless_unusable(lambda: parse_records(current or b"", source.path, chosen=source.columns).records, loaded)
    found = difference(old, new.records)
    return ImportPreview(
        source,
        data,
        current,
        len(new.records),
        len(old),
        sent.encoding,
        sent.delimiter,
        sent.problems,
        added=tuple(record.title for record in found.added),
        changed=tuple(Change(after.title, _columns(before, after, new.columns)) for before, after in found.changed),
        removed=tuple(record.title for record in found.removed),
        sheet=sent.sheet,
        headers=sent.header,
        columns={role: title for role, title in sent.columns.items() if role in SEARCHED},
        open_roles=tuple(role for role in SEARCHED if as_named.guessed or role not in as_named.columns),
    )


def preview_synonyms(source: Source, data: bytes, name: str) -> ImportPreview:
    """Compare a CSV with the file of synonyms; raises UnusableFileError if it has none."""
    new = parse_synonyms(data, name)
    if not len(new):
        raise UnusableFileError("synonyms.no_row", file=name)
    current = _current(source)
    sent = _csv_of(data, name, source.sheet)
    data = _unless_unusable(lambda: table_without_export(sent, new.delimiter, source.path, current or b""), sent)
    old = _unless_unusable(lambda: parse_synonyms(current or b"", source.path.name), Synonyms())
    before, after = dict(old.pairs), dict(parse_synonyms(data, source.path.name).pairs)
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


def _renamed(data: bytes, read: KnowledgeBase, chosen: Mapping[str, str]) -> bytes:
    """Return the CSV with the usual names above the chosen columns."""
    usual = usual_names(read.header)
    return CsvEditor.of(data, read).renamed({title: usual[role] for role, title in chosen.items()})


def _csv_of(data: bytes, name: str, sheet: str) -> bytes:
    """Return the bytes of a CSV as they are, and those of a workbook as a CSV."""
    return as_csv(read_sheet(data, name, sheet)) if is_workbook(Path(name)) else data


def _current(source: Source) -> bytes | None:
    return read_bytes(source.path) if source.path.exists() else None


def _unless_unusable(read: Callable[[], Read], otherwise: Read) -> Read:
    try:
        return read()
    except UnusableFileError:
        return otherwise


def _columns(before: Record, after: Record, roles: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns in which two records differ, by their names in the new file."""
    old, new = before.as_dict(), after.as_dict()
    differ = [key for key in {**new, **old} if old.get(key) != new.get(key)]
    return tuple(roles.get(key, key) for key in differ if key != "id" or "id" in roles)


def _pair(original: str, pairs: Mapping[str, str]) -> str:
    return f"{original} → {pairs[original]}"
