"""Fetching what a source has now: over https, within limits of time and size, through few redirects.

`httpcore2` is used rather than `httpx2` on top of it, since that gives no say in which address is connected to.
"""

import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import httpcore2

from handlers.remote.addresses import is_address
from handlers.remote.network import (
    CheckedNetwork,
    Deadline,
    FetchError,
    Resolve,
    TimedNetwork,
    addresses_of,
    check_address,
)
from handlers.remote.places import Place, Remote
from indexes.records.decoding import MAX_BYTES

SECONDS = 60.0
"""How long a fetch may take altogether, redirects included."""
MOST_REDIRECTS = 3
"""A published Google Sheet needs one."""
REDIRECTS = {301, 302, 303, 307, 308}
CHUNK = 1 << 16
SETTLED = timedelta(seconds=2)
"""How much older than the answer a Last-Modified is that tells of every later change: it counts in seconds."""
VALIDATOR = 500
"""Characters of an ETag or a Last-Modified; longer ones are not kept."""
MOST_PAUSE_SECONDS = 6 * 3600.0
"""The longest pause that a host may ask for."""

_WORKBOOK, _OPEN_DOCUMENT, _OLD_WORKBOOK = b"PK\x03\x04", b"mimetypeapplication/vnd.oasis", b"\xd0\xcf\x11\xe0"
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")
_BEGINNING = 200

Headers = Mapping[str, str]
"""Header values by their names in lower case."""


@dataclass(frozen=True)
class Fetched:
    """What a source has. `ending` says what it is, as a file's name does; `etag` and `modified` ask for newer ones."""

    data: bytes
    ending: str
    etag: str
    modified: str


def no_proxy(_: str) -> str | None:
    """Connect to every host directly."""
    return None


class Fetcher:
    """Fetches sources. Thread-safe.

    `private_hosts` may have addresses that are not public; `proxy_of` returns the proxy for a host, if there is one,
    which then resolves it.
    """

    def __init__(
        self,
        private_hosts: Iterable[str] = (),
        proxy_of: Callable[[str], str | None] = no_proxy,
        resolve: Resolve = addresses_of,
        seconds: float = SECONDS,
        most: int = MAX_BYTES,
    ) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)
        self._proxy_of = proxy_of
        self._resolve = resolve
        self._seconds = seconds
        self._most = most

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def fetch(self, remote: Remote, etag: str = "", modified: str = "") -> Fetched | None:
        """Return what a source has; None if that is what it had when it sent `etag` and `modified`.

        Raises FetchError.
        """
        deadline, place = Deadline(self._seconds), remote.place
        for _ in range(MOST_REDIRECTS + 1):
            is_first = place.named == remote.place.named
            headers = _headers(place, etag, modified, remote.header if is_first else None)
            with self._answer(place, headers, deadline) as response:
                told = _told(response)
                if response.status not in REDIRECTS:
                    return self._taken(place, response, told, is_asked=bool(etag or modified))
            place = _redirected(place, told)
        raise FetchError("source.too_many_redirects", host=remote.place.host, count=MOST_REDIRECTS)

    @contextmanager
    def _answer(self, place: Place, headers: list[tuple[str, str]], deadline: Deadline) -> Iterator[httpcore2.Response]:
        """Ask one host; nothing that libraries say of a failure is passed on but the reason of the system."""
        try:
            with self._pool(place, deadline) as pool, pool.stream("GET", place.url, headers=headers) as response:
                yield response
        except httpcore2.TimeoutException:
            raise FetchError("source.slow", host=place.host, seconds=round(self._seconds)) from None
        except httpcore2.ProxyError as error:
            raise FetchError("source.proxy", host=place.host, reason=_short(error)) from None
        except httpcore2.ConnectError as error:
            raise FetchError("source.unreachable", host=place.host, reason=_short(error)) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            raise FetchError("source.broke_off", host=place.host) from None

    def _pool(self, place: Place, deadline: Deadline) -> httpcore2.ConnectionPool:
        may_be_private = place.host.lower() in self._private_hosts
        proxy = self._proxy_of(place.host)
        if not proxy:
            network = CheckedNetwork(deadline, self._resolve, may_be_private=may_be_private)
            return httpcore2.ConnectionPool(ssl_context=self._certificates, network_backend=network)
        if is_address(place.host):
            check_address(place.host, place.host, may_be_private=may_be_private)
        parts = urlsplit(proxy)
        user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return httpcore2.HTTPProxy(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            proxy_auth=user,
            ssl_context=self._certificates,
            network_backend=TimedNetwork(deadline),
        )

    def _taken(self, place: Place, response: httpcore2.Response, headers: Headers, *, is_asked: bool) -> Fetched | None:
        if response.status == HTTPStatus.NOT_MODIFIED and is_asked:
            return None
        if response.status != HTTPStatus.OK:
            raise _refused(place, response.status, headers)
        if headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml")):
            raise FetchError("source.sign_in", host=place.host)
        data = b"".join(self._limited(place, self._unpacked(place, self._limited(place, _body(response)), headers)))
        if data[:_BEGINNING].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
            raise FetchError("source.sign_in", host=place.host)
        return Fetched(data, _ending(data), _validator(headers, "etag"), _modified(headers))

    def _limited(self, place: Place, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass chunks on up to the most that is read."""
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if total > self._most:
                raise FetchError("source.too_large", host=place.host, megabytes=max(1, self._most // 1_000_000))
            yield chunk

    def _unpacked(self, place: Place, chunks: Iterable[bytes], headers: Headers) -> Iterable[bytes]:
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in {"", "identity"}:
            return chunks
        if encoding not in {"gzip", "x-gzip"}:
            raise FetchError("source.encoding", host=place.host, encoding=encoding[:40])
        return _unzipped(place, chunks)


def _body(response: httpcore2.Response) -> Iterator[bytes]:
    yield from response.iter_stream()


def _unzipped(place: Place, chunks: Iterable[bytes]) -> Iterator[bytes]:
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
        raise FetchError("source.broke_off", host=place.host) from None
    if not unpacking.eof:
        raise FetchError("source.broke_off", host=place.host)


def _headers(place: Place, etag: str, modified: str, own: tuple[str, str] | None) -> list[tuple[str, str]]:
    headers = [("Host", place.named), ("User-Agent", "kotae"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
    headers += [("If-None-Match", etag)] if etag else []
    headers += [("If-Modified-Since", modified)] if modified else []
    return [*headers, *([own] if own else [])]


def _told(response: httpcore2.Response) -> Headers:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def _redirected(place: Place, headers: Headers) -> Place:
    """Return where a redirect leads; raises FetchError if that is not https."""
    location = headers.get("location", "")
    try:
        return place.leads_to(location)
    except ValueError:
        raise FetchError("source.bad_redirect", host=place.host) from None


def _refused(place: Place, status: int, headers: Headers) -> FetchError:
    """Say what a status means for whoever looks after the source."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return FetchError("source.denied", host=place.host, status=status)
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return FetchError("source.not_found", host=place.host, status=status)
    error = FetchError("source.status", host=place.host, status=status)
    error.retry_after = _pause(headers.get("retry-after", ""))
    return error


def _pause(asked: str) -> float:
    """Read a Retry-After: seconds, or a date."""
    if asked.isascii() and asked.isdecimal():
        seconds = float(asked)
    else:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), MOST_PAUSE_SECONDS)


def _validator(headers: Headers, name: str) -> str:
    found = headers.get(name, "")
    return found if found.isascii() and len(found) <= VALIDATOR else ""


def _modified(headers: Headers) -> str:
    """Return Last-Modified if it is of an earlier second than the answer: in the same one, more may change later."""
    modified = _validator(headers, "last-modified")
    try:
        age = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return ""
    return modified if age >= SETTLED else ""


def _ending(data: bytes) -> str:
    """Tell workbooks by their first bytes: addresses and servers often don't say what they have."""
    if data.startswith(_OLD_WORKBOOK):
        return ".xls"
    if not data.startswith(_WORKBOOK):
        return ".csv"
    return ".ods" if _OPEN_DOCUMENT in data[:_BEGINNING] else ".xlsx"


def _short(error: Exception) -> str:
    return str(error)[:_BEGINNING] or type(error).__name__


@dataclass(frozen=True)
class Remotes:
    """The sources by the names of their knowledge bases, and what fetches them."""

    by_name: Mapping[str, Remote] = field(default_factory=dict)
    fetcher: Fetcher = field(default_factory=Fetcher)
