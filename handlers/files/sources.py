"""Which knowledge base a file is for, by its name; what a file would change there."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType

from handlers.files.pending import Pending
from handlers.files.store.uploads import SharedPending
from handlers.knowledge.shared import known_files
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.services import Services
from indexes.names import composed, folded, is_workbook, without_ending
from indexes.records import Source
from indexes.records.editing import ensure_edited_here
from indexes.storage.import_preview import ImportPreview, preview_knowledge_base, preview_synonyms

NAME_LENGTH = 60
"""Characters of a new knowledge base's name: in Japanese 180 bytes, and file systems take 255."""
SYNONYMS = "_synonyms"
_AS_NAMED: Mapping[str, str] = MappingProxyType({})
_COPY = re.compile(r"(?<!\s)\s*[(（]\d{1,3}[)）]$")
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)


def pending_files(services: Services) -> Pending | SharedPending:
    """Return the files that wait for an admin."""
    return SharedPending(services.database) if services.database.is_shared else Pending(services.config.uploads_dir)


def source_of(services: Services, name: str) -> Source:
    """Return the file of a knowledge base, of the synonyms, or where a new knowledge base's file will be."""
    synonyms = services.registry.synonyms_file
    if synonyms and name == synonyms.name:
        return synonyms
    if name in services.registry.sources():
        return services.registry.source(name)
    for file in known_files(services.database, services.config.knowledge_dir).all():
        if file.name == name:  # an admin removed it: it comes back where it was, with its versions
            return Source(name, file.path)
    fresh = new_name(name)
    return Source(fresh, services.config.knowledge_dir / f"{fresh}.csv")


def preview_of(
    services: Services,
    source: Source,
    data: bytes,
    file: str,
    columns: Mapping[str, str] = _AS_NAMED,
    *,
    fetched: bool = False,
) -> ImportPreview:
    """Compare the bytes of a CSV or workbook called `file` with what is there; `columns` are chosen headers by role.

    Raises UnusableFileError; WorkbookError where a workbook is the source; and FetchedFileError for what is fetched
    from elsewhere, unless the bytes were `fetched` there. Of a workbook that is gone, a CSV takes the place.
    """
    if not fetched and (source.edited_at or source.path.exists()):
        ensure_edited_here(source)
    elif is_workbook(source.path):
        source = replace(source, path=source.path.with_suffix(".csv"))
    if source == services.registry.synonyms_file:
        return preview_synonyms(source, data, file)
    loaded = services.registry.loaded.get(source.name)
    learned = LearnedAliases(services.database).aliases() or {}
    records = loaded.knowledge_base.records if loaded else ()
    return preview_knowledge_base(source, data, file, records, learned.get(source.name, ()), columns)


def new_name(file: str) -> str:
    """Make a safe name for a new knowledge base out of a file's: words joined by hyphens, blank if there are none."""
    name = re.sub(r"[^\w]+", "-", _stem(file)).strip("-")
    if name != "_shared":
        name = name.strip("_-")
    return "" if _RESERVED.fullmatch(name) else name[:NAME_LENGTH].rstrip("-")


def known_name(services: Services, file: str) -> str:
    """Return the knowledge base, or the synonyms, that a file's name stands for; blank for none."""
    synonyms = services.registry.synonyms_file
    names = [*services.registry.sources(), *([synonyms.name] if synonyms else [])]
    wanted = folded(_stem(file))
    usual = synonyms.name if synonyms and wanted == SYNONYMS else ""  # kotae.toml may call them something else
    return next((name for name in names if folded(name) == wanted), usual)


def _stem(file: str) -> str:
    """Return a file's name without folders, the ending, and the number that browsers give a second copy."""
    name = PurePosixPath(composed(file).replace("\\", "/")).name
    stem = re.sub(r"\.tsv$", "", name, flags=re.IGNORECASE)
    return _COPY.sub("", without_ending(stem)).strip()
