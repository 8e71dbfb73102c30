"""What votes weigh, by person and record, and the sums; facts about the installation.

The votes that are there already are counted by the running bot, since only Slack knows who is a member.
"""

import secrets
import time

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Boolean, Column, Float, Integer, String, Text

revision = "0003"
down_revision = "0002"

votes = sa.table("votes", sa.column("question"))
installation = sa.table("installation", sa.column("key"), sa.column("value"))


def upgrade() -> None:
    """Make the tables, and the secret by which people are known in them."""
    op.create_table(
        "voices",
        Column("knowledge_base", Text, primary_key=True),
        Column("record", Text, primary_key=True),
        Column("person", String(32), primary_key=True),
        Column("step", Integer, nullable=False),
        Column("right", Boolean, nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "tallies",
        Column("knowledge_base", Text, primary_key=True),
        Column("step", Integer, primary_key=True),
        Column("right", Integer, nullable=False),
        Column("wrong", Integer, nullable=False),
    )
    op.create_table(
        "installation",
        Column("key", String(64), primary_key=True),
        Column("value", Text, nullable=False),
    )
    facts = {"pseudonyms": secrets.token_hex(32)}
    if op.get_bind().execute(sa.select(votes.c.question).limit(1)).first() is None:
        facts["voices_counted"] = str(time.time())
    op.bulk_insert(installation, [{"key": key, "value": value} for key, value in facts.items()])
