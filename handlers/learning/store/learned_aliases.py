"""Learned aliases: they are searched like the record's own aliases."""

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Float, Row, String, Table, Text, delete, func, insert, select, update

from handlers.store.changes import announce
from handlers.store.database import Database, metadata
from indexes.messages import Translatable
from indexes.retrieval.learned_aliases import LearnedAlias

TOPIC = "aliases"
"""What is announced when one is learned or undone."""

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
    """An alias that was learned, and who confirmed it.

    `question` is the record's own question at that time; `by` is an admin, or the bot itself.
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
        """The same for the same words and record."""
        return alias_id(self.knowledge_base, self.record, self.key)


def alias_id(knowledge_base: str, record: str, key: str) -> str:
    """Return the id of an alias, which is the same for the same words and record, and fits into a button."""
    return hashlib.blake2b(f"{knowledge_base}\x00{record}\x00{key}".encode(), digest_size=16).hexdigest()


class LearnedAliases:
    """Stores learned aliases, also undone ones. Writing raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, alias: StoredAlias) -> bool:
        """Store an alias; False if it is there already. Raises StoreError."""
        same = learned.c.id == alias.id
        values = {column.name: getattr(alias, column.name) for column in learned.columns}
        values |= {"at": time.time(), "undone_at": None, "undone_by": None}
        with self._database.transaction(Translatable("database.failed.phrasing"), alone="learned") as connection:
            if connection.execute(select(learned.c.id).where(same, learned.c.undone_at.is_(None))).first():
                return False
            connection.execute(delete(learned).where(same))
            connection.execute(insert(learned).values(**values))
            announce(connection, TOPIC)
        return True

    def undo(self, id_: str, by: str) -> StoredAlias | None:
        """Mark an alias as undone and return it; None if it was not in use. Raises StoreError."""
        chosen = update(learned).where(learned.c.id == id_, learned.c.undone_at.is_(None))
        with self._database.transaction(Translatable("database.failed.undone")) as connection:
            if not connection.execute(chosen.values(undone_at=time.time(), undone_by=by)).rowcount:
                return None
            announce(connection, TOPIC)
        return self.find(id_)

    def find(self, id_: str) -> StoredAlias | None:
        """Return an alias by its id, also an undone one."""
        rows = self._database.read("look up a phrasing", select(learned).where(learned.c.id == id_))
        return _alias(rows[0]) if rows else None

    def having(self, keys: Collection[str]) -> list[StoredAlias]:
        """Return aliases with any of these keys, also undone ones."""
        rows = self._database.read("look up phrasings", select(learned).where(learned.c.key.in_(keys)))
        return [_alias(row) for row in rows or ()]

    def count(self, but: Collection[str] = ()) -> int:
        """Count aliases in use, except those of the knowledge bases `but`."""
        wanted = select(func.count()).where(learned.c.undone_at.is_(None), learned.c.knowledge_base.not_in(but))
        rows = self._database.read("count phrasings", wanted)
        return int(rows[0][0]) if rows else 0

    def newest(self, limit: int, offset: int = 0, but: Collection[str] = ()) -> list[StoredAlias]:
        """Return aliases in use, newest first, except those of the knowledge bases `but`."""
        chosen = select(learned).where(learned.c.undone_at.is_(None), learned.c.knowledge_base.not_in(but))
        wanted = chosen.order_by(learned.c.at.desc(), learned.c.id)
        rows = self._database.read("list phrasings", wanted.limit(limit).offset(offset))
        return [_alias(row) for row in rows or ()]

    def aliases(self) -> Mapping[str, Sequence[LearnedAlias]] | None:
        """Return all aliases in use by knowledge base, for the index; None if the database fails."""
        columns = (learned.c.knowledge_base, learned.c.record, learned.c.question, learned.c.phrasing)
        wanted = select(*columns).where(learned.c.undone_at.is_(None)).order_by(learned.c.at, learned.c.id)
        rows = self._database.read("list phrasings", wanted)
        if rows is None:
            return None
        aliases: dict[str, list[LearnedAlias]] = {}
        for name, *alias in rows:
            aliases.setdefault(name, []).append(LearnedAlias(*alias))
        return aliases


def _alias(row: Row[Any]) -> StoredAlias:
    values = {name: value for name, value in row._asdict().items() if name != "id"}
    return StoredAlias(**values | {"voters": tuple(row.voters)})
