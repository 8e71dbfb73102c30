"""`kotae migrate`: the state of a stopped bot, from its database to another one, such as a server's."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge_folder import KnowledgeFolder
from bot.lock import only_one
from bot.restore import finish
from bot.settings import Settings, SettingsError, WrongValueError, check_address
from handlers.knowledge.moving import file_of, in_the_way, into_database, into_folder, removed_into_database, source_at
from handlers.knowledge.store import documents
from handlers.knowledge.store.documents import Documents
from handlers.schema import open_database, open_or_recover
from handlers.store.database import Database, metadata
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.store.moving import Move, Moved
from handlers.store.replicas import DEAD_SECONDS, Replicas
from indexes.messages import Translatable
from indexes.names import name_of
from indexes.records import Source
from indexes.storage.versions import Versions

OF_FILES = (documents.documents.name, documents.versions.name)
"""Tables that hold what is in files where no database is shared."""


class MigrationError(SettingsError):
    """The state can't be moved."""


@dataclass(frozen=True)
class Migration:
    """How long the bot had to be stopped, and how many files of knowledge bases went along."""

    seconds: float
    files: int


def migrate(settings: Settings, target: str, tell: Callable[[Moved], object]) -> Migration:
    """Move everything to the database with this address, and the knowledge bases to where they belong with it.

    The source is upgraded first. Raises MigrationError, TakenError, StoreError or OSError; called again it goes on.
    """
    try:
        check_address(target)
    except WrongValueError as error:
        raise MigrationError(Translatable("wrong.option", option="--to", mend=error.message)) from None
    started = time.monotonic()
    with only_one(settings.environment.data_dir):
        finish(settings)
        if target == settings.database_url:
            raise MigrationError(Translatable("migrate.same"))
        folder_counts = settings.is_shared != target.startswith("postgresql")
        _prepare(settings, folder_counts=folder_counts)
        move = Move(settings.database_url, target, metadata, OF_FILES if folder_counts else ())
        for moved in move.run():
            tell(moved)
        files = _move_files(settings, target) if folder_counts else 0
        move.finish()
    return Migration(time.monotonic() - started, files)


def _prepare(settings: Settings, *, folder_counts: bool) -> None:
    """Upgrade the source, and see that nobody uses it, nothing waits for a decision, and no file is in the way."""
    database = open_or_recover(settings.database_url, settings.environment.data_dir)
    try:
        if database.recovery.waiting:
            raise MigrationError(Translatable("migrate.damaged"))
        if living := _living(database):
            raise MigrationError(Translatable("migrate.running", hosts=tuple(living)))
        if folder_counts:
            _check_folder(settings, database)
    finally:
        database.close()


def _living(database: Database) -> list[str]:
    """Name the machines on which replicas run."""
    found = Replicas(database).all() if database.is_shared else []
    return sorted({each.host for each in found if each.silent < DEAD_SECONDS})


def _check_folder(settings: Settings, database: Database) -> None:
    folder = settings.environment.knowledge_dir
    if settings.is_shared:
        if others := in_the_way(Documents(database), folder):
            raise MigrationError(Translatable("migrate.in_the_way", file=str(others[0])))
        return
    for source in _sources(settings, database):
        try:
            file_of(source.path, folder)
        except ValueError:
            raise MigrationError(Translatable("migrate.outside", file=str(source.path))) from None


def _sources(settings: Settings, database: Database | None) -> list[Source]:
    """List the knowledge bases of the folder, and the synonyms."""
    synonyms = settings.synonyms
    extra = [Source(synonyms.stem, synonyms)] if synonyms.is_file() else []
    return [*KnowledgeFolder(settings, database).sources(), *extra]


def _move_files(settings: Settings, target: str) -> int:
    """Bring the files to where they belong with the target; return how many there are."""
    source, goal = open_database(settings.database_url), open_database(target)
    try:
        move = _into_folder if settings.is_shared else _into_database
        return move(settings, source, goal)
    finally:
        source.close()
        goal.close()


def _into_database(settings: Settings, source: Database, goal: Database) -> int:
    folder, versions = settings.environment.knowledge_dir, Versions(settings.environment.data_dir)
    removed = [
        file
        for file in KnowledgeFiles(source).all()
        if file.state is FileState.REMOVED and file.path.is_relative_to(folder.absolute()) and not file.path.is_file()
    ]
    removed_into_database(Documents(goal), folder, removed, versions)
    return into_database(Documents(goal), folder, _sources(settings, source), versions)


def _into_folder(settings: Settings, source: Database, goal: Database) -> int:
    folder = settings.environment.knowledge_dir
    own = settings.reading(folder)

    def source_of(path: Path) -> Source:
        return source_at(path, _sources(own, None))

    count = into_folder(Documents(source), folder, Versions(settings.environment.data_dir), source_of)
    found = Documents(source).all_or_raise()
    paths = {each: (folder / each.file).absolute() for each in found}
    states = {each: FileState.THERE if each.digest else FileState.REMOVED for each in found}
    KnowledgeFiles(goal).remember(
        [KnowledgeFile(name_of(paths[each]), paths[each], states[each], each.by) for each in found]
    )
    return count
