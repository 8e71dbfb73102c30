"""Who was asked to check entries in which week, and who said that an entry isn't theirs."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, String

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "review_requests",
        Column("user", String(32), primary_key=True),
        Column("week", String(10), nullable=False),
        Column("at", Float, nullable=False, index=True),
        Column("sent", Boolean, nullable=False),
    )
    op.create_table(
        "review_refusals",
        Column("entry", String(32), primary_key=True),
        Column("user", String(32), primary_key=True),
        Column("at", Float, nullable=False, index=True),
    )
