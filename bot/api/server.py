"""HTTP in a thread of its own: it opens with the bot, and closes before the bot does."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.api.binding import Binding
from bot.api.guard import Guard
from bot.api.mcp_route import add_mcp
from bot.api.metrics import Metrics
from bot.api.routes import Door, application
from bot.settings import Settings
from handlers.services import Services

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive, and how long a connection may say nothing at first."""
CONNECTIONS = 256
"""Connections at a time: those above are told to come back."""
FINISH_SECONDS = 5
"""How long requests may take that are there when it closes."""


class ApiServer:
    """The server; nothing listens before `open`."""

    def __init__(self, settings: Settings, binding: Binding, services: Services, ready: Callable[[], bool]) -> None:
        metrics = Metrics()
        environment = settings.environment
        self._binding = binding
        self._door = Door(services, ready, metrics)
        app = add_mcp(application(self._door), self._door)
        self._server = uvicorn.Server(
            _config(
                Guard(app, {binding.host.lower(), *environment.api_hosts}, metrics),
                list(environment.api_proxies),
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """HOST:PORT while it is open; blank otherwise."""
        return self._binding.address

    def open(self) -> None:
        """Listen, and take requests; raises SettingsError if that address can't be had."""
        listening = self._binding.open()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="kotae-http", daemon=True)
        self._thread.start()
        log.info("HTTP is open at %s", self._binding.address)

    def close(self) -> None:
        """Take no more requests, and finish those that are there."""
        self._server.should_exit = True
        if self._thread:
            self._thread.join(FINISH_SECONDS + HEAD_SECONDS)
        self._door.close()

    def _run(self, listening: socket.socket) -> None:
        """Take requests until it is closed; however that ends, the status says so."""
        try:
            self._server.run([listening])
        finally:
            self._binding.close()


def _config(app: ASGIApp, proxies: list[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        log_config=None,  # the log of the bot is the only one
        log_level="error",  # or each broken request and each connection too many is a line
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


class Connection(H11Protocol):
    """A connection that is closed when the head of a request does not arrive: uvicorn itself would wait for ever."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        # asyncio does so only for sockets that were made with a protocol; without it an answer waits for 40 ms
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.access_log = False  # an address may have what must not be logged
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a head is there; wait for the next one where that has begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
