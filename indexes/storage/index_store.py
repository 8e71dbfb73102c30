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

    def has_words(self, recipe: str) -> bool:
        """Return whether words with this recipe are stored, so that `save` takes them without their sections."""

    def save(self, source: bytes, words: Words | None, vectors: StoredVectors) -> Generation:
        """Store a generation and make it current, both or neither; raises OSError or SnapshotError."""

    def exclusively(self, wait: Callable[[], None]) -> AbstractContextManager[Generation | None]:
        """Let one replica at a time build this knowledge base; raises SnapshotError.

        Gives the generation that is current then, if another replica may have stored it. `wait` is called now and then
        while it waits.
        """

    def forget(self) -> None:
        """Delete what only this process has of the knowledge base: another one has removed it."""

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
