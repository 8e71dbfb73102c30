"""Votes on whether a record answers a question: the question may become an alias of the record."""

import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from handlers.store.database import Database, Id, metadata, new_id
from handlers.store.upsert import put
from indexes.text import match_key

KEY_LENGTH = 255
"""Characters of a key; longer questions never become aliases."""
COUNTED = 500
"""Votes that are read at most, newest first."""

confirmations = Table(
    "confirmations",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("user", String(32), nullable=False),
    Column("question", Id, nullable=False),
    Column("key", String(KEY_LENGTH), nullable=False, index=True),
    Column("phrasing", Text, nullable=False),
    Column("knowledge_base", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("agrees", Boolean, nullable=False),
    UniqueConstraint("question", "user"),
)


@dataclass(frozen=True)
class AliasVote:
    """A vote on whether a record answers a question, asked in these words (`phrasing`)."""

    user: str
    question: int
    phrasing: str
    knowledge_base: str
    record: str
    agrees: bool
    at: float = 0.0
    id: int = 0

    @property
    def key(self) -> str:
        """The same for questions that differ only in spelling, whoever asked them."""
        return match_key(self.phrasing)[:KEY_LENGTH]

    @property
    def target(self) -> tuple[str, str]:
        """Knowledge base and record id."""
        return self.knowledge_base, self.record


class AliasVotes:
    """Stores votes; a person has one per reply, the last one counts. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, vote: AliasVote) -> None:
        """Store a vote instead of the person's earlier one on this reply."""
        values = asdict(replace(vote, at=time.time(), id=new_id())) | {"key": vote.key}
        self._database.write("remember what people confirm", put(confirmations, values, key=("question", "user")))

    def about(self, keys: Collection[str]) -> list[AliasVote]:
        """Return all votes on questions with any of these keys, newest first."""
        return self._read(confirmations.c.key.in_(keys), limit=COUNTED)

    def by(self, question_id: int, user: str) -> AliasVote | None:
        """Return a person's vote on a reply."""
        found = self._read(confirmations.c.question == question_id, confirmations.c.user == user, limit=1)
        return found[0] if found else None

    def find(self, id_: int) -> AliasVote | None:
        """Return a vote by its id; None if it was replaced or deleted."""
        found = self._read(confirmations.c.id == id_, limit=1)
        return found[0] if found else None

    def newest(self, limit: int) -> list[AliasVote]:
        """Return votes, those against too, newest first."""
        return self._read(limit=limit)

    def among(self, ids: Collection[int]) -> list[AliasVote]:
        """Return the votes with these ids that are still there, newest first."""
        return self._read(confirmations.c.id.in_(ids), limit=len(ids))

    def recent(self, limit: int = COUNTED) -> list[AliasVote]:
        """Return votes that agree, newest first."""
        return self._read(confirmations.c.agrees, limit=limit)

    def _read(self, *conditions: Any, limit: int) -> list[AliasVote]:
        newest = select(confirmations).where(*conditions).order_by(confirmations.c.at.desc()).limit(limit)
        return [_vote(row) for row in self._database.read("look up what people confirmed", newest) or ()]


def _vote(row: Row[Any]) -> AliasVote:
    return AliasVote(**{name: value for name, value in row._asdict().items() if name != "key"})
