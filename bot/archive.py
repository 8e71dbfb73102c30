"""The file that `kotae backup` writes: a ZIP of files, and of what is said about them with the checksum of each."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from bot.settings import SettingsError

FORMAT = 1
ABOUT = "about.json"
CHUNK = 1 << 20
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, LookupError, TypeError, NotImplementedError)
"""What Python raises for a ZIP or JSON that is damaged."""


class ArchiveError(SettingsError):
    """A backup can't be written, read or restored; the message is for whoever typed the command."""


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    size: int
    sha256: str


@dataclass(frozen=True)
class About:
    """What an archive says of itself.

    `schema` is that of the state database. `settings` are those of the environment that are no secrets. `folders` has
    the names of the folders with earlier versions, and the files that they belong to, relative to the knowledge folder:
    such a folder is named after the place of its file, which another machine has elsewhere.
    """

    at: float
    version: str
    schema: str
    knowledge_dir: str
    settings: Mapping[str, str]
    folders: Mapping[str, str]


def write_archive(target: Path, about: About, files: Iterable[tuple[str, Path]]) -> None:
    """Write an archive; each file is read once. Raises OSError."""
    members: dict[str, Member] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files:
            with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as member:
                members[name] = _copy(source, member)
        listed = {name: asdict(member) for name, member in members.items()}
        said = {"about": asdict(about), "files": listed}
        archive.writestr(ABOUT, json.dumps({"format": FORMAT, "sha256": _digest(said), **said}))


class Archive:
    """An archive that somebody gave us: nothing in it is believed before it is checked."""

    def __init__(self, path: Path) -> None:
        """Read what it says of itself; raises ArchiveError."""
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                stored = json.loads(archive.read(ABOUT))
            self.about, self.files = self._checked(stored)
        except OSError as error:
            raise ArchiveError(f"{path} can't be read: {error.strerror or error}") from None
        except DAMAGED as error:
            raise ArchiveError(f"{path} is damaged, or no backup of Kotae's ({type(error).__name__})") from None

    def _checked(self, stored: dict[str, Any]) -> tuple[About, dict[str, Member]]:
        if stored["format"] != FORMAT:
            raise ArchiveError(f"{self._path} has format {stored['format']}, this version reads {FORMAT}. Update Kotae")
        said = {"about": stored["about"], "files": stored["files"]}
        if stored["sha256"] != _digest(said):
            raise ArchiveError(f"{self._path} is damaged: the checksum of {ABOUT} is wrong")
        files = {name: Member(**each) for name, each in stored["files"].items()}
        for name in files:
            self._check_name(name)
        about = About(**stored["about"])
        for folder, file in about.folders.items():
            self._check_name(f"{folder}/{file}")
        return about, files

    def _check_name(self, name: str) -> None:
        """Refuse a path that would leave the folder, on any system."""
        parts = PurePosixPath(name).parts
        outside = name.startswith("/") or ".." in parts or PureWindowsPath(name).drive or set(name) & set("\\:\0")
        if outside or PurePosixPath(name).as_posix() != name:
            raise ArchiveError(f"{self._path} holds {name!r}, a path that leaves the folder: it is no backup")

    def unpack(self, folder: Path) -> None:
        """Write all files below a folder, each checked; raises ArchiveError or OSError."""
        with zipfile.ZipFile(self._path) as archive:
            for name, wanted in self.files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    with archive.open(name) as source, path.open("wb") as target:
                        found = _copy(source, target, wanted.size)
                        target.flush()
                        os.fsync(target.fileno())
                except DAMAGED as error:
                    raise ArchiveError(f"{self._path} is damaged at {name} ({type(error).__name__})") from None
                if found != wanted:
                    raise ArchiveError(f"{self._path} is damaged: the checksum of {name} is wrong")


def _copy(source: IO[bytes], target: IO[bytes], most: int | None = None) -> Member:
    """Copy a file, at most one byte more than `most`, and return what it was."""
    digest, size = hashlib.sha256(), 0
    while (most is None or size <= most) and (chunk := source.read(CHUNK)):
        digest.update(chunk)
        size += len(chunk)
        target.write(chunk)
    return Member(size, digest.hexdigest())


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
