"""What people said of records they were shown: this answers my question, or it does not."""

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
    delete,
    insert,
    select,
)

from handlers.store.database import Database, Id, metadata, new_id
from indexes.text import match_key

KEY_LENGTH = 255
"""Characters by which questions are told apart; what is longer is never learned."""
COUNTED = 500
"""Opinions about one question that are looked at, the newest first."""

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
    """Somebody's word on whether a record answers a question, asked in these words."""

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
        """By what the same question is known, whoever asked it."""
        return match_key(self.phrasing)[:KEY_LENGTH]

    @property
    def target(self) -> tuple[str, str]:
        """Knowledge base and record id."""
        return self.knowledge_base, self.record


class AliasVotes:
    """Opinions; a person has one per reply, the last one counts. None of it raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, opinion: AliasVote) -> None:
        """Remember an opinion in the place of the person's earlier one on this reply."""
        values = asdict(replace(opinion, at=time.time(), id=new_id())) | {"key": opinion.key}
        same = (confirmations.c.question == opinion.question, confirmations.c.user == opinion.user)
        self._database.write(
            "remember what people confirm", delete(confirmations).where(*same), insert(confirmations).values(**values)
        )

    def withdraw(self, question_id: int, user: str) -> None:
        """Forget a person's opinion on a reply."""
        same = (confirmations.c.question == question_id, confirmations.c.user == user)
        self._database.write("forget what people confirm", delete(confirmations).where(*same))

    def about(self, keys: Collection[str]) -> list[AliasVote]:
        """Return the opinions on a question in any of these words, whoever asked it when, newest first."""
        return self._read(confirmations.c.key.in_(keys), limit=COUNTED)

    def by(self, question_id: int, user: str) -> AliasVote | None:
        """Return a person's opinion on a reply."""
        found = self._read(confirmations.c.question == question_id, confirmations.c.user == user, limit=1)
        return found[0] if found else None

    def find(self, id_: int) -> AliasVote | None:
        """Return an opinion that still stands."""
        found = self._read(confirmations.c.id == id_, limit=1)
        return found[0] if found else None

    def recent(self, limit: int = COUNTED) -> list[AliasVote]:
        """Return the newest opinions that agree, newest first."""
        return self._read(confirmations.c.agrees, limit=limit)

    def _read(self, *conditions: Any, limit: int) -> list[AliasVote]:
        newest = select(confirmations).where(*conditions).order_by(confirmations.c.at.desc()).limit(limit)
        return [_opinion(row) for row in self._database.read("look up what people confirmed", newest) or ()]


def _opinion(row: Row[Any]) -> AliasVote:
    return AliasVote(**{name: value for name, value in row._asdict().items() if name != "key"})
