"""A WebSocket connection of the app."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

JSON = dict[str, Any]


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
        return await self.send_frame(json.dumps(message, ensure_ascii=False))

    async def send_frame(self, data: str | bytes) -> bool:
        """Send a text or binary frame as it is; see `send`."""
        if self.frozen:
            return True
        try:
            await (self.ws.send_str(data) if isinstance(data, str) else self.ws.send_bytes(data))
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
            sizes = "hh" if os.name == "nt" else "ii"  # of the fields of struct linger
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(sizes, 1, 0))
        self.transport.abort()
