"""Ids and dates for new rows, in the form of the other rows of the file."""

import re
import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from indexes.records.dates import day_comes_first

_NUMBERED = re.compile(r"(.*?)([0-9]{1,18})", re.DOTALL)
_FRESH_BYTES = 4
_TIME = re.compile(r"(.*?)([ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)", re.DOTALL)
_YEAR_FIRST = re.compile(r"[0-9]{4}([-/.]|年)([0-9]{1,2})([-/.]|月)([0-9]{1,2})(日?)")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2[0-9]{4}")
_DIGITS = re.compile(r"[0-9]{8}")


def next_id(ids: Sequence[str]) -> str:
    """Return the next number in the form that most ids have (12, 007, FAQ-12), or else a random short id.

    Blank if no row has an id.
    """
    used = {id_ for id_ in ids if id_}
    forms: dict[str, list[str]] = defaultdict(list)
    for id_ in used:
        if numbered := _NUMBERED.fullmatch(id_):
            forms[numbered[1]].append(numbered[2])
    prefix, numbers = max(forms.items(), key=lambda form: len(form[1]), default=("", []))
    if 2 * len(numbers) > len(used):
        return f"{prefix}{int(max(numbers, key=int)) + 1:0{min(map(len, numbers))}d}"
    return _fresh(used) if used else ""


def _fresh(used: set[str]) -> str:
    while (id_ := secrets.token_hex(_FRESH_BYTES)) in used or id_.isdigit():
        continue
    return id_


def format_date(dates: Sequence[str], now: datetime) -> str:
    """Return the day in the style of the last date in the column, or as 2026-01-31.

    If the style is ambiguous (01/02/2026), the other dates decide; if they don't, 2026-01-31 is used.
    """
    filled = [date for date in dates if date]
    last = filled[-1] if filled else ""
    date, time = (timed[1], timed[2]) if (timed := _TIME.fullmatch(last)) else (last, "")
    return _date(date, filled, now) + _time(time, now)


def _date(date: str, dates: Sequence[str], now: datetime) -> str:
    if _DIGITS.fullmatch(date):
        return f"{now:%Y%m%d}"
    if style := _YEAR_FIRST.fullmatch(date):
        after_year, month, after_month, day, after_day = style.groups()
        width = _width(month, day)
        return f"{now.year}{after_year}{now.month:0{width}d}{after_month}{now.day:0{width}d}{after_day}"
    if style := _YEAR_LAST.fullmatch(date):
        order = day_comes_first(dates, style[2])
        if order is not None:
            first, second = (now.day, now.month) if order else (now.month, now.day)
            width = _width(style[1], style[3])
            return f"{first:0{width}d}{style[2]}{second:0{width}d}{style[2]}{now.year}"
    return f"{now:%Y-%m-%d}"


def _width(*numbers: str) -> int:
    """Return 1 for a style that writes 4/1, and 2 for one that writes 04/01."""
    return 1 if any(len(number) == 1 for number in numbers) else 2


def _time(time: str, now: datetime) -> str:
    if not time:
        return ""
    return f"{time[0]}{now:%H:%M:%S}" if time.count(":") > 1 else f"{time[0]}{now:%H:%M}"
