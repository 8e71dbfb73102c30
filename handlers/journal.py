"""What must be remembered across restarts: seen events, questions, replies, votes, settings, audit.

SQLAlchemy Core on SQLite (WAL), or whatever DATABASE_URL names. The only module with SQL. Times are seconds since the
epoch, UTC.
"""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    URL,
    Boolean,
    Column,
    Connection,
    Delete,
    Engine,
    Float,
    Insert,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from indexes.errors import KnowledgeBaseError

log = logging.getLogger(__name__)

KEEP_SEEN_SECONDS = 7 * 24 * 3600
"""Slack retries an event for at most about an hour; a week is ample."""
RECENT_CLAIMS = 10_000
"""Claims kept in memory, so that a broken database does not mean double answers."""
SQLITE_WAIT_SECONDS = 1
"""How long a locked database holds an answer up, at each write; a write itself takes a millisecond."""

metadata = MetaData()
seen = Table(
    "seen",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)
questions = Table(
    "questions",
    metadata,
    Column("id", Integer, primary_key=True),
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
    Column("question", Integer, nullable=False),
    Column("source", String(16), nullable=False),
)
votes = Table(
    "votes",
    metadata,
    Column("question", Integer, primary_key=True),
    Column("user", String(32), primary_key=True),
    Column("vote", String(16), nullable=False),
    Column("at", Float, nullable=False),
)
settings = Table(
    "settings",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("value", String(255), nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("user", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("action", String(64), nullable=False),
    Column("outcome", Text, nullable=False),
)

GOOD_VOTES = frozenset({"helpful", "right"})

Origin = Literal["search", "mention", "dm", "auto_reply", "shadow", "home"]


@dataclass(frozen=True)
class NotedHit:
    """A hit as it was: which record, and how sure."""

    knowledge_base: str
    record: str
    score: float
    confidence: float
    before_feedback: float = 0.0
    """The confidence without what votes on earlier answers added to it: what votes on this one are compared with."""


@dataclass(frozen=True)
class Noted:
    """A question as it was asked, and what was found."""

    source: Origin
    channel: str
    user: str
    text: str
    hits: tuple[NotedHit, ...]
    confidence: float
    threshold: float
    answered: bool
    id: int = 0


@dataclass(frozen=True)
class Reply:
    """The bot's message that answers a message."""

    reply: str
    question: int
    source: Origin


@dataclass(frozen=True)
class Setting:
    """A value an admin set in Slack."""

    value: str
    by: str


@dataclass(frozen=True)
class AuditEntry:
    """One admin action."""

    at: float
    user: str
    channel: str
    action: str
    outcome: str


class JournalError(KnowledgeBaseError):
    """The state database couldn't be written."""


class Journal:
    """The state database. Use `open_journal`.

    Reading and noting what can be done without survives a broken database: answers keep coming, `trouble` says why
    nothing is remembered. Settings and audit raise, since an admin must know that nothing was stored.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()
        self._known_settings: dict[str, dict[str, Setting]] = {}
        self.trouble = ""

    def claim(self, key: str) -> bool:
        """Return True to exactly one caller per key, across threads, processes and restarts."""
        with self._lock:
            if key in self._recent:
                return False
            self._recent[key] = None
            if len(self._recent) > RECENT_CLAIMS:
                self._recent.popitem(last=False)
        try:
            self._write("remember which events were seen", insert(seen).values(key=key, at=time.time()))
        except IntegrityError:
            return False
        return True

    def note(self, question: Noted) -> int | None:
        """Remember a question; return its id, or None when the database can't be written."""
        values = asdict(question)
        del values["id"]
        key = self._write("remember questions", insert(questions).values(at=time.time(), **values))
        return int(key[0]) if key else None

    def noted(self, question_id: int) -> Noted | None:
        """Return a remembered question."""
        wanted = select(questions).where(questions.c.id == question_id)
        rows = self._read("look up a question", wanted)
        return _noted(rows[0]) if rows else None

    def remember_reply(self, channel: str, message: str, reply: Reply) -> None:
        """Remember which of the bot's messages answers which message."""
        self._write(
            "remember replies",
            delete(replies).where(replies.c.channel == channel, replies.c.message == message),
            insert(replies).values(channel=channel, message=message, **asdict(reply)),
        )

    def reply_to(self, channel: str, message: str) -> Reply | None:
        """Return the bot's answer to a message, if it gave one."""
        wanted = select(replies.c.reply, replies.c.question, replies.c.source).where(
            replies.c.channel == channel, replies.c.message == message
        )
        rows = self._read("look up a reply", wanted)
        return Reply(*rows[0]) if rows else None

    def forget_reply(self, channel: str, message: str) -> None:
        """Forget an answer that was withdrawn."""
        self._write("forget a reply", delete(replies).where(replies.c.channel == channel, replies.c.message == message))

    def vote(self, question_id: int, user: str, vote: str) -> None:
        """Remember a vote; a person has one per question, the last one counts."""
        self._write(
            "remember a vote",
            delete(votes).where(votes.c.question == question_id, votes.c.user == user),
            insert(votes).values(question=question_id, user=user, vote=vote, at=time.time()),
        )

    def votes(self, question_id: int) -> dict[str, str]:
        """Return user -> vote for a question."""
        wanted = select(votes.c.user, votes.c.vote).where(votes.c.question == question_id)
        return dict(self._read("look up votes", wanted) or ())

    def judged(self) -> dict[str, list[tuple[float, bool]]]:
        """Return, by knowledge base, the confidence of each answer voted on and whether it was right."""
        said: dict[str, list[tuple[float, bool]]] = {}
        wanted = select(votes.c.vote, questions.c.hits).join(questions, votes.c.question == questions.c.id)
        for vote, hits in self._read("look up votes", wanted) or ():
            if hits:
                first = NotedHit(**hits[0])
                said.setdefault(first.knowledge_base, []).append((first.before_feedback, vote in GOOD_VOTES))
        return said

    def most_asked(self, names: Sequence[str], days: int = 30, limit: int = 5) -> list[tuple[str, str, int]]:
        """Return (knowledge base, record id, times asked) of the records that answered most often."""
        since = time.time() - days * 24 * 3600
        wanted = select(questions.c.hits).where(questions.c.at > since, questions.c.answered)
        asked = self._read("count questions", wanted) or ()
        firsts = [(hits[0]["knowledge_base"], hits[0]["record"]) for (hits,) in asked if hits]
        counts = Counter(first for first in firsts if first[0] in names)
        return [(name, record, times) for (name, record), times in counts.most_common(limit)]

    def set(self, channel: str, key: str, value: str, by: str) -> None:
        """Store a setting for a channel; raises JournalError."""
        with self._insisting("The setting was not stored") as connection:
            same = (settings.c.channel == channel, settings.c.key == key)
            connection.execute(delete(settings).where(*same))
            connection.execute(insert(settings).values(channel=channel, key=key, value=value, by=by, at=time.time()))
        self._known_settings[channel] = {**self._known_settings.get(channel, {}), key: Setting(value, by)}

    def settings(self, channel: str) -> dict[str, Setting]:
        """Return what admins set for a channel; what was last read, while the database can't be."""
        wanted = select(settings.c.key, settings.c.value, settings.c.by).where(settings.c.channel == channel)
        rows = self._read("read settings", wanted)
        if rows is not None:
            self._known_settings[channel] = {key: Setting(value, by) for key, value, by in rows}
        return self._known_settings.get(channel, {})

    def channels_set(self) -> list[str]:
        """List the channels for which admins set something."""
        rows = self._read("read settings", select(settings.c.channel).distinct())
        if rows is None:
            return [channel for channel, chosen in self._known_settings.items() if chosen]
        return [channel for (channel,) in rows]

    def record(self, user: str, channel: str, action: str, outcome: str) -> None:
        """Write an admin action to the audit log; raises JournalError."""
        with self._insisting(f"{action} is done but not in the audit log") as connection:
            connection.execute(
                insert(audit).values(at=time.time(), user=user, channel=channel, action=action, outcome=outcome)
            )

    def audited(self, limit: int = 50) -> list[AuditEntry]:
        """Return the last admin actions, newest first."""
        columns = (audit.c.at, audit.c.user, audit.c.channel, audit.c.action, audit.c.outcome)
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).order_by(audit.c.id.desc()).limit(limit))
            return [AuditEntry(*row) for row in rows]

    def purge(self) -> None:
        """Forget events too old to be sent again."""
        self._write("tidy up", delete(seen).where(seen.c.at < time.time() - KEEP_SEEN_SECONDS))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _insisting(self, failure: str) -> Iterator[Connection]:
        """One transaction whose failure the admin must hear of."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise JournalError(
                f"{failure}: the state database can't be written ({_reason(error)}). Check its disk and permissions."
            ) from error

    def _read(self, purpose: str, wanted: Select[Any]) -> Sequence[Any] | None:
        """Look rows up; None when the database fails."""
        try:
            with self._engine.connect() as connection:
                return connection.execute(wanted).all()
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None

    def _write(self, purpose: str, *statements: Insert | Delete) -> Row[Any] | None:
        """Run one transaction and return the key of the row inserted last; raises IntegrityError alone.

        Only this clears `trouble`: a locked database, or one on a full disk, can still be read.
        """
        key: Row[Any] | None = None
        try:
            with self._engine.begin() as connection:
                for statement in statements:
                    done = connection.execute(statement)
                    key = done.inserted_primary_key if isinstance(statement, Insert) else None
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            self._survive(purpose, error)
            return None
        self.trouble = ""
        return key

    def _survive(self, purpose: str, error: SQLAlchemyError) -> None:
        """Log the first of a series of failures and let admins see it; the bot goes on without its memory."""
        if not self.trouble:
            log.error("The state database can't %s (%s); answering goes on", purpose, _reason(error))
        self.trouble = _reason(error)


def open_journal(url: str) -> Journal:
    """Open the state database, creating it and its tables if need be; raises JournalError."""
    try:
        journal = Journal(_open(make_url(url)))
    except (SQLAlchemyError, OSError, ImportError) as error:
        reason = _reason(error) if isinstance(error, SQLAlchemyError) else str(error)
        raise JournalError(f"The state database can't be opened ({reason}); check DATABASE_URL and DATA_DIR") from error
    journal.purge()
    return journal


def _open(location: URL) -> Engine:
    is_sqlite = location.get_backend_name() == "sqlite"
    if is_sqlite and location.database:
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(location, connect_args={"timeout": SQLITE_WAIT_SECONDS} if is_sqlite else {})
    if is_sqlite:
        _use_wal(engine)
    metadata.create_all(engine)
    if is_sqlite and location.database:
        _notice_removal(engine, Path(location.database))
    return engine


def _use_wal(engine: Engine) -> None:
    """Set WAL once, when the file is new: setting it while others write fails with "database is locked"."""
    with engine.connect() as connection:
        if connection.execute(text("PRAGMA journal_mode")).scalar_one() != "wal":
            connection.execute(text("PRAGMA journal_mode=WAL"))


def _notice_removal(engine: Engine, file: Path) -> None:
    """Refuse connections once the file is no longer the one opened: SQLite would go on writing to what was deleted."""
    opened = file.stat().st_ino

    @event.listens_for(engine, "do_connect")
    @event.listens_for(engine, "checkout")
    def check(*_: object) -> None:
        if not file.is_file() or file.stat().st_ino != opened:
            raise OperationalError(None, None, OSError(f"{file.name} was removed or replaced; restart Kotae"))


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words, without the statement and its parameters: those are people's questions."""
    return str(getattr(error, "orig", None) or type(error).__name__)


def _noted(row: Row[Any]) -> Noted:
    fields = {key: value for key, value in row._asdict().items() if key not in {"at", "hits"}}
    return Noted(hits=tuple(NotedHit(**hit) for hit in row.hits), **fields)
