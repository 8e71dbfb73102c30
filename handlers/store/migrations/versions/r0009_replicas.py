"""Several processes are one bot: which of them live, and what they tell each other to read again."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, String, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "replicas",
        Column("id", String(64), primary_key=True),
        Column("home", String(64), nullable=False),
        Column("host", String(255), nullable=False),
        Column("started", Float, nullable=False),
        Column("seen", Float, nullable=False),
        Column("doing", Text, nullable=False),
    )
    op.create_table(
        "changes",
        Column("topic", String(255), primary_key=True),
        Column("revision", BigInteger, nullable=False),
    )
