"""The inbox: payloads that were acked and are not done yet, and which claims the work on each of them holds."""

from alembic import op
from sqlalchemy import Column, Float, String, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "inbox",
        Column("key", String(255), primary_key=True),
        Column("instance", String(64), primary_key=True),
        Column("received", Float, nullable=False, index=True),
        Column("user", String(32), nullable=False),
        Column("told", String(255), nullable=False),
        Column("body", Text, nullable=False),
    )
    op.add_column("seen", Column("holder", String(255), nullable=True))
