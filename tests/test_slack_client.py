"""The Slack client: calls that are refused for their number come back, whatever a proxy says of when."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.settings import Environment
from bot.slack_client import slack_client


class Refusing(ThreadingHTTPServer):
    """Refuses one call for each of `pauses`, which it asks for, and takes the next one."""

    def __init__(self) -> None:
        self.pauses: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Refusing

    def do_POST(self) -> None:
        pause = self.server.pauses.pop() if self.server.pauses else None
        body = b'{"ok": true}' if pause is None else b'{"ok": false, "error": "ratelimited"}'
        self.send_response(200 if pause is None else 429)
        if pause is not None:
            self.send_header("Retry-After", pause)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("pause", ["0", "soon", "-1", "", "Sun, 29 Nov 2020 08:00:00 GMT"])
def test_a_call_that_was_refused_for_its_number_is_made_again(server: Refusing, pause: str) -> None:
    server.pauses.append(pause)
    address = f"http://127.0.0.1:{server.server_port}/api/"
    client = slack_client(Environment.model_validate({"slack_api_url": address, "slack_bot_token": "xoxb-1-a"}))
    assert client.auth_test()["ok"]
    assert server.pauses == []
