"""Questions, the bot's replies to them, and votes."""

import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Index, Row, String, Table, Text, delete, func, insert, select

from handlers.store.database import Database, Id, metadata, new_id
from handlers.store.upsert import put

questions = Table(
    "questions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False, index=True),
    Column("source", String(16), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("user", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("hits", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("answered", Boolean, nullable=False),
)
replies = Table(
    "replies",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("message", String(32), primary_key=True),
    Column("reply", String(32), nullable=False),
    Column("question", Id, nullable=False),
    Column("source", String(16), nullable=False),
    Column("thread", String(32), nullable=True),
    Index("ix_replies_thread", "channel", "thread"),
)
"""`thread` is the ts of the thread that the reply is in; NULL for replies from before the column was there."""
votes = Table(
    "votes",
    metadata,
    Column("question", Id, primary_key=True, autoincrement=False),
    Column("user", String(32), primary_key=True),
    Column("vote", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("member", Boolean, nullable=True),
)
"""`member`: whether whoever voted is a full member; NULL for votes that were stored before the column was there."""

TURNS = 20
"""Answers in a thread that are looked at, the newest."""
DAY = 24 * 3600
DAYS, MOST_DAYS = 30, 365
"""Days of which admins see the numbers and the misses unless they name others, and as many as they may name."""

FIRST_NAME = questions.c.hits[(0, "knowledge_base")].as_string().label("name")
FIRST_RECORD = questions.c.hits[(0, "record")].as_string().label("record")
FIRST_THOUGHT = questions.c.hits[(0, "before_feedback")].as_float().label("thought")
FIRST_STAMP = questions.c.hits[(0, "stamp")].as_string().label("stamp")
"""Values of the first hit, extracted by the database: a year's questions with all their hits would fill the memory."""

FIRST_HIT_VOTES = frozenset({"helpful", "right", "hit_1"})
GOOD_VOTES = FIRST_HIT_VOTES | {"hit_2", "hit_3", "hit_4", "hit_5"}
"""Votes for the first hit, and for any: somebody who says that it was this one has found the answer."""


class Origin(StrEnum):
    """How a question reached the bot; stored with it."""

    SEARCH = "search"
    MENTION = "mention"
    DIRECT = "dm"
    HOME = "home"
    FORM = "form"
    HTTP = "http"
    MCP = "mcp"
    AUTO_REPLY = "auto_reply"
    SHADOW = "shadow"
    FOLLOW_UP = "follow_up"
    """Said in a thread where the bot had answered, by whoever had asked."""

    @property
    def is_asked(self) -> bool:
        """Tell whether somebody asked the bot: no answer is a miss. The others were said to people."""
        return self not in {Origin.AUTO_REPLY, Origin.SHADOW, Origin.FOLLOW_UP}

    @property
    def is_private(self) -> bool:
        """Tell whether only the asker knows of the question and reads the answer."""
        return self in {Origin.SEARCH, Origin.DIRECT, Origin.HOME, Origin.FORM} or self.is_program

    @property
    def is_program(self) -> bool:
        """Tell whether a program asked, through another door than Slack."""
        return self in {Origin.HTTP, Origin.MCP}

    @property
    def is_open(self) -> bool:
        """Tell whether everybody in the place reads the answer."""
        return self in {Origin.MENTION, Origin.AUTO_REPLY, Origin.FOLLOW_UP}

    @property
    def is_in_channel(self) -> bool:
        """Tell whether the answer stands in the channel where the question was asked."""
        return self.is_open or self is Origin.SEARCH


ASKED = tuple(origin for origin in Origin if origin.is_asked)
BY_PROGRAMS = tuple(origin for origin in Origin if origin.is_program)
BY_PEOPLE = tuple(origin for origin in ASKED if not origin.is_program)


@dataclass(frozen=True)
class FoundHit:
    """A hit as it was found: which record, and how sure."""

    knowledge_base: str
    record: str
    score: float
    confidence: float
    before_feedback: float = 0.0
    """The confidence without what votes on earlier answers added to it: what votes on this one are compared with."""
    stamp: str = ""
    """The encoder, the weights and the record it was found with, as digests; blank in questions of earlier versions."""
    label: str = ""
    """What its button said when the reply was a question back; blank for a hit of an answer."""

    @property
    def target(self) -> tuple[str, str]:
        """Knowledge base and record id."""
        return self.knowledge_base, self.record


@dataclass(frozen=True)
class AskedQuestion:
    """A question that was asked, with its hits."""

    source: Origin
    channel: str
    user: str
    text: str
    hits: tuple[FoundHit, ...]
    confidence: float
    threshold: float
    answered: bool
    id: int = 0


@dataclass(frozen=True)
class PostedReply:
    """The bot's message that answers a message."""

    reply: str
    question: int
    source: Origin
    thread: str | None = None


@dataclass(frozen=True)
class Turn:
    """A message in a thread that the bot answered, its reply (both by ts), and the question as it was searched."""

    message: str
    reply: str
    question: AskedQuestion


class Questions:
    """Stores questions, replies and votes. Nothing here raises: the bot answers without the database too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, question: AskedQuestion) -> int | None:
        """Store a question; return its id, or None if the database can't be written.

        It is on the disk before its answer is sent, since that is stored as begun, durably, before the call.
        """
        values = asdict(question) | {"id": new_id()}
        asked = insert(questions).values(at=time.time(), **values)
        key = self._database.write("remember questions", asked, durable=False)
        return int(key[0]) if key else None

    def get(self, question_id: int) -> AskedQuestion | None:
        """Return a question; None if it is unknown, or so old that its text was removed."""
        wanted = select(questions).where(questions.c.id == question_id, questions.c.user != "")
        rows = self._database.read("look up a question", wanted)
        return _asked(rows[0]) if rows else None

    def newest_of(self, user: str, text: str, since: float) -> int | None:
        """Return the id of the newest question that somebody asked in these words since a time; None without one."""
        theirs = questions.c.at > since, questions.c.user == user, questions.c.text == text
        wanted = select(questions.c.id).where(*theirs).order_by(questions.c.at.desc()).limit(1)
        rows = self._database.read("look up a question", wanted)
        return int(rows[0].id) if rows else None

    def places(self, ids: Collection[int]) -> dict[int, str]:
        """Return the channels of those of these questions whose texts are still there."""
        wanted = select(questions.c.id, questions.c.channel).where(questions.c.id.in_(ids), questions.c.user != "")
        return dict(self._database.read("look up questions", wanted) or ())

    def remember_reply(self, channel: str, message: str, reply: PostedReply) -> None:
        """Store which of the bot's messages answers a message."""
        self._database.write(
            "remember replies",
            put(replies, {"channel": channel, "message": message, **asdict(reply)}),
        )

    def reply_to(self, channel: str, message: str) -> PostedReply | None:
        """Return the bot's answer to a message, if it gave one."""
        wanted = select(replies.c.reply, replies.c.question, replies.c.source, replies.c.thread).where(
            replies.c.channel == channel, replies.c.message == message
        )
        rows = self._database.read("look up a reply", wanted)
        if not rows:
            return None
        reply, question, source, thread = rows[0]
        return PostedReply(reply, question, Origin(source), thread)

    def in_thread(self, channel: str, thread: str) -> list[Turn]:
        """List what the bot has answered in a thread, the oldest of the newest first; without removed texts."""
        here = replies.c.channel == channel, replies.c.thread == thread, questions.c.user != ""
        columns = replies.c.message, replies.c.reply, *questions.c
        newest = select(*columns).join(questions, questions.c.id == replies.c.question).where(*here)
        rows = self._database.read("look up a thread", newest.order_by(replies.c.message.desc()).limit(TURNS)) or ()
        return [Turn(row.message, row.reply, _asked(row)) for row in reversed(rows)]

    def forget_reply(self, channel: str, message: str) -> None:
        """Delete the entry of an answer that was withdrawn."""
        self._database.write(
            "forget a reply", delete(replies).where(replies.c.channel == channel, replies.c.message == message)
        )

    def vote(self, question_id: int, user: str, vote: str, *, member: bool | None = None) -> None:
        """Store a vote; a person has one per question, the last one counts."""
        row = {"question": question_id, "user": user, "vote": vote, "at": time.time(), "member": member}
        self._database.write("remember a vote", put(votes, row))

    def votes(self, question_id: int) -> dict[str, str]:
        """Return user -> vote for a question."""
        wanted = select(votes.c.user, votes.c.vote).where(votes.c.question == question_id)
        return dict(self._database.read("look up votes", wanted) or ())

    def most_asked(self, names: Sequence[str], days: int = 30, limit: int = 5) -> list[tuple[str, str, int]]:
        """Return (knowledge base, record id, times asked) of the records that answered most often."""
        since = time.time() - days * 24 * 3600
        answered = select(questions.c.at, FIRST_NAME, FIRST_RECORD).where(questions.c.at > since, questions.c.answered)
        first = answered.subquery().c
        times = func.count()
        counted = (
            select(first.name, first.record, times).where(first.name.in_(names)).group_by(first.name, first.record)
        )
        wanted = counted.order_by(times.desc(), func.min(first.at)).limit(limit)
        return [(name, record, count) for name, record, count in self._database.read("count questions", wanted) or ()]


def midnight(day: date, timezone: tzinfo | None) -> float:
    """Return when a day begins in a time zone, None for this machine's, in seconds since the epoch."""
    return datetime.combine(day, datetime.min.time(), timezone).timestamp()


def first_of(days: int, timezone: tzinfo | None, now: float | None = None) -> date:
    """Return the first of so many days, today included: what admins see of the last days begins there."""
    return datetime.fromtimestamp(now or time.time(), timezone).date() - timedelta(days=days - 1)


_FIELDS = {each.name for each in fields(AskedQuestion)} - {"hits", "source"}


def _asked(row: Row[Any]) -> AskedQuestion:
    values = {key: value for key, value in row._asdict().items() if key in _FIELDS}
    return AskedQuestion(source=Origin(row.source), hits=tuple(FoundHit(**hit) for hit in row.hits), **values)
