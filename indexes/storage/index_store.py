"""Where the index of a knowledge base is stored: in files of this process, or where several replicas search it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from indexes.records import Source
from indexes.retrieval.dense import SIZES, Sizes
from indexes.storage.snapshot import EVERYTHING, Generation, SnapshotFolder, StoredVectors, Words


class IndexStore(Protocol):
    """The generations of one knowledge base."""

    def load(self, names: Collection[str] = EVERYTHING) -> Generation | None:
        """Return the newest generation of which these parts are undamaged, or None. Damage is logged, never raised."""

    def generations(self) -> Iterator[Generation]:
        """Yield the generations that are kept, the current one first."""

    def save(self, source: bytes, words: Words | None, vectors: StoredVectors) -> Generation:
        """Store a generation and make it current, both or neither; raises OSError or SnapshotError."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Let one replica at a time build this knowledge base; raises SnapshotError."""

    def delete(self) -> None:
        """Delete all that is stored of the knowledge base."""


@dataclass(frozen=True)
class IndexStores:
    """The stores of all knowledge bases: `of` returns that of a file; `sizes` says how vectors are held in memory."""

    of: Callable[[Source], IndexStore]
    sizes: Sizes = SIZES

    @classmethod
    def files(cls, data_dir: Path, sizes: Sizes = SIZES) -> Self:
        """Return those of a process that keeps its indexes below `data_dir`."""
        return cls(lambda source: SnapshotFolder(snapshot_folder(data_dir, source)), sizes)


def snapshot_folder(data_dir: Path, source: Source) -> Path:
    """Return the folder for what is derived from a file."""
    return data_dir / "snapshots" / source.folder
