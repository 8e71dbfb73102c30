"""Storing an index on disk: the CSV it was built from, its searchable form, and the vectors of its passages.

    <folder>/CURRENT               name of the current generation, replaced atomically
    <folder>/<generation>/
        manifest.json              a description of the files, with checksums of them and of itself
        source.csv                 the CSV, byte for byte
        words.bin                  records and lexical index, to be mapped into memory (absent in earlier versions)
        vectors.faiss              unit vectors, one per passage (absent before a model was ever there)
        vectors.f16                the same as float16, if there are so many that vectors.faiss only proposes candidates
        mean.f32                   their mean
        keys.bin                   16 bytes per vector: the key of its text
        owners.i32                 the row of each vector (absent if they are of an earlier CSV)

A generation is written completely and flushed to disk before CURRENT names it, so that a crash at any moment leaves the
previous one current. FAISS files have no checksum, and ``faiss.write_index`` reports success on a full disk: hence the
manifest, and writing in Python.

At a start only the manifest is read. Every file is verified before anything in it is used, the words
before the vectors.
"""

import hashlib
import logging
import re
import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.atomic_file import FileContent, replace_file, sync_folder, write_file
from indexes.checked_json import render
from indexes.encoder import Encoder
from indexes.encoder.worker import is_same
from indexes.errors import SnapshotError
from indexes.records import Source
from indexes.retrieval.dense import FILE, HALVES, MEAN, DenseIndex, IndexKind
from indexes.retrieval.scale import Scale
from indexes.retrieval.synonyms import Synonyms
from indexes.retrieval.vector_index import VectorIndex
from indexes.storage.blocks import Blocks, Checksum, Sha256, verified_copy, verify, write_blocks
from indexes.storage.file_mark import FileMark
from indexes.storage.manifest import EARLIER, FORMAT, parse
from indexes.storage.sections import Directory, Place, Sections, content_of, directory_of, map_sections
from indexes.storage.stored_index import OpenedWords, opened
from indexes.text import NORMALIZER

log = logging.getLogger(__name__)

KEEP = 3
"""Generations kept: the current one and two to fall back on."""
KEY_BYTES = 16
NO_TEXT = bytes(KEY_BYTES)
"""In the place of the key of a text that the model couldn't encode: no build takes over its vector, which is 0."""
CANARY_TOLERANCE = 0.99
"""Least cosine between a stored canary and the same text encoded now; another model is far below."""

_SOURCE, _WORDS, _KEYS, _OWNERS = "source.csv", "words.bin", "keys.bin", "owners.i32"
SOURCE = frozenset({_SOURCE})
WORDS = frozenset({_WORDS})
VECTORS = frozenset({FILE, HALVES, MEAN, _KEYS, _OWNERS})
EVERYTHING = SOURCE | WORDS | VECTORS
_MANIFEST = "manifest.json"
GENERATION = re.compile(r"\d{20}-[0-9a-f]{6}")
_COPIED = (FILE, HALVES, MEAN)


def passage_key(text: str) -> bytes:
    """Return the key of a passage, derived from its text: with one model, the same text has the same vector."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class EncoderStamp:
    """Identifies the encoder of some vectors. Without it, two models of one dimension could be mixed up."""

    name: str
    revision: str
    dimension: int
    canaries: Sequence[Sequence[float]]
    variant: str = ""
    """See `Encoder.variant`; that of 8 bits if any vector is of that."""

    @classmethod
    def of(cls, encoder: Encoder, variant: str = "") -> Self:
        """Return the stamp of an encoder, some of whose vectors are of this variant."""
        canaries = encoder.canaries.tolist()
        return cls(encoder.name, encoder.revision, encoder.dimension, canaries, variant or encoder.variant)

    def as_data(self) -> dict[str, Any]:
        """Return JSON types; without a variant, what versions that knew none have written."""
        return {name: value for name, value in asdict(self).items() if value or name != "variant"}

    def matches(self, encoder: Encoder) -> bool:
        """Return whether the encoder may search these vectors: same name, revision, dimension, and same canaries.

        Vectors of the model's own weights are as good for the variant of 8 bits, but not the other way round.
        """
        return self.variant in {"", encoder.variant} and self.is_like(EncoderStamp.of(encoder))

    def is_like(self, other: "EncoderStamp") -> bool:
        """Return whether the two are of one model, whatever the variant."""
        if (self.name, self.revision, self.dimension) != (other.name, other.revision, other.dimension):
            return False
        stored, now = (np.asarray(each.canaries, dtype=np.float32) for each in (self, other))
        return is_same(stored, now, CANARY_TOLERANCE)


@dataclass(frozen=True, slots=True)
class Words:
    """The searchable form of a CSV: `recipe` says of what, `mark` is that of the file it was read from."""

    recipe: str
    sections: Sections
    mark: FileMark | None = None


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The vectors of a CSV's passages, for storing.

    `owners` are the rows of the vectors among the records of the words; without it, they are of other records.
    """

    encoder: EncoderStamp | None = None
    packed: bytes = b""
    """The concatenated keys of the passages."""
    files: Mapping[str, FileContent] = field(default_factory=dict)
    kind: IndexKind | None = None
    scale: Scale | None = None
    owners: NDArray[np.int32] | None = None
    index: VectorIndex | None = None
    """The vectors themselves, if they are new."""


NO_VECTORS = StoredVectors()


@dataclass(frozen=True)
class Generation(ABC):
    """One stored state of a knowledge base, which never changes. What reads it raises SnapshotError."""

    name: str
    """Sorts after those of all earlier generations."""
    created: float
    digest: str
    """SHA-256 of the CSV, in hexadecimal."""
    encoder: EncoderStamp | None
    kind: IndexKind | None = None
    """How the vectors are searched."""
    scale: Scale | None = None
    """The scale of the encoder's cosines; None in snapshots of earlier versions, which didn't measure all of it."""
    recipe: str = ""
    """What the words were made from; blank in snapshots of earlier versions, which have none."""
    mark: FileMark | None = None
    """The mark of the CSV on disk when it was read; None if a change might not show in it."""
    counted: int | None = None
    """Number of different texts that have a vector; None in snapshots of earlier versions."""
    directory: Directory = field(default_factory=dict)
    """Where each array of the words is, and its type."""

    @property
    def source(self) -> Path | None:
        """The file with the CSV that this generation was made from, if it is in one."""
        return None

    @abstractmethod
    def verify(self, names: Collection[str]) -> None:
        """Verify that those of these parts that there are can be used, each once."""

    @abstractmethod
    def read_source(self) -> bytes:
        """Return the CSV."""

    @property
    @abstractmethod
    def packed(self) -> bytes:
        """The concatenated keys of the passages."""

    @property
    @abstractmethod
    def has_owners(self) -> bool:
        """Whether the vectors are those of the words."""

    @abstractmethod
    def owners(self) -> NDArray[np.int32]:
        """Return the row of each vector."""

    @abstractmethod
    def stored_vectors(self) -> "StoredVectors":
        """Return the vectors for another generation, without their rows; none if they no longer exist."""

    @abstractmethod
    def open_words(self, source: Source, synonyms: Synonyms) -> "OpenedWords":
        """Return the knowledge base, its index without vectors, and the learned aliases in it."""

    @abstractmethod
    def open_vectors(self, owners: NDArray[np.int32]) -> VectorIndex:
        """Return the vectors, which must have been verified; `owners[i]` is the row of vector i."""

    def fits(self, encoder: Encoder) -> bool:
        """Return whether the vectors are from this encoder."""
        return self.encoder is not None and self.encoder.matches(encoder)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of the passages; read at each call, to save memory in between."""
        return tuple(split(self.packed))

    @property
    def rows(self) -> Mapping[bytes, int]:
        """The position of each passage's vector, by key."""
        return {key: row for row, key in enumerate(self.keys)}

    @property
    def texts(self) -> int:
        """Number of different texts that have a vector."""
        return len(set(self.keys)) if self.counted is None else self.counted


@dataclass(frozen=True)
class Snapshot(Generation):
    """A generation in a folder, whose manifest has been read; its files are verified before they are used."""

    folder: Path = field(kw_only=True)
    checksums: Mapping[str, Checksum] = field(kw_only=True)
    """What is in each file."""
    _verified: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def vectors(self) -> Path:
        """The FAISS file, for memory-mapping."""
        return self.folder / FILE

    @property
    def source(self) -> Path:
        """The CSV that this generation was made from."""
        return self.folder / _SOURCE

    def verify(self, names: Collection[str]) -> None:
        """Verify the checksums of those of these files that there are, each once; raises SnapshotError."""
        wanted = {name: each for name, each in self.checksums.items() if name in names and name not in self._verified}
        try:
            verify(self.folder, wanted)
        except OSError as error:
            raise unreadable(self.folder, error) from error
        self._verified.update(wanted)

    def read_source(self) -> bytes:
        """Return the CSV, verified; raises SnapshotError."""
        return self._read(_SOURCE)

    def sections(self) -> Sections:
        """Map the arrays of the words, verified; raises SnapshotError."""
        self.verify(WORDS)
        try:
            return map_sections(self.folder / _WORDS, self.directory)
        except OSError as error:
            raise unreadable(self.folder, error) from error

    @property
    def packed(self) -> bytes:
        """The concatenated keys of the passages, verified; raises SnapshotError."""
        return self._read(_KEYS)

    @property
    def has_owners(self) -> bool:
        """Whether the vectors are those of the words."""
        return _OWNERS in self.checksums

    def owners(self) -> NDArray[np.int32]:
        """Map the row of each vector, verified; raises SnapshotError."""
        self.verify((_OWNERS,))
        try:
            size = (self.folder / _OWNERS).stat().st_size
            return np.memmap(self.folder / _OWNERS, np.dtype("<i4"), "r") if size else np.zeros(0, np.int32)
        except (OSError, ValueError) as error:
            raise unreadable(self.folder, error) from error

    def files(self) -> Mapping[str, FileContent]:
        """Return the files of the vectors, for copying, by name; empty if they no longer exist."""
        there = [name for name in _COPIED if name in self.checksums and (self.folder / name).is_file()]
        return {name: verified_copy(self.folder / name, self.checksums[name]) for name in there if FILE in there}

    def stored_vectors(self) -> "StoredVectors":
        """See `Generation.stored_vectors`."""
        files = self.files()
        return StoredVectors(self.encoder, self.packed, files, self.kind, self.scale) if files else StoredVectors()

    def open_words(self, source: Source, synonyms: Synonyms) -> OpenedWords:
        """See `Generation.open_words`; the arrays are mapped."""
        return opened(source, self.digest, self.sections(), synonyms)

    def open_vectors(self, owners: NDArray[np.int32]) -> DenseIndex:
        """See `Generation.open_vectors`; the files are mapped."""
        return DenseIndex.open(self.vectors, owners, self.kind)

    def _read(self, name: str) -> bytes:
        self.verify((name,))
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise unreadable(self.folder, error) from error


class SnapshotFolder:
    """The folder with the generations of one knowledge base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, names: Collection[str] = EVERYTHING) -> Snapshot | None:
        """Return the newest generation in which these files are undamaged, or None. Damage is logged, never raised."""
        for snapshot in self.generations():
            try:
                snapshot.verify(names)
            except SnapshotError as error:
                _leave_out(error)
            else:
                return snapshot
        return None

    def generations(self) -> Iterator[Snapshot]:
        """Yield the generations that have a manifest, the current one first. Damage is logged, never raised."""
        for folder in self._newest_first():
            try:
                yield _described(folder)
            except SnapshotError as error:
                _leave_out(error)

    def save(self, source: bytes, words: Words | None = None, vectors: StoredVectors = NO_VECTORS) -> Snapshot:
        """Write a generation and make it current; raises OSError (disk full, read-only) and leaves nothing behind."""
        files = _files(source, words, vectors)
        generation = self.folder / f"{time.time_ns():020d}-{secrets.token_hex(3)}"
        try:
            generation.mkdir(parents=True)
            manifest = {
                **description(source, words, vectors),
                "files": {name: write_blocks(generation / name, each).as_data() for name, each in files.items()},
            }
            write_file(generation / _MANIFEST, _content(render(manifest)))
            sync_folder(generation)
            self._activate(generation.name)
        except BaseException:
            shutil.rmtree(generation, ignore_errors=True)
            raise
        self._delete_old()
        saved = _described(generation)
        saved.verify(EVERYTHING)
        return saved

    def has_words(self, recipe: str) -> bool:
        """See `IndexStore.has_words`: every generation has its own."""
        del recipe
        return False

    def exclusively(self, wait: Callable[[], None]) -> AbstractContextManager[None]:
        """See `IndexStore.exclusively`: no other process works in this folder at all."""
        del wait
        return nullcontext()

    def forget(self) -> None:
        """See `IndexStore.forget`."""
        self.delete()

    def delete(self) -> None:
        """See `IndexStore.delete`."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _activate(self, name: str) -> None:
        replace_file(self.folder / "CURRENT", name.encode())

    def _newest_first(self) -> list[Path]:
        """Return the current generation, then older ones; none that was written but never became current."""
        try:
            current = current_generation(self.folder)
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            log.warning("%s/CURRENT can't be used (%s)", self.folder, error)
            return self._generations()
        return [folder for folder in self._generations() if folder.name <= current]

    def _generations(self) -> list[Path]:
        try:
            return sorted((path for path in self.folder.iterdir() if path.is_dir()), reverse=True)
        except OSError as error:
            log.warning("%s can't be listed (%s)", self.folder, error)
            return []

    def _delete_old(self) -> None:
        for folder in self._newest_first()[KEEP:]:
            shutil.rmtree(folder, ignore_errors=True)


def current_generation(folder: Path) -> str:
    """Return the name of the current generation in a folder; raises ValueError if it is damaged, and OSError."""
    name = (folder / "CURRENT").read_text(encoding="ascii").strip()
    if not GENERATION.fullmatch(name):
        raise ValueError("no generation has this name")
    return name


def unreadable(folder: Path, error: Exception) -> SnapshotError:
    """Make the error for a snapshot that the system or its content refuses to be read."""
    return SnapshotError("snapshot.unreadable", folder=str(folder), kind=type(error).__name__, reason=str(error))


def _leave_out(error: SnapshotError) -> None:
    log.warning("%s; it is left out and will be rebuilt", error)


def _described(folder: Path) -> Snapshot:
    try:
        manifest = parse((folder / _MANIFEST).read_bytes())
        if (manifest["format"], manifest["normalizer"]) not in ((FORMAT, NORMALIZER), (EARLIER, NORMALIZER)):
            raise SnapshotError("snapshot.other_version", folder=str(folder))
        return Snapshot(name=folder.name, folder=folder, checksums=_checksums(manifest), **described(manifest))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(folder, error) from error


def described(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of a generation, by field; raises what a wrong manifest gives rise to."""
    measured = manifest.get("scale") or {}
    return {
        "created": manifest["created"],
        "digest": manifest["digest"],
        "encoder": EncoderStamp(**manifest["encoder"]) if manifest["encoder"] else None,
        "kind": IndexKind(**manifest["kind"]) if manifest.get("kind") else None,
        "scale": Scale(**measured) if "lost" in measured else None,
        "recipe": manifest.get("recipe", ""),
        "mark": FileMark(**manifest["mark"]) if manifest.get("mark") else None,
        "counted": manifest.get("texts"),
        "directory": {name: Place(*place) for name, place in manifest.get("words", {}).items()},
    }


def _files(source: bytes, words: Words | None, vectors: StoredVectors) -> Mapping[str, FileContent]:
    files = {_SOURCE: _content(source), _KEYS: _content(vectors.packed), **vectors.files}
    if words:
        files[_WORDS] = content_of(words.sections)
    if words and vectors.owners is not None:
        files[_OWNERS] = _content(vectors.owners.astype("<i4", copy=False).tobytes())
    return files


def description(source: bytes, words: Words | None, vectors: StoredVectors) -> dict[str, Any]:
    """Return what a manifest says of a generation, without the checksums of its files."""
    directory = directory_of(words.sections) if words else {}
    return {
        "format": FORMAT,
        "created": time.time(),
        "normalizer": NORMALIZER,
        "encoder": vectors.encoder.as_data() if vectors.encoder else None,
        "vectors": len(vectors.packed) // KEY_BYTES,
        "texts": len(set(split(vectors.packed))),
        "kind": asdict(vectors.kind) if vectors.kind else None,
        "scale": asdict(vectors.scale) if vectors.scale else None,
        "digest": hashlib.sha256(source).hexdigest(),
        "recipe": words.recipe if words else "",
        "mark": asdict(words.mark) if words and words.mark else None,
        "words": {name: [place.dtype, place.start, place.length] for name, place in directory.items()},
    }


def split(packed: bytes) -> Iterator[bytes]:
    """Yield the keys of passages that were concatenated."""
    return (packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES))


def _checksums(manifest: Mapping[str, Any]) -> Mapping[str, Checksum]:
    if manifest["format"] == EARLIER:
        return {name: Sha256(digest) for name, digest in manifest["sha256"].items()}
    return {name: Blocks.from_data(data) for name, data in manifest["files"].items()}


def _content(data: bytes) -> FileContent:
    return lambda put: put(data)
