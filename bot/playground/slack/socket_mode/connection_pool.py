"""The pool of Socket Mode connections: admission, pings, disconnects. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from bot.playground.slack.app_config import Timing
from bot.playground.slack.faults import Faults
from bot.playground.slack.socket_mode.connection import Connection
from bot.playground.slack.socket_mode.envelopes import JSON

MOST_CONNECTIONS = 10


class ConnectionPool:
    """The open connections; `received` is called with every text message of the app."""

    def __init__(
        self, timing: Timing, faults: Faults, tell: Callable[[str, Any], None], received: Callable[[str], None]
    ) -> None:
        self.timing = timing
        self.faults = faults
        self.tell = tell
        self.app_id = ""
        self.connections: list[Connection] = []
        self.opened = 0
        self._received_text = received
        self._tickets: set[str] = set()
        self._turn = 0
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def ticket(self) -> str:
        """Issue a ticket that admits one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve a WebSocket connection."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="the ticket is unknown or used")
        self._tickets.discard(ticket)
        if self.faults.refuse_sockets > 0:
            self.faults.refuse_sockets -= 1
            return web.Response(status=503, text="try later")
        ws = web.WebSocketResponse(autoping=False, timeout=0.5)
        await ws.prepare(request)
        if not isinstance(request.transport, asyncio.Transport):
            return ws
        self.opened += 1
        connection = Connection(self.opened, ws, request.transport, time.monotonic())
        await self._serve(connection)
        return ws

    async def _serve(self, connection: Connection) -> None:
        connection.answers_pings = not self.faults.silence_new_sockets
        if not self.faults.freeze_new_sockets:
            connection.thawed.set()
        if len(self.connections) >= MOST_CONNECTIONS:
            await connection.send(self._disconnect_message("too_many_websockets"))
            await connection.close()
            return
        self.connections.append(connection)
        pinging = self.spawn(self._ping(connection))
        try:
            await connection.send(self._hello())
            connection.ready = True
            await self._wake()
            await self._read(connection)
        finally:
            pinging.cancel()
            self.connections.remove(connection)
            self.tell("connection", connection)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()
        self.tell("connection", None)

    def _hello(self) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self.app_id},
            "debug_info": {"host": "playground", "build_number": 1, "approximate_connection_time": 18060},
        }

    @staticmethod
    def _disconnect_message(reason: str) -> JSON:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self.timing.ping)
            if not connection.frozen:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await connection.ws.ping(b"Ping from the playground")

    async def _read(self, connection: Connection) -> None:
        async for message in connection.ws:
            await connection.thawed.wait()
            await self._received(connection, message)

    async def _received(self, connection: Connection, message: WSMessage) -> None:
        if message.type == WSMsgType.PING and connection.answers_pings:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await connection.ws.pong(message.data)
        elif message.type == WSMsgType.PONG:
            connection.last_pong = time.monotonic()
        elif message.type == WSMsgType.TEXT:
            self._received_text(message.data)

    async def disconnect(self, reason: str, which: list[Connection]) -> None:
        """Send a disconnect envelope; for all reasons but a warning, close the connection after the grace time."""
        for connection in which:
            await connection.send(self._disconnect_message(reason))
            if reason != "warning":
                connection.retiring = True
                self.spawn(self._retire(connection, reason))

    async def _retire(self, connection: Connection, reason: str) -> None:
        await asyncio.sleep(0 if reason == "link_disabled" else self.timing.refresh_grace)
        await connection.close()

    # -- Choosing ------------------------------------------------------------------------------------------

    def ready(self) -> int:
        """Count the connections that take payloads."""
        return len(self.connected())

    def connected(self) -> list[Connection]:
        """Return the connections that take payloads: those about to close only when there are no others."""
        ready = [each for each in self.connections if each.ready and not each.ws.closed]
        return [each for each in ready if not each.retiring] or ready

    def next_connection(self) -> Connection | None:
        """Choose a connection in turn; None when there is none."""
        connected = self.connected()
        self._turn += 1
        return connected[self._turn % len(connected)] if connected else None

    async def some_connection(self) -> Connection:
        """Wait for a connection that takes payloads."""
        async with self._changed:
            await self._changed.wait_for(self.connected)
        connection = self.next_connection()
        return connection if connection is not None else await self.some_connection()

    # -- Tasks ---------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine until it is done or the server stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and close every connection."""
        for connection in self.connections:
            connection.thawed.set()
            connection.transport.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
