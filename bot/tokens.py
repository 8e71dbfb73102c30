"""`kotae token`: makes, lists and revokes the tokens of programs; the bot may be running."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.knowledge_folder import KnowledgeFolder
from bot.settings import Settings
from handlers.knowledge.shared import known_files
from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.knowledge_files import FileState
from handlers.store.tokens import Token, Tokens
from indexes.names import same_name
from indexes.registry import unknown_knowledge_base


def create(settings: Settings, name: str, wanted: Sequence[str] | None, days: int | None) -> tuple[str, Token | None]:
    """Make a token for some knowledge bases, or for all; return it, with what is known of it.

    Raises UnknownKnowledgeBaseError, TokenError or StoreError.
    """
    with _database(settings) as database:
        tokens = Tokens(database)
        plain = tokens.create(name, None if wanted is None else _as_spelt(settings, database, wanted), days)
        return plain, tokens.named(name)


def listed(settings: Settings) -> list[Token]:
    """List the tokens; raises StoreError."""
    with _database(settings) as database:
        return Tokens(database).all()


def revoke(settings: Settings, name: str) -> None:
    """Refuse a token from now on; raises TokenError or StoreError."""
    with _database(settings) as database:
        Tokens(database).revoke(name)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def _as_spelt(settings: Settings, database: Database, wanted: Sequence[str]) -> list[str]:
    """Return names as their knowledge bases have them; raises UnknownKnowledgeBaseError."""
    files = known_files(database, settings.knowledge_dir).all()
    held = [file.name for file in files if file.state is not FileState.REMOVED] if database.is_shared else []
    known = [*held, *(source.name for source in KnowledgeFolder(settings, database).sources())]
    found: dict[str, None] = {}
    for name in wanted:
        spelt = same_name(name, known)
        if spelt is None:
            raise unknown_knowledge_base(name, sorted(set(known)))
        found[spelt] = None
    return list(found)
