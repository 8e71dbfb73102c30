"""Parsing CSV text, or the sheet of a workbook, into a table: delimiter, rows and their line numbers, and columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, dropwhile, islice
from pathlib import Path

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.names import is_workbook
from indexes.records.cells import cell_text
from indexes.records.columns import MAX_COLUMNS
from indexes.records.decoding import MAX_BYTES, WESTERN, decode, line_at, refuse_control_characters
from indexes.records.model import Problem
from indexes.records.workbook import Sheet, of_several, read_sheet

MAX_CELL = 32_000
"""Characters. Excel's own limit is 32,767, and a Slack message shows a tenth of it."""

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}

_SAMPLED_LINES = 200
_SPACED_QUOTES = (' "', '\t"')
_NOTHING = re.compile(r'[\s\0",;]*')
SEPARATOR_HINT = re.compile(r'"?sep=([,;\t])\1*"?\s*', re.IGNORECASE)
"""Excel's own first line; programs that take it for a row fill it up to the width of the others."""
_BEYOND_ASCII = re.compile(r"\S{0,20}[^\x00-\x7f]\S{0,20}")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
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
    short: tuple[int, ...] = ()
    """The lines of rows whose last cells are missing, which are blank then."""
    is_titled: bool = False
    """Whether the first row has one text only, like the title of a sheet."""

    def rows(self, count: int) -> list[tuple[str, ...]]:
        """Return the first `count` rows."""
        return list(islice(zip(*self.columns, strict=True), count))


@dataclass(frozen=True, slots=True)
class _WideRow:
    """A row with text beyond the header: its first and last line, and how many fields it has."""

    start: int
    end: int
    width: int
    is_spaced: bool
    """Whether a quotation mark doesn't count because a space is before it."""

    @property
    def why(self) -> Translatable:
        """Why the row is so wide, most likely."""
        if self.end > self.start:
            return Translatable("row.runs_on", line=self.end)
        if self.width > MAX_COLUMNS:
            return Translatable("row.beyond")
        return Translatable("row.spaced_quote") if self.is_spaced else Translatable("row.unquoted")


@dataclass(slots=True)
class _Rows:
    """Collects the cells of the rows that fit the header, by column, and the problems of the others."""

    header: list[str]
    header_line: int
    has_stray_quotes: Callable[[int, int], bool]
    """Whether the row between two lines is torn by a missing quotation mark."""
    columns: list[list[str]] = field(init=False)
    starts: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    in_blanks: bool = False
    """Whether the last row was blank: of a run of blank rows, which Excel often leaves at the end, one is reported."""
    least: int = field(init=False)
    """Fields of a row that isn't short: up to the last column that has a name."""
    short: list[int] = field(default_factory=list)
    """Where rows start that end before: spreadsheets leave out blank cells at the end."""
    wide: list[_WideRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = [[] for _ in self.header]
        self.least = max(place for place, title in enumerate(self.header, start=1) if title)

    def add(self, start: int, end: int, row: list[str]) -> None:
        """Add a row or its problem. Blank fields beyond the header are ignored."""
        cells = [cell_text(cell) for cell in row]
        blank = not any(cells)
        if blank and len(row) > 1 and not self.in_blanks:
            self.problems.append(Problem(start, Translatable("row.every_cell_blank"), skipped=True))
        self.in_blanks = blank and (len(row) > 1 or self.in_blanks)
        if blank:
            return
        if cells == self.header and len(row) > 1:
            self.problems.append(Problem(start, Translatable("row.header_again"), skipped=True))
            return
        if any(cells[len(self.header) :]):
            is_spaced = any(cell.startswith(_SPACED_QUOTES) for cell in row)
            self.wide.append(_WideRow(start, end, len(row), is_spaced))
            return
        if len(row) < self.least:
            if end > start and self.has_stray_quotes(start, end):
                message = _width_message(len(row), self.least, Translatable("row.runs_on", line=end))
                self.problems.append(Problem(start, message, skipped=True))
                return
            self.short.append(start)
        self.starts.append(start)
        cells += [""] * (len(self.header) - len(cells))
        for column, cell in zip(self.columns, cells, strict=False):
            column.append(cell)

    def close(self, name: str) -> None:
        """Report the wide rows. Raises UnusableFileError if the header is too short for every row."""
        widths = Counter(row.width for row in self.wide)
        usual, count = widths.most_common(1)[0] if widths else (0, 0)
        is_header_short = count > 1 and 2 * count > len(self.wide) + len(self.starts)
        if is_header_short and not self.starts:
            line, names = self.header_line, len(self.header)
            raise UnusableFileError("csv.header_short", file=name, line=line, names=names, count=count, fields=usual)
        for row in self.wide:
            why = Translatable("row.header_short") if is_header_short and row.width == usual else row.why
            self.problems.append(Problem(row.start, _width_message(row.width, self.least, why), skipped=True))


def read_table(data: bytes, name: str, is_known: Callable[[str], bool], sheet: str = "") -> Table:
    """Parse a whole CSV, or the sheet of a workbook, by default the first one.

    `is_known` says which headers are known names, to detect the delimiter. Raises UnusableFileError if it is no such
    file; rows that can't be used become problems.
    """
    if is_workbook(Path(name)):
        return _sheet_table(read_sheet(data, name, sheet), name)
    return _csv_table(data, name, is_known)


def _sheet_table(sheet: Sheet, name: str) -> Table:
    if len(sheet.names) > 1 and not any(map(any, sheet.rows)):
        raise of_several(_empty(name), name, sheet.name, sheet.names)
    for number, row in enumerate(sheet.rows, start=1):
        refuse_control_characters("\n".join(row), name, number)
    numbered = ((number, number, row) for number, row in enumerate(sheet.rows, start=1))
    rows = _whole_rows(numbered, name, frozenset())
    rows.problems += _private_characters("\n".join(row) for row in sheet.rows)
    return replace(_table(rows), sheet=sheet.name, sheets=sheet.names)


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
    noticed = [*_encoding_notice(text, encoding), *_private_characters(io.StringIO(text, newline=""))]
    del text  # may be hundreds of megabytes
    rows = _whole_rows(_parse(lines, delimiter, name), name, with_nul, partial(_has_stray_quotes, lines, delimiter))
    rows.problems += noticed
    return _table(rows, encoding, delimiter)


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
        short=tuple(rows.short),
        is_titled=sum(map(bool, rows.header)) == 1,
    )


def _lines_with_nul(text: str) -> frozenset[int]:
    if "\0" not in text:
        return frozenset()
    lines = io.StringIO(text, newline="")
    return frozenset(number for number, line in enumerate(lines, start=1) if "\0" in line)


def _encoding_notice(text: str, encoding: str) -> Iterator[Problem]:
    """Say which encoding was chosen where the bytes alone don't tell."""
    if encoding == WESTERN and (found := _BEYOND_ASCII.search(text)):
        message = Translatable("csv.western", text=found[0].strip())
        yield Problem(line_at(text[: found.start()]), message, skipped=False)


def _private_characters(lines: Iterable[str]) -> Iterator[Problem]:
    """Yield the lines with characters that mean something in one font or company only."""
    for number, line in enumerate(lines, start=1):
        if found := _PRIVATE.search(line):
            yield Problem(number, Translatable("row.private_use", character=f"U+{ord(found[0]):04X}"), skipped=False)


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
    return not any(map(cell_text, row))


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


def _whole_rows(
    parsed: Iterator[tuple[int, int, list[str]]],
    name: str,
    with_nul: frozenset[int],
    has_stray_quotes: Callable[[int, int], bool] = lambda _, __: False,
) -> _Rows:
    first, last, header = next((row for row in parsed if not _is_blank(row[2])), (0, 0, []))
    if not header:
        raise _empty(name)
    if not with_nul.isdisjoint(range(first, last + 1)):
        raise UnusableFileError("csv.nul_in_header", file=name)
    rows = _Rows(_titles(header, name), first, has_stray_quotes)
    for start, end, row in parsed:
        if not with_nul.isdisjoint(range(start, end + 1)):
            rows.problems.append(Problem(start, Translatable("row.nul"), skipped=False))
        rows.add(start, end, row)
    rows.close(name)
    return rows


def _titles(header: Sequence[str], name: str) -> list[str]:
    """Return the names of columns. Very many without one at the end, as up to a stray format or value, are left out."""
    titles = [cell_text(cell) for cell in header]
    while len(titles) > MAX_COLUMNS and not titles[-1]:
        titles.pop()
    if len(titles) > MAX_COLUMNS:
        raise UnusableFileError("csv.too_many_columns", file=name, count=len(titles), most=MAX_COLUMNS)
    return titles


def _has_stray_quotes(lines: Sequence[str], delimiter: str, start: int, end: int) -> bool:
    """Return whether a cell goes on after its closing quotation mark, as when another one is missing."""
    try:
        list(csv.reader(lines[start - 1 : end], delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


def _width_message(width: int, expected: int, why: Translatable) -> Translatable:
    one = width == 1
    fields = Translatable("row.fields.one", count=width) if one else Translatable("row.fields.other", count=width)
    return Translatable("row.width", fields=fields, expected=expected, why=why)


def _empty(name: str) -> UnusableFileError:
    return UnusableFileError("csv.empty", file=name)


def _named_columns(header: list[str], cells: list[list[str]]) -> tuple[tuple[str, ...], tuple[list[str], ...]]:
    """Drop columns without a name and cells; name other unnamed columns "column N"."""
    named = [
        (title or unnamed(place), column)
        for place, (title, column) in enumerate(zip(header, cells, strict=True), start=1)
        if title or any(column)
    ]
    return tuple(title for title, _ in named), tuple(column for _, column in named)


def unnamed(place: int) -> str:
    """Return the header of a column without one, by its place from 1."""
    return f"column {place}"


def _clip(header: Iterable[str], columns: Iterable[list[str]], starts: list[int]) -> Iterator[Problem]:
    """Cut long cells in place; yield a problem for each."""
    for title, column in zip(header, columns, strict=True):
        for row, cell in enumerate(column):
            if len(cell) > MAX_CELL:
                column[row] = cell[:MAX_CELL]
                message = Translatable("row.cut", column=title, count=len(cell), most=MAX_CELL)
                yield Problem(starts[row], message, skipped=False)
