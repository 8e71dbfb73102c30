"""Misses: questions without a confident answer, or with one that somebody voted against, until an admin closes them."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Float, Row, Select, String, Table, Text, delete, exists, or_, select

from handlers.learning.store.alias_votes import confirmations
from handlers.store.database import Database, Id, metadata
from handlers.store.questions import ASKED, GOOD_VOTES, FoundHit, Origin, questions, votes
from handlers.store.upsert import put

Why = Literal["answered", "not_a_question", "later"]

REASON_LENGTH = 500

reports = Table(
    "reports",
    metadata,
    Column("question", Id, primary_key=True, autoincrement=False),
    Column("user", String(32), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Float, nullable=False),
)
closings = Table(
    "closings",
    metadata,
    Column("question", Id, primary_key=True, autoincrement=False),
    Column("why", String(16), nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("until", Float),
)


@dataclass(frozen=True)
class Miss:
    """A question without a good answer. `closest` is what was found, if anything.

    `reported` if somebody voted against the answer; `hidden` if an admin put it off or dismissed it as no question: the
    same question asked again is then hidden too.
    """

    id: int
    at: float
    source: Origin
    channel: str
    user: str
    text: str
    closest: FoundHit | None
    reported: bool
    hidden: bool


class Misses:
    """Stores reports and closings of misses. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, question_id: int, user: str, reason: str) -> None:
        """Store that somebody found no answer right. A later reason replaces an earlier one; a blank one does not."""
        values = {"question": question_id, "user": user, "reason": reason[:REASON_LENGTH], "at": time.time()}
        replaced = None if reason else reports.c.reason == ""
        self._database.write("remember a miss", put(reports, values, where=replaced))

    def withdraw(self, question_id: int, user: str) -> None:
        """Delete somebody's report: they have found the answer after all."""
        same = (reports.c.question == question_id, reports.c.user == user)
        self._database.write("forget a miss", delete(reports).where(*same))

    def reasons(self, question_ids: Iterable[int]) -> list[str]:
        """Return the reasons that people gave, oldest first, each once."""
        wanted = select(reports.c.reason).where(reports.c.question.in_(list(question_ids))).order_by(reports.c.at)
        return list(dict.fromkeys(reason for (reason,) in self._database.read("read misses", wanted) or () if reason))

    def close(self, question_id: int, why: Why, by: str) -> None:
        """Close a miss."""
        self.close_all([question_id], why, by)

    def close_all(self, question_ids: Sequence[int], why: Why, by: str, until: float | None = None) -> None:
        """Close misses, or hide them `until` a time (seconds since the epoch); the last decision counts."""
        rows = [
            {"question": id_, "why": why, "by": by, "at": time.time(), "until": until}
            for id_ in dict.fromkeys(question_ids)
        ]
        if rows:
            self._database.write("close misses", put(closings, *rows))

    def open(self, since: float, limit: int, sources: Collection[Origin] = ASKED) -> list[Miss]:
        """Return the misses asked after `since` (seconds since the epoch) that are not closed, newest first."""
        chosen = _open(since).where(questions.c.source.in_(sources))
        rows = self._database.read("read misses", chosen.limit(limit))
        now = time.time()
        return [_miss(row, now) for row in rows or ()]


def _open(since: float) -> Select[Any]:
    reported = exists().where(reports.c.question == questions.c.id)
    liked = exists().where(votes.c.question == questions.c.id, votes.c.vote.in_(GOOD_VOTES))
    confirmed = exists().where(confirmations.c.question == questions.c.id, confirmations.c.agrees)
    undecided = or_(closings.c.question.is_(None), closings.c.until.is_not(None), closings.c.why == "not_a_question")
    return (
        select(questions, closings.c.why, closings.c.until, reported.label("reported"))
        .join(closings, closings.c.question == questions.c.id, isouter=True)
        .where(
            questions.c.at > since,
            questions.c.user != "",
            undecided,
            or_(reported, ~questions.c.answered & ~liked & ~confirmed),
        )
        .order_by(questions.c.at.desc())
    )


def open_among(ids: Collection[Any], since: float) -> Select[Any]:
    """Select, of these questions, the open misses: id, text, whether it was put to the bot, whether it was reported."""
    chosen = _open(since).where(questions.c.id.in_(ids), or_(closings.c.why.is_(None), closings.c.why == "later"))
    reported = chosen.selected_columns["reported"]
    return chosen.with_only_columns(
        questions.c.id, questions.c.text, questions.c.source.in_(ASKED).label("asked"), reported
    )


def _miss(row: Row[Any], now: float) -> Miss:
    closest = FoundHit(**row.hits[0]) if row.hits else None
    hidden = row.why == "not_a_question" or (row.until is not None and row.until > now)
    return Miss(
        row.id, row.at, Origin(row.source), row.channel, row.user, row.text, closest, bool(row.reported), hidden
    )
