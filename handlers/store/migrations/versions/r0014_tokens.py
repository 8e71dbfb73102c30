"""Tokens of programs that ask over HTTP or MCP, as digests."""

from alembic import op
from sqlalchemy import JSON, Column, Float, String

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tokens",
        Column("name", String(32), primary_key=True),
        Column("id", String(16), nullable=False),
        Column("digest", String(64), nullable=False),
        Column("knowledge_bases", JSON, nullable=True),
        Column("created", Float, nullable=False),
        Column("expires", Float, nullable=True),
    )
