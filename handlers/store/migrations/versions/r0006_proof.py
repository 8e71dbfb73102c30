"""Whether votes are a member's, which replies would still be given, and which channels were told that they are proved.

Only the running bot knows where auto-reply is on, since kotae.toml says so too, and only Slack who is a member: of a
database that was in use, the bot keeps auto-reply on where it was, and asks about earlier voters.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Text

revision = "0006"
down_revision = "0005"

IN_USE = ("questions", "settings", "seen", "audit")
"""Tables of which at least one has rows in a database that was in use."""
installation = sa.table("installation", sa.column("key"), sa.column("value"))


def upgrade() -> None:
    """Make the column and the tables, and note that channels are to be kept as they are."""
    op.add_column("votes", Column("member", Boolean, nullable=True))
    op.create_table(
        "rejudged",
        Column("question", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("stamp", String(40), primary_key=True),
        Column("confidence", Float, nullable=True),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "proofs",
        Column("channel", String(32), primary_key=True),
        Column("knowledge_base", Text, primary_key=True),
        Column("proved", Boolean, nullable=False),
    )
    if any(
        op.get_bind().execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)).first() for name in IN_USE
    ):
        op.bulk_insert(installation, [{"key": "keep_auto_reply", "value": "due"}])
