"""Proposed entries, what was decided, and the messages in which admins were asked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Column,
    Float,
    Insert,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    and_,
    false,
    insert,
    or_,
    select,
    update,
)

from handlers.store.database import Database, Id, metadata, new_id
from indexes.messages import Translatable

State = Literal["waiting", "writing", "approved", "declined"]

WRITING_SECONDS = 600.0
"""After this long, an approval that was never finished, because the process ended, is taken back."""

proposals = Table(
    "proposals",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("user", String(32), nullable=False),
    Column("knowledge_base", Text, nullable=False),
    Column("cells", JSON, nullable=False),
    Column("question", Id),
    Column("state", String(16), nullable=False, index=True),
    Column("by", String(32), nullable=False),
    Column("decided_at", Float, nullable=False),
    Column("reason", Text, nullable=False),
)
approval_messages = Table(
    "proposal_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("proposal", Id, nullable=False, index=True),
    Column("admin", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("message", String(32), nullable=False),
)


@dataclass(frozen=True)
class Proposal:
    """An entry that somebody proposed: its texts by role, and the question that it answers, if any.

    `by` decided, for the `reason` given; both are blank while it waits.
    """

    user: str
    knowledge_base: str
    cells: Mapping[str, str]
    question: int | None = None
    id: int = 0
    state: State = "waiting"
    by: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has decided yet."""
        return self.state in {"waiting", "writing"}


@dataclass(frozen=True)
class ApprovalMessage:
    """The message in which an admin was asked to decide."""

    admin: str
    channel: str
    message: str


class Proposals:
    """Stores proposals. Changing one raises StoreError: nobody's text may be lost silently."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, proposal: Proposal) -> int:
        """Store a proposal; return its id."""
        with self._database.transaction(Translatable("database.failed.proposal")) as connection:
            done = connection.execute(
                insert(proposals).values(
                    id=new_id(),
                    at=time.time(),
                    user=proposal.user,
                    knowledge_base=proposal.knowledge_base,
                    cells=dict(proposal.cells),
                    question=proposal.question,
                    state="waiting",
                    by="",
                    decided_at=0.0,
                    reason="",
                )
            )
            key: Any = done.inserted_primary_key
            return int(key[0])

    def get(self, proposal_id: int) -> Proposal | None:
        """Return a proposal as it is now."""
        rows = self._database.read("read a proposal", select(proposals).where(proposals.c.id == proposal_id))
        return _proposal(rows[0]) if rows else None

    def waiting(self) -> list[Proposal]:
        """Return undecided proposals, oldest first."""
        return self._list(select(proposals).where(_undecided()).order_by(proposals.c.at))

    def claim(self, proposal_id: int, by: str, *, again: bool = False) -> bool:
        """Return True to exactly one caller, who then calls `approved` or `release`.

        `again` is for repeated work: what the same person claimed in an earlier process, which ended, is theirs.
        """
        mine = and_(proposals.c.state == "writing", proposals.c.by == by) if again else false()
        with self._database.transaction(Translatable("database.failed.undecided")) as connection:
            claimed = connection.execute(
                update(proposals)
                .where(proposals.c.id == proposal_id, or_(_undecided(), mine))
                .values(state="writing", by=by, decided_at=time.time())
            )
            return claimed.rowcount == 1

    def release(self, proposal_id: int) -> None:
        """Let the proposal wait again: the decision could not be carried out."""
        with self._database.transaction(Translatable("database.failed.deciding")) as connection:
            connection.execute(
                update(proposals).where(proposals.c.id == proposal_id).values(state="waiting", by="", decided_at=0.0)
            )

    def approved(self, proposal_id: int) -> None:
        """Store that the claimed entry was written."""
        with self._database.transaction(Translatable("database.failed.decision")) as connection:
            connection.execute(update(proposals).where(proposals.c.id == proposal_id).values(state="approved"))

    def decline(self, proposal_id: int, by: str, reason: str, logged: Insert) -> bool:
        """Decline a proposal and, in the same transaction, log it; False if somebody has decided already."""
        with self._database.transaction(Translatable("database.failed.undecided")) as connection:
            declined = connection.execute(
                update(proposals)
                .where(proposals.c.id == proposal_id, _undecided())
                .values(state="declined", by=by, decided_at=time.time(), reason=reason)
            )
            if declined.rowcount != 1:
                return False
            connection.execute(logged)
            return True

    def ask(self, proposal_id: int, sent: ApprovalMessage) -> None:
        """Store the message in which an admin was asked, so that it can be updated later."""
        values = {"admin": sent.admin, "channel": sent.channel, "message": sent.message}
        self._database.write("remember who was asked", insert(approval_messages).values(proposal=proposal_id, **values))

    def messages(self, proposal_id: int) -> list[ApprovalMessage]:
        """Return the messages in which admins were asked."""
        wanted = select(approval_messages.c.admin, approval_messages.c.channel, approval_messages.c.message).where(
            approval_messages.c.proposal == proposal_id
        )
        wanted = wanted.order_by(approval_messages.c.id)
        return [ApprovalMessage(*row) for row in self._database.read("look up who was asked", wanted) or ()]

    def _list(self, wanted: Select[Any]) -> list[Proposal]:
        return [_proposal(row) for row in self._database.read("read proposals", wanted) or ()]


def _undecided() -> Any:
    given_up = proposals.c.decided_at < time.time() - WRITING_SECONDS
    return or_(proposals.c.state == "waiting", and_(proposals.c.state == "writing", given_up))


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(row.user, row.knowledge_base, row.cells, row.question, row.id, row.state, row.by, row.reason)
