"""What a source sends: unpacked, within a limit, and known by its first bytes."""

import re
import zlib
from collections.abc import Iterable, Iterator

from handlers.remote.network import FetchError

CHUNK = 1 << 16
BEGINNING = 200
"""Bytes among which an OpenDocument file says what it is."""
ENCODING = 40
"""Characters of an unknown encoding that are said."""

_WORKBOOK, _OPEN_DOCUMENT, _OLD_WORKBOOK = b"PK\x03\x04", b"mimetypeapplication/vnd.oasis", b"\xd0\xcf\x11\xe0"
_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!--|(?:!doctype|html|head|body|script|meta|title)\b)", re.IGNORECASE)


def read_body(host: str, chunks: Iterable[bytes], encoding: str, most: int) -> bytes:
    """Return what a host sends in pieces; neither packed nor unpacked is it more than `most` bytes.

    `encoding` is its Content-Encoding. Raises FetchError.
    """
    sent = _limited(host, chunks, most)
    if encoding in {"", "identity"}:
        return b"".join(sent)
    if encoding not in {"gzip", "x-gzip"}:
        raise FetchError("source.encoding", host=host, encoding=encoding[:ENCODING])
    return b"".join(_limited(host, _unzipped(host, sent), most))


def is_page(data: bytes) -> bool:
    """Tell whether this is a web page, such as one to sign in on, whatever it is said to be."""
    return bool(_PAGE.match(data))


def is_pointer(data: bytes) -> bool:
    """Tell whether this says where Git LFS keeps the file, as raw links of large files do."""
    return data.startswith(_POINTER)


def ending_of(data: bytes) -> str:
    """Tell workbooks by their first bytes: addresses and servers often don't say what they have."""
    if data.startswith(_OLD_WORKBOOK):
        return ".xls"
    if not data.startswith(_WORKBOOK):
        return ".csv"
    return ".ods" if _OPEN_DOCUMENT in data[:BEGINNING] else ".xlsx"


def _limited(host: str, chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise FetchError("source.too_large", host=host, megabytes=max(1, most // 1_000_000))
        yield chunk


def _unzipped(host: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip in pieces, so that what is sent to fill the memory is noticed before it does."""
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            left = chunk
            while left:
                yield unpacking.decompress(left, CHUNK)
                left = unpacking.unused_data or unpacking.unconsumed_tail
                if unpacking.eof and left:  # a file may consist of several
                    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
        yield unpacking.flush()
    except zlib.error:
        raise FetchError("source.broke_off", host=host) from None
    if not unpacking.eof:
        raise FetchError("source.broke_off", host=host)
