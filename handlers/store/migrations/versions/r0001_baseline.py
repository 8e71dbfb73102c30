"""The schema before it had versions. Tables that are there already, with what is in them, stay as they are."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, Text, UniqueConstraint

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    _questions()
    _judgements()
    _entries()
    _decisions()


def _questions() -> None:
    op.create_table(
        "seen",
        Column("key", String(255), primary_key=True),
        Column("at", Float, nullable=False),
        if_not_exists=True,
    )
    _index("seen", "at")
    op.create_table(
        "questions",
        Column("id", Integer, primary_key=True),
        Column("at", Float, nullable=False),
        Column("source", String(16), nullable=False),
        Column("channel", String(32), nullable=False),
        Column("user", String(32), nullable=False),
        Column("text", Text, nullable=False),
        Column("hits", JSON, nullable=False),
        Column("confidence", Float, nullable=False),
        Column("threshold", Float, nullable=False),
        Column("answered", Boolean, nullable=False),
        if_not_exists=True,
    )
    _index("questions", "at")
    op.create_table(
        "replies",
        Column("channel", String(32), primary_key=True),
        Column("message", String(32), primary_key=True),
        Column("reply", String(32), nullable=False),
        Column("question", Integer, nullable=False),
        Column("source", String(16), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "publications",
        Column("question", Integer, primary_key=True, autoincrement=False),
        Column("kind", String(16), primary_key=True),
        Column("channel", String(32), nullable=False),
        Column("by", String(32), nullable=False),
        Column("people", Text, nullable=False),
        Column("message", String(32), nullable=False),
        Column("link", Text, nullable=False),
        Column("closed_by", String(32), nullable=False),
        Column("at", Float, nullable=False),
        if_not_exists=True,
    )


def _judgements() -> None:
    op.create_table(
        "votes",
        Column("question", Integer, primary_key=True, autoincrement=False),
        Column("user", String(32), primary_key=True),
        Column("vote", String(16), nullable=False),
        Column("at", Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "confirmations",
        Column("id", Integer, primary_key=True),
        Column("at", Float, nullable=False),
        Column("user", String(32), nullable=False),
        Column("question", Integer, nullable=False),
        Column("key", String(255), nullable=False),
        Column("phrasing", Text, nullable=False),
        Column("knowledge_base", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("agrees", Boolean, nullable=False),
        UniqueConstraint("question", "user"),
        if_not_exists=True,
    )
    _index("confirmations", "key")
    op.create_table(
        "reports",
        Column("question", Integer, primary_key=True, autoincrement=False),
        Column("user", String(32), primary_key=True),
        Column("reason", Text, nullable=False),
        Column("at", Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "closings",
        Column("question", Integer, primary_key=True, autoincrement=False),
        Column("why", String(16), nullable=False),
        Column("by", String(32), nullable=False),
        Column("at", Float, nullable=False),
        Column("until", Float),
        if_not_exists=True,
    )


def _entries() -> None:
    op.create_table(
        "learned",
        Column("id", String(32), primary_key=True),
        Column("at", Float, nullable=False),
        Column("by", String(32), nullable=False),
        Column("knowledge_base", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("question", Text, nullable=False),
        Column("key", String(255), nullable=False),
        Column("phrasing", Text, nullable=False),
        Column("voters", JSON, nullable=False),
        Column("undone_at", Float),
        Column("undone_by", String(32)),
        if_not_exists=True,
    )
    _index("learned", "at")
    _index("learned", "key")
    op.create_table(
        "proposals",
        Column("id", Integer, primary_key=True),
        Column("at", Float, nullable=False),
        Column("user", String(32), nullable=False),
        Column("knowledge_base", Text, nullable=False),
        Column("cells", JSON, nullable=False),
        Column("question", Integer),
        Column("state", String(16), nullable=False),
        Column("by", String(32), nullable=False),
        Column("decided_at", Float, nullable=False),
        Column("reason", Text, nullable=False),
        if_not_exists=True,
    )
    _index("proposals", "state")
    op.create_table(
        "proposal_requests",
        Column("id", Integer, primary_key=True),
        Column("proposal", Integer, nullable=False),
        Column("admin", String(32), nullable=False),
        Column("channel", String(32), nullable=False),
        Column("message", String(32), nullable=False),
        if_not_exists=True,
    )
    _index("proposal_requests", "proposal")


def _decisions() -> None:
    op.create_table(
        "settings",
        Column("channel", String(32), primary_key=True),
        Column("key", String(32), primary_key=True),
        Column("value", Text, nullable=False),
        Column("by", String(32), nullable=False),
        Column("at", Float, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit",
        Column("id", Integer, primary_key=True),
        Column("at", Float, nullable=False),
        Column("user", String(32), nullable=False),
        Column("channel", String(32), nullable=False),
        Column("action", String(64), nullable=False),
        Column("outcome", Text, nullable=False),
        if_not_exists=True,
    )
    _index("audit", "at")


def _index(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column], if_not_exists=True)
