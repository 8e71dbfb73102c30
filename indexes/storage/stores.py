"""Where contents, versions and vectors are kept: in this process's folders, or where other processes have them too."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from indexes.encoder import Encoder, Vectors
from indexes.records import Source
from indexes.records.editing import FOLDER, Writer
from indexes.retrieval.scale import Scale
from indexes.storage.index_store import IndexStores
from indexes.storage.versions import Origin, Version, Versions


class VersionStore(Protocol):
    """The versions of all files; `Versions` keeps them in a folder."""

    def of(self, source: Source) -> tuple[Version, ...]:
        """Return the versions of a file, newest first."""

    def read(self, source: Source, version: Version) -> bytes:
        """Return the content of a version; raises VersionError if it is missing or damaged."""

    def keep(self, source: Source, data: bytes, records: int, origin: Origin, by: str = "") -> Version:
        """Store a content as the newest version, unless it is already; raises VersionError."""

    def keep_found(self, source: Source, digest: str, records: int, copies: Iterable[Path]) -> None:
        """Store a content that was read from disk, unless it is recorded already; one of the copies has it."""


class SharedVectors(Protocol):
    """Vectors that processes have in common, by knowledge base and encoder: one encodes, the others fetch.

    A failure is logged, and then each process encodes for itself.
    """

    def turn(self, name: str, wait: Callable[[], None]) -> AbstractContextManager[None]:
        """Let one process at a time encode the texts of a knowledge base; `wait` is called now and then meanwhile."""

    def fetch(
        self, name: str, encoder: Encoder, wanted: Collection[bytes]
    ) -> Iterable[tuple[Sequence[bytes], Vectors]]:
        """Yield those vectors that there are of the wanted texts, with their keys."""

    def push(self, name: str, encoder: Encoder, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Add the vectors of some texts."""

    def lacks(self, name: str, encoder: Encoder) -> bool:
        """Return whether nobody has stored anything of a knowledge base yet, and others could use it."""

    def settle(self, name: str, encoder: Encoder, keys: Collection[bytes], scale: Scale) -> None:
        """Store the scale of a knowledge base that has exactly these texts; vectors of many others may be dropped."""

    def scale(self, name: str, encoder: Encoder) -> Scale | None:
        """Return the scale that was stored last, so that all processes have the same one."""


class OwnVectors:
    """`SharedVectors` of a process that shares none."""

    def turn(self, name: str, wait: Callable[[], None]) -> AbstractContextManager[None]:
        """See `SharedVectors.turn`."""
        del name, wait
        return nullcontext()

    def fetch(
        self, name: str, encoder: Encoder, wanted: Collection[bytes]
    ) -> Iterable[tuple[Sequence[bytes], Vectors]]:
        """See `SharedVectors.fetch`."""
        del name, encoder, wanted
        return ()

    def push(self, name: str, encoder: Encoder, keys: Sequence[bytes], vectors: Vectors) -> None:
        """See `SharedVectors.push`."""

    def lacks(self, name: str, encoder: Encoder) -> bool:
        """See `SharedVectors.lacks`."""
        del name, encoder
        return False

    def settle(self, name: str, encoder: Encoder, keys: Collection[bytes], scale: Scale) -> None:
        """See `SharedVectors.settle`."""

    def scale(self, name: str, encoder: Encoder) -> Scale | None:
        """See `SharedVectors.scale`."""
        del name, encoder
        return None


@dataclass(frozen=True)
class Stores:
    """The stores of a process. `writer` returns what writes files, given how a version comes about and by whom."""

    versions: VersionStore
    indexes: IndexStores
    vectors: SharedVectors
    writer: Callable[[Origin, str], Writer]

    @classmethod
    def own(cls, data_dir: Path) -> Self:
        """Return those of a process that shares nothing: the files are the truth, the rest is below `data_dir`."""
        return cls(Versions(data_dir), IndexStores.files(data_dir), OwnVectors(), lambda *_: FOLDER)
