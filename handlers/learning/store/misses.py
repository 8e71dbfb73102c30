"""Misses: questions that got no answer, or one that somebody voted against, until an admin closes them."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Float, Row, Select, String, Table, Text, and_, delete, exists, or_, select

from handlers.learning.store.alias_votes import confirmations
from handlers.store.database import Database, Id, metadata
from handlers.store.questions import ASKED, GOOD_VOTES, FoundHit, Origin, questions, votes
from handlers.store.upsert import put
from indexes.confidence.confidence import DOUBTFUL

Why = Literal["answered", "not_a_question", "later"]

REASON_LENGTH = 500
NEAR = 0.2
"""From this confidence up a question that nobody put to the bot counts as one about what the knowledge is about.

docs/retrieval.md has how many of which questions reach it.
"""
PUT = (*ASKED, Origin.FOLLOW_UP)
"""How questions are put to the bot."""
OVERHEARD = tuple(origin for origin in Origin if origin not in PUT)

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

    def among(self, ids: Collection[int], since: float) -> list[Miss] | None:
        """Return, of these questions, what may be an open miss, see `_open`; None while the database fails."""
        chosen = _open(since).where(questions.c.id.in_(ids), or_(closings.c.why.is_(None), closings.c.why == "later"))
        rows = self._database.read("look for open misses", chosen)
        return None if rows is None else [_miss(row, time.time()) for row in rows]

    def open(self, since: float, limit: int, sources: Collection[Origin] = PUT) -> list[Miss]:
        """Return what may be a miss, see `_open`, asked after `since` (seconds since the epoch), newest first."""
        chosen = _open(since).where(questions.c.source.in_(sources))
        rows = self._database.read("read misses", chosen.limit(limit))
        now = time.time()
        return [_miss(row, now) for row in rows or ()]


def _open(since: float) -> Select[Any]:
    """Select questions that are not closed and, but for the text of what was overheard, are misses.

    What somebody asked was shown a likely answer above DOUBTFUL, where only records with an answer come.
    """
    reported = exists().where(reports.c.question == questions.c.id)
    liked = exists().where(votes.c.question == questions.c.id, votes.c.vote.in_(GOOD_VOTES))
    confirmed = exists().where(confirmations.c.question == questions.c.id, confirmations.c.agrees)
    source, confidence = questions.c.source, questions.c.confidence
    possible = or_(
        and_(source.in_(ASKED), confidence <= DOUBTFUL),
        and_(source.in_(OVERHEARD), confidence >= NEAR),
        source == Origin.FOLLOW_UP,
    )
    undecided = or_(closings.c.question.is_(None), closings.c.until.is_not(None), closings.c.why == "not_a_question")
    return (
        select(questions, closings.c.why, closings.c.until, reported.label("reported"))
        .join(closings, closings.c.question == questions.c.id, isouter=True)
        .where(
            questions.c.at > since,
            questions.c.user != "",
            undecided,
            or_(reported, possible & ~questions.c.answered & ~liked & ~confirmed),
        )
        .order_by(questions.c.at.desc())
    )


def _miss(row: Row[Any], now: float) -> Miss:
    closest = FoundHit(**row.hits[0]) if row.hits else None
    hidden = row.why == "not_a_question" or (row.until is not None and row.until > now)
    return Miss(
        row.id, row.at, Origin(row.source), row.channel, row.user, row.text, closest, bool(row.reported), hidden
    )
