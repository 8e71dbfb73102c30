"""`kotae import`: shows what a folder would change in the shared database, asks, and imports it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bot.knowledge_folder import KnowledgeFolder
from bot.samples import from_samples
from bot.settings import Settings, SettingsError
from bot.terminal import told
from handlers.knowledge.importing import Compared, Import, Standing
from handlers.schema import open_database
from handlers.texts import ENGLISH
from indexes.errors import KnowledgeBaseError
from indexes.names import name_of
from indexes.records import Source

SAID = {
    Standing.SAME: "the same",
    Standing.ABSENT: "only in the database, where it stays; /kb remove removes it",
}


def run_import(settings: Settings, path: Path | None, say: Callable[[str], None], confirm: Callable[[], bool]) -> bool:
    """Import a folder, by default KNOWLEDGE_DIR, or one file of it; return whether all went well.

    A file that the database has in a later version, or that an admin removed there, is left out unless it is named.
    """
    if not settings.is_shared:
        raise SettingsError(
            "There is nothing to import: unless DATABASE_URL is of PostgreSQL, the bot reads KNOWLEDGE_DIR itself"
        )
    path = path or settings.environment.knowledge_dir
    if not path.exists():
        raise SettingsError(f"{path}: there is no such folder or file")
    folder = path if path.is_dir() else path.parent
    database = open_database(settings.database_url)
    try:
        own = settings.reading(folder)
        importing = Import(database, folder, own.synonyms)
        sources = sources_of(own)
        named = None if path.is_dir() else [each for each in sources if each.path.resolve() == path.resolve()]
        found = importing.compare(sources if named is None else named or [Source(name_of(path), path)])
        _show([*found, *(importing.absent(found) if named is None else ())], say)
        for each in from_samples(sources, own.synonyms):
            say(told(each.message))
        chosen = [each for each in found if each.is_imported or (named is not None and each.data)]
        if not chosen:
            say("Nothing to import" if found else f"{folder}: no CSV file or workbook; nothing is changed")
            return not any(each.standing is Standing.UNUSABLE for each in found)
        if not confirm():
            say("Nothing was imported")
            return False
        done = [_put(importing, each, say) for each in chosen]
    finally:
        database.close()
    return all(done) and not any(each.standing is Standing.UNUSABLE for each in found)


def sources_of(settings: Settings) -> Sequence[Source]:
    """List the files of KNOWLEDGE_DIR, the synonyms among them."""
    synonyms = settings.synonyms
    extra = [Source(synonyms.stem, synonyms)] if synonyms.is_file() else []
    found = [each for each in KnowledgeFolder(settings, None).sources() if each.path.is_file() or not each.edited_at]
    return [*found, *extra]


def _show(found: Sequence[Compared], say: Callable[[str], None]) -> None:
    for each in found:
        say(f"{each.standing:9} {each.file}: {_said(each)}")


def _said(each: Compared) -> str:
    if each.why:
        return f"{ENGLISH.say(each.why)}; left out"
    rows = f"{each.records} rows"
    counts = ", ".join(f"{count} {what}" for what, count in each.counts.items())
    match each.standing:
        case Standing.NEW:
            return rows
        case Standing.CHANGED:
            return f"{counts} ({rows})"
        case Standing.OLDER:
            number = each.version.number if each.version else 0
            return f"it is version {number}, the database has a later one; left out unless it is named ({counts})"
        case Standing.REMOVED:
            return f"an admin removed it; left out unless it is named ({rows})"
        case _:
            return SAID[each.standing]


def _put(importing: Import, each: Compared, say: Callable[[str], None]) -> bool:
    try:
        version = importing.put(each)
    except KnowledgeBaseError as error:
        say(f"{each.file}: not imported: {error}")
        return False
    say(f"{each.file}: imported as version {version.number}")
    return True
