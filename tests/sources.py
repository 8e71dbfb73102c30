"""An https server on this machine, with a certificate of its own: what a knowledge base is fetched from."""

import gzip
import hashlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

SECRET = "s3cr3t-link"
"""In every address that tests fetch from; it must be said nowhere."""


@dataclass(frozen=True)
class Seen:
    """A request: its path, its headers by lower-case name, and the name that the TLS handshake asked for."""

    path: str
    headers: dict[str, str]
    sni: str

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


class Handler(BaseHTTPRequestHandler):
    """One request; `server.answer` answers it."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        sni = getattr(self.connection, "asked_for", "")
        self.server.seen.append(Seen(self.path, {key.lower(): value for key, value in self.headers.items()}, sni))
        self.close_connection = True
        self.server.answer(self)

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send an answer; underscores in the names of headers are hyphens."""
        self.send_response(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


Answer = Callable[[Handler], object]


class Server(ThreadingHTTPServer):
    """Answers what `answer` says; `seen` are the requests, `connections` counts what was accepted."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, answer: Answer, address: str = "127.0.0.1", port: int = 0) -> None:
        self.context = context
        self.answer = answer
        self.seen: list[Seen] = []
        self.connections = 0
        super().__init__((address, port), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, host: str = "localhost", path: str = f"/{SECRET}/faq.csv?sig={SECRET}") -> str:
        return f"https://{host}:{self.port}{path}"

    def get_request(self) -> tuple[socket.socket, object]:
        accepted, address = self.socket.accept()
        self.connections += 1
        return accepted, address

    def finish_request(self, request: object, client_address: object) -> None:
        """Do the handshake on the thread of the request, so that a slow one holds nobody up."""
        assert isinstance(request, socket.socket)
        request.settimeout(20)
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up on purpose."""


@contextmanager
def serving(context: ssl.SSLContext, answer: Answer, address: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    server = Server(context, answer, address, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Authority:
    """A certificate authority of this machine, and certificates for some hosts."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    def context(self, *hosts: str) -> ssl.SSLContext:
        """Return what a server needs that is called so; the name that a client asks for is noted."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*hosts).configure_cert(context)

        def note(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            connection.asked_for = name or ""  # type: ignore[union-attr]

        context.sni_callback = note
        return context

    def trusted_in(self, folder: Path) -> Path:
        """Write the authority's certificate, for SSL_CERT_FILE."""
        path = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return path


class Sheet:
    """A table that people edit at its source. `rows` are (id, question, answer); an `Answer`.

    What is unchanged is told by its `validator`: an `etag`, `modified`, or nothing.
    """

    def __init__(self, rows: Sequence[tuple[str, str, str]], *, validator: str = "etag") -> None:
        self.rows = list(rows)
        self.validator = validator
        self.is_zipped = False
        self._sent, self._modified = b"", ""

    @property
    def data(self) -> bytes:
        lines = ["id,question,answer", *(",".join(row) for row in self.rows)]
        return ("\n".join(lines) + "\n").encode()

    def __call__(self, request: Handler) -> None:
        data, tag = self.data, f'"{hashlib.sha256(self.data).hexdigest()[:16]}"'
        if data != self._sent:
            self._sent, self._modified = data, formatdate(usegmt=True)
        headers = {"etag": {"etag": tag}, "modified": {"last_modified": self._modified}}.get(self.validator, {})
        asked = (request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
        if headers and (tag == asked[0] or self._modified == asked[1]):
            request.send(304, b"", **headers)
        elif self.is_zipped:
            request.send(200, gzip.compress(data), content_encoding="gzip", **headers)
        else:
            request.send(200, data, **headers)


def edit(sheet: Sheet, chance: random.Random, number: int) -> None:
    """Do one of the things that people do to a table: correct, add, remove, reword or move a row."""
    place = chance.randrange(len(sheet.rows))
    id_, question, _ = sheet.rows[place]
    match chance.choice(["correct", "correct", "add", "remove", "reword", "move"]):
        case "correct":
            sheet.rows[place] = (id_, question, f"shelf {number}")
        case "add":
            sheet.rows.insert(place, row(f"n{number}", number))
        case "remove" if len(sheet.rows) > 20:
            del sheet.rows[place]
        case "move":
            sheet.rows.append(sheet.rows.pop(place))
        case _:
            sheet.rows[place] = (id_, f"Where do I find the {word(number)} now?", f"shelf {number}")


def row(id_: str, number: int) -> tuple[str, str, str]:
    return id_, f"Where is the {word(number)} kept?", f"shelf {number}"


def word(number: int) -> str:
    """Return a word that only this number has, without digits."""
    return "".join(random.Random(number).choices("bcdfghklmnprstvz", k=9))


@contextmanager
def authority_in(folder: Path) -> Iterator[Authority]:
    """Yield an authority that everything which is connected to meanwhile is checked with."""
    found = Authority()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(found.trusted_in(folder)))
        environment.setenv("no_proxy", "localhost")
        yield found
