"""Phrasings that were learned: from then on they are searched like the record's own aliases."""

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Float, Row, String, Table, Text, delete, func, insert, select, update

from handlers.store.database import Database, metadata
from indexes.messages import Translatable
from indexes.retrieval.learned_aliases import LearnedAlias

learned = Table(
    "learned",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("by", String(32), nullable=False),
    Column("knowledge_base", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("key", String(255), nullable=False, index=True),
    Column("phrasing", Text, nullable=False),
    Column("voters", JSON, nullable=False),
    Column("undone_at", Float),
    Column("undone_by", String(32)),
)


@dataclass(frozen=True)
class StoredAlias:
    """Words that people use for a record's question, and who confirmed it.

    `question` is the record's own as it was when this was learned; `by` is an admin, or the bot by itself.
    """

    knowledge_base: str
    record: str
    question: str
    key: str
    phrasing: str
    voters: tuple[str, ...]
    by: str
    at: float = 0.0
    undone_at: float | None = None
    undone_by: str | None = None

    @property
    def target(self) -> tuple[str, str]:
        """Knowledge base and record id."""
        return self.knowledge_base, self.record

    @property
    def id(self) -> str:
        """The same words for the same record are the same phrasing."""
        return alias_id(self.knowledge_base, self.record, self.key)


def alias_id(knowledge_base: str, record: str, key: str) -> str:
    """Name a phrasing by what it is, briefly enough for a button."""
    return hashlib.blake2b(f"{knowledge_base}\x00{record}\x00{key}".encode(), digest_size=16).hexdigest()


class LearnedAliases:
    """Phrasings learned and undone. Writing raises StoreError: it is never done without being kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, phrasing: StoredAlias) -> bool:
        """Remember a phrasing; False when it is in force already. Raises StoreError."""
        same = learned.c.id == phrasing.id
        values = {column.name: getattr(phrasing, column.name) for column in learned.columns}
        values |= {"at": time.time(), "undone_at": None, "undone_by": None}
        with (
            self._database.reading_first,
            self._database.transaction(Translatable("database.failed.phrasing")) as connection,
        ):
            if connection.execute(select(learned.c.id).where(same, learned.c.undone_at.is_(None))).first():
                return False
            connection.execute(delete(learned).where(same))
            connection.execute(insert(learned).values(**values))
        return True

    def undo(self, id_: str, by: str) -> StoredAlias | None:
        """Take a phrasing out of force and return it; None when it was not in force. Raises StoreError."""
        chosen = update(learned).where(learned.c.id == id_, learned.c.undone_at.is_(None))
        with self._database.transaction(Translatable("database.failed.undone")) as connection:
            if not connection.execute(chosen.values(undone_at=time.time(), undone_by=by)).rowcount:
                return None
        return self.find(id_)

    def find(self, id_: str) -> StoredAlias | None:
        """Return a phrasing, in force or undone."""
        rows = self._database.read("look up a phrasing", select(learned).where(learned.c.id == id_))
        return _phrasing(rows[0]) if rows else None

    def having(self, keys: Collection[str]) -> list[StoredAlias]:
        """Return what was learned or undone for a question in any of these words."""
        rows = self._database.read("look up phrasings", select(learned).where(learned.c.key.in_(keys)))
        return [_phrasing(row) for row in rows or ()]

    def count(self, but: Collection[str] = ()) -> int:
        """Return how many phrasings are in force, `but` those of these knowledge bases."""
        wanted = select(func.count()).where(learned.c.undone_at.is_(None), learned.c.knowledge_base.not_in(but))
        rows = self._database.read("count phrasings", wanted)
        return int(rows[0][0]) if rows else 0

    def newest(self, limit: int, offset: int = 0, but: Collection[str] = ()) -> list[StoredAlias]:
        """Return phrasings in force, newest first, `but` those of these knowledge bases."""
        chosen = select(learned).where(learned.c.undone_at.is_(None), learned.c.knowledge_base.not_in(but))
        wanted = chosen.order_by(learned.c.at.desc(), learned.c.id)
        rows = self._database.read("list phrasings", wanted.limit(limit).offset(offset))
        return [_phrasing(row) for row in rows or ()]

    def aliases(self) -> Mapping[str, Sequence[LearnedAlias]] | None:
        """Return all phrasings in force by knowledge base, for the registry; None when the database fails."""
        columns = (learned.c.knowledge_base, learned.c.record, learned.c.question, learned.c.phrasing)
        wanted = select(*columns).where(learned.c.undone_at.is_(None)).order_by(learned.c.at, learned.c.id)
        rows = self._database.read("list phrasings", wanted)
        if rows is None:
            return None
        aliases: dict[str, list[LearnedAlias]] = {}
        for name, *alias in rows:
            aliases.setdefault(name, []).append(LearnedAlias(*alias))
        return aliases


def _phrasing(row: Row[Any]) -> StoredAlias:
    values = {name: value for name, value in row._asdict().items() if name != "id"}
    return StoredAlias(**values | {"voters": tuple(row.voters)})
