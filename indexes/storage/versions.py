"""Earlier versions of each CSV, for rollback: the last distinct contents, compressed, without vectors.

    <data_dir>/versions/<source's folder>/
        versions.json              a list of `Version`, newest first, and its SHA-256; replaced atomically
        <digest>.csv.gz            the CSV, byte for byte

A content that comes back, for example by a rollback, becomes a new version and loses its old number: a number stands
for one moment, and ten versions are ten different contents.
"""

import gzip
import hashlib
import json
import logging
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from indexes.atomic_file import replace_file
from indexes.errors import UnusableFileError, VersionError
from indexes.messages import reason
from indexes.records import Source, parse_records, read_bytes

log = logging.getLogger(__name__)

KEEP = 10
LISTING = "versions.json"
FAST = 1
"""gzip level; it reduces a CSV to about a fifth."""

Origin = Literal["upload", "rollback", "edit", "file", "rebuilt", "source"]
"""How a version came about; "file" is a change on disk, or the content at the first start; "source" was fetched.

"rebuilt" is a content that was found when the list of versions was damaged.
"""


@dataclass(frozen=True)
class Version:
    """One content of a CSV. `digest` is its SHA-256; `by` is the id of the user who made it, blank for "file"."""

    number: int
    at: float
    digest: str
    records: int
    origin: Origin
    by: str = ""


class Versions:
    """The versions of all CSV files, stored below `data_dir`. Thread-safe."""

    def __init__(self, data_dir: Path, keep: int = KEEP) -> None:
        self._root = data_dir / "versions"
        self._most = keep
        self._lock = Lock()

    def of(self, source: Source) -> tuple[Version, ...]:
        """Return the versions of a file, newest first. A damaged list is rebuilt from the contents, which is logged."""
        listing = self._folder(source) / LISTING
        try:
            return tuple(Version(**each) for each in _listed(listing.read_bytes()))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, LookupError, TypeError) as error:
            rebuilt = self._rebuilt(source)
            log.error("%s is damaged (%s); %d versions were found again", listing, error, len(rebuilt))  # noqa: TRY400 - that is all
            return rebuilt

    def _rebuilt(self, source: Source) -> tuple[Version, ...]:
        """List the contents that are whole, in the order in which they were written, and store the list."""
        found: list[Version] = []
        for blob in sorted(self._folder(source).glob("*.csv.gz"), key=lambda path: path.stat().st_mtime_ns):
            version = Version(len(found) + 1, blob.stat().st_mtime, blob.name.partition(".")[0], 0, "rebuilt")
            try:
                data = self.read(source, version)
            except VersionError as error:
                log.warning("%s", error)
                continue
            found.append(replace(version, records=count_records(data, source)))
        rebuilt = tuple(reversed(found))
        try:
            _write_listing(self._folder(source) / LISTING, [asdict(each) for each in rebuilt])
        except OSError as error:
            log.warning("The list of versions of %s can't be stored (%s)", source.name, error.strerror)
        return rebuilt

    def read(self, source: Source, version: Version) -> bytes:
        """Return the CSV of a version; raises VersionError if it is missing or damaged."""
        path = self._blob(source, version.digest)
        try:
            data = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise VersionError(
                "version.unreadable", number=version.number, name=source.name, path=str(path), reason=reason(error)
            ) from error
        if hashlib.sha256(data).hexdigest() != version.digest:
            raise VersionError("version.damaged", number=version.number, name=source.name, path=str(path))
        return data

    def keep(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version:
        """Store a content as the newest version, unless it is already; raises VersionError if it can't be written."""
        with self._lock:
            return self._keep(source, data, records, origin, by)

    def _keep(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version:
        digest, known = hashlib.sha256(data).hexdigest(), self.of(source)
        if known and known[0].digest == digest:
            return known[0]
        version = Version(known[0].number + 1 if known else 1, time.time(), digest, records, origin, by)
        others = [each for each in known if each.digest != digest][: self._most - 1]
        try:
            self._write(source, data, [version, *others])
        except OSError as error:
            raise VersionError(
                "version.not_kept", name=source.name, folder=str(self._root), reason=reason(error)
            ) from error
        return version

    def keep_found(self, source: Source, digest: str, records: int, copies: Iterable[Path]) -> None:
        """Keep a content that was read from disk as a change by nobody, unless it is recorded already.

        One of the `copies` has it. An earlier version comes back only if the file itself has it: otherwise a newer one
        was written after the file had been read. What can't be written is logged.
        """
        with self._lock:
            known = [each.digest for each in self.of(source)]
            if known[:1] == [digest]:
                return
            for path in [source.path] if digest in known else copies:
                data = read_bytes(path) if path.is_file() else b""
                if hashlib.sha256(data).hexdigest() == digest:
                    try:
                        self._keep(source, data, records, "file")
                    except VersionError as error:
                        log.error("%s", error)  # noqa: TRY400 - the message is the whole story
                    return

    def put_history(self, source: Source, history: Sequence[tuple[Version, bytes]]) -> None:
        """Store versions as they were elsewhere, newest first, in the place of those that are here; raises OSError."""
        folder = self._folder(source)
        folder.mkdir(parents=True, exist_ok=True)
        for version, data in history:
            replace_file(self._blob(source, version.digest), gzip.compress(data, FAST))
        _write_listing(folder / LISTING, [asdict(version) for version, _ in history])

    def _write(self, source: Source, data: bytes, listed: Sequence[Version]) -> None:
        folder = self._folder(source)
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._blob(source, listed[0].digest), gzip.compress(data, FAST))
        _write_listing(folder / LISTING, [asdict(each) for each in listed])
        needed = {self._blob(source, each.digest) for each in listed}
        for path in folder.glob("*.csv.gz"):
            if path not in needed:
                path.unlink(missing_ok=True)

    def _folder(self, source: Source) -> Path:
        return self._root / source.folder

    def _blob(self, source: Source, digest: str) -> Path:
        return self._folder(source) / f"{digest}.csv.gz"


def authors(data_dir: Path) -> set[str]:
    """Return the ids of the users who made versions. Raises OSError or ValueError."""
    listings = (data_dir / "versions").glob(f"*/{LISTING}")
    return {each["by"] for listing in listings for each in _listed(listing.read_bytes()) if each.get("by")}


def forget_author(data_dir: Path, user: str) -> int:
    """Remove a user's id from their versions, which stay; return how many there are. Raises OSError or ValueError."""
    count = 0
    for listing in (data_dir / "versions").glob(f"*/{LISTING}"):
        listed = _listed(listing.read_bytes())
        theirs = [each for each in listed if each.get("by") == user]
        for each in theirs:
            each["by"] = ""
        if theirs:
            _write_listing(listing, listed)
        count += len(theirs)
    return count


def _listed(data: bytes) -> list[dict[str, Any]]:
    """Read a list of versions; raises ValueError, LookupError or TypeError if it is damaged.

    Lists of earlier versions have no checksum.
    """
    stored = json.loads(data)
    listed: list[dict[str, Any]] = stored if isinstance(stored, list) else stored["versions"]
    if not isinstance(stored, list) and stored["sha256"] != _digest(listed):
        raise ValueError("its checksum is wrong")
    return listed


def _write_listing(listing: Path, listed: list[dict[str, Any]]) -> None:
    replace_file(listing, json.dumps({"sha256": _digest(listed), "versions": listed}, indent=1).encode())


def _digest(listed: object) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def count_records(data: bytes, source: Source) -> int:
    """Count the records of a content; 0 if it could not be used."""
    try:
        return len(parse_records(data, source.path).records)
    except UnusableFileError:
        return 0
