"""Checks of this machine: the command names, the knowledge bases, the model, the disk and the database."""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bot.channel_mapping import ChannelMapping
from bot.doctor.finding import Finding, said_by
from bot.doctor.server_checks import opens, replica_findings, server_findings
from bot.knowledge_folder import not_read, unread_tables
from bot.manifest import warnings
from bot.samples import from_samples
from bot.settings import Settings, SettingsError
from bot.status import explain_recovery
from handlers.schema import open_database
from handlers.store.backup import backup_of
from handlers.store.damage import damage_of
from handlers.store.database import Database, examine, opening, upgrade_due
from handlers.store.errors import StoreError
from handlers.store.recovery import KEEP_SECONDS, RecoveryNote, set_aside
from handlers.store.sqlite import file_of
from indexes.atomic_file import is_missing
from indexes.encoder import cache_directory, find_model
from indexes.encoder.agreement import Precision
from indexes.encoder.compiled import CompiledModels, DamagedError, verify
from indexes.encoder.compiler import form_of
from indexes.encoder.hub import missing_from
from indexes.encoder.names import local_folder, unavailable
from indexes.encoder.protocol import INT8
from indexes.messages import Translatable, Value, reason
from indexes.records import CheckReport, check_file
from indexes.retrieval.synonyms import check_synonyms

DAY = 24 * 3600
FREE_MEGABYTES = 1000
"""With less, a model of half a gigabyte and its snapshots may not fit."""


def check_places(settings: Settings) -> Iterator[Finding]:
    """Say where files are looked for."""
    folder, environment = Path.cwd(), settings.environment
    knowledge, data = str(environment.knowledge_dir.absolute()), str(environment.data_dir.absolute())
    found = _found(folder, settings.config_path.name)
    yield Finding("ok", Translatable("doctor.started", folder=str(folder), found=found, knowledge=knowledge, data=data))


def _found(folder: Path, config: str) -> Translatable:
    """Say which of the two files were read."""
    there = [name for name in (".env", config) if (folder / name).is_file()]
    if len(there) == 1:
        return Translatable("doctor.read_one", file=there[0])
    return Translatable("doctor.read_both", config=config) if there else Translatable("doctor.read_none", config=config)


def check_commands(settings: Settings) -> Iterator[Finding]:
    """Warn of command names that Slack reserves."""
    environment = settings.environment
    search, admin = environment.search_command, environment.admin_command
    doubtful = warnings(search, admin)
    yield from (Finding("note", warning) for warning in doubtful)
    if not doubtful:
        yield Finding("ok", Translatable("doctor.commands", search=search, admin=admin))


def check_knowledge(settings: Settings) -> Iterator[Finding]:
    """Check the knowledge folder against kotae.toml, and every CSV file."""
    if settings.is_shared and not settings.knowledge_dir.is_dir():
        folder = str(settings.environment.knowledge_dir)
        yield Finding("note", Translatable("doctor.shared_later", folder=folder))
        return
    mapping = ChannelMapping(settings)
    try:
        mapping.check()
    except SettingsError as error:
        yield Finding("fail", said_by(error))
        return
    sources = [each for each in mapping.sources() if not each.edited_at or each.path.exists()]
    if not mapping.sources():
        yield Finding("note", Translatable("doctor.no_table", folder=str(settings.knowledge_dir.absolute())))
    for source in sources:
        yield _table(source.path, check_file(source.path, source.sheet, source.columns), "record")
    if settings.synonyms.is_file():
        yield _table(settings.synonyms, check_synonyms(settings.synonyms), "synonym")
    yield from (Finding("note", not_read(path)) for path in unread_tables(settings.knowledge_dir))
    yield from (Finding("note", each.message) for each in from_samples(sources, settings.synonyms))


def _table(path: Path, report: CheckReport, row: Literal["record", "synonym"]) -> Finding:
    """Say whether a CSV or workbook can be used, and how many of its rows."""
    if report.error:
        return Finding("fail", report.error)
    rows = _counted(report.records, row)
    if found := len(report.problems):
        problems = _counted(found, "problem")
        return Finding("note", Translatable("doctor.table_problems", path=str(path), rows=rows, problems=problems))
    written = Translatable("doctor.sheet", sheet=report.sheet) if report.sheet else report.encoding
    return Finding("ok", Translatable("doctor.table", path=str(path), rows=rows, written=written))


def _counted(count: int, thing: Literal["record", "synonym", "problem"]) -> Translatable:
    return Translatable(f"doctor.one.{thing}") if count == 1 else Translatable(f"doctor.more.{thing}s", count=count)


def check_model(settings: Settings) -> Iterator[Finding]:
    """Check that the model is downloaded."""
    if settings.model is None:
        yield Finding("note", Translatable("doctor.lexical"))
    elif folder := find_model(settings.model, settings.revision):
        lacks = missing_from(folder) if local_folder(settings.model) else None  # what was downloaded is whole
        unusable = lacks and unavailable(settings.model, lacks, Translatable("mend.files"))
        there = Translatable("doctor.model", model=settings.model, folder=str(folder))
        yield Finding("fail", unusable.message) if unusable else Finding("ok", there)
    else:
        cache = str(cache_directory())
        yield Finding("note", Translatable("doctor.no_model", model=settings.model, folder=cache))
    if settings.model and (models := settings.compiled_models):
        yield _compiled(models, settings.model, settings.revision)
        yield _eight_bits(models, settings.model, settings)
    packages = {name: version(name.replace("_", "-")) for name in ("sentence_transformers", "torch")}
    yield Finding("ok", Translatable("doctor.packages", **packages))


def _compiled(models: CompiledModels, model: str, revision: str | None) -> Finding:
    """Say whether the model is compiled, and why not."""
    found = models.find(model, revision)
    if found is None:
        return Finding("ok", Translatable("doctor.not_compiled"))
    if found.refused:
        return Finding("note", Translatable("doctor.never_compiled", why=found.refused))
    folder = str(models.folder / found.key)
    try:
        verify(models.folder / found.key, found.checksums)
    except (DamagedError, OSError) as error:
        return Finding("note", Translatable("doctor.compiled_damaged", folder=folder, why=str(error)))
    return Finding("ok", Translatable("doctor.compiled", folder=folder))


def _eight_bits(models: CompiledModels, model: str, settings: Settings) -> Finding:
    """Say whether the model runs in 8 bits, and what was measured of them."""
    precision = settings.environment.encoder_precision
    if precision is Precision.FLOAT32:
        return Finding("ok", Translatable("doctor.float"))
    found = models.find(model, settings.revision, INT8)
    if found and found.refused:
        return Finding("note", Translatable("doctor.no_eight_bits", why=found.refused))
    agreement = models.agreement(found) if found else None
    if agreement is None:
        return Finding("ok", Translatable("doctor.eight_bits_later"))
    refused = precision is Precision.INT8 and not precision.accepts(agreement)
    return Finding("note" if refused else "ok", Translatable("doctor.model_runs", form=form_of(agreement, precision)))


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Check that DATA_DIR is writable and has room for a model."""
    folder = str(settings.environment.data_dir)
    there = _nearest(settings.environment.data_dir)
    if why := _not_writable(there):
        yield Finding("fail", Translatable("doctor.not_writable", folder=folder, why=why))
        return
    free = shutil.disk_usage(there).free // 1_000_000
    if free < FREE_MEGABYTES:
        yield Finding("note", Translatable("doctor.little_room", folder=folder, free=free))
    else:
        yield Finding("ok", Translatable("doctor.room", folder=folder, free=free))


def _not_writable(folder: Path) -> Value:
    """Return why no file can be made in a folder; blank if one can."""
    probe = folder / f".doctor-{secrets.token_hex(3)}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return reason(error)
    return ""


def check_database(settings: Settings) -> Iterator[Finding]:
    """Check that the state database opens; it is neither created nor upgraded."""
    try:
        file = state_file(settings)
        if file and not file.is_file():
            yield _to_be_made(file)
            return
        if file and (damage := _damage(file)):
            yield Finding("fail", damage)
            return
        server = examine(settings.database_url)
        due = upgrade_due(settings.database_url)  # a bot of the earlier version may be running on it
        replicas = [] if due else _replicas(settings)
    except StoreError as error:
        yield Finding("fail", error.message)
    else:
        yield from _recovery(file)
        if server:
            yield from server_findings(settings, server, is_due=due is not None)
        yield from replicas
        yield Finding("ok", opens(server, due))


def state_file(settings: Settings) -> Path | None:
    """Return the SQLite file; None for a server. Raises StoreError for an address that is of neither."""
    with opening():
        file = file_of(settings.database_url)
    if file is None and examine(settings.database_url) is None:
        raise StoreError("database.in_memory")
    return file


def _to_be_made(file: Path) -> Finding:
    """Say whether the SQLite file can be made at the first start."""
    folder = _nearest(file.parent)
    if file.is_dir():
        return Finding("fail", Translatable("doctor.database_folder", file=str(file)))
    if why := _not_writable(folder):
        return Finding("fail", Translatable("doctor.database_place", file=str(file), folder=str(folder), why=why))
    return Finding("ok", Translatable("doctor.database_later", file=str(file)))


def _replicas(settings: Settings) -> list[Finding]:
    """Open the database, which shows that it can be; raises StoreError."""
    database = open_database(settings.database_url)
    try:
        return list(replica_findings(settings, database))
    finally:
        database.close()


def _damage(file: Path) -> Translatable | None:
    """Say what is damaged in the state database, and what the next start does about it; None if nothing is."""
    with opening():
        damage = damage_of(file)
    if not damage:
        return None
    if backup_of(file).is_file():
        return Translatable("doctor.database_damaged", file=str(file), why=damage, copy=str(backup_of(file)))
    return Translatable("doctor.database_lost", file=str(file), why=damage)


def _recovery(file: Path | None) -> Iterator[Finding]:
    """Note that the settings wait for an admin, and which damaged files are kept."""
    if waiting := RecoveryNote(file).waiting:
        yield Finding("note", Translatable("doctor.database", said=explain_recovery(asdict(waiting))))
    if kept := set_aside(file) if file else []:
        names = tuple(each.name for each in kept)
        yield Finding("note", Translatable("doctor.set_aside", files=names, days=round(KEEP_SECONDS / DAY)))


def existing_database(settings: Settings) -> Database | None:
    """Return the state database; None when there is none, it is not upgraded yet or can't be opened."""
    try:
        file = state_file(settings)
        if (file and not file.is_file()) or upgrade_due(settings.database_url):
            return None
        return open_database(settings.database_url)
    except StoreError:
        return None


def _nearest(path: Path) -> Path:
    """Return the path or its nearest existing parent; a check creates no folders."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if not is_missing(place))
