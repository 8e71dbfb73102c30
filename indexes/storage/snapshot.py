"""An index on disk: the CSV it was built from and the vectors of its passages.

    <folder>/CURRENT               name of the generation in force, replaced atomically
    <folder>/<generation>/
        manifest.json              what the files are, and their SHA-256
        source.csv                 the CSV, byte for byte
        vectors.faiss              unit vectors, one per passage (absent before a model was ever there)
        vectors.f16                the same as float16, where there are very many and vectors.faiss only proposes
        mean.f32                   their mean
        keys.bin                   16 bytes per vector: which text it stands for

A generation is written in full, flushed to the disk and only then named in CURRENT, so that a crash at any moment
leaves the previous one in force. FAISS files carry no checksum, and ``faiss.write_index`` reports success on a full
disk: hence the manifest, and Python's own writing.
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
from indexes.text import NORMALIZER

log = logging.getLogger(__name__)

FORMAT = 1
KEEP = 3
"""Generations kept: the one in force and two to go back to."""
KEY_BYTES = 16
_PIECE = 1 << 20
CANARY_TOLERANCE = 0.99
"""Least cosine between a stored canary and the same text encoded now; another model is far below."""


def passage_key(text: str) -> bytes:
    """Name a passage by its content: the same text has the same vector under the same model."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made the vectors. Two models of one dimension would mix silently without it."""

    name: str
    revision: str
    dimension: int
    canaries: Sequence[Sequence[float]]

    @classmethod
    def of(cls, encoder: Encoder) -> Self:
        """Take the stamp of an encoder."""
        return cls(encoder.name, encoder.revision, encoder.dimension, encoder.canaries.tolist())

    def matches(self, encoder: Encoder) -> bool:
        """Tell whether the encoder would give the same vectors: same name, revision, dimension, and same canaries."""
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
    """The keys of the passages, one after the other."""
    kind: IndexKind | None = None
    """How the vectors are searched."""

    @property
    def vectors(self) -> Path:
        """The FAISS file, to be memory-mapped."""
        return self.folder / FILE

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of the passages; taken apart at every call, to be no burden while they are not asked for."""
        return tuple(self.packed[at : at + KEY_BYTES] for at in range(0, len(self.packed), KEY_BYTES))

    def files(self) -> Mapping[str, FileContent]:
        """Return the files of the vectors, to be copied; none when they are gone."""
        there = [path for path in (self.vectors, self.folder / HALVES, self.folder / MEAN) if path.is_file()]
        return {path.name: partial(_copy, path) for path in there} if self.vectors in there else {}

    @property
    def source(self) -> Path:
        """The CSV as it was when this generation was made."""
        return self.folder / "source.csv"

    def fits(self, encoder: Encoder) -> bool:
        """Tell whether the vectors are this encoder's."""
        return self.encoder is not None and self.encoder.matches(encoder)

    @property
    def rows(self) -> Mapping[bytes, int]:
        """Where each passage's vector stands."""
        return {key: row for row, key in enumerate(self.keys)}


class SnapshotFolder:
    """The generations of one knowledge base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> Snapshot | None:
        """Return the newest generation that passes its checksums, or None. Damage is logged, never raised."""
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
    ) -> Snapshot:
        """Write a generation and put it in force; raises OSError (disk full, read-only) with nothing half-written."""
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
        """The generation in force, then older ones; never one that was written but not put in force."""
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
        return Snapshot(folder, manifest["created"], manifest["digest"], stamp, packed, kind)
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
