"""What happens once ever gets a place of its own: in `seen` it was forgotten after a week, and happened again."""

from typing import Any

from alembic import op
from sqlalchemy import Column, ColumnElement, Float, String, column, delete, func, insert, literal, or_, select, table

revision = "0004"
down_revision = "0003"

once = table("once", column("key", String), column("at", Float))
seen = table("seen", column("key", String), column("at", Float))
questions = table("questions", column("at"), column("source"), column("channel"), column("user"))


def upgrade() -> None:
    """Move the marks there, and make those that are forgotten already for whoever evidently knows the bot."""
    op.create_table("once", Column("key", String(255), primary_key=True), Column("at", Float, nullable=False))
    marks = or_(seen.c.key.like("introduced:%"), seen.c.key.like("suggested:%"))
    op.execute(insert(once).from_select(["key", "at"], select(seen.c.key, seen.c.at).where(marks)))
    op.execute(delete(seen).where(marks))
    _mark("introduced:", questions.c.channel, ("mention", "auto_reply"))
    _mark("suggested:", questions.c.user, ("dm",))


def _mark(prefix: str, whom: ColumnElement[Any], sources: tuple[str, ...]) -> None:
    """Mark whoever has been answered from these sources."""
    key = literal(prefix, String) + whom
    fresh = (questions.c.source.in_(sources), key.not_in(select(once.c.key)))
    asked = select(key, func.min(questions.c.at)).where(*fresh)
    op.execute(insert(once).from_select(["key", "at"], asked.group_by(whom)))
