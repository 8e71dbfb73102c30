"""Parsing CSV text, or the sheet of a workbook, into a table: delimiter, rows and their line numbers, and columns."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, dropwhile, islice
from pathlib import Path

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.names import is_workbook
from indexes.records.columns import MAX_COLUMNS
from indexes.records.decoding import MAX_BYTES, decode, refuse_control_characters
from indexes.records.model import Problem
from indexes.records.workbook import Sheet, read_sheet

MAX_CELL = 32_000
"""Characters. Excel's own limit is 32,767, and a Slack message shows a tenth of it."""

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}

_SAMPLED_LINES = 200
_NOTHING = re.compile(r'[\s\0",;]*')
SEPARATOR_HINT = re.compile(r'"?sep=([,;\t])"?\s*', re.IGNORECASE)  # Excel's own first line
_END = "\0"
"""Appended as a last line, which no text contains by then: an unclosed quotation mark swallows it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The complete rows, by column."""

    header: tuple[str, ...]
    columns: tuple[list[str], ...]
    lines: tuple[int, ...]
    """The line where each row starts, from 1; in a sheet, the row's number."""
    problems: tuple[Problem, ...]
    encoding: str
    delimiter: str
    header_line: int = 1
    sheet: str = ""
    """The sheet that was read; blank for a CSV."""
    sheets: tuple[str, ...] = ()
    """All sheets of the workbook."""

    def rows(self, count: int) -> list[tuple[str, ...]]:
        """Return the first `count` rows."""
        return list(islice(zip(*self.columns, strict=True), count))


@dataclass(slots=True)
class _Rows:
    """Collects the cells of the rows that fit the header, by column, and the problems of the others."""

    header: list[str]
    header_line: int
    columns: list[list[str]] = field(init=False)
    starts: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    in_blanks: bool = False
    """Whether the last row was blank: of a run of blank rows, which Excel often leaves at the end, one is reported."""
    least: int = field(init=False)
    """Fewest fields of a row: up to the last column that has a name."""

    def __post_init__(self) -> None:
        self.columns = [[] for _ in self.header]
        self.least = max(place for place, title in enumerate(self.header, start=1) if title)

    def add(self, start: int, end: int, row: list[str]) -> None:
        """Add a row or its problem. Blank fields beyond the header are ignored."""
        cells = [cell.strip() for cell in row]
        blank = not any(cells)
        if blank and len(row) > 1 and not self.in_blanks:
            self.problems.append(Problem(start, Translatable("row.every_cell_blank"), skipped=True))
        self.in_blanks = blank and (len(row) > 1 or self.in_blanks)
        if blank:
            return
        if len(row) < self.least or any(cells[len(self.header) :]):
            message = _width_message(len(row), self.least, end if end > start else 0)
            self.problems.append(Problem(start, message, skipped=True))
            return
        self.starts.append(start)
        cells += [""] * (len(self.header) - len(cells))
        for column, cell in zip(self.columns, cells, strict=False):
            column.append(cell)


def read_table(data: bytes, name: str, is_known: Callable[[str], bool], sheet: str = "") -> Table:
    """Parse a whole CSV, or the sheet of a workbook, by default the first one.

    `is_known` says which headers are known names, to detect the delimiter. Raises UnusableFileError if it is no such
    file; rows that can't be used become problems.
    """
    if is_workbook(Path(name)):
        return _sheet_table(read_sheet(data, name, sheet), name)
    return _csv_table(data, name, is_known)


def _sheet_table(sheet: Sheet, name: str) -> Table:
    for number, row in enumerate(sheet.rows, start=1):
        refuse_control_characters("\n".join(row), name, number)
    rows = ((number, number, row) for number, row in enumerate(sheet.rows, start=1))
    return replace(_table(_whole_rows(rows, name, frozenset())), sheet=sheet.name, sheets=sheet.names)


def _csv_table(data: bytes, name: str, is_known: Callable[[str], bool]) -> Table:
    text, encoding = decode(data, name)
    if _NOTHING.fullmatch(text):
        raise _empty(name)
    lines = list(io.StringIO(text.replace("\0", ""), newline=""))
    if not lines[-1].endswith(("\r", "\n")):
        lines[-1] += "\n"
    csv.field_size_limit(MAX_BYTES)  # the default limit would reject the file for one long cell
    delimiter = _delimiter(lines, is_known)
    with_nul = _lines_with_nul(text)
    del text  # may be hundreds of megabytes
    return _table(_whole_rows(_parse(lines, delimiter, name), name, with_nul), encoding, delimiter)


def _table(rows: _Rows, encoding: str = "utf-8", delimiter: str = ",") -> Table:
    header, columns = _named_columns(rows.header, rows.columns)
    problems = rows.problems + list(_clip(header, columns, rows.starts))
    return Table(
        header=header,
        columns=columns,
        lines=tuple(rows.starts),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        encoding=encoding,
        delimiter=delimiter,
        header_line=rows.header_line,
    )


def _lines_with_nul(text: str) -> frozenset[int]:
    if "\0" not in text:
        return frozenset()
    lines = io.StringIO(text, newline="")
    return frozenset(number for number, line in enumerate(lines, start=1) if "\0" in line)


def _delimiter(lines: list[str], is_known: Callable[[str], bool]) -> str:
    """Return the delimiter with which most headers are known, then with which most rows are as wide as the header.

    A first line from Excel such as ``sep=;`` decides, and is blanked.
    """
    if hint := SEPARATOR_HINT.fullmatch(lines[0]):
        lines[0] = "\n"
        return hint[1]
    sample = list(islice(dropwhile(_is_blank, lines), _SAMPLED_LINES))
    return max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter, is_known))


def _fit(sample: list[str], delimiter: str, is_known: Callable[[str], bool]) -> tuple[int, bool, float, int]:
    rows = [row for row in csv.reader(sample, delimiter=delimiter) if not _is_blank(row)]
    header, others = (rows[0], rows[1:]) if rows else ([], [])
    as_wide = sum(len(row) == len(header) for row in others)
    known = sum(map(is_known, header))
    return known, len(header) > 1, as_wide / max(len(others), 1), len(header)


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in row)


def _parse(lines: list[str], delimiter: str, name: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield first line, last line (from 1) and cells of each row."""
    reader = csv.reader(chain(lines, [_END]), delimiter=delimiter)
    end = 0
    for row in reader:
        start, end = end + 1, reader.line_num
        if row == [_END]:
            return
        if end > len(lines):
            raise UnusableFileError("csv.open_quote", file=name, line=start)
        yield start, end, row


def _whole_rows(parsed: Iterator[tuple[int, int, list[str]]], name: str, with_nul: frozenset[int]) -> _Rows:
    first, last, header = next((row for row in parsed if not _is_blank(row[2])), (0, 0, []))
    if not header:
        raise _empty(name)
    if not with_nul.isdisjoint(range(first, last + 1)):
        raise UnusableFileError("csv.nul_in_header", file=name)
    if len(header) > MAX_COLUMNS:
        raise UnusableFileError("csv.too_many_columns", file=name, count=len(header), most=MAX_COLUMNS)
    rows = _Rows([cell.strip() for cell in header], first)
    for start, end, row in parsed:
        if not with_nul.isdisjoint(range(start, end + 1)):
            rows.problems.append(Problem(start, Translatable("row.nul"), skipped=False))
        rows.add(start, end, row)
    return rows


def _width_message(width: int, expected: int, runs_to: int) -> Translatable:
    one = width == 1
    fields = Translatable("row.fields.one", count=width) if one else Translatable("row.fields.other", count=width)
    if runs_to:
        why = Translatable("row.runs_on", line=runs_to)
    elif width > expected:
        why = Translatable("row.unquoted")
    else:
        why = Translatable("row.incomplete")
    return Translatable("row.width", fields=fields, expected=expected, why=why)


def _empty(name: str) -> UnusableFileError:
    return UnusableFileError("csv.empty", file=name)


def _named_columns(header: list[str], cells: list[list[str]]) -> tuple[tuple[str, ...], tuple[list[str], ...]]:
    """Drop columns without a name and cells; name other unnamed columns "column N"."""
    named = [
        (title or f"column {place}", column)
        for place, (title, column) in enumerate(zip(header, cells, strict=True), start=1)
        if title or any(column)
    ]
    return tuple(title for title, _ in named), tuple(column for _, column in named)


def _clip(header: Iterable[str], columns: Iterable[list[str]], starts: list[int]) -> Iterator[Problem]:
    """Cut long cells in place; yield a problem for each."""
    for title, column in zip(header, columns, strict=True):
        for row, cell in enumerate(column):
            if len(cell) > MAX_CELL:
                column[row] = cell[:MAX_CELL]
                message = Translatable("row.cut", column=title, count=len(cell), most=MAX_CELL)
                yield Problem(starts[row], message, skipped=False)
