"""Counts of questions, answers and votes for admins, from the tables of questions and votes."""

import time
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from handlers.learning.store.misses import Miss
from handlers.store.database import Database
from handlers.store.questions import (
    ASKED,
    DAY,
    FIRST_NAME,
    GOOD_VOTES,
    Origin,
    first_of,
    midnight,
    questions,
    votes,
)
from indexes.confidence.confidence import DOUBTFUL

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    "id": "int64",
    "at": "float64",
    "source": "object",
    "name": "object",
    "answered": "bool",
    "confidence": "float64",
    "helpful": "int64",
    "unhelpful": "int64",
}
"""The columns that questions are counted from."""


@dataclass(frozen=True)
class Tally:
    """Questions answered, those missed (see handlers.learning.misses), votes for and against."""

    answered: int = 0
    missed: int = 0
    helpful: int = 0
    unhelpful: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.answered + other.answered,
            self.missed + other.missed,
            self.helpful + other.helpful,
            self.unhelpful + other.unhelpful,
        )

    @property
    def votes(self) -> int:
        """The number of votes."""
        return self.helpful + self.unhelpful


@dataclass(frozen=True)
class Overview:
    """A number of days: a tally for each knowledge base (that of the first hit) and for each day, oldest first.

    Questions for which nothing at all was found count under the blank name.
    """

    by_name: Mapping[str, Tally] = field(default_factory=dict)
    by_day: Mapping[date, Tally] = field(default_factory=dict)

    @property
    def total(self) -> Tally:
        """The sum over all knowledge bases."""
        return sum(self.by_name.values(), Tally())


@dataclass(frozen=True)
class Rehearsal:
    """Shadow mode in one channel: of `messages` considered, how many would have been answered, and how well.

    `expected` is how many of those are right if confidence tells the truth; `right` of `judged` is what admins said.
    """

    messages: int = 0
    answered: int = 0
    expected: float = 0.0
    judged: int = 0
    right: int = 0


class Statistics:
    """Counts questions and votes; nothing is counted while the database can't be read."""

    def __init__(self, database: Database, timezone: tzinfo | None = None) -> None:
        """Count days in a time zone, by default in this machine's."""
        self._database = database
        self._timezone = timezone

    def overview(self, days: int, missed: Sequence[Miss] = (), now: float | None = None) -> Overview:
        """Count the last `days` days up to and including today, which begin at midnight in the time zone.

        `missed` are the misses of these days: whoever lists them says which they are.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that only those who ask for numbers should wait

        first = first_of(days, self._timezone, now)
        dates = [first + timedelta(days=number) for number in range(days + 1)]
        midnights = [midnight(each, self._timezone) for each in dates]
        asked = self._questions(questions.c.at >= midnights[0])
        asked["answered"] = _answered(asked, {miss.id for miss in missed})
        day = pd.cut(asked["at"], midnights, right=False, labels=dates[:-1])
        names = (miss.closest.knowledge_base if miss.closest else "" for miss in missed)
        on = (datetime.fromtimestamp(miss.at, self._timezone).date() for miss in missed)
        return Overview(
            _with_missed(_tallies(asked, asked["name"].fillna("")), names), _with_missed(_tallies(asked, day), on)
        )

    def rehearsal(self, channel: str, days: int) -> Rehearsal:
        """Count what shadow mode would have answered in a channel."""
        since = time.time() - days * DAY
        of_channel = questions.c.channel == channel, questions.c.source == Origin.SHADOW
        considered = self._questions(questions.c.at >= since, *of_channel)
        answered = considered[considered["answered"]]
        return Rehearsal(
            messages=len(considered),
            answered=len(answered),
            expected=float(answered["confidence"].sum()),
            judged=int((answered["helpful"] + answered["unhelpful"] > 0).sum()),
            right=int((answered["helpful"] > answered["unhelpful"]).sum()),
        )

    def _questions(self, *conditions: Any) -> "pd.DataFrame":
        """Read questions, one a row, with the number of votes for and against each."""
        import pandas as pd  # noqa: PLC0415

        good = func.count().filter(votes.c.vote.in_(GOOD_VOTES))
        bad = func.count().filter(votes.c.vote.not_in(GOOD_VOTES))
        voted = select(votes.c.question, good.label("good"), bad.label("bad")).group_by(votes.c.question).subquery()
        helpful, unhelpful = func.coalesce(voted.c.good, 0), func.coalesce(voted.c.bad, 0)
        columns = (
            *(questions.c.id, questions.c.at, questions.c.source, FIRST_NAME),
            *(questions.c.answered, questions.c.confidence),
        )
        joined = questions.outerjoin(voted, voted.c.question == questions.c.id)
        wanted = select(*columns, helpful.label("helpful"), unhelpful.label("unhelpful")).select_from(joined)
        found = self._database.read("count questions", wanted.where(*conditions)) or ()
        return pd.DataFrame(found, columns=list(_TYPES)).astype(_TYPES)


def _answered(asked: "pd.DataFrame", missed: set[int]) -> "pd.Series[bool]":
    """Tell which questions got an answer: a sure one, or a likely one if somebody had asked the bot."""
    likely = asked["source"].isin(ASKED) & (asked["confidence"] > DOUBTFUL)
    given = asked["answered"] & (asked["source"] != Origin.SHADOW)
    return (given | likely) & ~asked["id"].isin(missed)


def _tallies(asked: "pd.DataFrame", by: "pd.Series[Any]") -> dict[Any, Tally]:
    """Count the questions of each group, but for the missed ones; one without questions has a tally of zeros."""
    sums = asked[["answered", "helpful", "unhelpful"]].groupby(by, observed=False).sum()
    return {
        group: Tally(answered, 0, helpful, unhelpful)
        for group, answered, helpful, unhelpful in sums.itertuples(name=None)
    }


def _with_missed(tallies: Mapping[Any, Tally], missed: Iterable[Hashable]) -> dict[Any, Tally]:
    """Add the number of misses of each group."""
    counts = Counter(missed)
    return {group: replace(tally, missed=counts[group]) for group, tally in tallies.items()}
