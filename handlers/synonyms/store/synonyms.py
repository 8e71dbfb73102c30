"""Synonyms that are proposed to admins, and those they dismissed.

A proposal names the votes that speak for it, not their words: those are read when it is shown, and end by themselves.
Of a dismissed one only a digest is kept.
"""

import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Connection, Float, Integer, String, Table, Text, delete, insert, select, update

from handlers.store.database import Database, metadata
from handlers.store.upsert import put
from indexes.messages import Translatable
from indexes.synonym_mining.mining import Proposal

KEEP_DISMISSED_SECONDS = 365 * 24 * 3600.0
"""How long a dismissed synonym is remembered after it was last found."""

proposed = Table(
    "synonym_proposals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("said", JSON, nullable=False),
    Column("known", Text, nullable=False),
    Column("votes", JSON, nullable=False),
    Column("improved", Integer, nullable=False),
)
dismissed = Table(
    "synonym_dismissals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)


@dataclass(frozen=True)
class ProposedSynonym:
    """People say `said`, in all these forms, where the knowledge says `known`; `votes` are ids of votes on aliases."""

    id: str
    said: tuple[str, ...]
    known: str
    votes: frozenset[int]
    improved: int


def synonym_id(key: str) -> str:
    """Return the id of a proposal by its key, which fits into a button and tells nobody its words."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Synonyms:
    """Stores proposals, which replace the earlier ones, and dismissals. Only `dismiss` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def propose(self, found: Sequence[Proposal]) -> set[str]:
        """Store what is proposed now, but for what was dismissed; return the ids of those that were not before."""

        def work(connection: Connection) -> set[str]:
            ids = [synonym_id(each.key) for each in found]
            gone = _dismissed(connection, ids)
            before = set(connection.execute(select(proposed.c.id)).scalars())
            kept = {id_: each for id_, each in zip(ids, found, strict=True) if id_ not in gone}
            connection.execute(delete(proposed))
            if kept:
                connection.execute(insert(proposed), [_row(id_, n, each) for n, (id_, each) in enumerate(kept.items())])
            return set(kept) - before

        return self._database.change("propose synonyms", work, alone="synonyms") or set()

    def all(self) -> list[ProposedSynonym]:
        """List the proposals, the best supported first."""
        rows = self._database.read("list proposed synonyms", select(proposed).order_by(proposed.c.place))
        return [_proposal(row) for row in rows or ()]

    def find(self, id_: str) -> ProposedSynonym | None:
        """Return a proposal; None if it was decided on, or is not proposed any more."""
        rows = self._database.read("look up a proposed synonym", select(proposed).where(proposed.c.id == id_))
        return _proposal(rows[0]) if rows else None

    def remove(self, id_: str) -> None:
        """Delete a proposal that was accepted."""
        self._database.write("remove a proposed synonym", delete(proposed).where(proposed.c.id == id_))

    def dismiss(self, id_: str, by: str) -> None:
        """Propose a pair never again; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.choice")) as connection:
            connection.execute(put(dismissed, {"id": id_, "by": by, "at": time.time()}))
            connection.execute(delete(proposed).where(proposed.c.id == id_))


def purge(database: Database, before: float) -> None:
    """Forget dismissals of pairs that were last found before a time, in seconds since the epoch."""
    database.write("forget dismissed synonyms", delete(dismissed).where(dismissed.c.at < before))


def _dismissed(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return which of these were dismissed, and remember that they were found again."""
    same = dismissed.c.id.in_(ids)
    gone = set(connection.execute(select(dismissed.c.id).where(same)).scalars())
    connection.execute(update(dismissed).where(same).values(at=time.time()))
    return gone


def _row(id_: str, place: int, found: Proposal) -> dict[str, Any]:
    words = {"said": list(found.said), "known": found.known}
    return {"id": id_, "place": place, **words, "votes": list(found.questions), "improved": found.improved}


def _proposal(row: Any) -> ProposedSynonym:
    return ProposedSynonym(row.id, tuple(row.said), row.known, frozenset(row.votes), row.improved)
