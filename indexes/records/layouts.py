"""Tables whose header isn't their first row, or that have none: refused or noted in words that say how to mend it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.records.columns import SEARCHED, data_in_header, no_columns, other_separator, usual_names
from indexes.records.header_names import read_header
from indexes.records.model import Problem
from indexes.records.table import DELIMITERS, Table

_HEADER_SEARCHED = 10
_SEPARATOR_SEARCHED = 100


def refuse_other_layouts(table: Table, name: str) -> None:
    """Raise UnusableFileError for another delimiter, for lines above the header, and for a file without a header."""
    if separator := other_separator(table.header, table.columns[0][:_SEPARATOR_SEARCHED]):
        raise UnusableFileError("csv.other_separator", file=name, line=table.header_line, separator=separator)
    refuse_lines_above_header(table, name)
    if text := data_in_header(table.header, table.columns):
        names = ",".join(usual_names(table.header).values())
        raise UnusableFileError("csv.first_row_is_data", file=name, line=table.header_line, text=text, names=names)


def refuse_lines_above_header(table: Table, name: str) -> None:
    """Raise UnusableFileError if a row below names several columns, and so is the header."""
    for line, row in zip(table.lines, table.rows(_HEADER_SEARCHED), strict=False):
        if len(_named(row)) > 1:
            raise UnusableFileError("csv.header_below", error=no_columns(table.header, name).message, line=line)


def header_problems(table: Table, roles: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what makes it doubtful that the first row is the header, although it names a question or an answer."""
    yield from islice(_headers_below(table, roles), 1)
    for role in SEARCHED:
        if role in roles and _is_of_names(table.columns[table.header.index(roles[role])][:_HEADER_SEARCHED]):
            message = Translatable("csv.below_each_other", column=roles[role])
            yield Problem(table.header_line, message, skipped=False)


def _headers_below(table: Table, roles: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the rows that name a text which the header lacks, or more columns than it.

    They are below a header in two lines, of which the first names groups of columns, or below notes in several cells.
    """
    for line, row in zip(table.lines, table.rows(_HEADER_SEARCHED), strict=False):
        named = _named(row)
        if len(named) > max(1, len(roles)) or (len(named) > 1 and named.intersection(SEARCHED) - roles.keys()):
            yield Problem(line, Translatable("csv.two_headers", first=table.header_line), skipped=False)


def _is_of_names(cells: Sequence[str]) -> bool:
    """Return whether a column has Q and A in turn, so that the questions and answers are below each other."""
    named = [found.role if (found := read_header(cell)) else "" for cell in cells]
    return len(cells) > len(SEARCHED) and set(named) == set(SEARCHED)


def _named(row: Sequence[str]) -> set[str]:
    """Return the roles that a row names; below a title alone, the cells of a row may be in one."""
    rows = [row] if len(row) > 1 else [row[0].split(delimiter) for delimiter in DELIMITERS]
    return max(({found.role for cell in cells if (found := read_header(cell))} for cells in rows), key=len)
