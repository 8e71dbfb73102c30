"""What members said of replies, one verdict a reply; which replies would still be given; what admins were told."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Boolean, Column, Connection, Float, String, Table, Text, delete, select, update

from handlers.store.database import Database, Id, metadata
from handlers.store.questions import (
    FIRST_HIT_VOTES,
    FIRST_NAME,
    FIRST_RECORD,
    FIRST_STAMP,
    FIRST_THOUGHT,
    questions,
    votes,
)
from handlers.store.upsert import claim, put

KEPT = 500
"""Votes of a knowledge base that are read, the newest: more than the highest promise takes."""
STAMPS = 3
"""Results of searching a question again that are kept, the newest: by words while the model loads, and by vectors."""

rejudged = Table(
    "rejudged",
    metadata,
    Column("question", Id, primary_key=True, autoincrement=False),
    Column("stamp", String(40), primary_key=True),
    Column("confidence", Float, nullable=True),
    Column("at", Float, nullable=False),
)
proofs = Table(
    "proofs",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("knowledge_base", Text, primary_key=True),
    Column("proved", Boolean, nullable=False),
)


@dataclass(frozen=True)
class JudgedReply:
    """A reply and whether most members found it right; `confidence` is without what votes add to it.

    `stamp` says with which encoder, weights and record it was given; blank when that is not known.
    """

    question: int
    text: str
    record: str
    stamp: str
    confidence: float
    right: bool


class JudgedReplies:
    """The verdicts, from the votes that are stored. None of it raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str) -> list[JudgedReply]:
        """List a knowledge base's judged replies.

        A tie is wrong. Of one person's votes on the same reply to the same words only the last counts. While the
        database fails, these are the replies of the last time.
        """
        columns = (votes.c.question, votes.c.user, votes.c.vote, questions.c.text)
        first = (FIRST_RECORD, FIRST_STAMP, FIRST_THOUGHT)
        wanted = select(*columns, *first).join(questions, votes.c.question == questions.c.id)
        newest = wanted.where(votes.c.member, FIRST_NAME.in_([name])).order_by(votes.c.at.desc()).limit(KEPT)
        said: dict[int, list[bool]] = {}
        replies: dict[int, tuple[str, str, str, float]] = {}
        heard: set[tuple[str, str, str]] = set()
        rows = self._database.read("look up verdicts", newest)
        if rows is None:
            return list(self._known.get(name, ()))
        for question, user, vote, text, record, stamp, thought in rows:
            if text and (user, record, text) in heard:
                continue
            heard.add((user, record, text))
            said.setdefault(question, []).append(vote in FIRST_HIT_VOTES)
            replies[question] = (text, record, stamp or "", thought or 0.0)
        judged = [JudgedReply(each, *replies[each], sum(votes_) * 2 > len(votes_)) for each, votes_ in said.items()]
        self._known[name] = judged
        return judged

    @property
    def _known(self) -> dict[str, list[JudgedReply]]:
        return self._database.last_known.setdefault("judged_replies", {})

    def confidences(self, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], float | None]:
        """Return what these questions were found to be worth today, by question and stamp; None: another reply."""
        wanted = set(keys)
        these = select(rejudged).where(rejudged.c.question.in_({question for question, _ in wanted}))
        rows = self._database.read("look up verdicts", these) if wanted else ()
        return {(row.question, row.stamp): row.confidence for row in rows or () if (row.question, row.stamp) in wanted}

    def keep_confidences(self, found: Mapping[tuple[int, str], float | None]) -> None:
        """Store what questions were found to be worth."""
        now = time.time()
        rows = [{"question": key[0], "stamp": key[1], "confidence": value, "at": now} for key, value in found.items()]
        if rows:
            self._database.change("store verdicts", partial(_replace, rows=rows))

    def unknown_voters(self) -> list[str]:
        """List the people of whose earlier votes it is not known whether they are members'."""
        unknown = select(votes.c.user).where(votes.c.member.is_(None), ~votes.c.user.startswith("~")).distinct()
        return [user for (user,) in self._database.read("look up voters", unknown) or ()]

    def set_member(self, user: str, *, member: bool) -> None:
        """Note whether somebody's earlier votes are a member's."""
        theirs = update(votes).where(votes.c.user == user, votes.c.member.is_(None))
        self._database.write("note who is a member", theirs.values(member=member))


class Proofs:
    """Which knowledge bases were proved in which channels when admins were last told. None of it raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, channel: str, name: str, *, proved: bool) -> bool:
        """Store what holds now; return True to the one caller who changes it."""
        return bool(self._database.change("store a proof", partial(_change, channel=channel, name=name, proved=proved)))


def _change(connection: Connection, channel: str, name: str, *, proved: bool) -> bool:
    row = {"channel": channel, "knowledge_base": name, "proved": proved}
    if claim(connection, proofs, row):
        return proved
    this = (proofs.c.channel == channel, proofs.c.knowledge_base == name, proofs.c.proved != proved)
    return connection.execute(update(proofs).where(*this).values(proved=proved)).rowcount > 0


def _replace(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    connection.execute(put(rejudged, *rows))
    for question in {row["question"] for row in rows}:
        of_question = rejudged.c.question == question
        newest = select(rejudged.c.stamp).where(of_question).order_by(rejudged.c.at.desc()).limit(STAMPS)
        kept = connection.execute(newest).scalars().all()
        connection.execute(delete(rejudged).where(of_question, rejudged.c.stamp.not_in(kept)))
