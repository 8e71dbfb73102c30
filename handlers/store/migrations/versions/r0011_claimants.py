"""Claims say which replica holds them, and how much people ask is counted for all replicas together."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, String

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the column and the table."""
    op.add_column("seen", Column("replica", String(64), nullable=True))
    op.create_table(
        "buckets",
        Column("person", String(32), primary_key=True),
        Column("tokens", Float, nullable=False),
        Column("at", Float, nullable=False, index=True),
        Column("told", Boolean, nullable=False),
    )
