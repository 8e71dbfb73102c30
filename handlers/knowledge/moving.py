"""The files of knowledge bases with all their versions, from a folder into a shared database and back."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from handlers.knowledge.store.documents import Document, Documents
from handlers.store.knowledge_files import KnowledgeFile
from indexes.atomic_file import replace_file
from indexes.errors import VersionError
from indexes.names import composed, is_csv, is_workbook, name_of
from indexes.records import Source
from indexes.storage.versions import Version, Versions, count_records

log = logging.getLogger(__name__)

History = Sequence[tuple[Version, bytes]]
"""Versions with their contents, the newest first."""


def into_database(documents: Documents, folder: Path, sources: Iterable[Source], versions: Versions) -> int:
    """Store files of a folder with their versions in the place of those in the database; return how many there were.

    A file that is missing but still answers has the content that it had last. Raises StoreError or OSError.
    """
    count = 0
    for source in sources:
        if found := document_of(source, folder, versions):
            documents.take(*found)
            count += 1
    return count


def document_of(source: Source, folder: Path, versions: Versions) -> tuple[Document, History] | None:
    """Return a file of a folder with its versions; None if nothing of it is there."""
    history = _with_content(source, list(_history(source, versions)))
    if not history:
        return None
    newest = history[0][0]
    return Document(file_of(source.path, folder), newest.digest, newest.at, newest.by), history


def removed_into_database(
    documents: Documents, folder: Path, files: Iterable[KnowledgeFile], versions: Versions
) -> None:
    """Store the versions of files that an admin removed, so that they can be brought back. Raises StoreError."""
    for file in files:
        if found := removed_document(file, folder, versions):
            documents.take(*found)


def removed_document(file: KnowledgeFile, folder: Path, versions: Versions) -> tuple[Document, History] | None:
    """Return a file that an admin removed, with its versions; None if there are none."""
    history = list(_history(Source(file.name, file.path), versions))
    return (Document(file_of(file.path, folder), "", history[0][0].at, file.by), history) if history else None


def into_folder(documents: Documents, folder: Path, versions: Versions, source_of: Callable[[Path], Source]) -> int:
    """Write the files that a database holds into a folder, with their versions; return how many there were.

    Raises OSError or StoreError.
    """
    found = documents.all_or_raise()
    for each in found:
        if each.digest:
            path = folder / each.file
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, documents.content_or_raise(each.file, each.digest))
        history = [(one, documents.content_or_raise(each.file, one.digest)) for one in documents.versions(each.file)]
        versions.put_history(source_of(folder / each.file), history)
    return sum(bool(each.digest) for each in found)


def in_the_way(documents: Documents, folder: Path) -> list[Path]:
    """List the tables of a folder that are others than those in the database, or are not there; raises StoreError."""
    wanted = {each.file: each.digest for each in documents.all_or_raise()}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "~$"))]
    tables = [path for path in files if is_csv(path) or is_workbook(path) or file_of(path, folder) in wanted]
    return [path for path in tables if wanted.get(file_of(path, folder)) != _digest(path.read_bytes())]


def file_of(path: Path, folder: Path) -> str:
    """Return the name under which a database has a file of a folder; raises ValueError for one that is outside."""
    return composed(path.resolve().relative_to(folder.resolve()).as_posix())


def source_at(path: Path, sources: Iterable[Source]) -> Source:
    """Return the knowledge base of a file, named after it unless it is among the `sources`."""
    return next((each for each in sources if each.path.resolve() == path.resolve()), Source(name_of(path), path))


def _history(source: Source, versions: Versions) -> Iterator[tuple[Version, bytes]]:
    for version in versions.of(source):
        try:
            yield version, versions.read(source, version)
        except VersionError as error:
            log.warning("Left out: %s", error)


def _with_content(source: Source, history: History) -> History:
    """Put what is in the file in front, if it is no version yet; unless it can't be used, and what is one could."""
    if not source.path.is_file():
        return history
    data = source.path.read_bytes()
    digest, number = _digest(data), history[0][0].number + 1 if history else 1
    if history and history[0][0].digest == digest:
        return history
    records = count_records(data, source)
    if history and history[0][0].records and not records:
        log.warning("%s can't be used; what was read of it last is taken instead", source.path)
        return history
    fresh = Version(number, time.time(), digest, records, "file")
    return [(fresh, data), *(each for each in history if each[0].digest != digest)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
