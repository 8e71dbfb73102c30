"""Replies say which thread they are in. Of earlier ones nobody knows: their threads are not followed."""

from alembic import op
from sqlalchemy import Column, String

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the column, and the index by which a thread is looked up."""
    op.add_column("replies", Column("thread", String(32), nullable=True))
    op.create_index("ix_replies_thread", "replies", ["channel", "thread"])
