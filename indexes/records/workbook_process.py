"""Reads one sheet of a workbook in a process of its own, with the file on stdin and a sheet's name, or "", as argument.

One cell in the far corner of a sheet makes the reader ask for half a terabyte, and ends the process that it runs in; a
file of 5 KB is enough. This process may use only so much memory, where the system can limit it (not on Windows), and
what happens to it happens to nobody else.

Prints JSON: `sheets` (the names), and either `sheet` (the one that was read) and `rows` (texts, each row as wide as the
widest; `[]` for one that only continues merged cells), or `error`.
"""

import datetime as dt
import io
import json
import re
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import singledispatch
from typing import IO, Any
from xml.etree import ElementTree as ET

import python_calamine as calamine

MEMORY = 2_000_000_000
"""Bytes of address space."""
UNPACKED = 400_000_000
"""Bytes that all parts of a workbook have together when they are unpacked."""
CELLS = 10_000_000
"""From the top left cell to the last one that has a value: a million rows of ten columns."""
TEXT = 200_000_000
"""Characters of all cells together: a text that many cells share is in the file once, and then in each of them."""

Merge = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last row and column of merged cells, from 0."""

_LINE_BREAK = re.compile(r"(?:_x000D_|\r)\n?|[\x0b\x0c]")
"""Also as Excel writes a carriage return into XML, and as word processors break a line."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""Nobody sees these in a cell, or could remove them there; in a CSV they may mean that it is none."""
_DIGITS = 1e21
"""From here on a number is written with an exponent."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The name of the part of a file with a password that has the workbook."""
_CONTENT = "content.xml"
"""What an OpenDocument file says."""
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def main() -> None:
    """Read the workbook on stdin."""
    _limit_memory()
    json.dump(_read(sys.stdin.buffer.read(), sys.argv[1]), sys.stdout)


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415 - Windows has no such module
    except ImportError:
        return
    with suppress(ValueError, OSError):  # macOS has the limit, but may refuse to set it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _read(data: bytes, wanted: str) -> dict[str, Any]:
    try:
        if _unpacked(data) > UNPACKED:
            return {"error": "too_large", "sheets": []}
        spans = _spans(data)  # first: the reader never ends where XML does too early
        workbook = calamine.load_workbook(io.BytesIO(data))
        visible = [each.name for each in workbook.sheets_metadata if _is_shown(each)]
        sheets = workbook.sheet_names
        chosen = _chosen(wanted, sheets) if wanted else next(iter(visible), None)
        if chosen is None:
            return {"error": "no_sheet", "sheets": sheets}
        return {"sheets": sheets, "sheet": chosen, **_content(workbook.get_sheet_by_name(chosen), spans)}
    except MemoryError:
        return {"error": "too_large", "sheets": []}
    except calamine.PasswordError:
        return {"error": "password", "sheets": []}
    except (calamine.CalamineError, zipfile.BadZipFile, ET.ParseError):
        return {"error": "password" if _ENCRYPTED in data else "unreadable", "sheets": []}


def _unpacked(data: bytes) -> int:
    """Return the size of an archive's parts as it states it; a lie meets the limit of memory."""
    if not data.startswith(b"PK"):
        return len(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(part.file_size for part in archive.infolist())


def _is_shown(sheet: calamine.SheetMetadata) -> bool:
    is_table = sheet.typ == calamine.SheetTypeEnum.WorkSheet
    return is_table and sheet.visible == calamine.SheetVisibleEnum.Visible


def _chosen(wanted: str, names: Sequence[str]) -> str | None:
    """Return the sheet of this name; width, case and surrounding space make no difference."""
    return next((name for name in names if _folded(name) == _folded(wanted)), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _content(sheet: calamine.CalamineSheet, spans: Mapping[str, Sequence[Merge]]) -> dict[str, Any]:
    if sheet.end is None:
        return {"rows": []}
    if (sheet.end[0] + 1) * (sheet.end[1] + 1) > CELLS:
        return {"error": "too_large"}
    values = sheet.to_python(skip_empty_area=False)
    if sum(len(value) for row in values for value in row if isinstance(value, str)) > TEXT:
        return {"error": "too_large"}  # said before all of it is looked through
    rows = [[_text(value) for value in row] for row in values]
    if sum(len(text) for row in rows for text in row) > TEXT:
        return {"error": "too_large"}
    _fill(rows, sheet.merged_cell_ranges or spans.get(sheet.name, ()))
    return {"rows": rows}


def _fill(rows: list[list[str]], merges: Iterable[Merge]) -> None:
    """Repeat the value of merged cells in each row that they reach, in the first of their columns.

    A row that has nothing else becomes `[]`: there the cells are merged only to look taller.
    """
    own = [any(row) for row in rows]
    for (first, column), (last, _) in merges:
        below = range(first + 1, min(last + 1, len(rows)))
        text = "".join(rows[first][column : column + 1]) if below else ""  # blank ones may be right of the last column
        for place in below:
            if not own[place]:
                rows[place] = []
            elif text:
                rows[place][column] = text


def _spans(data: bytes) -> dict[str, list[Merge]]:
    """Return the merged cells by sheet of an OpenDocument file, which the reader doesn't tell; {} for other kinds."""
    spans: dict[str, list[Merge]] = {}
    if not data.startswith(b"PK"):
        return spans
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _CONTENT not in archive.namelist():
            return spans
        with archive.open(_CONTENT) as content:
            for sheet, merge in _merges(content):
                spans.setdefault(sheet, []).append(merge)
    return spans


def _merges(content: IO[bytes]) -> Iterator[tuple[str, Merge]]:
    sheet, row, column = "", 0, 0
    for event, element in ET.iterparse(content, ("start", "end")):  # noqa: S314 - memory is limited
        kind = element.tag.removeprefix(_TABLE)
        if kind == "table" and event == "start":
            sheet, row = element.get(f"{_TABLE}name", ""), 0
        elif kind == "table-row" and event == "start":
            column = 0
        elif kind == "table-row":
            row += _count(element, "number-rows-repeated")
            element.clear()
        elif kind in {"table-cell", "covered-table-cell"} and event == "start":
            if (high := _count(element, "number-rows-spanned")) > 1:
                yield sheet, ((row, column), (row + high - 1, column))
            column += _count(element, "number-columns-repeated")


def _count(element: ET.Element, attribute: str) -> int:
    text = element.get(f"{_TABLE}{attribute}", "1")
    return int(text) if text.isdecimal() and len(text) < len(str(CELLS)) else 1


@singledispatch
def _text(value: Any) -> str:
    """Return a value as text; whole numbers have no decimal point, dates and times are in ISO 8601."""
    return str(value)


@_text.register
def _(value: str) -> str:
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", value))


@_text.register
def _(value: bool) -> str:  # noqa: FBT001 - it is the value of a cell
    return "TRUE" if value else "FALSE"


@_text.register
def _(value: float) -> str:
    """Return the 15 digits that spreadsheets show: 0.1 + 0.2 is 0.3 to them."""
    digits = f"{value:.15g}"
    return format(Decimal(digits), "f") if abs(value) < _DIGITS else digits


@_text.register
def _(value: dt.datetime) -> str:
    rounded = (value + dt.timedelta(seconds=0.5)).replace(microsecond=0)  # a day's fraction is inexact
    if rounded.time() == dt.time():
        return rounded.date().isoformat()
    return f"{rounded.date().isoformat()} {_text(rounded.time())}"


@_text.register
def _(value: dt.date) -> str:
    return value.isoformat()


@_text.register
def _(value: dt.time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


@_text.register
def _(value: dt.timedelta) -> str:
    """Return a duration as hours, minutes and seconds: 36:30:00."""
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


if __name__ == "__main__":
    main()
