"""The knowledge folder: its CSV files by name, and the files that disappeared without an admin's decision."""

import difflib
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bot.samples import sample_files
from bot.settings import Settings, SettingsError
from bot.texts import ENGLISH
from handlers.channel_rules import AutoReply
from handlers.knowledge.shared import known_files
from handlers.store.database import Database
from handlers.store.knowledge_files import FileState, KnowledgeFile
from indexes.messages import Translatable
from indexes.names import ENDING, WORKBOOKS, composed, folded, is_csv, is_workbook, name_of, same_name
from indexes.records import Source
from indexes.storage.index_store import snapshot_folder

log = logging.getLogger(__name__)

NAMED = 5
"""Knowledge bases that an error names."""
MOVED = Translatable("folder.moved")
_IN_NO_NAME = frozenset('/\\:*?"<>|\0')
"""Characters that a file's name can't have everywhere."""
_UNREAD = (".tsv", ".tab", ".xlsb", ".numbers", ".gsheet")
"""Endings of tables that only mean something once the table is saved as another file."""
MOST_NAMED = 100
_EXPECTED = {FileState.THERE, FileState.GONE, FileState.ASKED, FileState.LOST, FileState.REPORTED}


class KnowledgeFolder:
    """Lists the sources and checks them against kotae.toml. They are stored in `database`, if there is one."""

    def __init__(self, settings: Settings, database: Database | None) -> None:
        self._settings = settings
        self._database = database
        self._files: Mapping[str, KnowledgeFile] = {}
        self._recall()
        self._twins: set[str] = set()
        self._unread: set[Path] = set()

    def sources(self) -> list[Source]:
        """List the CSV files and workbooks by name: the folder's, those that kotae.toml names, then the missing ones.

        A file that disappeared without an admin's decision keeps answering from its snapshot, after a restart too: an
        accident is more likely than an intention. Remove is a button.
        """
        found = self._found()
        gone = {name: file.path for name, file in self._files.items() if name not in found and self._is_missed(file)}
        return [self._source(name, path) for name, path in (found | gone).items()]

    def _source(self, name: str, path: Path) -> Source:
        sections = self._settings.config.knowledge_bases
        known = same_name(name, sections)
        if known is None:
            return Source(name, path)
        section = sections[known]
        return Source(
            name,
            path,
            section.sheet,
            section.columns.by_role,
            section.review_after,
            self._settings.edited_at(section),
        )

    def _found(self) -> dict[str, Path]:
        folder = self._settings.knowledge_dir
        found: dict[str, Path] = {}
        remembered = {folded(name): name for name in self._files}  # in other letters it is the same knowledge base
        for path in self._tables():
            name = name_of(path)
            if (known := same_name(name, found)) is None:
                found[remembered.get(folded(name), name)] = path
            else:
                self._refuse_twin(found[known], path)
        for name, section in self._settings.config.knowledge_bases.items():
            known = same_name(name, found) or remembered.get(folded(name), composed(name))
            if section.file:
                found[known] = folder / section.file
            elif section.is_fetched and not (known in found and is_csv(found[known])):
                found[known] = folder / f"{known}{ENDING}"
        return found

    def _tables(self) -> list[Path]:
        """List the folder's CSV files and workbooks; of two with the same name, the one that is served comes first."""
        found = self._settings.knowledge_dir.glob("*")
        paths = [path for path in found if (is_csv(path) or is_workbook(path)) and self._is_knowledge(path)]
        served = {file.path for file in self._files.values()}
        return sorted(
            paths, key=lambda path: (path.absolute() not in served, not self._was_served(path), *_usual(path))
        )

    def _was_served(self, path: Path) -> bool:
        """Tell whether this version or an earlier one has served a file."""
        source = Source(name_of(path), path)
        remembered = any(file.path == path.absolute() for file in self._files.values())
        return remembered or snapshot_folder(self._settings.environment.data_dir, source).is_dir()

    def _refuse_twin(self, first: Path, second: Path) -> None:
        """Log once that a file is left out; at the start `check` refuses most of them."""
        if second.name not in self._twins:
            self._twins.add(second.name)
            log.error("%s is left out: %s has the same name. Rename or remove one of them", second.name, first.name)

    def _is_knowledge(self, path: Path) -> bool:
        """Leave out the synonyms, and the temporary files of editors and macOS."""
        return path != self._settings.synonyms and not path.name.startswith((".", "~$"))

    def _is_missed(self, file: KnowledgeFile) -> bool:
        """Tell whether a missing file was in this folder and no admin removed it; what is fetched comes back."""
        folder = self._settings.knowledge_dir.absolute()
        is_own = file.path.is_relative_to(folder) and not self._is_fetched(file.name)
        return file.state is not FileState.REMOVED and is_own

    def _is_fetched(self, name: str) -> bool:
        sections = self._settings.config.knowledge_bases
        known = same_name(name, sections)
        return known is not None and sections[known].is_fetched

    def check(self) -> None:
        """Raise SettingsError for a configuration that names missing files."""
        folder = self._settings.knowledge_dir
        if not folder.is_dir() and self.answered():
            raise SettingsError(Translatable("folder.gone", folder=str(folder), held=self._held()))
        if not folder.is_dir():
            example = str(folder / "it-help.csv")
            raise SettingsError(Translatable("settings.no_folder", folder=str(folder), example=example))
        self._check_emptied()
        self._check_twins()
        self._check_fetched()
        names = {source.name for source in self.sources()}
        for name, section in self._settings.config.knowledge_bases.items():
            if not (section.file or section.is_fetched) and same_name(name, names) is None:
                raise self._wrong(f"knowledge_bases.{name}", str(folder / f"{name}.csv"), self._no_file, [])
            if section.file and not (folder / section.file).is_file():
                raise self._wrong(f"knowledge_bases.{name}", str(folder / section.file), self._no_file, [])
        for channel, rules in self._settings.config.channels.items():
            for name in rules.knowledge_bases or ():
                if same_name(name, names) is None:
                    raise self._wrong(f"channels.{channel}.knowledge_bases", name, Translatable("wrong.no_base"), names)
        self._check_shadow()
        if self._settings.config.synonyms and not self._settings.synonyms.is_file():
            raise self._wrong("synonyms", str(self._settings.synonyms), self._no_file, [])

    def _check_fetched(self) -> None:
        """Raise SettingsError for sources that can't be asked, and for names that no file can have."""
        self._settings.check_remotes()
        for name, section in self._settings.config.knowledge_bases.items():
            is_taken = self._settings.synonyms.stem == name
            if section.is_fetched and (is_taken or not _is_a_files(name)):
                raise SettingsError(
                    f"{self._settings.config_path.name}: knowledge_bases.{name}: its copy would be a file of that name;"
                    " use letters, digits, hyphens and underscores"
                )

    def _check_emptied(self) -> None:
        """Raise SettingsError for a folder without tables that had some: a disk that isn't mounted looks like that."""
        folder = self._settings.knowledge_dir
        had = [name for name in self.answered() if not self._is_fetched(name)]
        if self.is_empty and had:
            moved = MOVED if {*had} <= {path.stem for path in sample_files()} else ""
            raise SettingsError(Translatable("folder.empty", folder=str(folder), held=self._held(), moved=moved))

    @property
    def is_empty(self) -> bool:
        """Whether the folder is there, and nothing in it can be a knowledge base."""
        return self._settings.knowledge_dir.is_dir() and not self._tables()

    def _held(self) -> Translatable:
        had = sorted(self.answered())
        named, more = tuple(had[:NAMED]), len(had) - NAMED
        if more > 0:
            return Translatable("folder.held_more", names=named, more=more)
        return Translatable("folder.held", names=named)

    def answered(self) -> dict[str, Path]:
        """Return the knowledge bases of this folder that were searched last, with the folders of their snapshots."""
        folder = self._settings.knowledge_dir
        found = {}
        for snapshot in self._settings.environment.data_dir.glob("snapshots/*"):
            name = snapshot.name.rpartition("-")[0]
            files = [folder / f"{name}{ending}" for ending in (ENDING, ENDING.upper(), *WORKBOOKS)]
            if any(Source(name, file).folder == snapshot.name for file in files):
                found[name] = snapshot
        return found

    def accept_empty(self) -> None:
        """Forget what the folder held: it is meant to be empty. Earlier versions of its files stay."""
        if self._database:
            files = known_files(self._database, self._settings.knowledge_dir)
            for file in filter(self._is_missed, files.all()):
                files.decide(KnowledgeFile(file.name, file.path, FileState.REMOVED))
        for snapshot in self.answered().values():
            shutil.rmtree(snapshot)

    def _check_twins(self) -> None:
        """Raise SettingsError for two files that would be one knowledge base.

        A CSV beside the workbook that it was saved from was no mistake before workbooks were read, and is none after
        `kotae convert`: there what is served goes on, and the other file is left out.
        """
        first: dict[str, Path] = {}
        for path in self._tables():
            other = first.setdefault(folded(name_of(path)), path)
            goes_on = is_workbook(other) != is_workbook(path) and self._was_served(other)
            if other != path and not goes_on:
                twins = {"one": str(other), "other": str(path), "name": name_of(other)}
                raise SettingsError(Translatable("folder.twins", **twins))

    def _check_shadow(self) -> None:
        """Raise SettingsError for shadow mode without anybody to report to."""
        config = self._settings.config
        modes = {"auto_reply": config.auto_reply} | {
            f"channels.{name}.auto_reply": rules.auto_reply for name, rules in config.channels.items()
        }
        for key, mode in modes.items():
            if mode is AutoReply.SHADOW and not self._settings.environment.admin_users:
                file = self._settings.config_path.name
                raise SettingsError(Translatable("folder.shadow", file=file, key=key))

    def refresh(self) -> None:
        """Store which files exist, and which are missing; a shared database knows that without being told."""
        self._recall()
        if self._settings.is_shared:
            return
        found = {name: path for name, path in self._found().items() if path.is_file() and not self._is_fetched(name)}
        there = {name: path.absolute() for name, path in found.items()}
        changed = _changed_files(there, [file for file in self._files.values() if self._is_missed(file)])
        if self._database:
            known_files(self._database, self._settings.knowledge_dir).remember(changed)
        self._files = {**self._files, **{file.name: file for file in changed}}
        self._log(changed)
        self._log_unread()

    def _recall(self) -> None:
        if self._database:
            self._files = {file.name: file for file in known_files(self._database, self._settings.knowledge_dir).all()}

    def _log(self, changed: Sequence[KnowledgeFile]) -> None:
        for file in changed:
            if file.state is FileState.GONE:
                log.warning("%s is gone; its knowledge base answers until an admin removes it", file.path)
        if lost := [file for file in self._files.values() if file.state.is_fault]:
            names = ", ".join(file.name for file in lost)
            log.error("Most files are missing from the knowledge folder: %s. Nothing is removed; put them back", names)

    def _log_unread(self) -> None:
        unread = {*unread_tables(self._settings.knowledge_dir)}
        for path in sorted(unread - self._unread):
            log.warning("%s", ENGLISH.say(not_read(path)))
        self._unread = unread

    @property
    def _no_file(self) -> Translatable:
        """Say that a file is missing, and what to do where files come from a shared database."""
        if self._settings.is_shared:
            return Translatable("wrong.not_in_database")
        return Translatable("wrong.no_file")

    def _wrong(self, key: str, value: str, what: Translatable, known: Iterable[str]) -> SettingsError:
        return wrong(self._settings, key, value, what, known)


def wrong(settings: Settings, key: str, value: str, what: Translatable, known: Iterable[str]) -> SettingsError:
    """Return the error for a value in kotae.toml that matches nothing, with the closest or all known values."""
    near = difflib.get_close_matches(value, list(known), n=1)
    hint = Translatable("wrong.near", name=near[0]) if near else Translatable("wrong.there_is_none")
    if known and not near:
        hint = Translatable("wrong.there_are", names=tuple(sorted(known)))
    named = f"{key} = {value!r}: "
    mend = Translatable("wrong.nothing", what=what, hint=hint)
    return SettingsError(Translatable("wrong.line", source=settings.config_path.name, named=named, mend=mend))


def unread_tables(folder: Path) -> list[Path]:
    """Return the files of a knowledge folder that look like tables but have an ending that is not read."""
    return sorted(
        path
        for path in folder.glob("[!.~]*")
        if path.suffix.lower() in _UNREAD or (path.suffix.lower() == ".txt" and path.stem.lower().endswith(ENDING))
    )


def not_read(path: Path) -> Translatable:
    """Say that a file of the knowledge folder is left out, and what to do."""
    stem = path.stem if path.suffix.lower() in _UNREAD else Path(path.stem).stem
    if path.suffix.lower() in (".tsv", ".tab", ".txt"):
        return Translatable("folder.rename", file=path.name, name=f"{stem}{ENDING}")
    return Translatable("folder.save_as", file=path.name, csv=f"{stem}{ENDING}", workbook=f"{stem}.xlsx")


def _is_a_files(name: str) -> bool:
    """Tell whether a name is one that a file may have on every system, and that is read."""
    return 0 < len(name) <= MOST_NAMED and _IN_NO_NAME.isdisjoint(name) and not name.startswith((".", "~$"))


def _usual(path: Path) -> tuple[bool, bool, Path]:
    """Return a key to sort by: a workbook, a name that had to be composed or an ending in upper case comes last."""
    return is_workbook(path), path.suffix != path.suffix.lower() or path.stem != composed(path.stem), path


def _changed_files(there: Mapping[str, Path], remembered: Sequence[KnowledgeFile]) -> list[KnowledgeFile]:
    """Compare the existing files, `there`, with the stored ones, and return the ones to store instead.

    When more than half of the files are gone, or all of an only one, that is a fault: a disk that is not mounted, a
    checkout that failed. Then nothing is offered for removal.
    """
    known = {file.name: file for file in remembered}
    arrived = [
        KnowledgeFile(name, path, FileState.THERE)
        for name, path in there.items()
        if name not in known or (known[name].state, known[name].path) != (FileState.THERE, path)
    ]
    expected = [file for file in remembered if file.state in _EXPECTED]
    missing = [file for file in expected if file.name not in there]
    is_fault = 2 * len(missing) > len(expected)
    gone = [_gone(file, is_fault=is_fault) for file in missing]
    return [*arrived, *(after for before, after in zip(missing, gone, strict=True) if before != after)]


def _gone(file: KnowledgeFile, *, is_fault: bool) -> KnowledgeFile:
    """Return the new state of a missing file, or the old one when admins know about it already."""
    if file.state.is_unexplained and file.state.is_fault == is_fault:
        return file
    return KnowledgeFile(file.name, file.path, FileState.LOST if is_fault else FileState.GONE)
