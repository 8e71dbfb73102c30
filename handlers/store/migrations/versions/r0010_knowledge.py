"""What replicas share of knowledge bases: their files with versions, uploads that wait, and vectors."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables."""
    _documents()
    _uploads()
    _vectors()


def _documents() -> None:
    op.create_table(
        "documents",
        Column("file", Text, primary_key=True),
        Column("digest", String(64), nullable=False),
        Column("at", Float, nullable=False),
        Column("by", String(32), nullable=False),
    )
    op.create_table(
        "document_versions",
        Column("file", Text, primary_key=True),
        Column("digest", String(64), primary_key=True),
        Column("number", Integer, nullable=False),
        Column("at", Float, nullable=False),
        Column("records", Integer, nullable=False),
        Column("origin", String(16), nullable=False),
        Column("by", String(32), nullable=False),
        Column("data", LargeBinary, nullable=False),
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        Column("id", String(16), primary_key=True),
        Column("file", Text, nullable=False),
        Column("user", String(32), nullable=False),
        Column("channel", String(32), nullable=False),
        Column("target", Text, nullable=False),
        Column("is_certain", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        Column("at", Float, nullable=False, index=True),
        Column("columns", JSON, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )


def _vectors() -> None:
    op.create_table(
        "vector_chunks",
        Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
        Column("knowledge_base", Text, nullable=False),
        Column("encoder", String(32), nullable=False),
        Column("at", Float, nullable=False),
        Column("digest", String(32), nullable=False),
        Column("texts", LargeBinary, nullable=False),
        Column("vectors", LargeBinary, nullable=False),
    )
    op.create_index("ix_vector_chunks_of", "vector_chunks", ["knowledge_base", "encoder", "id"])
    op.create_table(
        "vector_encoders",
        Column("id", String(32), primary_key=True),
        Column("stamp", JSON, nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "vector_scales",
        Column("knowledge_base", Text, primary_key=True),
        Column("encoder", String(32), primary_key=True),
        Column("scale", JSON, nullable=False),
    )
