"""`kotae import`: shows what a folder would change in the shared database, asks, and imports it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bot.knowledge_folder import KnowledgeFolder
from bot.samples import from_samples
from bot.settings import Settings, SettingsError
from bot.terminal import told
from handlers.knowledge.importing import Compared, Import, Standing
from handlers.schema import open_database
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable
from indexes.names import name_of
from indexes.records import Source


def run_import(settings: Settings, path: Path | None, say: Callable[[str], None], confirm: Callable[[], bool]) -> bool:
    """Import a folder, by default KNOWLEDGE_DIR, or one file of it; return whether all went well.

    A file that the database has in a later version, or that an admin removed there, is left out unless it is named.
    """
    if not settings.is_shared:
        raise SettingsError(Translatable("import.not_shared"))
    path = path or settings.environment.knowledge_dir
    if not path.exists():
        raise SettingsError(Translatable("import.no_path", path=str(path)))
    folder = path if path.is_dir() else path.parent
    database = open_database(settings.database_url)
    try:
        own = settings.reading(folder)
        importing = Import(database, folder, own.synonyms)
        sources = sources_of(own)
        named = None if path.is_dir() else [each for each in sources if each.path.resolve() == path.resolve()]
        found = importing.compare(sources if named is None else named or [Source(name_of(path), path)])
        for each in [*found, *(importing.absent(found) if named is None else ())]:
            say(told(_compared(each)))
        for sample in from_samples(sources, own.synonyms):
            say(told(sample.message))
        chosen = [each for each in found if each.is_imported or (named is not None and each.data)]
        if not chosen:
            nothing = Translatable("import.nothing") if found else Translatable("import.empty", folder=str(folder))
            say(told(nothing))
            return not any(each.standing is Standing.UNUSABLE for each in found)
        if not confirm():
            say(told(Translatable("import.declined")))
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


def _compared(each: Compared) -> Translatable:
    """Say how a file stands to the one in the database."""
    number = each.version.number if each.version else 0
    values = {"file": each.file, "rows": each.records, "number": number, "why": each.why or "", **each.counts}
    return Translatable(f"import.{each.standing}", **values)


def _put(importing: Import, each: Compared, say: Callable[[str], None]) -> bool:
    try:
        version = importing.put(each)
    except KnowledgeBaseError as error:
        say(told(Translatable("import.failed", file=each.file, why=error.message)))
        return False
    say(told(Translatable("import.done", file=each.file, number=version.number)))
    return True
