"""Fetching uploads: the token goes to Slack alone, and nothing too large, too slow or not the file is taken."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.playground import LocalSlack
from handlers.files.downloads import DownloadError, download, is_slacks

SLACK = "https://slack.com/api/"
LOCAL = "http://127.0.0.1:8765/api/"


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a.csv", SLACK),
        ("https://slack.com/x", SLACK),
        ("https://files.slack-gov.com/files-pri/T1-F1/download/a.csv", "https://slack-gov.com/api/"),
        ("https://FILES.slack.com:443/x", SLACK),
        ("https://files.slack.com/x", LOCAL),
        ("http://127.0.0.1:8765/files-pri/x", LOCAL),
    ],
)
def test_the_token_goes_to_slack_and_the_configured_host(url: str, api: str) -> None:
    assert is_slacks(url, api)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("http://files.slack.com/x", SLACK),
        ("https://evil-slack.com/x", SLACK),
        ("https://evil-slack-gov.com/x", SLACK),
        ("https://slack-gov.com.evil.example/x", SLACK),
        ("https://slack.com.evil.example/x", SLACK),
        ("https://files.slack.com@evil.example/x", SLACK),
        ("https://evil.example\\@files.slack.com/x", SLACK),
        ("https://evil.example#@files.slack.com/", SLACK),
        ("https://files.slack.com:8443/x", SLACK),
        ("https://[::1/x", SLACK),
        ("http://127.0.0.1:8766/x", LOCAL),
        ("https://127.0.0.1:8765/x", LOCAL),
        ("http://127.0.0.1:8765@evil.example/x", LOCAL),
        ("file:///etc/passwd", SLACK),
        ("ftp://files.slack.com/x", SLACK),
        ("", SLACK),
    ],
)
def test_and_nowhere_else(url: str, api: str) -> None:
    assert not is_slacks(url, api)


class Server(ThreadingHTTPServer):
    """Answers as it is told, and remembers which tokens it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        self.tokens: list[str | None] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None]
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.tokens.append(self.headers.get("Authorization"))
        self.server.answer(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    running = (Server(), Server())
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in running]
    for thread in threads:
        thread.start()
    yield running
    for server, thread in zip(running, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def fetch(server: Server, **options: Any) -> bytes:
    client = WebClient("xoxb-secret", base_url=f"{server.url}/api/")
    return download(client, {"name": "a.csv", "url_private_download": f"{server.url}/a.csv", "size": 3}, **options)


def test_a_redirect_to_another_host_is_not_followed(servers: tuple[Server, Server]) -> None:
    first, other = servers
    first.answer, other.answer = answering(302, Location=f"{other.url}/a.csv"), answering(200, b"a,b")
    with pytest.raises(DownloadError, match=r"redirected to 127\.0\.0\.1, which is not Slack; it was stopped") as told:
        fetch(first)
    assert (first.tokens, other.tokens) == (["Bearer xoxb-secret"], [])
    assert "secret" not in str(told.value)


def test_a_redirect_within_the_host_is(servers: tuple[Server, Server]) -> None:
    first, _ = servers

    def answer(request: BaseHTTPRequestHandler) -> None:
        there = answering(200, b"a,b") if request.path == "/there.csv" else answering(302, Location="/there.csv")
        there(request)

    first.answer = answer
    assert fetch(first) == b"a,b"


def test_what_is_too_large_is_left(servers: tuple[Server, Server]) -> None:
    first, _ = servers
    first.answer = answering(200, b"x" * 3_000_001)
    with pytest.raises(DownloadError, match=r"a\.csv: larger than 3 MB; split it"):
        fetch(first, most=3_000_000)
    with pytest.raises(DownloadError, match="larger than 0 MB"):
        fetch(first, most=2)
    assert len(first.tokens) == 1


def test_what_takes_too_long_is_left(servers: tuple[Server, Server]) -> None:
    first, _ = servers
    first.answer = answering(200, b"x" * 500_000)
    now = iter(range(0, 1000, 20))
    with pytest.raises(DownloadError, match="took too long"):
        fetch(first, clock=lambda: next(now))


def test_what_comes_in_drops_is_left_after_the_time_for_all_of_it(servers: tuple[Server, Server]) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):
            while True:
                request.wfile.write(b"x")
                time.sleep(0.02)

    first, _ = servers
    first.answer = drip
    began = time.monotonic()
    with pytest.raises(DownloadError, match="took too long"):
        fetch(first, seconds=0.3)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (answering(200, b"<html>", Content_Type="text/html; charset=utf-8"), "sign-in page instead of the file"),
        (answering(500), r"did not hand the file over \(500\)"),
        (answering(404), r"did not hand the file over \(404\)"),
        (answering(200, b"a,b", Content_Length="9"), "broke off"),
    ],
)
def test_what_is_not_the_file_is_said(
    servers: tuple[Server, Server], answer: Callable[[BaseHTTPRequestHandler], None], told: str
) -> None:
    servers[0].answer = answer
    with pytest.raises(DownloadError, match=told) as refused:
        fetch(servers[0])
    assert getattr(refused.value.__cause__, "closed", True), "the response of an error is open until it is closed"


def test_nobody_there_and_files_kept_elsewhere_are_said() -> None:
    client = WebClient("xoxb-secret", base_url="http://127.0.0.1:1/api/")
    with pytest.raises(DownloadError, match="broke off"):
        download(client, {"name": "a.csv", "url_private_download": "http://127.0.0.1:1/a.csv"})
    with pytest.raises(DownloadError, match="not stored at Slack itself"):
        download(client, {"name": "a.csv", "is_external": True, "url_private": "https://drive.google.com/x"})


def test_the_local_slack_gives_its_files() -> None:
    with LocalSlack() as slack:
        client = WebClient(slack.bot_token, base_url=slack.api_url)
        sent = slack.upload("olivia", slack.person("olivia"), "a.csv", b"a,b\n").files[0]
        file = client.files_info(file=sent.id)["file"]
        assert download(client, file) == b"a,b\n"
        with pytest.raises(DownloadError, match="sign-in page"):
            download(WebClient("xoxb-other", base_url=slack.api_url), file)
