"""Editing the CSV of a knowledge base: adding or changing one row, and keeping every other byte.

The new content is parsed before it is written, and refused unless it reads as intended. It replaces the file in one
step, under a lock between processes, if the file is still the one that was read.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from indexes.atomic_file import is_missing, replace_file
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable, reason
from indexes.names import is_workbook
from indexes.records.cells import cell_text
from indexes.records.conventions import format_date, next_id
from indexes.records.csv_editor import CsvEditor, UnwritableTextError, encodable
from indexes.records.difference import Difference, difference
from indexes.records.entities import question_text, without_entities
from indexes.records.model import KnowledgeBase, Record, Source
from indexes.records.reading import parse_records, read_bytes
from indexes.records.review import NEXT_CHECK_DAYS, deadline
from indexes.records.table import MAX_CELL

LOCK_SECONDS = 30.0
"""How long to wait for another process; it needs about a second for ten thousand rows."""

_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c]")
_REFUSED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
"""Characters that make the whole file unreadable."""


class StaleFileError(KnowledgeBaseError):
    """The file has changed since it was read; `found` is its content now, `difference` what changed."""

    def __init__(self, read: KnowledgeBase, found: KnowledgeBase) -> None:
        self.found = found
        self.difference: Difference = difference(read.records, found.records)
        super().__init__(
            "file.stale",
            file=found.path.name,
            added=len(self.difference.added),
            changed=len(self.difference.changed),
            removed=len(self.difference.removed),
        )


class ChangedFileError(KnowledgeBaseError):
    """The file to replace has changed meanwhile; nothing was written."""


class WorkbookError(KnowledgeBaseError):
    """The file is a workbook: it is read, and never written."""


class FetchedFileError(KnowledgeBaseError):
    """The file is a copy of what is elsewhere, and edited there."""


class UnusableRowError(KnowledgeBaseError):
    """The row would not be used after writing it; the message is the one of a reload."""


class UnwritableFileError(KnowledgeBaseError):
    """The file can't be written, because of the disk or permissions; it is unchanged."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The knowledge base after writing, and the row that was added or changed."""

    knowledge_base: KnowledgeBase
    record: Record
    data: bytes
    """The bytes of the file after writing."""
    replaced: tuple[bytes, int] | None = None
    """The bytes of the file before writing, and how many records they had; None if nothing was written."""


class Writer(Protocol):
    """Writes the files of knowledge bases: `Folder` the files alone."""

    def locked(self, path: Path) -> AbstractContextManager[None]:
        """Keep all other writers of a file out; then the file is the newest. Raises UnwritableFileError."""

    def write(self, path: Path, data: bytes, expected: str, records: int) -> None:
        """Replace a file that is locked by bytes with so many records.

        `expected` is the digest that it must have, blank if there is none. Raises ChangedFileError or
        UnwritableFileError.
        """

    def delete(self, path: Path) -> None:
        """Delete a file that may be gone already; raises OSError or KnowledgeBaseError."""


class Folder:
    """A `Writer` where the files themselves are all there is."""

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """See `Writer.locked`: between processes, by a hidden file beside the CSV, which is there only meanwhile."""
        target = path.resolve()
        if not target.parent.is_dir():  # the lock would make it, and the next start would take it for an empty one
            raise UnwritableFileError("file.no_folder", file=path.name, folder=str(target.parent))
        lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout as error:
            raise UnwritableFileError("file.locked", file=path.name) from error
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps it until it is released
                Path(lock.lock_file).unlink()  # whoever waits for it notices, and makes another
            lock.release()

    def write(self, path: Path, data: bytes, expected: str, records: int) -> None:
        """See `Writer.write`: atomically, with the permissions of the file; a new one gets 0o644. Follows a link."""
        del records
        if digest_of(path) != expected:
            raise ChangedFileError("file.changed", file=path.name)
        target = path.resolve()
        try:
            replace_file(target, data, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        except OSError as error:
            raise _unwritable(path, error) from error

    def delete(self, path: Path) -> None:
        """See `Writer.delete`."""
        path.unlink(missing_ok=True)


FOLDER = Folder()


class EditedHere:
    """A `Writer` that refuses the files of `sources` which are fetched from elsewhere: the next fetch would undo it."""

    def __init__(self, writer: Writer, sources: Callable[[], Iterable[Source]]) -> None:
        self._writer = writer
        self._sources = sources

    def locked(self, path: Path) -> AbstractContextManager[None]:
        """See `Writer.locked`; raises FetchedFileError, too."""
        for source in self._sources():
            if source.path == path:
                ensure_edited_here(source)
        return self._writer.locked(path)

    def write(self, path: Path, data: bytes, expected: str, records: int) -> None:
        """See `Writer.write`."""
        self._writer.write(path, data, expected, records)

    def delete(self, path: Path) -> None:
        """See `Writer.delete`."""
        self._writer.delete(path)


def add(read: KnowledgeBase, cells: Mapping[str, str], now: datetime, writer: Writer = FOLDER) -> WriteResult:
    """Append a row; `cells` are texts by role (question, answer, category, …), `read` is the file as last read.

    An id column gets the next id in the form of the others, an `updated` column the date in the style of the others.

    Raises StaleFileError, UnwritableTextError, UnusableRowError, UnwritableFileError or UnusableFileError, and then the
    file is unchanged.
    """
    ensure_editable(read.path)
    with writer.locked(read.path):
        data = _same_bytes(read)
        editor = CsvEditor.of(data, read)
        filled = {**_default_cells(editor, now), **cells}
        texts = {role: _storable(read, role, text) for role, text in filled.items() if text.strip()}
        return _written(read, data, editor.appended(texts), editor.next_line, writer)


def change(
    read: KnowledgeBase,
    record_id: str,
    cells: Mapping[str, str],
    now: datetime,
    writer: Writer = FOLDER,
    review_after: int | None = None,
) -> WriteResult:
    """Change the cells of a record, by role, where they differ, and its `updated` date. Raises like `add`.

    Whoever changes a row whose own date for the next check has passed has checked it; see `confirm`.
    """
    ensure_editable(read.path)
    with writer.locked(read.path):
        data = _same_bytes(read)
        record = _existing(read, record_id)
        editor = CsvEditor.of(data, read)
        before = editor.cells(record.line)
        differing = {role: text for role, text in cells.items() if not _is_same(role, before.get(role, ""), text)}
        if not differing:
            return WriteResult(read, record, data)
        if "updated" in read.columns and "updated" not in cells:
            differing["updated"] = format_date(editor.column("updated"), now)
        if (own := deadline(record, read, None)) and own < now.date():
            differing |= _next_check(read, editor, record, now, review_after)
        texts = {role: _storable(read, role, text) for role, text in differing.items()}
        return _written(read, data, editor.changed(record.line, texts), record.line, writer)


def confirm(
    read: KnowledgeBase, record_id: str, now: datetime, review_after: int | None, writer: Writer = FOLDER
) -> WriteResult:
    """Write that a row is right as of now: its `updated` date, and when it is to be checked again. Raises like `add`.

    The next check is after `review_after` days, by default NEXT_CHECK_DAYS; only a row that had a date of its own for
    it gets another.
    """
    ensure_editable(read.path)
    with writer.locked(read.path):
        data = _same_bytes(read)
        record = _existing(read, record_id)
        editor = CsvEditor.of(data, read)
        cells = {"updated": format_date(editor.column("updated"), now)} if "updated" in read.columns else {}
        cells |= _next_check(read, editor, record, now, review_after)
        return _written(read, data, editor.changed(record.line, cells), record.line, writer)


def replace_csv(path: Path, data: bytes, expected: str, writer: Writer = FOLDER, records: int = 0) -> None:
    """Replace a file with bytes that were already checked, and have so many records. Raises like `Writer.write`."""
    ensure_editable(path)
    with writer.locked(path):
        writer.write(path, data, expected, records)


def ensure_editable(path: Path) -> None:
    """Raise WorkbookError for a workbook."""
    if is_workbook(path):
        raise WorkbookError("workbook.is_source", file=path.name)


def is_edited_here(source: Source) -> bool:
    """Return whether Kotae may write a knowledge base: it is a CSV, and not fetched from elsewhere."""
    return not source.edited_at and not is_workbook(source.path)


def ensure_edited_here(source: Source) -> None:
    """Raise FetchedFileError or WorkbookError for a knowledge base that is edited elsewhere."""
    if source.edited_at:
        raise FetchedFileError("source.is_remote", name=source.name, where=source.edited_at)
    ensure_editable(source.path)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, blank if it doesn't exist; raises UnusableFileError."""
    return hashlib.sha256(read_bytes(path)).hexdigest() if not is_missing(path) else ""


def _existing(read: KnowledgeBase, record_id: str) -> Record:
    """Return the record of this id; raises UnusableRowError if there is none."""
    record = next((record for record in read.records if record.id == record_id), None)
    if record is None:
        raise UnusableRowError("write.no_such_id", file=read.path.name, id=record_id)
    return record


def _next_check(
    read: KnowledgeBase, editor: CsvEditor, record: Record, now: datetime, review_after: int | None
) -> dict[str, str]:
    """Return the cell with the date of the next check, for a row that had one."""
    if deadline(record, read, None) is None:
        return {}
    day = now + timedelta(review_after or NEXT_CHECK_DAYS)
    return {"review_by": format_date(editor.column("review_by"), day)}


def _same_bytes(read: KnowledgeBase) -> bytes:
    """Return the bytes of the file; raises StaleFileError if it has changed since it was read."""
    data = read_bytes(read.path)
    if hashlib.sha256(data).hexdigest() != read.digest:
        raise StaleFileError(read, parse_records(data, read.path, chosen=read.chosen))
    return data


def _default_cells(editor: CsvEditor, now: datetime) -> dict[str, str]:
    """Return the cells that are filled in automatically: id and updated."""
    ids = {"id": next_id(editor.column("id"))} if editor.has("id") else {}
    updated = {"updated": format_date(editor.column("updated"), now)} if editor.has("updated") else {}
    return {**ids, **updated}


def unwritable(read: KnowledgeBase, cells: Mapping[str, str]) -> dict[str, UnwritableTextError]:
    """Return, by role, why texts can't be written; doesn't touch the file."""
    found: dict[str, UnwritableTextError] = {}
    for role, text in cells.items():
        try:
            _storable(read, role, text)
        except UnwritableTextError as error:
            found[role] = error
    return found


def _is_same(role: str, cell: str, text: str) -> bool:
    """Return whether a text is what is written in a cell of a role, or what readers see of it."""
    written = cell_text(cell)
    seen = question_text(written) if role == "question" else without_entities(written)
    return text.strip() in {written, seen}


def _storable(read: KnowledgeBase, role: str, text: str) -> str:
    """Return the text as it will be stored in its cell; raises UnwritableTextError."""
    text = _LINE_BREAK.sub("\n", text).strip()
    name = read.path.name
    if len(text) > MAX_CELL:
        raise UnwritableTextError("write.too_long", role=role, file=name, count=len(text), most=MAX_CELL)
    if found := _REFUSED.search(text):
        shown = f"U+{ord(found[0]):04X}"
        raise UnwritableTextError("write.refused_character", role=role, file=name, character=shown)
    return encodable(read, role, text)


def _written(read: KnowledgeBase, before: bytes, data: bytes, line: int, writer: Writer) -> WriteResult:
    """Write the bytes if only the row at `line` reads differently, and is used; raises UnusableRowError otherwise."""
    found = parse_records(data, read.path, chosen=read.chosen)
    row = next((record for record in found.records if record.line == line), None)
    if row is None:
        known = (problem.message for problem in found.problems if problem.line == line)
        raise UnusableRowError("write.unused", file=read.path.name, why=next(known, Translatable("write.unread")))
    after = iter(_contents(found.records, line))
    if not all(each in after for each in _contents(read.records, line)):
        raise UnusableRowError("write.others_differ", file=read.path.name)
    writer.write(read.path, data, read.digest, len(found.records))
    return WriteResult(found, row, data, (before, len(read.records)))


def _contents(records: Sequence[Record], but: int) -> list[dict[str, Any]]:
    """Return what the rows say, in order, without the one at a line.

    Ids are left out: a row that had the same texts as that one gets an id of its own. So are rows that were left out as
    copies of it, and now are none: those come in addition.
    """
    return [{**record.as_dict(), "id": ""} for record in records if record.line != but]


def _unwritable(path: Path, error: OSError) -> UnwritableFileError:
    return UnwritableFileError("file.unwritable", file=path.name, reason=reason(error))
