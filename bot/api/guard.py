"""The outermost layer of HTTP: which requests are read at all, how much of them, and for how long."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.addresses import is_address, named_host
from bot.api.errors import response
from bot.api.metrics import Metrics
from handlers.doors.errors import (
    NoRoomError,
    NotNowError,
    TooLargeError,
    TooSlowError,
    WrongHostError,
    WrongOriginError,
)

MOST_BYTES = 64 * 1024
"""Of a body: the longest question with all its letters as \\uXXXX is a tenth of that."""
DIGITS = 18
"""Of a length, from the first, that are looked at: more is too large anyway."""
BODY_SECONDS = 10.0
"""How long a body may take to arrive."""
ANSWER_SECONDS = 30.0
"""How long an answer may take to be made."""
AT_ONCE = 64
"""Requests at a time; each may wait for the others, so more would only wait longer."""
HEALTH = frozenset({"/healthz", "/readyz"})
"""Who asks here knows the address only, as an orchestrator does: any host is right, and there is always room."""


class Guard:
    """Checks Host and Origin, reads the body with limits, and answers whatever goes wrong.

    A page in somebody's browser can send requests to addresses of their network, under a name of its own (DNS
    rebinding) or from another site. So a request must name this machine: by an IP address, as localhost, or by one of
    `hosts`; and if it says where a page comes from, that must be the same. No header allows other sites anything.

    `has_room` tells whether there are few enough connections to answer on.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], metrics: Metrics, has_room: Callable[[], bool]) -> None:
        self._app = app
        self._hosts = frozenset({"localhost", *hosts})
        self._metrics = metrics
        self._has_room = has_room
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = _Sent(send)
        started = time.perf_counter()
        try:
            await self._take(_plain(scope), receive, sent)
        except Exception as error:  # noqa: BLE001 - the one door of HTTP: nothing ends a connection without a word
            if not sent.status:
                await response(error, Headers(scope=scope))(scope, receive, sent)
        finally:
            self._metrics.count(scope["path"], sent.status, time.perf_counter() - started)

    async def _take(self, scope: Scope, receive: Receive, sent: "_Sent") -> None:
        headers = Headers(scope=scope)
        if scope["path"] in HEALTH:
            await self._answer(scope, _replayed(await _body(receive, headers), receive), sent)
            return
        self._check(headers)
        body = await _body(receive, headers)
        with self._place():  # not before: who sends slowly takes nobody's place
            await self._answer(scope, _replayed(body, receive), sent)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places; raises NotNowError when all are taken."""
        if self._running >= AT_ONCE:
            raise NotNowError("door.busy")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _answer(self, scope: Scope, receive: Receive, sent: "_Sent") -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._app(scope, receive, sent)
        except TimeoutError:
            raise NotNowError("door.too_late", seconds=round(ANSWER_SECONDS)) from None

    def _check(self, headers: Headers) -> None:
        """Raise DoorError for one connection too many, and for a request that names another machine or site."""
        if not self._has_room():
            raise NoRoomError("door.busy")
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_here(named_host(host)):
            raise WrongHostError("door.wrong_host")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise WrongOriginError("door.wrong_origin")

    def _is_here(self, host: str) -> bool:
        """Tell whether a host is this machine: no page can be rebound to an IP address, only to a name."""
        return host in self._hosts or is_address(host)


def _plain(scope: Scope) -> Scope:
    """Return a request without a slash at the end of its address, and with GET for HEAD, of which no body is sent.

    A redirect to the address without the slash would cost some clients their token.
    """
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return {**scope, "path": scope["path"].rstrip("/") or "/", "method": method}


class _Sent:
    """What was sent; `status` is 0 before an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
        await self._send(message)


async def _body(receive: Receive, headers: Headers) -> bytes:
    """Read a body; raises DoorError if it is too large, or takes too long."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:DIGITS]) > MOST_BYTES:
        raise TooLargeError("door.too_large", most=MOST_BYTES // 1024)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive)
    except TimeoutError:
        raise TooSlowError("door.too_slow", seconds=round(BODY_SECONDS)) from None


async def _read(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TooSlowError("door.too_slow", seconds=round(BODY_SECONDS))
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise TooLargeError("door.too_large", most=MOST_BYTES // 1024)
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what hands out the body at once, and then whatever follows: that the client has gone."""
    handed: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return handed.pop() if handed else await receive()

    return replay
