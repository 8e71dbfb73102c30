"""The vectors of a build that isn't finished, kept as they are encoded: after a kill the build continues where it was.

    unfinished-<token>.vectors     a line of JSON that identifies the encoder and the numbers, then blocks of
        8 bytes                    the number of vectors, and the CRC-32 of the rest of the block
        16 bytes each              the keys of their texts
        2 or 4 bytes per number    the vectors

Every process writes a file of its own and reads all. Once the snapshot is written, they are deleted.
"""

import json
import logging
import secrets
import struct
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from os import fsync
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import Encoder, Vectors
from indexes.storage.snapshot import KEY_BYTES, EncoderStamp

log = logging.getLogger(__name__)

PATTERN = "unfinished-*.vectors"
_HEAD = struct.Struct("<II")
_LONGEST_LINE = 1 << 20
_SYNC_SECONDS = 5.0
"""How often what was written is flushed to the disk: a power failure loses at most as much work."""
_MOST = 2
"""How many times the wanted vectors may be kept: if a file changes and is never finished, all are given up."""


class Unfinished:
    """The vectors encoded so far for the texts of one knowledge base, by this process and by those that were killed.

    If `folder` can't be written, this process's are in memory only.
    """

    def __init__(self, folder: Path, encoder: Encoder, wanted: int, *, half: bool) -> None:
        """Read what there is for this encoder. `wanted` texts are needed in all; `half` stores float16."""
        self._folder = folder
        self._dtype = np.dtype(np.float16 if half else np.float32)
        self._stamp = {**EncoderStamp.of(encoder).as_data(), "dtype": self._dtype.name}
        self._dimension = encoder.dimension
        self._files = [
            file for path in sorted(folder.glob(PATTERN)) if (file := _File.open(path, self._stamp, self._dimension))
        ]
        if sum(len(file.rows) for file in self._files) > _MOST * wanted:
            self.delete()
        self._own: _File | None = None
        self._memory: dict[bytes, NDArray[Any]] = {}
        self._synced = monotonic()

    def __contains__(self, key: bytes) -> bool:
        return key in self._memory or any(key in file.rows for file in self._files)

    def vectors(self, keys: Sequence[bytes]) -> Vectors:
        """Return the vectors of texts that are all there, in that order."""
        return np.stack([self._vector(key) for key in keys]).astype(np.float32)

    def keep(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Add the vectors of some texts; a full disk is logged once, and the rest is kept in memory."""
        rows = vectors.astype(self._dtype)
        try:
            self._write(keys, rows)
        except OSError as error:
            if not self._memory:
                log.warning("%s can't be written (%s); the vectors are kept in memory", self._folder, error)
            self._memory.update(zip(keys, rows, strict=True))

    def delete(self) -> None:
        """Delete all files: the vectors are in a snapshot now."""
        self.close()
        for path in self._folder.glob(PATTERN):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Close the files and leave them for the next build."""
        for file in self._files:
            file.close()
        self._files = []
        self._own = None

    def _vector(self, key: bytes) -> NDArray[Any]:
        file = next((file for file in self._files if key in file.rows), None)
        return self._memory[key] if file is None else file.read(key)

    def _write(self, keys: Sequence[bytes], rows: NDArray[Any]) -> None:
        if self._memory:
            raise OSError("earlier vectors could not be written")
        if self._own is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / PATTERN.replace("*", secrets.token_hex(6))
            self._own = _File.create(path, self._stamp, self._dimension)
            self._files.append(self._own)
        self._own.append(keys, rows)
        if monotonic() - self._synced > _SYNC_SECONDS:
            self._own.sync()
            self._synced = monotonic()


class _File:
    """One file; `rows` says where the vector of each key is."""

    def __init__(self, file: BinaryIO, dtype: np.dtype[Any], dimension: int) -> None:
        self._file = file
        self._dtype = dtype
        self._bytes = dimension * dtype.itemsize
        self._end = file.seek(0, 2)
        self.rows: dict[bytes, int] = {}

    @classmethod
    def create(cls, path: Path, stamp: dict[str, Any], dimension: int) -> Self:
        """Begin a file; raises OSError."""
        file = path.open("xb+", buffering=0)
        _write_all(file, json.dumps(stamp).encode() + b"\n")
        return cls(file, np.dtype(stamp["dtype"]), dimension)

    @classmethod
    def open(cls, path: Path, stamp: dict[str, Any], dimension: int) -> Self | None:
        """Read where each vector is, up to the first block that is damaged; None for another encoder's file."""
        try:
            file = path.open("rb", buffering=0)
            line = file.read(_LONGEST_LINE).partition(b"\n")[0]
            if line != json.dumps(stamp).encode():
                file.close()
                return None
            opened = cls(file, np.dtype(stamp["dtype"]), dimension)
            opened._scan(len(line) + 1)
        except OSError as error:
            log.warning("%s can't be read (%s); its texts are encoded again", path, error)
            return None
        return opened

    def read(self, key: bytes) -> NDArray[Any]:
        """Return a vector."""
        self._file.seek(self.rows[key])
        return np.frombuffer(self._file.read(self._bytes), self._dtype)

    def append(self, keys: Sequence[bytes], rows: NDArray[Any]) -> None:
        """Write a block; raises OSError, after which nothing of it counts."""
        body = b"".join(keys) + rows.tobytes()
        self._file.seek(self._end)
        _write_all(self._file, _HEAD.pack(len(keys), zlib.crc32(body)) + body)
        self._note(keys, self._end + _HEAD.size)
        self._end += _HEAD.size + len(body)

    def sync(self) -> None:
        """Flush to the disk; raises OSError."""
        fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _scan(self, at: int) -> None:
        while at + _HEAD.size <= self._end:
            self._file.seek(at)
            count, checksum = _HEAD.unpack(self._file.read(_HEAD.size))
            size = count * (KEY_BYTES + self._bytes)
            if at + _HEAD.size + size > self._end:
                break
            body = self._file.read(size)
            if zlib.crc32(body) != checksum:
                break
            keys = [body[place : place + KEY_BYTES] for place in range(0, count * KEY_BYTES, KEY_BYTES)]
            self._note(keys, at + _HEAD.size)
            at += _HEAD.size + size

    def _note(self, keys: Iterable[bytes], body: int) -> None:
        listed = list(keys)
        first = body + len(listed) * KEY_BYTES
        self.rows.update((key, first + number * self._bytes) for number, key in enumerate(listed))


def _write_all(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
