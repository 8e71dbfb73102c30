"""Messages that are being posted are stored first, without their text, so that a crash doesn't post them twice."""

from alembic import op
from sqlalchemy import Column, Float, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "outbox",
        Column("id", String(32), primary_key=True),
        Column("channel", String(32), nullable=False),
        Column("thread", String(32), nullable=True),
        Column("at", Float, nullable=False, index=True),
        Column("posted_in", String(32), nullable=True),
        Column("ts", String(32), nullable=True),
    )
