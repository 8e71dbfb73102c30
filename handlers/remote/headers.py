"""What the headers of an answer say: what a newer one is asked for with, and when to come back."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
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
    answered, changed = _date(headers.get("date", "")), _date(modified)
    return modified if answered and changed and answered - changed >= SETTLED else ""


def pause_of(headers: Headers) -> float:
    """Return the seconds that a host wants to be left alone, by Retry-After: seconds, or a date; 0 if it says none."""
    asked = headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), MOST_PAUSE_SECONDS)
    until = _date(asked)
    return min(max(until.timestamp() - time.time(), 0.0), MOST_PAUSE_SECONDS) if until else 0.0


def _date(text: str) -> datetime | None:
    """Read a date as HTTP has it, in UTC; None for anything else."""
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _validator(headers: Headers, name: str) -> str:
    found = headers.get(name, "")
    return found if found.isascii() and len(found) <= VALIDATOR else ""
