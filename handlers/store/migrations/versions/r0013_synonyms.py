"""Proposed synonyms, made anew from votes, and the digests of those that admins dismissed."""

from alembic import op
from sqlalchemy import JSON, Column, Float, Integer, String, Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "synonym_proposals",
        Column("id", String(32), primary_key=True),
        Column("place", Integer, nullable=False),
        Column("said", JSON, nullable=False),
        Column("known", Text, nullable=False),
        Column("votes", JSON, nullable=False),
        Column("improved", Integer, nullable=False),
    )
    op.create_table(
        "synonym_dismissals",
        Column("id", String(32), primary_key=True),
        Column("by", String(32), nullable=False),
        Column("at", Float, nullable=False),
    )
