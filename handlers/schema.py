"""Every table of the state database: each feature has its own, and only here are they all known."""

from handlers.answers.store import publications
from handlers.entries.store import proposals
from handlers.learning.store import confirmations, learned, misses, voices
from handlers.store import audit, channel_names, channel_settings, claims, installation, knowledge_files, questions
from handlers.store.database import Database, metadata

MODULES = (
    audit,
    channel_names,
    channel_settings,
    claims,
    confirmations,
    installation,
    knowledge_files,
    learned,
    misses,
    proposals,
    publications,
    questions,
    voices,
)
"""The modules with tables. Importing them is what puts their tables into `metadata`."""


def open_database(url: str) -> Database:
    """Open the state database, creating it or bringing its schema up to date if need be; raises JournalError."""
    return Database.open(url, metadata)
