"""What became of the questions: numbers for admins, counted from what is remembered anyway."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from handlers.journal.database import Database
from handlers.journal.questions import FIRST_NAME, GOOD_VOTES, questions, votes

ASKED = frozenset({"search", "mention", "dm", "home"})
"""Where somebody asked the bot: silence there is a miss. Unasked it is what was wanted."""
DAY = 24 * 3600


@dataclass(frozen=True)
class Tally:
    """Questions answered and missed, votes for and against."""

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
        """How many people said whether it helped."""
        return self.helpful + self.unhelpful


@dataclass(frozen=True)
class Overview:
    """Some days: a tally for each knowledge base (the one whose record came first) and for each day, oldest first.

    Questions for which nothing at all was found count under the blank name.
    """

    by_name: Mapping[str, Tally] = field(default_factory=dict)
    by_day: Mapping[date, Tally] = field(default_factory=dict)

    @property
    def total(self) -> Tally:
        """Everything together."""
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

    def __init__(self, database: Database) -> None:
        self._database = database

    def overview(self, days: int, now: float | None = None) -> Overview:
        """Count the last `days` days up to and including today, which begin at midnight here."""
        today = _day(now or time.time())
        first = today - timedelta(days=days - 1)
        by_day = {first + timedelta(days=number): Tally() for number in range(days)}
        by_name: dict[str, Tally] = {}
        for row in self._questions(questions.c.at >= time.mktime(first.timetuple())):
            tally, name = _tally(row), row.name or ""
            by_name[name] = by_name.get(name, Tally()) + tally
            day = _day(row.at)
            by_day[day] = by_day.get(day, Tally()) + tally
        return Overview(by_name, by_day)

    def rehearsal(self, channel: str, days: int) -> Rehearsal:
        """Sum shadow mode up for a channel."""
        total = Rehearsal()
        since = time.time() - days * DAY
        for row in self._questions(
            questions.c.at >= since, questions.c.channel == channel, questions.c.source == "shadow"
        ):
            total = replace(total, messages=total.messages + 1)
            if row.answered:
                total = replace(
                    total,
                    answered=total.answered + 1,
                    expected=total.expected + row.confidence,
                    judged=total.judged + bool(row.helpful or row.unhelpful),
                    right=total.right + (row.helpful > row.unhelpful),
                )
        return total

    def _questions(self, *conditions: Any) -> Sequence[Any]:
        """Read questions with the number of votes for and against each."""
        good = func.count().filter(votes.c.vote.in_(GOOD_VOTES))
        bad = func.count().filter(votes.c.vote.not_in(GOOD_VOTES))
        voted = select(votes.c.question, good.label("good"), bad.label("bad")).group_by(votes.c.question).subquery()
        helpful, unhelpful = func.coalesce(voted.c.good, 0), func.coalesce(voted.c.bad, 0)
        columns = (questions.c.at, questions.c.source, FIRST_NAME, questions.c.answered, questions.c.confidence)
        joined = questions.outerjoin(voted, voted.c.question == questions.c.id)
        wanted = select(*columns, helpful.label("helpful"), unhelpful.label("unhelpful")).select_from(joined)
        return self._database.read("count questions", wanted.where(*conditions)) or ()


def _day(at: float) -> date:
    """Return the day of a time by the clock of this machine, as its admins count."""
    return datetime.fromtimestamp(at).astimezone().date()


def _tally(row: Any) -> Tally:
    asked = row.source in ASKED
    answered = row.answered and row.source != "shadow"
    return Tally(int(answered), int(asked and not row.answered), row.helpful, row.unhelpful)
