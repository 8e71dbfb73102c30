"""When rows are to be checked again: by their own date, or so many days after they were last checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from indexes.records.dates import read_day
from indexes.records.model import Days, KnowledgeBase, Record

NEXT_CHECK_DAYS = 180
"""After how many days a row that had a date of its own is to be checked again, where nobody says."""


def today_here() -> date:
    """Return the day in this machine's time zone."""
    return datetime.now().astimezone().date()


@dataclass(frozen=True, slots=True)
class Overdue:
    """That a row should have been checked by the day `since`; `is_held_back` if too long ago to give it unasked."""

    since: date
    is_held_back: bool


@dataclass(frozen=True)
class ReviewPolicy:
    """How overdue rows are treated: `held_back_after` so many days they are not given unasked, None for always."""

    held_back_after: int | None = None
    today: Callable[[], date] = today_here

    def overdue(self, deadline: date | None) -> Overdue | None:
        """Return how overdue a row with this deadline is; None if it isn't."""
        late = (self.today() - deadline).days if deadline else 0
        if deadline is None or late <= 0:
            return None
        return Overdue(deadline, self.held_back_after is not None and late > self.held_back_after)


def deadlines(base: KnowledgeBase, review_after: int | None) -> Days:
    """Return for each row the last day before it is due for a check; empty if no row of the file can ever be due.

    The date in its own column counts, else `review_after` days after its last update.
    """
    own, updated = base.days.get("review_by"), base.days.get("updated")
    counted = np.where(updated > 0, updated + review_after, 0) if review_after and updated is not None else None
    if own is None:
        return np.zeros(0, np.int32) if counted is None else counted.astype(np.int32)
    return own if counted is None else np.where(own > 0, own, counted).astype(np.int32)


def deadline(record: Record, base: KnowledgeBase, review_after: int | None) -> date | None:
    """Return the last day before one record of a file is due for a check, as `deadlines` does; None if it never is."""
    if own := read_day(record.review_by, day_first=base.day_first.get("review_by")):
        return own
    updated = read_day(record.updated, day_first=base.day_first.get("updated")) if review_after else None
    return updated + timedelta(review_after) if updated and review_after else None
