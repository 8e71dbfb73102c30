"""A connection of HTTP: uvicorn's, which by itself waits for ever for what a client neither sends nor reads."""

import asyncio
import socket

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.api import errors

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive, and how long a connection may say nothing at first."""
READ_SECONDS = 30.0
"""How long a client may take to read what was answered."""
MOST_CONNECTIONS = 384
"""Connections at a time; those above are cut. Each is an open file, of which a process often may have 1,024 in all."""


class Connection(H11Protocol):
    """A connection that is cut when the head of a request does not arrive, or an answer is not read."""

    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS
    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        # asyncio does so only for sockets that were made with a protocol; without it an answer waits for 40 ms
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(0)  # so writing pauses whenever something is left that the client didn't read
        self.access_log = False  # an address may have what must not be logged
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a head is there; wait for the next one where that has begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting_for_head()
        elif self._head is None:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """Begin to wait until the client has read everything."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: it has."""
        if self._unread:
            self._unread.cancel()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for anything."""
        self._stop_waiting_for_head()
        self.resume_writing()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything that is wrong is answered; after another answer, only hang up."""
        del msg
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            answer = errors.no_http()
            head = h11.Response(status_code=answer.status_code, headers=answer.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting_for_head(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None
