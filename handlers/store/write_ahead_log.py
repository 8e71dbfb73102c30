"""SQLite's write-ahead log: whether it holds commits that SQLite would leave out in silence.

SQLite reads a log up to the first frame whose checksum is wrong. After a crash that is the end; commits behind it mean
that the file was damaged. The format is described at https://www.sqlite.org/fileformat2.html#walformat.
"""

import struct
import sys
from array import array
from pathlib import Path

HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
MAGIC = (0x377F0682, 0x377F0683)
_MASK = 0xFFFFFFFF

Sums = tuple[int, int]


def log_of(file: Path) -> Path:
    """Name the write-ahead log of a SQLite file."""
    return file.with_name(f"{file.name}-wal")


def has_lost_commits(file: Path) -> bool:
    """Tell whether the log of a SQLite file holds commits that can't be read. Raises OSError.

    The last commit can't be told from one that a crash interrupted. No connection may be open in this process.
    """
    try:
        log = log_of(file).read_bytes()
    except FileNotFoundError:
        return False
    if len(log) <= HEADER_BYTES:
        return False
    magic, _, page, _, *salts, _, _ = struct.unpack(">8I", log[:HEADER_BYTES])
    sums = _checksum(log[:24], magic, (0, 0))
    if magic not in MAGIC or sums != struct.unpack(">2I", log[24:HEADER_BYTES]):
        return True
    return _is_broken(log, magic, page, tuple(salts), sums)


def _is_broken(log: bytes, magic: int, page: int, salts: tuple[int, ...], sums: Sums) -> bool:
    """Follow the chain of checksums, and look for a commit of the same generation behind its end."""
    is_chained = True
    for at in range(HEADER_BYTES, len(log) - FRAME_HEADER_BYTES - page + 1, FRAME_HEADER_BYTES + page):
        header = log[at : at + FRAME_HEADER_BYTES]
        _, pages_after_commit, *own_salts, first, second = struct.unpack(">6I", header)
        is_own = tuple(own_salts) == salts
        if is_chained:
            body = log[at + FRAME_HEADER_BYTES : at + FRAME_HEADER_BYTES + page]
            sums = _checksum(body, magic, _checksum(header[:8], magic, sums))
            is_chained = is_own and sums == (first, second)
        elif is_own and pages_after_commit:
            return True
    return False


def _checksum(data: bytes, magic: int, sums: Sums) -> Sums:
    words = array("I", data)
    if (magic & 1) != (sys.byteorder == "big"):
        words.byteswap()
    first, second = sums
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second
