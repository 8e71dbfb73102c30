"""Fetching what a source has now: over https, within limits of time and size, through few redirects.

`httpcore2` is used rather than `httpx2` on top of it, since that gives no say in which address is connected to.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import httpcore2

from handlers.remote.addresses import is_address
from handlers.remote.body import ending_of, is_page, is_pointer, read_body
from handlers.remote.headers import Headers, etag_of, modified_of, pause_of, read_headers
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
REASON = 200
"""Characters of what the system says of a failure."""


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
                told = read_headers(response.headers)
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
        if parts.scheme not in {"http", "https"}:
            raise FetchError("source.proxy", host=place.host, reason=f"{parts.scheme}://")
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
        encoding = headers.get("content-encoding", "").strip().lower()
        data = read_body(place.host, response.iter_stream(), encoding, self._most)
        if is_page(data):
            raise FetchError("source.sign_in", host=place.host)
        if is_pointer(data):
            raise FetchError("source.pointer", host=place.host)
        return Fetched(data, ending_of(data), etag_of(headers), modified_of(headers))


def _headers(place: Place, etag: str, modified: str, own: tuple[str, str] | None) -> list[tuple[str, str]]:
    headers = [("Host", place.named), ("User-Agent", "kotae"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
    headers += [("If-None-Match", etag)] if etag else []
    headers += [("If-Modified-Since", modified)] if modified else []
    return [*headers, *([own] if own else [])]


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
    error.retry_after = pause_of(headers)
    return error


def _short(error: Exception) -> str:
    return str(error)[:REASON] or type(error).__name__


@dataclass(frozen=True)
class Remotes:
    """The sources by the names of their knowledge bases, and what fetches them."""

    by_name: Mapping[str, Remote] = field(default_factory=dict)
    fetcher: Fetcher = field(default_factory=Fetcher)
