"""HTTP in a thread of its own: it opens with the bot, and closes before the bot does."""

import logging
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from bot.api.binding import Binding
from bot.api.connection import HEAD_SECONDS, Connection
from bot.api.guard import Guard
from bot.api.mcp_route import add_mcp
from bot.api.metrics import Metrics
from bot.api.routes import Door, application
from bot.settings import Settings
from handlers.services import Services

log = logging.getLogger(__name__)

CONNECTIONS = 256
"""Connections at a time; those above are told to come back."""
FINISH_SECONDS = 5
"""How long requests may take that are there when it closes."""


class ApiServer:
    """The server; nothing listens before `open`."""

    def __init__(self, settings: Settings, binding: Binding, services: Services, ready: Callable[[], bool]) -> None:
        metrics, environment = Metrics(), settings.environment
        self._binding = binding
        self._door = Door(services, ready, metrics)
        app = add_mcp(application(self._door), self._door)
        guard = Guard(app, {binding.host.lower(), *environment.api_hosts}, metrics, self._has_room)
        self._server = uvicorn.Server(_config(guard, list(environment.api_proxies)))
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

    def _has_room(self) -> bool:
        return len(self._server.server_state.connections) <= CONNECTIONS

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
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
