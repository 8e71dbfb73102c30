"""Retention: after some time the texts of questions are removed, and who asked and voted; the counts stay."""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, tuple_, update

from handlers.answers.store.publications import publications
from handlers.entries.store.proposals import approval_messages, proposals
from handlers.learning.store.alias_votes import confirmations
from handlers.learning.store.judged_replies import rejudged
from handlers.learning.store.learned_aliases import learned
from handlers.learning.store.misses import Miss, Misses, closings, reports
from handlers.store.audit import VOTES, audit, impersonal
from handlers.store.database import Database
from handlers.store.questions import questions, replies, votes

BATCH = 200
"""Rows of one transaction: some milliseconds, so that no answer waits for it."""
NOBODY = "~"
"""The beginning of a vote's user after it was made anonymous."""


class Retention:
    """Removes what is too old. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_older(self, before: float) -> bool:
        """Return whether there are texts of questions from before a time (seconds since the epoch)."""
        oldest = select(questions.c.id).where(questions.c.at < before, questions.c.user != "").limit(1)
        return bool(self._database.read("look for old questions", oldest))

    def purge(self, before: float, misses_before: float, is_miss: Callable[[Miss], bool]) -> Iterator[int]:
        """Remove what is older than `before`, a batch at a time; yield how many rows each took.

        Open misses stay until `misses_before`; `is_miss` has the last word on what is one. Waiting proposals and the
        weights of votes stay. What was removed is in no file any more when the iterator ends.
        """
        removed = False
        for count in self._batches(before, misses_before, is_miss):
            removed = removed or count > 0
            yield count
        if removed:
            self._database.compact()
        self._database.drop_copy(before)

    def purge_audit(self, before: float) -> None:
        """Delete audit entries from before a time (seconds since the epoch)."""
        self._database.write("remove old audit entries", delete(audit).where(audit.c.at < before))

    def purge_judgements(self, before: float) -> None:
        """Delete what came of searching judged questions again before a time (seconds since the epoch)."""
        self._database.write("remove old judgements", delete(rejudged).where(rejudged.c.at < before))

    def _batches(self, before: float, misses_before: float, is_miss: Callable[[Miss], bool]) -> Iterator[int]:
        """Remove batch after batch. Questions come first: votes on aliases tell which of them are open misses."""
        yield from self._purge_questions(before, misses_before, is_miss)
        steps = (_purge_votes, _purge_confirmations, _purge_learned, _purge_proposals, _purge_audit)
        for step in steps:
            while removed := self._database.change("remove what is old", partial(step, before=before)):
                yield removed

    def _purge_questions(self, before: float, misses_before: float, is_miss: Callable[[Miss], bool]) -> Iterator[int]:
        place = tuple_(questions.c.at, questions.c.id)
        old = select(questions.c.at, questions.c.id).where(questions.c.at < before, questions.c.user != "")
        wanted = old.order_by(questions.c.at, questions.c.id).limit(BATCH)
        rows = self._database.read("look for old questions", wanted)
        while rows:
            ids = [row.id for row in rows]
            kept = Misses(self._database).among(ids, misses_before)
            if kept is None:
                return
            gone = set(ids) - {miss.id for miss in kept if is_miss(miss)}
            self._database.change("remove old questions", partial(_forget_questions, ids=gone))
            yield len(gone)
            rows = self._database.read("look for old questions", wanted.where(place > tuple(rows[-1])))


def _forget_questions(connection: Connection, ids: Collection[Any]) -> None:
    """Blank questions, which stay for the counts."""
    connection.execute(update(questions).where(questions.c.id.in_(ids)).values(user="", text=""))
    for table in (reports, publications, replies):
        connection.execute(delete(table).where(table.c.question.in_(ids)))
    connection.execute(update(closings).where(closings.c.question.in_(ids)).values(by=""))
    wanted = select(votes.c.question, votes.c.user).where(votes.c.question.in_(ids), ~votes.c.user.startswith(NOBODY))
    _make_anonymous(connection, connection.execute(wanted).all())


def _purge_votes(connection: Connection, before: float) -> int:
    old = and_(votes.c.at < before, ~votes.c.user.startswith(NOBODY))
    rows = connection.execute(select(votes.c.question, votes.c.user).where(old).limit(BATCH)).all()
    _make_anonymous(connection, rows)
    return len(rows)


def _make_anonymous(connection: Connection, rows: Sequence[Any]) -> None:
    """Replace the user of votes by a random name."""
    for question, user in rows:
        this = (votes.c.question == question, votes.c.user == user)
        connection.execute(update(votes).where(*this).values(user=NOBODY + secrets.token_hex(8)))


def _purge_confirmations(connection: Connection, before: float) -> int:
    old = select(confirmations.c.id).where(confirmations.c.at < before).limit(BATCH)
    return connection.execute(delete(confirmations).where(confirmations.c.id.in_(old))).rowcount


def _purge_learned(connection: Connection, before: float) -> int:
    """Remove who confirmed an alias."""
    wanted = select(learned.c.id, learned.c.voters).where(learned.c.at < before)
    ids = [id_ for id_, voters in connection.execute(wanted) if voters][:BATCH]
    connection.execute(update(learned).where(learned.c.id.in_(ids)).values(voters=[]))
    return len(ids)


def _purge_proposals(connection: Connection, before: float) -> int:
    decided = proposals.c.state.in_(["approved", "declined"])
    wanted = select(proposals.c.id).where(decided, proposals.c.decided_at < before).limit(BATCH)
    ids = connection.execute(wanted).scalars().all()
    connection.execute(delete(approval_messages).where(approval_messages.c.proposal.in_(ids)))
    return connection.execute(delete(proposals).where(proposals.c.id.in_(ids))).rowcount


def _purge_audit(connection: Connection, before: float) -> int:
    """Remove the texts of questions, and who confirmed an alias, from audit entries."""
    action, outcome = audit.c.action, audit.c.outcome
    of_earlier_versions = or_(and_(action.startswith("miss "), outcome != ""), outcome.contains(VOTES))
    asked = and_(action.startswith("audit.miss."), ~outcome.contains('"question": ""'))
    confirmed = and_(action.in_(["audit.learn", "audit.unlearn"]), ~outcome.contains('"votes": ""'))
    quotes = or_(of_earlier_versions, asked, confirmed)
    rows = connection.execute(select(audit).where(audit.c.at < before, quotes).limit(BATCH)).all()
    for row in rows:
        this = audit.c.id == row.id
        connection.execute(update(audit).where(this).values(outcome=impersonal(row.action, row.outcome)))
    return len(rows)
