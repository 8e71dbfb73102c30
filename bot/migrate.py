"""`kotae migrate`: the state of a stopped bot, from its database to another one, such as a server's."""

import time
from collections.abc import Callable

from bot.lock import only_one
from bot.restore import finish
from bot.settings import Settings, SettingsError
from handlers.schema import open_or_recover
from handlers.store.database import Database, metadata
from handlers.store.moving import Move, Moved
from handlers.store.replicas import DEAD_SECONDS, Replicas


class MigrationError(SettingsError):
    """The state can't be moved."""


def migrate(settings: Settings, target: str, tell: Callable[[Moved], object]) -> float:
    """Move everything to the database with this address; return how many seconds the bot had to be stopped.

    The source is upgraded first. Raises MigrationError, TakenError or StoreError; called again it goes on.
    """
    started = time.monotonic()
    with only_one(settings.environment.data_dir):
        finish(settings)
        if target == settings.database_url:
            raise MigrationError("--to names the database that is in use: see DATABASE_URL")
        _prepare(settings)
        for moved in Move(settings.database_url, target, metadata).run():
            tell(moved)
    return time.monotonic() - started


def _prepare(settings: Settings) -> None:
    """Upgrade the source, and see that nobody works with it and nothing waits for a decision."""
    database = open_or_recover(settings.database_url, settings.environment.data_dir)
    try:
        if database.recovery.waiting:
            raise MigrationError(
                "The state database was damaged, and no admin has confirmed the settings since. Start Kotae, have them"
                " confirmed in Slack, and migrate then"
            )
        if living := _living(database):
            raise MigrationError(f"Kotae is still running on {', '.join(living)}. Stop all replicas first")
    finally:
        database.close()


def _living(database: Database) -> list[str]:
    """Name the machines on which replicas run."""
    found = Replicas(database).all() if database.is_shared else []
    return sorted({each.host for each in found if each.silent < DEAD_SECONDS})
