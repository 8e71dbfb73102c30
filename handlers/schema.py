"""Every table of the state database: each feature has its own, and only here are they all known."""

from handlers.answers.store import publications
from handlers.entries.store import proposals
from handlers.learning.store import alias_votes, judged_replies, learned_aliases, misses, voices
from handlers.store import audit, channel_names, channel_settings, claims, installation, knowledge_files, questions
from handlers.store.database import Database, metadata

MODULES = (
    audit,
    channel_names,
    channel_settings,
    claims,
    alias_votes,
    installation,
    judged_replies,
    knowledge_files,
    learned_aliases,
    misses,
    proposals,
    publications,
    questions,
    voices,
)
"""The modules with tables. Importing them is what puts their tables into `metadata`."""


def open_database(url: str) -> Database:
    """Open the state database, creating it or bringing its schema up to date if need be; raises StoreError."""
    return Database.open(url, metadata)
