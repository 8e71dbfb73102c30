"""What must be remembered across restarts: seen events, questions, replies, votes, settings, audit.

SQLAlchemy Core on SQLite (WAL), or whatever DATABASE_URL names. The only package with SQL. Times are seconds since the
epoch, UTC. Each module has its tables and the class that reads and writes them; `Journal` is all of them together.
"""

import time
from collections import OrderedDict
from threading import Lock

from sqlalchemy import Column, Float, String, Table, delete, insert
from sqlalchemy.exc import IntegrityError

from handlers.admin.store.decisions import AuditEntry, Decisions, Setting
from handlers.admin.store.statistics import Overview, Rehearsal, Statistics, Tally
from handlers.answers.store.publications import Publication, Publications
from handlers.entries.store.proposals import ApprovalMessage, Proposal, Proposals
from handlers.learning.store.confirmations import Confirmations, Opinion
from handlers.learning.store.learned import Learned, Phrasing
from handlers.learning.store.misses import Miss, Misses, Why
from handlers.store.channel_names import Binding, ChannelNames, Claim
from handlers.store.database import Database, metadata, upgrade_due
from handlers.store.errors import JournalError
from handlers.store.installation import Installation
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.store.questions import UNASKED, Noted, NotedHit, Origin, Questions, Reply
from handlers.store.retention import Retention
from handlers.store.voices import Voices
from indexes.messages import Translatable

__all__ = [
    "UNASKED",
    "ApprovalMessage",
    "AuditEntry",
    "Binding",
    "Claim",
    "FileState",
    "Journal",
    "JournalError",
    "KnowledgeFile",
    "Miss",
    "Noted",
    "NotedHit",
    "Opinion",
    "Origin",
    "Overview",
    "Phrasing",
    "Proposal",
    "Publication",
    "Rehearsal",
    "Reply",
    "Setting",
    "Tally",
    "Why",
    "open_journal",
    "upgrade_due",
]

KEEP_SEEN_SECONDS = 7 * 24 * 3600
"""Slack retries an event for at most about an hour; a week is ample."""
PURGE_SECONDS = 24 * 3600
"""How often what is too old is forgotten while the bot runs."""
RECENT_CLAIMS = 10_000
"""Claims kept in memory, so that a broken database does not mean double answers."""

seen = Table(
    "seen",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)
once = Table(
    "once",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at", Float, nullable=False),
)


class Journal(Questions, Decisions):
    """The state database. Use `open_journal`."""

    def __init__(self, database: Database) -> None:
        Questions.__init__(self, database)
        Decisions.__init__(self, database)
        self.channel_names = ChannelNames(database)
        self.confirmations = Confirmations(database)
        self.knowledge_files = KnowledgeFiles(database)
        self.learned = Learned(database)
        self.misses = Misses(database)
        self.proposals = Proposals(database)
        self.statistics = Statistics(database)
        self.publications = Publications(database)
        self.retention = Retention(database)
        self.installation = Installation(database)
        self.voices = Voices(database, self.installation)
        self._purged = time.monotonic()
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    @property
    def trouble(self) -> Translatable | None:
        """Why nothing is remembered now; None when all is well."""
        return self._database.trouble

    def claim(self, key: str) -> bool:
        """Return True to exactly one caller per key within a week, across threads, processes and restarts."""
        with self._lock:
            due = time.monotonic() - self._purged > PURGE_SECONDS
            self._purged = time.monotonic() if due else self._purged
        if due:
            self.purge()
        return self._claim(seen, key)

    def claim_for_ever(self, key: str) -> bool:
        """Return True to exactly one caller per key, however long ago that was."""
        return self._claim(once, key)

    def purge(self, now: float | None = None) -> None:
        """Forget events too old to be sent again; `now` in seconds since the epoch."""
        oldest = (time.time() if now is None else now) - KEEP_SEEN_SECONDS
        self._database.write("tidy up", delete(seen).where(seen.c.at < oldest))

    def _claim(self, table: Table, key: str) -> bool:
        with self._lock:
            if key in self._recent:
                return False
            self._recent[key] = None
            if len(self._recent) > RECENT_CLAIMS:
                self._recent.popitem(last=False)
        try:
            self._database.write("remember what has happened", insert(table).values(key=key, at=time.time()))
        except IntegrityError:
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


def open_journal(url: str) -> Journal:
    """Open the state database, creating it or bringing its schema up to date if need be; raises JournalError."""
    journal = Journal(Database.open(url))
    journal.purge()
    return journal
