"""Ids are random numbers of 63 bits. SQLite's integers are that long already; those of a server are not."""

from alembic import op
from sqlalchemy import BigInteger

revision = "0005"
down_revision = "0004"

COUNTED = ("questions", "confirmations", "proposals")
"""Tables whose rows were numbered by the database."""
REFERRING = (
    *(("replies", "question"), ("publications", "question"), ("votes", "question"), ("confirmations", "question")),
    *(("reports", "question"), ("closings", "question"), ("proposals", "question"), ("proposal_requests", "proposal")),
)


def upgrade() -> None:
    """Make the columns longer. The numbers that are there stay, and so the buttons that carry them."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in COUNTED:
        op.alter_column(table, "id", type_=BigInteger, server_default=None)
        op.execute(f"DROP SEQUENCE IF EXISTS {table}_id_seq")
    for table, column in REFERRING:
        op.alter_column(table, column, type_=BigInteger)
