"""Reading an exported CSV back: what the export changed for spreadsheets becomes again what the file has.

The export puts a ' before what a spreadsheet would compute, adds learned aliases, and writes UTF-8 with CRLF. None of
that is somebody's edit. A cell is taken back where it is what the export makes of a cell in the same row of the file;
any other cell is kept as it was sent.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from indexes.records import KnowledgeBase, Source
from indexes.records.columns import is_known
from indexes.records.decoding import decode
from indexes.records.table import Table, read_table
from indexes.records.workbook import as_csv, read_sheet
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.storage.export import harmless, tables

_HINT = re.compile(r"sep=[,;\t]?", re.IGNORECASE)
"""The first cell of Excel's own first line."""

_EXPORTED = "utf-8-sig"
"""The encoding of an export."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class RoundTrip:
    """The uploaded rows with what the export changed taken back.

    `is_same`: they are exactly the rows of the file. `undone` is whether any cell was taken back.
    """

    rows: list[list[str]]
    is_same: bool
    undone: bool


def without_export(
    data: bytes, sent: KnowledgeBase, path: Path, source: Source, current: bytes, learned: Sequence[LearnedAlias]
) -> bytes:
    """Return uploaded bytes with what the export of `source` changed taken back: the `current` ones if that is all.

    `sent` is what the bytes are read as, `path` the name they came with. A workbook becomes a CSV. Raises
    UnusableFileError if the current bytes can't be read.
    """
    file, exported, ids = tables(current, source, learned)
    if sent.sheet:
        sheet = read_sheet(data, path.name, source.sheet)
        trip = take_back(sheet.rows, file, exported, ids)
        return current if trip.is_same else as_csv(replace(sheet, rows=trip.rows))
    return _csv_without_export(
        data, path.name, sent.delimiter, current, lambda rows: take_back(rows, file, exported, ids)
    )


def table_without_export(data: bytes, delimiter: str, path: Path, current: bytes) -> bytes:
    """Do the same for any other CSV, such as the synonyms."""
    file = read_table(current, path.name, is_known)
    compare = partial(take_back, file=file, exported=file, id_column="")
    return _csv_without_export(data, path.name, delimiter, current, compare)


def _csv_without_export(
    data: bytes, name: str, delimiter: str, current: bytes, compare: Callable[[Rows], RoundTrip]
) -> bytes:
    text, encoding = decode(data, name)
    trip = compare(list(csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)))
    if trip.is_same and (trip.undone or encoding == _EXPORTED):
        return current
    return _written(trip.rows, encoding, delimiter) if trip.undone else data


def _written(rows: Rows, encoding: str, delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def take_back(rows: Rows, file: Table, exported: Table, id_column: str) -> RoundTrip:
    """Compare uploaded rows, the header among them, with a file's and with what its export looks like before escaping.

    `exported` has the rows of `file`, and the learned aliases in a column that may be new. `id_column` is the header of
    the ids; blank if there are none.
    """
    start = next((at for at, row in enumerate(rows) if any(row) and not _HINT.fullmatch(row[0])), len(rows))
    if start == len(rows):
        return RoundTrip([list(row) for row in rows], is_same=False, undone=False)
    return _Comparison(_Columns(file, exported, id_column), rows, start).result()


@dataclass(frozen=True)
class _Columns:
    """The cells of a file as they are, and as the export writes them, by header."""

    file: Table
    exported: Table
    id_column: str

    @cached_property
    def headers(self) -> dict[str, str]:
        """The header of each column by how it is exported."""
        return {_key(harmless(title)): title for title in self.exported.header}

    @cached_property
    def original(self) -> dict[str, list[str]]:
        """The cells of the file; blank in a column that the export added."""
        own = dict(zip(self.file.header, self.file.columns, strict=True))
        return {title: own.get(title) or [""] * len(self.file.lines) for title in self.exported.header}

    @cached_property
    def written(self) -> dict[str, list[str]]:
        """The keys of the exported cells."""
        columns = zip(self.exported.header, self.exported.columns, strict=True)
        return {title: [_key(harmless(cell)) for cell in column] for title, column in columns}

    @cached_property
    def escaped(self) -> dict[str, dict[str, str]]:
        """The cells of each column that the export escapes, by how they are exported."""
        return {
            title: {_key(harmless(cell)): cell for cell in cells if harmless(cell) != cell}
            for title, cells in self.original.items()
        }

    def is_raw(self, title: str, row: int, cell: str) -> bool:
        """Return whether a cell is one that the export would have escaped."""
        own = self.original[title][row]
        return harmless(own) != own and _key(cell) == _key(own)


@dataclass(frozen=True)
class _Comparison:
    columns: _Columns
    rows: Rows
    start: int
    """The place of the header among the rows."""

    def result(self) -> RoundTrip:
        taken = [list(row) for row in self.rows]
        taken[self.start] = [self.columns.headers.get(_key(cell), cell) for cell in self.rows[self.start]]
        known = [(at, partner) for at, partner in self._partners.items() if partner is not None]
        for at, row in enumerate(self.rows[self.start + 1 :], start=self.start + 1):
            for place, title in self._titles:
                if place < len(row):
                    taken[at][place] = self._cell(title, self._partners.get(at), row[place])
        self._drop_added(taken)
        undone = taken != [list(row) for row in self.rows]
        in_order = [partner for _, partner in known] == list(range(len(self.columns.file.lines)))
        filled = sum(any(row) for row in self.rows[self.start + 1 :])
        is_same = in_order and filled == len(known) and self._is_same(taken, dict(known))
        return RoundTrip(taken, is_same, undone)

    @cached_property
    def _titles(self) -> list[tuple[int, str]]:
        """The place of each known column, and its header in the file."""
        found = {self.columns.headers.get(_key(cell)): place for place, cell in enumerate(self.rows[self.start])}
        return [(place, title) for title, place in found.items() if title is not None]

    @cached_property
    def _partners(self) -> dict[int, int | None]:
        """The row of the file that each uploaded row belongs to: all its cells are the same, or its id, or one cell."""
        keys = {at: self._keys(row) for at, row in enumerate(self.rows) if at > self.start and any(row)}
        written = [self.columns.written[title] for _, title in self._titles]
        whole = list(zip(*written, strict=True))
        unique = _unique(whole)
        by_cell = [(place, _unique(cells)) for place, cells in self._telling(written)]
        partners: dict[int, int | None] = {}
        for at, key in keys.items():
            position = len(partners)
            is_there = position < len(whole) and whole[position] == key
            partners[at] = position if is_there else unique.get(key, _first(key, by_cell))
        return partners

    def _telling(self, written: Sequence[list[str]]) -> list[tuple[int, list[str]]]:
        """Return the columns that may tell which row is meant, by their place in `written`: the ids first."""
        placed = list(enumerate(written))
        ids = [each for each in placed if self._titles[each[0]][1] == self.columns.id_column]
        return ids + [each for each in placed if each not in ids]

    def _keys(self, row: Sequence[str]) -> tuple[str, ...]:
        return tuple(_key(row[place]) if place < len(row) else "" for place, _ in self._titles)

    @cached_property
    def _is_export(self) -> bool:
        """Whether some cells are escaped as the export does it, and none is as the file has it."""
        cells = [
            (_key(self.rows[at][place]), title, partner)
            for at, partner in self._partners.items()
            for place, title in self._titles
            if partner is not None and place < len(self.rows[at])
        ]
        escaped = any(cell in self.columns.escaped[title] for cell, title, _ in cells)
        return escaped and not any(self.columns.is_raw(title, partner, cell) for cell, title, partner in cells)

    def _cell(self, title: str, partner: int | None, cell: str) -> str:
        if partner is not None and _key(cell) == self.columns.written[title][partner]:
            own = self.columns.original[title][partner]
            return cell if _key(cell) == _key(own) else own
        moved = self.columns.escaped[title].get(_key(cell))
        return cell if moved is None or not self._is_export else moved

    def _drop_added(self, taken: list[list[str]]) -> None:
        """Leave out the columns that the export added, if nobody has written anything into them."""
        added = [place for place, title in self._titles if title not in self.columns.file.header]
        for place in sorted(added, reverse=True):
            if not any(row[place] for row in taken[self.start + 1 :] if place < len(row)):
                for row in taken[self.start :]:
                    del row[place : place + 1]

    def _is_same(self, taken: Rows, partners: Mapping[int, int]) -> bool:
        if [_key(cell) for cell in taken[self.start]] != [_key(title) for title in self.columns.file.header]:
            return False
        own = list(zip(*self.columns.file.columns, strict=True))
        return all([*map(_key, taken[at])] == [*map(_key, own[partner])] for at, partner in partners.items())


def _first(key: Sequence[str], by_cell: Iterable[tuple[int, Mapping[object, int]]]) -> int | None:
    """Return the row of the first cell that only one row has; a blank cell tells nothing."""
    return next((rows[key[place]] for place, rows in by_cell if key[place] and key[place] in rows), None)


def _unique(keys: Iterable[object]) -> dict[object, int]:
    """Return the place of each key that occurs once."""
    listed = list(keys)
    times = Counter(listed)
    return {key: place for place, key in enumerate(listed) if times[key] == 1}


def _key(cell: str) -> str:
    """Return a cell without what programs change when they save it: line ends, and space around it."""
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()
