"""What the tests of the local Slack share besides fixtures."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.playground import LocalSlack

JSON = dict[str, Any]
Connect = Callable[..., SocketModeHandler]
Refusal = Callable[..., JSON]
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def client_of(slack: LocalSlack, token: str = "") -> WebClient:
    """A client that retries nothing."""
    return WebClient(token=token or slack.bot_token, base_url=slack.api_url, retry_handlers=[])


def hang_up(handler: SocketModeHandler) -> None:
    """Close, waking the SDK's message thread, which would otherwise sit out its second before it notices."""
    handler.client.closed = True
    handler.client.enqueue_message("")
    handler.close()  # type: ignore[no-untyped-call]


def section(text: str) -> JSON:
    """A section block of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(*labels: str) -> JSON:
    """An actions block; the action_id of each button is its label in lower case."""
    elements = [
        {
            "type": "button",
            "action_id": each.lower(),
            "value": f"v-{each}",
            "text": {"type": "plain_text", "text": each},
        }
        for each in labels
    ]
    return {"type": "actions", "block_id": "buttons", "elements": elements}


class RawSocket:
    """A WebSocket spoken by hand, to see exactly what the server sends and to be as rude as needed."""

    def __init__(self, slack: LocalSlack, url: str = "") -> None:
        url = url or client_of(slack).apps_connections_open(app_token=slack.app_token)["url"]
        address = urlsplit(url)
        self.socket = socket.create_connection((str(address.hostname), address.port or 80), timeout=30)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(
            f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: {address.hostname}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode(),
        )
        self.status = int(self.stream.readline().split()[1])
        while self.stream.readline().strip():
            pass

    def frame(self) -> tuple[int, bytes]:
        """The next frame: (opcode, payload); raises when the connection ends."""
        first, second = self.stream.read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack("!H", self.stream.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.stream.read(8))
        return first & 15, self.stream.read(length)

    def opcodes_for(self, seconds: float) -> list[int]:
        """The opcodes of what arrives until nothing does for that long; nothing can be read afterwards."""
        self.socket.settimeout(seconds)
        opcodes = []
        with contextlib.suppress(TimeoutError):
            while True:
                opcodes.append(self.frame()[0])
        return opcodes

    def message(self) -> JSON:
        """The next JSON message, pings passed over."""
        while True:
            opcode, data = self.frame()
            if opcode == TEXT:
                message: JSON = json.loads(data)
                return message

    def send(self, opcode: int, data: bytes) -> None:
        """Send a short frame, masked with zeros."""
        length = bytes([128 | len(data)]) if len(data) < 126 else struct.pack("!BH", 128 | 126, len(data))
        self.socket.sendall(bytes([128 | opcode]) + length + bytes(4) + data)

    def ack(self, envelope: JSON, payload: JSON | None = None) -> None:
        """Ack an envelope."""
        answer = {"envelope_id": envelope["envelope_id"]} | ({"payload": payload} if payload else {})
        self.send(TEXT, json.dumps(answer).encode())

    def close(self) -> None:
        """Hang up."""
        self.stream.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()
