"""Checks of this machine: the command names, the knowledge bases, the model, the disk and the database."""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bot.channel_mapping import ChannelMapping
from bot.doctor.finding import Finding
from bot.doctor.server_checks import on_server, replica_findings, server_findings
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
from indexes.encoder import cache_directory, find_model
from indexes.encoder.agreement import Precision
from indexes.encoder.compiled import CompiledModels, DamagedError, verify
from indexes.encoder.compiler import form_of
from indexes.encoder.hub import missing_from
from indexes.encoder.names import local_folder, unavailable
from indexes.encoder.protocol import INT8
from indexes.messages import Translatable
from indexes.records import CheckReport, check_file
from indexes.retrieval.synonyms import check_synonyms

DAY = 24 * 3600
FREE_MEGABYTES = 1000
"""With less, a model of half a gigabyte and its snapshots may not fit."""


def check_places(settings: Settings) -> Iterator[Finding]:
    """Say where files are looked for."""
    folder, environment = Path.cwd(), settings.environment
    found = [name for name in (".env", settings.config_path.name) if (folder / name).is_file()]
    read = f"{' and '.join(found)} read there" if found else f"no .env and no {settings.config_path.name} there"
    places = f"KNOWLEDGE_DIR = {environment.knowledge_dir.absolute()}, DATA_DIR = {environment.data_dir.absolute()}"
    yield Finding("ok", f"Started in {folder}: {read}; {places}")


def check_commands(settings: Settings) -> Iterator[Finding]:
    """Warn of command names that Slack reserves."""
    environment = settings.environment
    names = (environment.search_command, environment.admin_command)
    doubtful = warnings(*names)
    yield from (Finding("note", warning) for warning in doubtful)
    if not doubtful:
        yield Finding("ok", f"Commands: {' and '.join(names)}")


def check_knowledge(settings: Settings) -> Iterator[Finding]:
    """Check the knowledge folder against kotae.toml, and every CSV file."""
    if settings.is_shared and not settings.knowledge_dir.is_dir():
        yield Finding(
            "note",
            "Knowledge bases: in the database; this replica's copy of them is made at its first start. A database that"
            f" never held any takes those of KNOWLEDGE_DIR = {settings.environment.knowledge_dir} then",
        )
        return
    mapping = ChannelMapping(settings)
    try:
        mapping.check()
    except SettingsError as error:
        yield Finding("fail", str(error))
        return
    sources = [each for each in mapping.sources() if not each.edited_at or each.path.exists()]
    if not mapping.sources():
        folder = settings.knowledge_dir.absolute()
        yield Finding("note", f"{folder} holds no CSV file or workbook yet: it-help.csv in it would serve #it-help")
    for source in sources:
        yield _table(source.path, check_file(source.path, source.sheet, source.columns), "record")
    if settings.synonyms.is_file():
        yield _table(settings.synonyms, check_synonyms(settings.synonyms), "synonym")
    yield from (Finding("note", not_read(path)) for path in unread_tables(settings.knowledge_dir))
    yield from (Finding("note", str(each)) for each in from_samples(sources, settings.synonyms))


def _table(path: Path, report: CheckReport, row: str) -> Finding:
    """Say whether a CSV or workbook can be used, and how many of its rows."""
    if not report.usable:
        return Finding("fail", str(report.error))
    rows = _counted(report.records, row)
    if report.problems:
        return Finding("note", f"{path}: {rows}, {_counted(len(report.problems), 'problem')}; see kotae check {path}")
    written = f'sheet "{report.sheet}"' if report.sheet else report.encoding
    return Finding("ok", f"{path}: {rows} ({written})")


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def check_model(settings: Settings) -> Iterator[Finding]:
    """Check that the model is downloaded."""
    if settings.model is None:
        yield Finding("note", "ENCODER_BACKEND = lexical: no model is used")
    elif folder := find_model(settings.model, settings.revision):
        lacks = missing_from(folder) if local_folder(settings.model) else None  # what was downloaded is whole
        unusable = lacks and unavailable(settings.model, lacks, Translatable("mend.files"))
        yield Finding("fail", str(unusable)) if unusable else Finding("ok", f"Model: {settings.model} in {folder}")
    else:
        yield Finding(
            "note",
            f"Model: {settings.model} is not in {cache_directory()}; answers are by words only until"
            f" `kotae model download {settings.model}` has succeeded",
        )
    if settings.model and (models := settings.compiled_models):
        yield _compiled(models, settings.model, settings.revision)
        yield _eight_bits(models, settings.model, settings)
    yield Finding("ok", f"sentence-transformers {version('sentence-transformers')}, torch {version('torch')}")


def _compiled(models: CompiledModels, model: str, revision: str | None) -> Finding:
    """Say whether the model is compiled, and why not."""
    found = models.find(model, revision)
    if found is None:
        return Finding(
            "ok", "Compiled model: none yet; a bot makes it while it runs, and says in /kb status how far it is"
        )
    if found.refused:
        return Finding(
            "note", f"Compiled model: none, sentence-transformers is used; it can't be compiled: {found.refused}"
        )
    try:
        verify(models.folder / found.key, found.checksums)
    except (DamagedError, OSError) as error:
        return Finding("note", f"Compiled model: {models.folder / found.key} is damaged ({error}); it is made again")
    return Finding("ok", f"Compiled model: {models.folder / found.key}, used instead of sentence-transformers")


def _eight_bits(models: CompiledModels, model: str, settings: Settings) -> Finding:
    """Say whether the model runs in 8 bits, and what was measured of them."""
    precision = settings.environment.encoder_precision
    if precision is Precision.FLOAT32:
        return Finding("ok", "8 bits: not used (ENCODER_PRECISION = float32)")
    found = models.find(model, settings.revision, INT8)
    if found and found.refused:
        return Finding("note", f"8 bits: not used: {found.refused}")
    agreement = models.agreement(found) if found else None
    if agreement is None:
        return Finding("ok", "8 bits: not measured yet; a bot does so while it runs and nobody waits")
    refused = precision is Precision.INT8 and not precision.accepts(agreement)
    return Finding("note" if refused else "ok", f"Model: {form_of(agreement, precision)}")


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Check that DATA_DIR is writable and has room for a model."""
    folder = settings.environment.data_dir
    there = _nearest(folder)
    probe = there / f".doctor-{secrets.token_hex(3)}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding(
            "fail", f"DATA_DIR = {folder} can't be written ({error.strerror}); check its owner and permissions"
        )
        return
    free = shutil.disk_usage(there).free // 1_000_000
    if free < FREE_MEGABYTES:
        yield Finding("note", f"DATA_DIR = {folder}: only {free} MB free")
    else:
        yield Finding("ok", f"DATA_DIR = {folder}: writable, {free} MB free")


def check_database(settings: Settings) -> Iterator[Finding]:
    """Check that the state database opens; it is neither created nor upgraded."""
    scheme, _, file = settings.database_url.partition(":///")
    if scheme == "sqlite" and _nearest(Path(file)).is_dir():
        yield Finding("ok", f"State database: {file} is made at the first start")
        return
    try:
        if damage := _damage(settings):
            yield Finding("fail", damage)
            return
        server = examine(settings.database_url)
        due = upgrade_due(settings.database_url)  # a bot of the earlier version may be running on it
        replicas = [] if due else _replicas(settings)
    except StoreError as error:
        yield Finding("fail", str(error))
    else:
        yield from _recovery(settings)
        if server:
            yield from server_findings(settings, server, is_due=due is not None)
        upgrade = f", and is upgraded from schema {due[0]} to {due[1]} at the next start" if due else ""
        yield from replicas
        yield Finding("ok", f"State database: opens{on_server(server)}{upgrade}")


def _replicas(settings: Settings) -> list[Finding]:
    """Open the database, which shows that it can be; raises StoreError."""
    database = open_database(settings.database_url)
    try:
        return list(replica_findings(settings, database))
    finally:
        database.close()


def _damage(settings: Settings) -> str:
    """Say what is damaged in the state database, and what the next start does about it; blank if nothing is."""
    file = file_of(settings.database_url)
    with opening():
        damage = damage_of(file) if file else ""
    if file is None or not damage:
        return ""
    copy = f"goes on with {backup_of(file)}" if backup_of(file).is_file() else "begins with an empty one"
    return f"State database: {file} is damaged ({damage}). The next start sets it aside and {copy}"


def _recovery(settings: Settings) -> Iterator[Finding]:
    """Note that the settings wait for an admin, and which damaged files are kept."""
    file = file_of(settings.database_url)
    if waiting := RecoveryNote(file).waiting:
        yield Finding("note", f"State database: {explain_recovery(asdict(waiting))}")
    if kept := set_aside(file) if file else []:
        names = ", ".join(each.name for each in kept)
        yield Finding("note", f"Set aside since it was damaged: {names}; deleted after {KEEP_SECONDS / DAY:.0f} days")


def existing_database(settings: Settings) -> Database | None:
    """Return the state database; None when there is none, it is not upgraded yet or can't be opened."""
    scheme, _, file = settings.database_url.partition(":///")
    try:
        if (scheme == "sqlite" and not Path(file).is_file()) or upgrade_due(settings.database_url):
            return None
        return open_database(settings.database_url)
    except StoreError:
        return None


def _nearest(path: Path) -> Path:
    """Return the path or its nearest existing parent; a check creates no folders."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
