"""Damaging files, the same way for the same seed."""

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

PAGE = 4096

Damage = Callable[[random.Random, bytes], bytes]


def flip_bit(chance: random.Random, data: bytes) -> bytes:
    """Turn one bit round."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def flip_many(chance: random.Random, data: bytes) -> bytes:
    """Put other bytes in fifty places."""
    broken = bytearray(data)
    for _ in range(50):
        broken[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(broken)


def truncate(chance: random.Random, data: bytes) -> bytes:
    """Cut the file off somewhere."""
    return data[: chance.randrange(len(data))]


def zero_page(chance: random.Random, data: bytes) -> bytes:
    """Fill a page with zeros."""
    at = PAGE * chance.randrange(max(1, len(data) // PAGE))
    return data[:at] + bytes(min(PAGE, len(data) - at)) + data[at + PAGE :]


def garbage_page(chance: random.Random, data: bytes) -> bytes:
    """Fill a page with noise."""
    at = PAGE * chance.randrange(max(1, len(data) // PAGE))
    return data[:at] + chance.randbytes(min(PAGE, len(data) - at)) + data[at + PAGE :]


def garbage_header(chance: random.Random, data: bytes) -> bytes:
    """Fill the first hundred bytes with noise."""
    return chance.randbytes(min(100, len(data))) + data[100:]


def garbage(chance: random.Random, data: bytes) -> bytes:
    """Fill the whole file with noise."""
    return chance.randbytes(len(data))


def empty(_: random.Random, data: bytes) -> bytes:
    """Leave nothing."""
    return data[:0]


KINDS: Mapping[str, Damage] = MappingProxyType(
    {
        each.__name__: each
        for each in (flip_bit, flip_many, truncate, zero_page, garbage_page, garbage_header, garbage, empty)
    }
)


def damage(file: Path, seed: int) -> str:
    """Damage a file that is not empty; return in which way. Its times stay as they were, as on a failing disk."""
    chance = random.Random(seed)
    kind = chance.choice([*KINDS])
    times = file.stat()
    file.write_bytes(KINDS[kind](chance, file.read_bytes()))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    return kind
