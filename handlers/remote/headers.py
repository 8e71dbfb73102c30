"""What the headers of an answer say: what a newer one is asked for with, and when to come back."""

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

VALIDATOR = 500
"""Characters of an ETag or a Last-Modified; longer ones are not kept."""
SETTLED = timedelta(seconds=2)
"""How much older than the answer a Last-Modified is that tells of every later change: it counts in seconds."""
MOST_PAUSE_SECONDS = 6 * 3600.0
"""The longest pause that a host may ask for."""

Headers = Mapping[str, str]
"""Header values by their names in lower case."""


def read_headers(sent: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers as texts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent}


def etag_of(headers: Headers) -> str:
    """Return the ETag; blank for none that can be sent back."""
    return _validator(headers, "etag")


def modified_of(headers: Headers) -> str:
    """Return Last-Modified if it is of an earlier second than the answer: in the same one, more may change later."""
    modified = _validator(headers, "last-modified")
    try:
        age = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return ""
    return modified if age >= SETTLED else ""


def pause_of(headers: Headers) -> float:
    """Return the seconds that a host wants to be left alone, by Retry-After: seconds, or a date; 0 if it says none."""
    asked = headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        seconds = float(asked)
    else:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), MOST_PAUSE_SECONDS)


def _validator(headers: Headers, name: str) -> str:
    found = headers.get(name, "")
    return found if found.isascii() and len(found) <= VALIDATOR else ""
