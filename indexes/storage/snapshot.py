"""Storing an index on disk: the CSV it was built from, and the vectors of its passages.

    <folder>/CURRENT               name of the current generation, replaced atomically
    <folder>/<generation>/
        manifest.json              a description of the files, and their SHA-256
        source.csv                 the CSV, byte for byte
        vectors.faiss              unit vectors, one per passage (absent before a model was ever there)
        vectors.f16                the same as float16, if there are so many that vectors.faiss only proposes candidates
        mean.f32                   their mean
        keys.bin                   16 bytes per vector: the key of its text

A generation is written completely and flushed to disk before CURRENT names it, so that a crash at any moment leaves the
previous one current. FAISS files have no checksum, and ``faiss.write_index`` reports success on a full disk: hence the
manifest, and writing in Python.
"""

import hashlib
import json
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from indexes.atomic_file import FileContent, replace_file, sync_folder, write_file
from indexes.encoder import Encoder
from indexes.errors import SnapshotError
from indexes.retrieval.dense import FILE, HALVES, MEAN, IndexKind
from indexes.retrieval.scale import Scale
from indexes.text import NORMALIZER

log = logging.getLogger(__name__)

FORMAT = 1
KEEP = 3
"""Generations kept: the current one and two to fall back on."""
KEY_BYTES = 16
_PIECE = 1 << 20
CANARY_TOLERANCE = 0.99
"""Least cosine between a stored canary and the same text encoded now; another model is far below."""


def passage_key(text: str) -> bytes:
    """Return the key of a passage, derived from its text: with one model, the same text has the same vector."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class EncoderStamp:
    """Identifies the encoder of some vectors. Without it, two models of one dimension could be mixed up."""

    name: str
    revision: str
    dimension: int
    canaries: Sequence[Sequence[float]]

    @classmethod
    def of(cls, encoder: Encoder) -> Self:
        """Return the stamp of an encoder."""
        return cls(encoder.name, encoder.revision, encoder.dimension, encoder.canaries.tolist())

    def matches(self, encoder: Encoder) -> bool:
        """Return whether the encoder would give the same vectors: same name, revision, dimension, and same canaries."""
        if (self.name, self.revision, self.dimension) != (encoder.name, encoder.revision, encoder.dimension):
            return False
        stored = np.asarray(self.canaries, dtype=np.float32)
        now = encoder.canaries
        return stored.shape == now.shape and bool((np.sum(stored * now, axis=1) > CANARY_TOLERANCE).all())


@dataclass(frozen=True)
class Snapshot:
    """One verified generation."""

    folder: Path
    created: float
    digest: str
    encoder: EncoderStamp | None
    packed: bytes
    """The concatenated keys of the passages."""
    kind: IndexKind | None = None
    """How the vectors are searched."""
    scale: Scale | None = None
    """The scale of the encoder's cosines; None in snapshots of earlier versions, which didn't measure all of it."""

    @property
    def vectors(self) -> Path:
        """The FAISS file, for memory-mapping."""
        return self.folder / FILE

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of the passages; split at each call, to save memory in between."""
        return tuple(self.packed[at : at + KEY_BYTES] for at in range(0, len(self.packed), KEY_BYTES))

    def files(self) -> Mapping[str, FileContent]:
        """Return the files of the vectors, for copying, by name; empty if they no longer exist."""
        there = [path for path in (self.vectors, self.folder / HALVES, self.folder / MEAN) if path.is_file()]
        return {path.name: partial(_copy, path) for path in there} if self.vectors in there else {}

    @property
    def source(self) -> Path:
        """The CSV that this generation was made from."""
        return self.folder / "source.csv"

    def fits(self, encoder: Encoder) -> bool:
        """Return whether the vectors are from this encoder."""
        return self.encoder is not None and self.encoder.matches(encoder)

    @property
    def rows(self) -> Mapping[bytes, int]:
        """The position of each passage's vector, by key."""
        return {key: row for row, key in enumerate(self.keys)}


class SnapshotFolder:
    """The folder with the generations of one knowledge base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> Snapshot | None:
        """Return the newest generation whose checksums are right, or None. Damage is logged, never raised."""
        for generation in self._newest_first():
            try:
                return _verified(generation)
            except SnapshotError as error:
                log.warning("%s; it is left out and will be rebuilt", error)
        return None

    def save(
        self,
        source: bytes,
        stamp: EncoderStamp | None = None,
        packed: bytes = b"",
        vectors: Mapping[str, FileContent] | None = None,
        kind: IndexKind | None = None,
        scale: Scale | None = None,
    ) -> Snapshot:
        """Write a generation and make it current; raises OSError (disk full, read-only) and leaves nothing behind."""
        files = {"source.csv": _content(source), "keys.bin": _content(packed), **(vectors or {})}
        generation = self.folder / f"{time.time_ns():020d}-{secrets.token_hex(3)}"
        try:
            generation.mkdir(parents=True)
            manifest = {
                "format": FORMAT,
                "created": time.time(),
                "normalizer": NORMALIZER,
                "encoder": asdict(stamp) if stamp else None,
                "vectors": len(packed) // KEY_BYTES,
                "kind": asdict(kind) if kind else None,
                "scale": asdict(scale) if scale else None,
                "digest": hashlib.sha256(source).hexdigest(),
                "sha256": {name: write_file(generation / name, content) for name, content in files.items()},
            }
            write_file(generation / "manifest.json", _content(json.dumps(manifest, indent=1).encode()))
            sync_folder(generation)
            self._activate(generation.name)
        except BaseException:
            shutil.rmtree(generation, ignore_errors=True)
            raise
        self._delete_old()
        return _verified(generation)

    def _activate(self, name: str) -> None:
        replace_file(self.folder / "CURRENT", name.encode())

    def _newest_first(self) -> list[Path]:
        """Return the current generation, then older ones; none that was written but never became current."""
        try:
            current = (self.folder / "CURRENT").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            log.warning("%s/CURRENT can't be read (%s)", self.folder, error)
            current = "~"
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


def _verified(folder: Path) -> Snapshot:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        if (manifest["format"], manifest["normalizer"]) != (FORMAT, NORMALIZER):
            raise SnapshotError("snapshot.other_version", folder=str(folder))
        for name, expected in manifest["sha256"].items():
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise SnapshotError("snapshot.checksum", folder=str(folder), file=name)
        packed = (folder / "keys.bin").read_bytes()
        stamp = EncoderStamp(**manifest["encoder"]) if manifest["encoder"] else None
        kind = IndexKind(**manifest["kind"]) if manifest.get("kind") else None
        measured = manifest.get("scale") or {}
        scale = Scale(**measured) if "lost" in measured else None
        return Snapshot(folder, manifest["created"], manifest["digest"], stamp, packed, kind, scale)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(
            "snapshot.unreadable", folder=str(folder), kind=type(error).__name__, reason=str(error)
        ) from error


def _content(data: bytes) -> FileContent:
    return lambda put: put(data)


def _copy(path: Path, put: Callable[[bytes], object]) -> None:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            put(piece)
