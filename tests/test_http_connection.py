"""A connection of the HTTP server: nobody holds one for ever, whatever they don't send or don't read."""

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from bot.api.connection import Connection

HEAD_SECONDS, READ_SECONDS = 0.4, 0.8
ANSWER = b"x" * 200_000
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MANY = 200
"""Requests whose answers don't fit into what the system keeps for a connection."""


class Hasty(Connection):
    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Read what there is, and answer at length."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    length = str(len(ANSWER)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": ANSWER})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    config = uvicorn.Config(
        answering, port=0, http=Hasty, ws="none", loop="asyncio", lifespan="off", log_config=None, log_level="error"
    )
    running, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield running
    running.should_exit = True
    thread.join(10)


def connected(server: uvicorn.Server) -> socket.socket:
    sent = socket.socket()
    sent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sent.settimeout(20)
    sent.connect(server.servers[0].sockets[0].getsockname())
    return sent


def read(sent: socket.socket, pause: float = 0.0) -> bytes:
    """Everything until the other side closes, or cuts, the connection."""
    found = bytearray()
    with suppress(ConnectionError):
        while part := sent.recv(65536):
            found += part
            time.sleep(pause)
    return bytes(found)


def wait_for(server: uvicorn.Server, connections: int) -> None:
    """Wait until the server holds so many."""
    until = time.monotonic() + 10
    while len(server.server_state.connections) != connections:
        assert time.monotonic() < until, f"it holds {len(server.server_state.connections)}"
        time.sleep(0.01)


def test_an_answer_that_is_not_read_is_given_up(server: uvicorn.Server) -> None:
    wait_for(server, 0)
    with closing(connected(server)) as sent:
        wait_for(server, 1)
        began = time.monotonic()
        sent.sendall(REQUEST * MANY)
        wait_for(server, 0)
        assert READ_SECONDS * 0.9 <= time.monotonic() - began < READ_SECONDS + 5


def test_a_client_that_reads_slowly_but_does_read_gets_everything(server: uvicorn.Server) -> None:
    with closing(connected(server)) as sent:
        sent.sendall(REQUEST * 3 + REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        found = read(sent, pause=0.002)
    assert found.count(ANSWER) == 4


@pytest.mark.parametrize("drop", [b"", b"G", b"A: b\r\n"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_head_that_comes_in_drops_or_not_at_all_is_given_up(
    server: uvicorn.Server, drop: bytes, *, is_first: bool
) -> None:
    """uvicorn itself closes a connection that says nothing after an answer."""
    with closing(connected(server)) as sent:
        if not is_first:
            sent.sendall(REQUEST)
            found = b""
            while not found.endswith(ANSWER):
                found += sent.recv(65536)
            sent.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 10:
                sent.sendall(drop)
                if select.select([sent], [], [], 0.05)[0]:
                    break
        assert HEAD_SECONDS * 0.9 <= time.monotonic() - began < 5
        assert read(sent) == b""


@pytest.mark.parametrize(
    "sent_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS, to a door that has none
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 20_000,
    ],
)
def test_what_is_no_http_is_told_so_as_any_error_is(server: uvicorn.Server, sent_bytes: bytes) -> None:
    with closing(connected(server)) as sent:
        sent.sendall(sent_bytes)
        head, _, body = read(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head
    assert json.loads(body)["error"] == {"code": "no_http", "message": "This is no HTTP request that can be read."}
