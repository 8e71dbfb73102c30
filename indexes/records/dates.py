"""Reading the days that people and spreadsheets write into cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from indexes.records.model import Days
from indexes.records.placeholders import is_placeholder
from indexes.text import unicode_form

_LONGEST = 60
"""Characters; a longer cell is a text."""
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MONTHS = 12
_SERIAL_OF = date(1899, 12, 30)
"""The day 0 of spreadsheets, which count days where a cell has lost its format."""
_TWO_DIGITS = 100
_CENTURY = 2000
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "R": 2018, "H": 1988, "S": 1925}
"""The year before the first one of each."""
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s)?\s*"
_AFTER = r"\s*(?:\(\w{1,9}\.?\)|[月火水木金土日](?:曜日?)?)?\s*(?:,?\s*T?(?:(?:午[前後]|[AP]M)\s*)?\d{1,2}[:時].*)?"
"""What may follow a day: a weekday, and a time."""
_DAY = re.compile(
    rf"(?P<year>\d{{4}})\s*(?:[-/.]|年)\s*(?P<month>\d{{1,2}})\s*(?:[-/.]|月)\s*(?P<day>\d{{1,2}})\s*日?{_AFTER}",
    re.IGNORECASE,
)
_DIGITS = re.compile(rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d){_AFTER}", re.IGNORECASE)
_YEAR_AND_MONTH = re.compile(r"(?P<year>\d{4})\s*(?:[-/.]|年)\s*(?P<month>\d{1,2})\s*月?")
_ERA = re.compile(
    rf"(?P<era>令和|平成|昭和|[RHS])\s*\.?(?P<year>\d{{1,2}}|元)\s*(?:[-/.]|年)\s*(?P<month>\d{{1,2}})\s*(?:[-/.]|月)"
    rf"\s*(?P<day>\d{{1,2}})\s*日?{_AFTER}",
    re.IGNORECASE,
)
_DAY_AND_NAME = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s./-]*{_MONTH}[\s,./-]*(?P<year>\d{{4}}|\d\d){_AFTER}",
    re.IGNORECASE,
)
_NAME_AND_DAY = re.compile(
    rf"{_WEEKDAY}{_MONTH}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_AFTER}", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"(?P<month>\d{{1,2}})月\s*(?P<day>\d{{1,2}})日?,?\s*(?P<year>\d{{4}})年?{_AFTER}", re.IGNORECASE
)
"""As Confluence writes Japanese dates: 3月 04, 2026."""
_NAME_AND_YEAR = re.compile(rf"{_MONTH}[\s,/-]*(?P<year>\d{{4}})", re.IGNORECASE)
_FORMS = (_DAY, _DIGITS, _YEAR_AND_MONTH, _ERA, _DAY_AND_NAME, _NAME_AND_DAY, _MONTH_FIRST, _NAME_AND_YEAR)
_NUMBERS = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<separator>[-/.])\s*(?P<second>\d{{1,2}})(?P=separator)\s*(?P<year>\d{{4}}){_AFTER}"
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_NO_DAY = frozenset(["なし", "無し", "無期限", "期限なし", "不要", "none", "never", "no"])
"""What people write where there is no day, beside the placeholders of answers."""


@dataclass(frozen=True, slots=True)
class DatedColumn:
    """The days of a column, whether the day comes before the month in it, and the places of cells that name no day."""

    days: Days
    day_first: bool | None
    unreadable: list[int]


def read_days(cells: Sequence[str]) -> DatedColumn:
    """Read the cells of a column.

    Where a cell alone leaves open whether the day or the month comes first, the others decide. Blank cells and
    placeholders have no day, and are readable.
    """
    texts = list(dict.fromkeys(cells))  # of a million cells, most are alike
    day_first = day_comes_first(texts)
    known = {text: read_day(text, day_first=day_first) for text in texts}
    days = np.fromiter((day.toordinal() if (day := known[text]) else 0 for text in cells), np.int32, len(cells))
    unreadable = {text for text, day in known.items() if day is None and not _has_no_day(text)}
    return DatedColumn(days, day_first, [place for place, text in enumerate(cells) if text in unreadable])


def read_day(text: str, *, day_first: bool | None = None) -> date | None:
    """Return the day that a cell names; None for none, or if `day_first` would have to say which number it is.

    A month without a day stands for its last day.
    """
    if not text or len(text) > _LONGEST:
        return None
    written = unicode_form("NFKC", text).strip()
    if found := next((match for form in _FORMS if (match := form.fullmatch(written))), None):
        return _named_day(found.groupdict())
    if found := _NUMBERS.fullmatch(written):
        return _of_numbers(found, day_first=day_first)
    return _known(_SERIAL_OF + timedelta(float(written))) if _SERIAL.fullmatch(written) else None


def day_comes_first(cells: Sequence[str], separator: str = "") -> bool | None:
    """Tell by a number beyond 12, or by points, which go with day first; None if the cells leave it open.

    `separator` is that of the cell in question, if it is known.
    """
    for cell in cells:
        if found := _NUMBERS.match(cell):
            if int(found["first"]) > _MONTHS:
                return True
            if int(found["second"]) > _MONTHS:
                return False
    return True if separator == "." else None


def _of_numbers(found: re.Match[str], *, day_first: bool | None) -> date | None:
    first, second, year = int(found["first"]), int(found["second"]), int(found["year"])
    if found["separator"] == "." and day_first is None:
        day_first = True
    candidates = {_day(year, second, first), _day(year, first, second)} - {None}
    if len(candidates) == 1:
        return candidates.pop()
    if day_first is None:
        return None
    return _day(year, second, first) if day_first else _day(year, first, second)


def _named_day(parts: dict[str, str | None]) -> date | None:
    written = parts["year"] or ""
    year = 1 if written == "元" else int(written)
    if era := parts.get("era"):
        year += _ERAS[era.upper()]
    elif year < _TWO_DIGITS:
        year += _CENTURY
    name = parts.get("name")
    month = _NAMES.index(name.lower()) + 1 if name else int(parts["month"] or 0)
    day = parts.get("day")
    return _day(year, month, int(day)) if day else _last_day(year, month)


def _last_day(year: int, month: int) -> date | None:
    after = _day(year + month // _MONTHS, month % _MONTHS + 1, 1)
    return _known(after - timedelta(1)) if after and month <= _MONTHS else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return _known(date(year, month, day))
    except ValueError:
        return None


def _known(day: date) -> date | None:
    """Return a day of a year that may be meant; others are mistyped, or no dates."""
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _has_no_day(text: str) -> bool:
    return is_placeholder(text) or unicode_form("NFKC", text).strip().casefold() in _NO_DAY
