"""Socket Mode's connections, deliveries and acks. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import secrets
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from bot.playground.slack.app_config import Timing
from bot.playground.slack.faults import EnvelopeFault, Faults
from bot.playground.slack.socket_mode.connection import JSON, Connection, Delivery, Envelope, Kind, Outcome
from bot.playground.slack.workspace import new_id

MOST_CONNECTIONS = 10


class Hub:
    """The open connections, and the envelopes sent over them."""

    def __init__(self, timing: Timing, faults: Faults, tell: Callable[[str, Any], None]) -> None:
        self.timing = timing
        self.faults = faults
        self.tell = tell
        self.app_id = ""
        self.connections: list[Connection] = []
        self.opened = 0
        self.envelopes: list[Envelope] = []
        self.unknown_acks: list[str] = []
        self._tickets: set[str] = set()
        self._deliveries: dict[str, Delivery] = {}
        self._turn = 0
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- Connections ---------------------------------------------------------------------------------------

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
            self._acked(message.data)

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

    # -- Envelopes -----------------------------------------------------------------------------------------

    def deliver(self, kind: Kind, payload: JSON, finished: Callable[[Envelope], None] | None = None) -> Envelope:
        """Send a payload to one connection; `finished` is called after the ack or the timeout."""
        envelope = Envelope(kind, copy.deepcopy(payload))
        self.envelopes.append(envelope)
        self.tell("envelope", envelope)
        self.spawn(self._deliver(envelope, self.faults.take_envelope(), finished))
        return envelope

    async def _deliver(
        self,
        envelope: Envelope,
        faults: list[EnvelopeFault],
        finished: Callable[[Envelope], None] | None,
    ) -> None:
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
        again = [fault.how for fault in faults if fault.kind == "duplicate"]
        if envelope.kind == "events_api":
            envelope.outcome = await self._deliver_event(envelope, again)
        else:
            envelope.outcome = await self._deliver_once(envelope, again)
        self.tell("ack", envelope)
        if finished is not None:
            finished(envelope)

    async def _deliver_once(self, envelope: Envelope, again: Sequence[str]) -> Outcome:
        """Deliver a command or interaction: one attempt."""
        connection = self._next_connection()
        if connection is None:
            return "undelivered"
        return "acked" if await self._attempt(envelope, connection, 0, again) else "unacked"

    async def _deliver_event(self, envelope: Envelope, again: Sequence[str]) -> Outcome:
        """Deliver an event: with retries; without a connection it waits, and arrives as a retry."""
        late = not self._connected()
        for attempt in range(1 + len(self.timing.retry_delays)):
            if attempt:
                await asyncio.sleep(self.timing.retry_delays[attempt - 1])
            connection = await self._some_connection()
            if await self._attempt(envelope, connection, attempt + late, again if attempt == 0 else []):
                return "acked"
        return "unacked"

    def _connected(self) -> list[Connection]:
        ready = [each for each in self.connections if each.ready and not each.ws.closed]
        return [each for each in ready if not each.retiring] or ready

    def _next_connection(self) -> Connection | None:
        """Choose a connection in turn; those about to close only when there is no other."""
        connected = self._connected()
        self._turn += 1
        return connected[self._turn % len(connected)] if connected else None

    async def _some_connection(self) -> Connection:
        async with self._changed:
            await self._changed.wait_for(self._connected)
        connection = self._next_connection()
        return connection if connection is not None else await self._some_connection()

    async def _attempt(self, envelope: Envelope, connection: Connection, retry: int, again: Sequence[str]) -> bool:
        """Send once, with the duplicates that faults ask for; return whether the first was acked in time."""
        delivery = await self._send(envelope, connection, retry)
        if "envelope" in again:
            await self._send_same(envelope, delivery)
        if "retry" in again and envelope.kind == "events_api":
            await self._send(envelope, self._next_connection() or connection, retry + 1)
        if "event" in again and envelope.kind == "events_api":
            self._send_as_new_event(envelope)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(delivery.acked.wait(), self.timing.ack)
            envelope.ack = delivery.answer
        return delivery.acked.is_set()

    async def _send(self, envelope: Envelope, connection: Connection, retry: int) -> Delivery:
        delivery = Delivery(str(uuid.uuid4()), connection.number, time.monotonic(), retry)
        self._deliveries[delivery.envelope_id] = delivery
        envelope.deliveries.append(delivery)
        await connection.send(self._message(envelope, delivery))
        self.tell("delivery", delivery)
        return delivery

    async def _send_same(self, envelope: Envelope, delivery: Delivery) -> None:
        connection = self._next_connection()
        if connection is not None:
            await connection.send(self._message(envelope, delivery))
            twin = Delivery(delivery.envelope_id, connection.number, time.monotonic(), acked=delivery.acked)
            envelope.deliveries.append(twin)

    def _send_as_new_event(self, envelope: Envelope) -> None:
        twin = Envelope("events_api", {**envelope.payload, "event_id": new_id("Ev")})
        self.envelopes.append(twin)
        self.spawn(self._deliver(twin, [], None))

    @staticmethod
    def _message(envelope: Envelope, delivery: Delivery) -> JSON:
        told: JSON = {
            "envelope_id": delivery.envelope_id,
            "payload": envelope.payload,
            "type": envelope.kind,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if envelope.kind == "events_api":
            told["retry_attempt"] = delivery.retry_attempt
            told["retry_reason"] = "timeout" if delivery.retry_attempt else ""
        return told

    def _acked(self, data: str) -> None:
        try:
            answer = json.loads(data)
            delivery = self._deliveries.get(answer.get("envelope_id", ""))
        except (ValueError, AttributeError):
            delivery = None
        if delivery is None:
            self.unknown_acks.append(data)
            return
        if delivery.acked_after is None:
            delivery.acked_after = time.monotonic() - delivery.at
            delivery.answer = answer.get("payload")
            delivery.acked.set()
            self.tell("delivery", delivery)

    def ready(self) -> int:
        """Count the connections that take payloads."""
        return len(self._connected())

    def awaiting_ack(self) -> bool:
        """Whether an ack is pending and can still come in time."""
        now = time.monotonic()
        return any(
            not each.acked.is_set() and now - each.at < self.timing.ack
            for envelope in self.envelopes[-200:]
            for each in envelope.deliveries
            if envelope.outcome == "waiting"
        )

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
