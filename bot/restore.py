"""`kotae restore`: puts a backup in the place of what is there, completely or not at all.

The backup is unpacked and checked in DATA_DIR/restoring. When it is whole, `plan.json` there says so; from then on
every start of the bot, and every other restore, finishes what was begun:

restoring/                      plan.json, and the files as they are to be
replaced-20261129-010203/       what was there, kept for a month
"""

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.archive import CHUNK, About, Archive, ArchiveError
from bot.backup import (
    CONFIG,
    DATABASE,
    ERASURES,
    KNOWLEDGE,
    SETTINGS,
    VERSIONS,
    knowledge_in,
    local_database,
    versions_folder,
)
from bot.settings import Settings
from handlers.privacy.store.erasures import KEEP_SECONDS, Erasures
from handlers.store.backup import copy_file, fresh_copy, put
from handlers.store.damage import damage_of
from handlers.store.database import schemas_of
from handlers.store.file_address import url_of
from handlers.store.knowledge_files import move_paths
from handlers.store.migrations import alone
from handlers.store.recovery import ENDINGS, Recovery, RecoveryNote
from indexes.atomic_file import replace_file, sync_folder, write_file
from indexes.messages import Translatable
from indexes.permissions import make_private, make_private_folder
from indexes.storage.versions import authors, forget_author

log = logging.getLogger(__name__)

STAGED, PLAN, KEPT = "restoring", "plan.json", "kept"
DAY = "%Y-%m-%d %H:%M"
OF_DATABASE = ("", ".seal", ".recovered", ".backup", ".before-upgrade")
"""Files that belong to one content of the database: none may be taken for one of another content."""


@dataclass(frozen=True)
class Plan:
    """What was decided: where to keep what is there; `at` is when the backup was made (seconds since the epoch)."""

    aside: str
    at: float


class Restore:
    """A backup that is to be put in place; the bot must not run."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        """Check the archive, and unpack it beside what is there. Raises ArchiveError, StoreError or OSError."""
        self._settings = settings
        self._file = local_database(settings)
        self._archive = archive
        self._data_dir = settings.environment.data_dir
        self._staged = self._data_dir / STAGED
        finish(settings)
        make_private_folder(self._data_dir)
        shutil.rmtree(self._staged, ignore_errors=True)
        with ExitStack() as begun:
            begun.callback(self.close)
            make_private_folder(self._staged)
            archive.unpack(self._staged)
            self._check_database()
            begun.pop_all()

    def _check_database(self) -> None:
        staged = self._staged / DATABASE
        if not staged.is_file():
            raise ArchiveError(Translatable("restore.no_database"))
        if damage := damage_of(staged):
            raise ArchiveError(Translatable("restore.damaged", why=damage))
        schemas_of(url_of(staged))

    def differences(self) -> Iterator[Translatable]:
        """Say what is replaced, for whoever has to agree."""
        about = self._archive.about
        yield Translatable("restore.backup", day=_day(about.at), version=about.version, schema=about.schema)
        yield Translatable("restore.database", now=_described(self._file), then=_described(self._staged / DATABASE))
        yield from self._knowledge_differences()
        yield from self._config_differences()
        yield from _setting_differences(self._settings, about)
        if time.time() - about.at > KEEP_SECONDS:
            yield Translatable("restore.forgotten", day=_day(time.time() - KEEP_SECONDS))

    def _knowledge_differences(self) -> Iterator[Translatable]:
        folder = self._settings.environment.knowledge_dir
        there = {path.relative_to(folder).as_posix(): path for path in knowledge_in(folder)}
        staged = self._staged / KNOWLEDGE
        coming = {path.relative_to(staged).as_posix(): path for path in knowledge_in(staged)}
        for name in sorted(there.keys() | coming.keys()):
            if name not in there:
                yield Translatable("restore.added", path=str(folder / name))
            elif name not in coming:
                yield Translatable("restore.removed", path=str(folder / name))
            elif there[name].read_bytes() != coming[name].read_bytes():
                yield Translatable("restore.changed", path=str(folder / name))
        yield Translatable("restore.files", folder=str(folder), count=len(coming))

    def _config_differences(self) -> Iterator[Translatable]:
        path, staged = self._settings.config_path, self._staged / CONFIG
        if path.is_file() and not staged.is_file():
            yield Translatable("restore.left", path=str(path))
        elif staged.is_file() and not (path.is_file() and path.read_bytes() == staged.read_bytes()):
            changed = Translatable("restore.changed", path=str(path))
            yield changed if path.is_file() else Translatable("restore.added", path=str(path))

    def apply(self) -> Path:
        """Put the backup in place; return the folder with what was there. Raises OSError or ForgettingError."""
        self._forget()
        self._rename_versions()
        knowledge = Path(self._archive.about.knowledge_dir)
        move_paths(self._staged / DATABASE, knowledge, self._settings.environment.knowledge_dir.resolve())
        plan = Plan(_free_name(self._data_dir), self._archive.about.at)
        replace_file(self._staged / PLAN, json.dumps(asdict(plan)).encode(), 0o600)
        finish(self._settings)
        return self._data_dir / plan.aside

    def close(self) -> None:
        """Delete what was unpacked, unless it is being put in place."""
        if not (self._staged / PLAN).exists():
            shutil.rmtree(self._staged, ignore_errors=True)

    def _forget(self) -> None:
        """Forget in the backup who was forgotten since, here or where it was made."""
        for erasures in (Erasures(self._file), Erasures(self._staged / DATABASE)):
            erasures.apply(self._staged / DATABASE)
            for user in erasures.among(authors(self._staged)):
                forget_author(self._staged, user)

    def _rename_versions(self) -> None:
        """Name the folders of earlier versions after where their files are now."""
        for folder, file in self._archive.about.folders.items():
            was = self._staged / VERSIONS / folder
            if was.is_dir():
                was.rename(was.with_name(versions_folder(folder, self._settings.environment.knowledge_dir / file)))


def _free_name(data_dir: Path) -> str:
    """Return a dated name that nothing has yet."""
    dated = f"replaced-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (dated, *(f"{dated}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not (data_dir / name).exists())


def finish(settings: Settings) -> None:
    """Finish a restore that was begun, if there is one; raises ArchiveError or OSError. The bot must not run."""
    staged = settings.environment.data_dir / STAGED
    try:
        plan = Plan(**json.loads((staged / PLAN).read_bytes()))
    except FileNotFoundError:
        shutil.rmtree(staged, ignore_errors=True)  # of one that was killed before it was decided
        return
    try:
        with alone(file := local_database(settings)):
            _finish(settings, file, staged, plan)
    except OSError as error:
        raise ArchiveError(f"The restore that was begun can't be finished ({error}). Mend that and try again") from None
    log.warning("The backup of %s is in place; what was there is in %s", _day(plan.at), plan.aside)


def _finish(settings: Settings, file: Path, staged: Path, plan: Plan) -> None:
    if not (staged / KEPT).exists():
        _keep(settings, file, settings.environment.data_dir / plan.aside)
        replace_file(staged / KEPT, b"")
    _replace(settings, file, staged, plan)
    (staged / PLAN).unlink()
    shutil.rmtree(staged)


def _keep(settings: Settings, file: Path, aside: Path) -> None:
    """Copy what is there; begun anew, it copies all of it again."""
    shutil.rmtree(aside, ignore_errors=True)
    make_private_folder(aside)
    for ending in (*OF_DATABASE, *ENDINGS[1:]):
        _copy(file.with_name(f"{file.name}{ending}"), aside / f"{file.name}{ending}")
        make_private(aside / f"{file.name}{ending}")
    for name, folder in _folders(settings):
        for path in knowledge_in(folder):
            _copy(path, aside / name / path.relative_to(folder))
    _copy(settings.config_path, aside / CONFIG)


def _folders(settings: Settings) -> tuple[tuple[str, Path], ...]:
    """List the folders that a backup holds, with their names in it."""
    environment = settings.environment
    return (KNOWLEDGE, environment.knowledge_dir), (VERSIONS, environment.data_dir / "versions")


def _copy(source: Path, target: Path) -> None:
    """Copy a file, if it is there, and flush the copy to the disk."""
    if not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as opened:
        pieces = iter(lambda: opened.read(CHUNK), b"")
        write_file(target, lambda put: [put(piece) for piece in pieces])


def _replace(settings: Settings, file: Path, staged: Path, plan: Plan) -> None:
    """Put everything in place; begun anew, it does all of it again."""
    for ending in (*ENDINGS[1:], *OF_DATABASE[1:]):  # a log that is left would be applied to the new file
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
    with fresh_copy(file) as fresh:
        copy_file(staged / DATABASE, fresh)
        put(fresh, file)
    RecoveryNote(file).put(Recovery(time.time(), "", "a backup was restored", plan.at, told=True, confirmed=True))
    erasures = file.with_name(f"{file.name}.erasures")
    if (staged / ERASURES).is_file() and not erasures.exists():
        replace_file(erasures, (staged / ERASURES).read_bytes(), 0o600)
    for name, folder in _folders(settings):
        _mirror(staged / name, folder)
    if (staged / CONFIG).is_file():
        _put(staged / CONFIG, settings.config_path)


def _mirror(source: Path, target: Path) -> None:
    """Make the files of a folder those of another one."""
    wanted = {path.relative_to(source): path for path in knowledge_in(source)}
    for name, path in wanted.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _put(path, target / name)
    for path in list(knowledge_in(target)):
        if path.relative_to(target) not in wanted:
            path.unlink()
            sync_folder(path.parent)


def _put(source: Path, target: Path) -> None:
    """Replace a file unless it is the same; follows a link."""
    data = source.read_bytes()
    if not (target.is_file() and target.read_bytes() == data):
        replace_file(target.resolve(), data)


def _setting_differences(settings: Settings, about: About) -> Iterator[Translatable]:
    """Name the settings of the environment that were others; .env is left alone."""
    now: Mapping[str, object] = {name.upper(): getattr(settings.environment, name) for name in SETTINGS}
    for name, value in about.settings.items():
        here = now.get(name, "")
        if (shown := ",".join(here) if isinstance(here, tuple) else str(here)) != value:
            yield Translatable("restore.setting", name=name, then=value, now=shown)


def _described(file: Path) -> Translatable:
    if not file.is_file():
        return Translatable("restore.none")
    about = file.stat()
    return Translatable("restore.size", size=f"{about.st_size / 1e6:.1f}", day=_day(about.st_mtime))


def _day(at: float) -> str:
    return time.strftime(DAY, time.localtime(at))
