"""Connections of a fetch: to the very address that was checked, and within the time that the whole fetch has."""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore2

from handlers.remote.addresses import is_link_local, is_public
from handlers.texts import HandlerError

SILENCE_SECONDS = 10.0
"""How long one answer of the network may take."""

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host and port; raises OSError or UnicodeError for an unknown one."""


class FetchError(HandlerError):
    """A source can't be fetched; the message says why and what to do. `retry_after` is what its host asks for."""

    retry_after = 0.0


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host; see `Resolve`."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Deadline:
    """The moment at which a fetch is given up, however much of it has arrived."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._end = clock() + seconds
        self._clock = clock

    def left(self) -> float:
        """Return how long the next step may take, in seconds; raises ReadTimeout after the end."""
        left = self._end - self._clock()
        if left <= 0:
            raise httpcore2.ReadTimeout("the fetch takes too long")
        return min(left, SILENCE_SECONDS)


class TimedStream(httpcore2.NetworkStream):
    """A connection on which nothing lasts beyond the deadline: not many slow answers either."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `NetworkStream`, as for the others."""
        del timeout
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        del timeout
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Secure the connection."""
        del timeout
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        # or a body without a length, of which only the beginning has come, would count as all of it
        secured.get_extra_info("socket").suppress_ragged_eofs = False
        return TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Tell what libraries ask of a connection."""
        return self._stream.get_extra_info(info)


class TimedNetwork(httpcore2.NetworkBackend):
    """Connects to a host as it is named: a proxy, which whoever runs the bot chose."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect; raises ConnectError or ConnectTimeout."""
        del timeout
        stream = self._network.connect_tcp(host, port, self._deadline.left(), local_address, socket_options)
        return TimedStream(stream, self._deadline)


class CheckedNetwork(TimedNetwork):
    """Resolves a host once and connects to what was checked: a name that changes its address can't get elsewhere."""

    def __init__(self, deadline: Deadline, resolve: Resolve, *, may_be_private: bool) -> None:
        super().__init__(deadline)
        self._resolve = resolve
        self._may_be_private = may_be_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first of the addresses that answers; raises FetchError, too."""
        *others, last = self._addresses(host, port)
        for address in others:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return super().connect_tcp(last, port, timeout, local_address, socket_options)

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, all of them checked; raises FetchError."""
        found = dict.fromkeys(self._resolved(host, port))
        if not found:
            raise FetchError("source.no_such_host", host=host)
        for address in found:
            check_address(host, address, may_be_private=self._may_be_private)
        return tuple(found)

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """Resolve a host on another thread, which is left to itself if it takes too long; none if it is unknown."""
        answers = queue.SimpleQueue[Sequence[str]]()

        def resolve() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError):
                answers.put(())

        threading.Thread(target=resolve, name="kotae-resolve", daemon=True).start()
        try:
            return answers.get(timeout=self._deadline.left())
        except queue.Empty:
            raise httpcore2.ConnectTimeout("resolving takes too long") from None


def check_address(host: str, address: str, *, may_be_private: bool) -> None:
    """Raise FetchError for an address that must not be asked."""
    if is_link_local(address):
        raise FetchError("source.never", host=host)
    if not (may_be_private or is_public(address)):
        raise FetchError("source.private", host=host)
