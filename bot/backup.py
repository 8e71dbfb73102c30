"""`kotae backup`: what one machine's bot keeps, in one file, while the bot runs.

The database with what was learned, the knowledge folder, its earlier versions and kotae.toml. Left out are secrets,
what is made again (snapshots, the compiled model), and what is of use for minutes (the inbox, uploads that wait).
"""

import os
import tempfile
import time
from collections.abc import Collection, Iterator
from importlib.metadata import version
from pathlib import Path

from bot.archive import About, Archive, ArchiveError, write_archive
from bot.settings import Settings
from handlers.store.backup import copy_database, leave_out_inbox
from handlers.store.damage import damage_of
from handlers.store.database import schemas_of
from handlers.store.file_address import url_of
from handlers.store.knowledge_files import paths_in
from handlers.store.sqlite import file_of
from indexes.atomic_file import sync_folder
from indexes.messages import Translatable
from indexes.records import Source

DATABASE, ERASURES, CONFIG, KNOWLEDGE, VERSIONS = "state.db", "state.db.erasures", "kotae.toml", "knowledge", "versions"
"""Names in the archive."""
SETTINGS = (
    *("search_command", "admin_command", "admin_users", "admin_usergroup", "model_name", "encoder_backend"),
    *("encoder_precision", "index_backend", "log_level", "api_bind", "api_hosts", "api_proxies"),
)
"""Settings of the environment that are told; the others are secrets, or belong to one machine."""
TRIES = 5
"""How often it begins again because somebody changed a file meanwhile."""

Stamp = tuple[int, int, int]


def back_up(settings: Settings, target: Path) -> Archive:
    """Write a backup; raises ArchiveError, StoreError or OSError. The bot may be running."""
    file = local_database(settings)
    if not file.is_file():
        raise ArchiveError(Translatable("backup.no_database", file=str(file)))
    if target.exists():
        raise ArchiveError(Translatable("backup.exists", file=str(target)))
    with tempfile.TemporaryDirectory(prefix=".kotae-", dir=target.absolute().parent) as folder:
        whole = _whole(settings, file, Path(folder))
        with whole.open("rb") as written:
            os.fsync(written.fileno())
        whole.replace(target)
    sync_folder(target.absolute().parent)
    return Archive(target)


def local_database(settings: Settings) -> Path:
    """Return the SQLite file; raises ArchiveError if the state is on a server."""
    file = file_of(settings.database_url)
    if file is None:
        raise ArchiveError(Translatable("backup.server"))
    return file


def _whole(settings: Settings, file: Path, folder: Path) -> Path:
    """Write the archive, and once more if one of its files changed meanwhile."""
    copy, archive = folder / DATABASE, folder / "archive.zip"
    archive.touch(0o600)
    for _ in range(TRIES):
        files = dict(_files(settings, file))
        before = {path: _stamp(path) for path in files.values()}
        copy.unlink(missing_ok=True)
        copy.touch(0o600)
        copy_database(file, copy)
        if damage := damage_of(copy):
            raise ArchiveError(f"{file} is damaged ({damage}): restart Kotae, which goes on with the newest good copy")
        leave_out_inbox(copy)
        write_archive(archive, _about(settings, copy), [(DATABASE, copy), *files.items()])
        if before == {path: _stamp(path) for path in dict(_files(settings, file)).values()}:
            return archive
    raise ArchiveError(f"Files were changed during each of {TRIES} tries; try again later")


def _files(settings: Settings, file: Path) -> Iterator[tuple[str, Path]]:
    """Yield what is beside the database, by its name in the archive."""
    erasures = file.with_name(f"{file.name}.erasures")
    for name, path in ((ERASURES, erasures), (CONFIG, settings.config_path)):
        if path.is_file():
            yield name, path
    for path in knowledge_in(settings.environment.knowledge_dir):
        yield f"{KNOWLEDGE}/{path.relative_to(settings.environment.knowledge_dir).as_posix()}", path
    versions = settings.environment.data_dir / "versions"
    for path in sorted(versions.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield f"{VERSIONS}/{path.relative_to(versions).as_posix()}", path


def knowledge_in(folder: Path) -> Iterator[Path]:
    """List the files of a knowledge folder, without the temporary ones of editors and of Kotae."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts):
            yield path


def outside(settings: Settings) -> list[Path]:
    """List the files that kotae.toml names and that are in no backup, since they are in another folder."""
    folder = settings.environment.knowledge_dir
    named = [folder / section.file for section in settings.config.knowledge_bases.values() if section.file]
    return [path for path in named if not path.resolve().is_relative_to(folder.resolve())]


def _about(settings: Settings, copy: Path) -> About:
    environment = settings.environment
    values = {name: getattr(environment, name) for name in SETTINGS}
    told = {
        name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if value
    }
    schema, _ = schemas_of(url_of(copy))
    knowledge = environment.knowledge_dir.resolve()
    folders = dict(_folders(environment.data_dir / "versions", {*knowledge_in(knowledge), *paths_in(copy)}, knowledge))
    return About(time.time(), version("kotae"), schema, str(knowledge), told, folders)


def _folders(versions: Path, files: Collection[Path], knowledge: Path) -> Iterator[tuple[str, str]]:
    """Yield the folders of earlier versions with the files of the knowledge folder that they belong to."""
    known = {versions_folder("", path).rpartition("-")[2]: path.resolve() for path in files}
    for folder in versions.glob("*"):
        path = known.get(folder.name.rpartition("-")[2])
        if path and path.is_relative_to(knowledge):
            yield folder.name, path.relative_to(knowledge).as_posix()


def versions_folder(folder: str, file: Path) -> str:
    """Name the folder of a file's versions, whose folder had another name where the file was elsewhere."""
    return Source(folder.rpartition("-")[0], file).folder


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino
