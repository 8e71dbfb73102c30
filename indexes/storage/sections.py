"""Many arrays in one file, which is mapped into memory as a whole: a process may have few files open."""

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.atomic_file import FileContent
from indexes.errors import SnapshotError

Sections = Mapping[str, NDArray[Any]]
"""One-dimensional arrays by name. Texts are arrays of bytes."""

_ALIGNED = 64
"""Bytes; numpy reads a number at any address, but faster where it doesn't cross a cache line."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies in the file."""

    dtype: str
    start: int
    length: int
    """Number of elements."""


Directory = Mapping[str, Place]


def directory_of(sections: Sections) -> Directory:
    """Return where `content_of` puts each array."""
    places: dict[str, Place] = {}
    at = 0
    for name, array in sections.items():
        places[name] = Place(_little(array).dtype.str, at, len(array))
        at += -(-array.nbytes // _ALIGNED) * _ALIGNED
    return places


def content_of(sections: Sections) -> FileContent:
    """Return the content of a file with these arrays."""

    def write(put: Callable[[bytes], object]) -> None:
        for array in sections.values():
            for piece in _pieces(_little(array)):
                put(piece)
            put(b"\0" * (-array.nbytes % _ALIGNED))

    return write


def map_sections(path: Path, directory: Directory) -> Sections:
    """Map a file, whose checksums must have been verified, and return its arrays, read-only.

    Raises SnapshotError if they don't lie in the file, and OSError.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return {
                name: np.frombuffer(mapped, place.dtype, place.length, place.start)
                if place.length
                else np.zeros(0, place.dtype)
                for name, place in directory.items()
            }
        except (ValueError, TypeError) as error:
            raise SnapshotError(
                "snapshot.unreadable", folder=str(path), kind=type(error).__name__, reason=str(error)
            ) from error


def prefixed(prefix: str, sections: Sections) -> Sections:
    """Return the arrays with a prefix and a dot before their names."""
    return {f"{prefix}.{name}": array for name, array in sections.items()}


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _pieces(array: NDArray[Any]) -> Iterator[bytes]:
    raw = array.view(np.uint8)
    return (raw[at : at + _PIECE].tobytes() for at in range(0, len(raw), _PIECE))
