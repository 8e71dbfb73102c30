"""Reading the indexes that another process keeps, without changing them: what this one builds is kept elsewhere."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexes.records import Source
from indexes.storage.index_store import IndexStore, IndexStores, snapshot_folder
from indexes.storage.snapshot import EVERYTHING, WORDS, Generation, SnapshotFolder, StoredVectors, Words
from indexes.storage.stores import Stores


@dataclass(frozen=True)
class Overlay:
    """An `IndexStore`: generations are read from `theirs` and from `own`, and stored and deleted in `own` alone."""

    theirs: IndexStore
    own: SnapshotFolder

    def load(self, names: Collection[str] = EVERYTHING) -> Generation | None:
        """See `IndexStore.load`: the newer one of both, but theirs as soon as it has all that the own one has."""
        theirs, own = self.theirs.load(names), self.own.load(names)
        if theirs is None or own is None:
            return theirs or own
        has_all = theirs.recipe == own.recipe and (theirs.encoder is not None or own.encoder is None)
        return theirs if has_all or theirs.created >= own.created else own

    def generations(self) -> Iterator[Generation]:
        """See `IndexStore.generations`."""
        both = [*self.theirs.generations(), *self.own.generations()]
        yield from sorted(both, key=lambda generation: generation.created, reverse=True)

    def has_words(self, recipe: str) -> bool:
        """See `IndexStore.has_words`: every generation has its own."""
        del recipe
        return False

    def save(self, source: bytes, words: Words | None, vectors: StoredVectors) -> Generation:
        """See `IndexStore.save`."""
        return self.own.save(source, words, vectors)

    @contextmanager
    def exclusively(self, wait: Callable[[], None]) -> Iterator[Generation | None]:
        """See `IndexStore.exclusively`: nobody is kept waiting, and what the other process has stored is found."""
        del wait
        yield self.load(WORDS)

    def forget(self) -> None:
        """See `IndexStore.forget`."""
        self.own.delete()

    def delete(self) -> None:
        """See `IndexStore.delete`."""
        self.own.delete()


def overlaid(data_dir: Path, folder: Path) -> Stores:
    """Return the stores of a process that reads the snapshots in `data_dir`, and keeps all else below `folder`."""
    theirs = IndexStores.files(data_dir)

    def of(source: Source) -> Overlay:
        return Overlay(theirs.of(source), SnapshotFolder(snapshot_folder(folder, source)))

    return replace(Stores.own(folder), indexes=IndexStores(of, theirs.sizes))
