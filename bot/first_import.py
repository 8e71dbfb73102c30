"""The first start on a shared database: it takes the knowledge folder, if it never held a knowledge base.

A bot whose state was on a server before the files were has its knowledge there from the first start on, and so has a
new one. After that a folder enters by `kotae import` alone.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from bot.importing import sources_of
from bot.samples import from_samples
from bot.settings import Settings
from handlers.knowledge.importing import begin
from handlers.knowledge.moving import History, document_of, removed_document
from handlers.knowledge.store.documents import Document, Documents, Packed
from handlers.store.database import Database
from handlers.store.knowledge_files import FileState, KnowledgeFiles
from indexes.records import Source
from indexes.storage.versions import Versions

log = logging.getLogger(__name__)

WAIT_SECONDS = 300.0
"""How long a replica waits for another one that imports its folder: large workbooks are read for the first time."""


def import_first(settings: Settings, database: Database) -> None:
    """Put KNOWLEDGE_DIR into a shared database that never held a knowledge base, with its versions.

    Of several replicas one does so, and all files are there at once or none. Raises StoreError or OSError.
    """
    if not settings.is_shared or Documents(database).have_begun() or _has_copies(settings):
        return
    with database.exclusively("first import", WAIT_SECONDS):
        if not Documents(database).have_begun():
            _import(settings, database)


def _has_copies(settings: Settings) -> bool:
    """Tell whether this replica has copies of another database's files: they may be the last ones, and newer."""
    folder, copies = settings.environment.knowledge_dir, settings.knowledge_dir
    return copies.resolve() != folder.resolve() and copies.is_dir() and any(copies.iterdir())


def _import(settings: Settings, database: Database) -> None:
    folder = settings.environment.knowledge_dir
    packed = [Packed.of(document, history) for document, history in _found(settings, database, folder)]
    if count := begin(database, packed):
        log.warning("The database held no knowledge base yet: %d files of %s were imported", count, folder)
        log.info("From now on a folder enters by `kotae import` alone, which shows first what it changes")
        own = settings.reading(folder)
        for each in from_samples(sources_of(own), own.synonyms):
            log.warning("%s", each)


def _found(settings: Settings, database: Database, folder: Path) -> Iterator[tuple[Document, History]]:
    """Yield the folder's files, those that answered although they were missing, and those that an admin removed."""
    versions = Versions(settings.environment.data_dir)
    sources = [each for each in sources_of(settings.reading(folder)) if _is_inside(each, folder)]
    there = {each.path.absolute() for each in sources}
    earlier = [each for each in KnowledgeFiles(database).all() if each.path not in there]
    missing = [each for each in earlier if each.path.is_relative_to(folder.absolute())]
    answering = [Source(each.name, each.path) for each in missing if each.state is not FileState.REMOVED]
    found = [document_of(each, folder, versions) for each in (*sources, *answering)]
    found += [removed_document(each, folder, versions) for each in missing if each.state is FileState.REMOVED]
    yield from filter(None, found)


def _is_inside(source: Source, folder: Path) -> bool:
    is_inside = source.path.resolve().is_relative_to(folder.resolve())
    if not is_inside:
        log.error(
            "%s is outside KNOWLEDGE_DIR and was not imported: move it there, and kotae.toml with it", source.path
        )
    return is_inside
