"""A WebSocket connection of the app, and the envelopes sent over it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

JSON = dict[str, Any]
Kind = Literal["events_api", "slash_commands", "interactive"]
Outcome = Literal["waiting", "acked", "unacked", "undelivered"]


@dataclass(eq=False)
class Delivery:
    """One attempt to deliver an envelope, over one connection."""

    envelope_id: str
    connection: int
    at: float
    retry_attempt: int = 0
    acked_after: float | None = None
    acked: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    answer: JSON | None = None


@dataclass(eq=False)
class Envelope:
    """A payload for the app, with every attempt to deliver it."""

    kind: Kind
    payload: JSON
    deliveries: list[Delivery] = field(default_factory=list)
    outcome: Outcome = "waiting"
    ack: JSON | None = None

    @property
    def acked_after(self) -> float | None:
        """Seconds from sending to the first ack, also a late one; None without an ack."""
        return next((each.acked_after for each in self.deliveries if each.acked_after is not None), None)

    def acked_within(self, seconds: float) -> bool:
        """Whether the first delivery was acked in that time."""
        took = self.deliveries[0].acked_after if self.deliveries else None
        return took is not None and took <= seconds

    @property
    def event(self) -> JSON:
        """The event inside an events_api payload."""
        event: JSON = self.payload.get("event", {})
        return event


@dataclass(eq=False)
class Connection:
    """One open WebSocket of the app."""

    number: int
    ws: web.WebSocketResponse
    transport: asyncio.Transport
    opened_at: float
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    answers_pings: bool = True
    retiring: bool = False
    ready: bool = False
    last_pong: float | None = None

    @property
    def frozen(self) -> bool:
        """Whether it neither reads nor sends."""
        return not self.thawed.is_set()

    async def send(self, message: JSON) -> bool:
        """Send a message, which is lost when frozen; return False when the connection is closed."""
        if self.frozen:
            return True
        try:
            await self.ws.send_str(json.dumps(message, ensure_ascii=False))
        except (ConnectionError, RuntimeError):
            return False
        return True

    async def close(self) -> None:
        """Close with a WebSocket close frame."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.ws.close(code=1000, message=b"bye"), 0.5)
        self.transport.close()

    def hang_up(self) -> None:
        """End the TCP connection with a FIN, without a WebSocket close frame."""
        self.transport.close()

    def reset(self) -> None:
        """End the TCP connection with a RST."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
