"""Which channel has which name by its id, and which files there were; names of knowledge bases are composed (NFC).

Before, a file that macOS had named decomposed gave its name as it was, and that stands in settings, questions and what
was learned.
"""

import hashlib
import json
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column, Float, String, Text

revision = "0002"
down_revision = "0001"

settings = sa.table("settings", sa.column("channel"), sa.column("key"), sa.column("value"))
questions = sa.table("questions", sa.column("id"), sa.column("hits", sa.JSON))
confirmations = sa.table("confirmations", sa.column("id"), sa.column("knowledge_base"))
proposals = sa.table("proposals", sa.column("id"), sa.column("knowledge_base"))
learned = sa.table("learned", *map(sa.column, ("id", "knowledge_base", "record", "key")))


def upgrade() -> None:
    """Make the tables, then write the names anew where that changes them."""
    op.create_table(
        "channel_names",
        Column("name", String(255), primary_key=True),
        Column("channel", String(32), primary_key=True),
        Column("state", String(16), nullable=False),
        Column("by", String(32), nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "knowledge_files",
        Column("name", String(255), primary_key=True),
        Column("path", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("by", String(32), nullable=False),
        Column("at", Float, nullable=False),
    )
    _compose_settings()
    _compose_questions()
    _compose_columns()
    _compose_learned()


def _compose_settings() -> None:
    same = settings.c.key == "knowledge_bases"
    for channel, value in op.get_bind().execute(sa.select(settings.c.channel, settings.c.value).where(same)).all():
        names = json.loads(value)
        if (fresh := [_composed(name) for name in names]) != names:
            row = (settings.c.channel == channel, same)
            op.get_bind().execute(sa.update(settings).where(*row).values(value=json.dumps(fresh)))


def _compose_questions() -> None:
    """Rows are read in one pass: JSON may hold a name escaped, which no search in SQL finds."""
    changed: list[tuple[int, list[dict[str, Any]]]] = []
    for id_, hits in op.get_bind().execute(sa.select(questions.c.id, questions.c.hits)):
        fresh = [{**hit, "knowledge_base": _composed(hit["knowledge_base"])} for hit in hits]
        if fresh != hits:
            changed.append((id_, fresh))
    for id_, hits in changed:
        op.get_bind().execute(sa.update(questions).where(questions.c.id == id_).values(hits=hits))


def _compose_columns() -> None:
    for table in (confirmations, proposals):
        for name in op.get_bind().execute(sa.select(table.c.knowledge_base).distinct()).scalars().all():
            if _composed(name) != name:
                same = table.c.knowledge_base == name
                op.get_bind().execute(sa.update(table).where(same).values(knowledge_base=_composed(name)))


def _compose_learned() -> None:
    """The id of a phrasing is a digest of what it is about."""
    for id_, name, record, key in op.get_bind().execute(sa.select(*learned.c)).all():
        if (fresh := _composed(name)) != name:
            about = f"{fresh}\x00{record}\x00{key}".encode()
            values = {"id": hashlib.blake2b(about, digest_size=16).hexdigest(), "knowledge_base": fresh}
            op.get_bind().execute(sa.update(learned).where(learned.c.id == id_).values(**values))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
