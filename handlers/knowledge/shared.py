"""Where the contents of knowledge bases are: in files alone, or in a database that replicas share."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from handlers.knowledge.mirror import Mirror
from handlers.knowledge.store.documents import Documents
from handlers.knowledge.store.index_server import IndexServer
from handlers.knowledge.store.stored_generations import drop_left, stored_indexes
from handlers.knowledge.store.vectors import VectorChunks
from handlers.knowledge.writing import SharedVersions, SharedWriter
from handlers.store.database import Database
from handlers.store.identity import is_another
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from indexes.names import is_csv, is_workbook, name_of
from indexes.storage.stores import Stores

log = logging.getLogger(__name__)


class Knowledge:
    """The contents of this process: `stores` for maintenance, and `follow` for what other replicas have changed.

    With `index_url`, the indexes are in that database; raises IndexUnavailableError or StoreError.
    """

    def __init__(self, database: Database, folder: Path, data_dir: Path, index_url: str | None = None) -> None:
        self._database = database
        self._data_dir = data_dir
        self._mirror: Mirror | None = None
        self._indexes: IndexServer | None = None
        self.stores = Stores.own(data_dir)
        if database.is_shared:
            documents = Documents(database)
            self._mirror = Mirror(documents, folder)
            writer = partial(SharedWriter, database, self._mirror)
            self.stores = replace(
                self.stores,
                versions=SharedVersions(documents, self._mirror),
                vectors=VectorChunks(database),
                writer=writer,
            )

        if index_url:
            self._indexes = IndexServer.open(index_url)
            self.stores = replace(self.stores, indexes=stored_indexes(self._indexes, database))
            drop_left(self._indexes, database, _removed(database, folder))

    def close(self) -> None:
        """Close the connections to the indexes."""
        if self._indexes:
            self._indexes.close()

    def follow(self) -> Sequence[Path]:
        """Fetch what other replicas have written; return the files that changed or are gone since the last call.

        Nothing is fetched from another database than before, made anew perhaps: the copy may be all that is left.
        Raises OSError.
        """
        if self._mirror is None:
            return ()
        if is_another(self._database, self._data_dir):
            log.error("The database is another one than before; %s goes on answering", self._mirror.folder)
            return ()
        return self._mirror.follow()


class SharedFiles:
    """The knowledge bases' files in a database that replicas share: none is ever missing, but an admin removed it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._documents = Documents(database)
        self._folder = folder

    def all(self) -> Sequence[KnowledgeFile]:
        """List all files by their names; none while the database fails."""
        found = [(self._folder / each.file, each) for each in self._documents.all() or ()]
        return [
            KnowledgeFile(name_of(path), path, FileState.THERE if each.digest else FileState.REMOVED, each.by, each.at)
            for path, each in found
            if is_csv(path) or is_workbook(path)
        ]

    def remember(self, files: Collection[KnowledgeFile]) -> None:
        """Store nothing: which files there are is known."""

    def decide(self, file: KnowledgeFile) -> None:
        """Store nothing: whoever removes a file is stored with it."""


def _removed(database: Database, folder: Path) -> set[str]:
    """Return the names of the knowledge bases that admins removed."""
    files = SharedFiles(database, folder).all()
    return {each.name for each in files if each.state is FileState.REMOVED} - {
        each.name for each in files if each.state is not FileState.REMOVED
    }


def known_files(database: Database, folder: Path) -> KnowledgeFiles | SharedFiles:
    """Return what knows the files of knowledge bases, also those that are gone."""
    return SharedFiles(database, folder) if database.is_shared else KnowledgeFiles(database)
