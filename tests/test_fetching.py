"""Fetching a source: what may be asked, for how long and how much, and that its address is said nowhere."""

import gzip
import io
import itertools
import logging
import ssl
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from bot.logs import TracebackFormatter, withhold
from bot.source_settings import proxy_of
from handlers.remote.addresses import is_public
from handlers.remote.fetching import Fetched, Fetcher
from handlers.remote.network import FetchError
from handlers.remote.places import Place, Remote, read_header
from tests.sources import SECRET, Authority, Handler, Server, authority_in, serving

CSV = b"question,answer\nWhere?,Here.\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = ("Authorization", "Bearer t0ken-of-the-sheet")
NAMES = ("localhost", "sheet.test", "other.test", "127.0.0.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority_in(tmp_path_factory.mktemp("ca")) as found:
        yield found


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    with serving(authority.context(*NAMES), lambda request: request.send(200, CSV)) as running:
        yield running


@pytest.fixture
def other(authority: Authority) -> Iterator[Server]:
    with serving(authority.context(*NAMES), lambda request: request.send(200, CSV), "127.0.0.2") as running:
        yield running


def fetcher(**options: object) -> Fetcher:
    """Fetches from names that all are this machine."""
    here: dict[str, object] = {"private_hosts": NAMES, "resolve": lambda _host, _port: ["127.0.0.1"], "seconds": 10.0}
    return Fetcher(**{**here, **options})  # type: ignore[arg-type]


def remote(server: Server, host: str = "sheet.test", header: tuple[str, str] | None = None) -> Remote:
    return Remote(Place.of(server.url(host)), header)


def refused(fetch: Fetcher, source: Remote) -> str:
    """Fetch in vain; return the key of the reason, in which nothing is said that must not be."""
    with pytest.raises(FetchError) as caught:
        fetch.fetch(source)
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(TracebackFormatter("%(message)s"))
    handler.addFilter(withhold)
    handler.handle(logging.LogRecord("handlers", logging.ERROR, "", 0, "%s", (caught.value,), caught._excinfo))
    said.write("".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(source) + repr(fetch))
    assert SECRET not in said.getvalue()
    assert "t0ken" not in said.getvalue()
    assert "https://" not in str(caught.value)
    return caught.value.message.key


# -- What has changed


def test_what_has_not_changed_is_not_sent_again(server: Server) -> None:
    def answer(request: Handler) -> None:
        if request.headers["If-None-Match"] == '"1"' or request.headers["If-Modified-Since"]:
            return request.send(304)
        return request.send(200, CSV, etag='"1"', last_modified="Sun, 29 Nov 2020 08:00:00 GMT")

    server.answer = answer
    first = fetcher().fetch(remote(server))
    assert first == Fetched(CSV, ".csv", '"1"', "Sun, 29 Nov 2020 08:00:00 GMT")
    assert fetcher().fetch(remote(server), etag=first.etag) is None
    assert fetcher().fetch(remote(server), modified=first.modified) is None
    assert fetcher().fetch(remote(server), etag='"2"') == first
    assert server.seen[0].headers.keys().isdisjoint({"if-none-match", "if-modified-since"})


def test_what_may_change_again_in_the_same_second_is_fetched_again(server: Server) -> None:
    for modified, kept in (
        (formatdate(usegmt=True), False),
        (formatdate(time.time() - 60, usegmt=True), True),
        ("soon", False),
        ("Sun, 29 Nov 99999999999999999999 08:00:00 GMT", False),
        ("Fri, 31 Dec 9999 23:59:00 -1200", False),
        ("Sun, 29 Nov 2020 08:00:00 -0000", True),
    ):
        server.answer = lambda request, modified=modified: request.send(200, CSV, last_modified=modified)  # type: ignore[misc]
        found = fetcher().fetch(remote(server))
        assert found
        assert found.modified == (modified if kept else "")


def test_not_modified_without_having_asked_for_that_is_a_failure(server: Server) -> None:
    server.answer = lambda request: request.send(304)
    assert refused(fetcher(), remote(server)) == "source.status"


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (b"PK\x03\x04rest", ".xlsx"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
        (b"\xd0\xcf\x11\xe0rest", ".xls"),
        (b"question\tanswer\n", ".csv"),
    ],
)
def test_workbooks_are_told_by_their_bytes(server: Server, data: bytes, ending: str) -> None:
    server.answer = lambda request: request.send(200, data, content_type="application/octet-stream")
    found = fetcher().fetch(remote(server))
    assert found
    assert (found.data, found.ending) == (data, ending)


# -- How much, and for how long


def test_what_is_packed_is_unpacked(server: Server) -> None:
    parts = gzip.compress(CSV[:10]) + gzip.compress(CSV[10:])  # a file may consist of several
    server.answer = lambda request: request.send(200, parts, content_encoding="gzip")
    found = fetcher().fetch(remote(server))
    assert found
    assert found.data == CSV


def test_a_body_without_a_length_is_whole_if_the_host_says_that_it_ends(server: Server) -> None:
    def answer(request: Handler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + CSV)
        assert isinstance(request.connection, ssl.SSLSocket)
        request.connection.unwrap()

    server.answer = answer
    found = fetcher().fetch(remote(server))
    assert found
    assert found.data == CSV


def test_little_that_unpacks_to_much_is_given_up_before_it_fills_the_memory(server: Server) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(50)) + packer.flush()
    assert len(bomb) < 100_000
    server.answer = lambda request: request.send(200, bomb, content_encoding="gzip")
    tracemalloc.start()
    try:
        assert refused(fetcher(most=2_000_000), remote(server)) == "source.too_large"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def endless(chunk: bytes) -> Callable[[Handler], None]:
    def answer(request: Handler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):
            while True:
                request.wfile.write(chunk)

    return answer


def trickling(head: bytes, piece: bytes) -> Callable[[Handler], None]:
    """Send a piece every now and then: each within the time for an answer, and all of them without end."""

    def answer(request: Handler) -> None:
        with suppress(OSError):
            request.wfile.write(head)
            while True:
                request.wfile.write(piece)
                time.sleep(0.05)

    return answer


@pytest.mark.parametrize("chunk", [b"x" * 65536, gzip.compress(b"") * 3000])
def test_what_does_not_end_is_given_up(server: Server, chunk: bytes) -> None:
    server.answer = endless(chunk)
    assert refused(fetcher(most=3_000_000), remote(server)) == "source.too_large"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n", b"a"),
        (CHUNKED, b"1\r\na\r\n"),
    ],
)
def test_a_host_that_answers_slowly_for_ever_is_given_up(server: Server, head: bytes, piece: bytes) -> None:
    server.answer = trickling(head, piece)
    began = time.monotonic()
    assert refused(fetcher(seconds=0.5), remote(server)) == "source.slow"
    assert time.monotonic() - began < 3


def test_a_name_that_is_resolved_slowly_is_given_up(server: Server) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    began = time.monotonic()
    assert refused(fetcher(seconds=0.3, resolve=resolve), remote(server)) == "source.slow"
    assert time.monotonic() - began < 2
    assert server.connections == 0


@pytest.mark.usefixtures("authority")
def test_a_host_that_does_not_shake_hands_is_given_up() -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), Silent) as silent:
        threading.Thread(target=silent.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        source = Remote(Place.of(f"https://sheet.test:{silent.server_address[1]}/{SECRET}"))
        assert refused(fetcher(seconds=0.5), source) == "source.slow"
        silent.shutdown()


class Silent(StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.read()


# -- Redirects


def redirecting(*locations: str) -> Callable[[Handler], None]:
    """Redirect to one after the other, and send the table in the end."""
    left = iter(locations)

    def answer(request: Handler) -> None:
        location = next(left, "")
        request.send(302, location=location) if location else request.send(200, CSV)

    return answer


def test_three_redirects_are_followed_and_the_header_goes_to_the_first_host_alone(
    server: Server, other: Server
) -> None:
    server.answer = redirecting("/b", other.url("other.test"), "")
    other.answer = redirecting(server.url("sheet.test", "/c"))
    where = {"sheet.test": ["127.0.0.1"], "other.test": ["127.0.0.2"]}
    found = fetcher(resolve=lambda host, _: where[host]).fetch(remote(server, header=TOKEN))
    assert found
    assert found.data == CSV
    assert [each.headers.get("authorization") for each in server.seen] == [TOKEN[1]] * 3
    assert [each.headers.get("authorization") for each in other.seen] == [None]


@pytest.mark.parametrize(
    ("locations", "reason"),
    [
        (["/1", "/2", "/3", "/4"], "source.too_many_redirects"),
        (["http://sheet.test/faq.csv"], "source.bad_redirect"),
        (["file:///etc/passwd"], "source.bad_redirect"),
        (["https://user:pass@sheet.test/"], "source.bad_redirect"),
        (["https://[::1/"], "source.bad_redirect"),
        (["https://127.0.0.2/"], "source.private"),
        (["https://[::1]/"], "source.private"),
        (["https://[::ffff:10.0.0.1]/"], "source.private"),
        (["https://[64:ff9b::10.0.0.1]/"], "source.private"),
        (["https://169.254.169.254/latest/meta-data/"], "source.never"),
        (["https://[fe80::1]/"], "source.never"),
        (["https://[64:ff9b::a9fe:a9fe]/"], "source.never"),
        (["https://2130706433/"], "source.private"),
        (["https://127.1/"], "source.private"),
        (["https://inside.test/"], "source.private"),
        (["https://nowhere.test/"], "source.no_such_host"),
        (["https://" + "a" * 80 + ".test/"], "source.bad_redirect"),
    ],
)
def test_a_redirect_to_where_nothing_may_be_asked_is_refused(server: Server, locations: list[str], reason: str) -> None:
    def resolve(host: str, _: int) -> list[str]:
        known = {
            "sheet.test": ["127.0.0.1"],
            "inside.test": ["10.0.0.7"],
            "nowhere.test": [],
            "2130706433": ["127.0.0.1"],
            "127.1": ["127.0.0.1"],
        }
        return known.get(host, [host])

    server.answer = redirecting(*locations)
    assert refused(fetcher(private_hosts=["sheet.test"], resolve=resolve), remote(server, header=TOKEN)) == reason
    assert server.connections == min(len(locations), 4)


# -- Addresses


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"),
        *("192.0.2.1", "198.18.0.1", "203.0.113.5", "224.0.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::808:808", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("2001:db8::1", "2001::1", "2002:7f00:1::1", "100::1", "no address", "", "beef.cafe"),
        *("127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0X7F000001", "10.1", "0xa9fea9fe"),
    ],
)
def test_an_address_that_is_not_public_is_known_in_every_way_to_write_it(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.1.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::1"])
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


def test_a_host_is_resolved_once_and_connected_to_at_that_address(server: Server, authority: Authority) -> None:
    answers = itertools.cycle([["127.0.0.1"], ["127.0.0.2"]])  # as a host that wants to get behind the check
    with serving(authority.context(*NAMES), server.answer, "127.0.0.2", server.port) as second:
        asked: list[str] = []

        def resolve(host: str, _: int) -> list[str]:
            asked.append(host)
            return next(answers)

        assert fetcher(resolve=resolve).fetch(remote(server))
        assert (asked, second.connections) == (["sheet.test"], 0)
    assert [(each.sni, each.host) for each in server.seen] == [("sheet.test", f"sheet.test:{server.port}")]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
def test_a_private_host_is_not_even_connected_to_unless_it_is_named(server: Server, addresses: list[str]) -> None:
    hidden = fetcher(private_hosts=["other.test"], resolve=lambda _host, _port: addresses)
    assert refused(hidden, remote(server)) == "source.private"
    assert server.connections == 0


def test_the_address_of_a_clouds_secrets_is_never_asked(server: Server) -> None:
    assert refused(fetcher(resolve=lambda _host, _port: ["169.254.169.254"]), remote(server)) == "source.never"


def test_a_host_with_several_addresses_is_reached_at_one_that_answers(server: Server) -> None:
    assert fetcher(resolve=lambda _host, _port: ["127.0.0.3", "127.0.0.1"]).fetch(remote(server))


# -- Through a proxy


@contextmanager
def proxy(server: Server, refusal: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that leads everything to the server; yields its address and what it was asked."""
    asked: list[bytes] = []

    class Tunnel(StreamRequestHandler):
        def handle(self) -> None:
            import socket  # noqa: PLC0415

            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += self.rfile.readline()
            asked.append(head)
            if refusal:
                self.wfile.write(refusal)
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(server.server_address[:2]) as there:  # type: ignore[arg-type]
                back = threading.Thread(target=pass_on, args=(there, self.connection), daemon=True)
                back.start()
                pass_on(self.connection, there)
                back.join(5)

    with ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://kotae:p%40ss@127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()


def pass_on(here: object, there: object) -> None:
    with suppress(OSError):
        while data := here.recv(65536):  # type: ignore[attr-defined]
            there.sendall(data)  # type: ignore[attr-defined]
        there.shutdown(1)  # type: ignore[attr-defined]


def test_a_proxy_resolves_the_host_and_sees_nothing_of_the_rest(server: Server) -> None:
    def resolve(host: str, _: int) -> list[str]:
        raise AssertionError(host)

    with proxy(server) as (address, asked):
        found = fetcher(private_hosts=(), proxy_of=lambda _: address, resolve=resolve).fetch(
            remote(server, header=TOKEN)
        )
    assert found
    assert found.data == CSV
    head = asked[0].decode()
    assert head.startswith(f"CONNECT sheet.test:{server.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic a290YWU6cEBzcw==" in head
    assert SECRET not in head
    assert "t0ken" not in head
    assert server.seen[0].headers["authorization"] == TOKEN[1]
    assert "proxy-authorization" not in server.seen[0].headers


def test_a_proxy_is_not_asked_for_private_addresses_and_its_refusal_is_said(server: Server) -> None:
    with proxy(server, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (address, asked):
        through = fetcher(private_hosts=(), proxy_of=lambda _: address)
        for host in ("127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f.0.0.1"):  # as a proxy would resolve them
            assert refused(through, remote(server, host)) == "source.private"
        assert refused(through, remote(server, "0xa9fea9fe")) == "source.never"
        assert asked == []
        assert refused(through, remote(server)) == "source.proxy"
    assert refused(fetcher(proxy_of=lambda _: "socks5://127.0.0.1:1"), remote(server)) == "source.proxy"


def test_the_proxy_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "git.example.com")
    assert proxy_of("docs.google.com") == "http://proxy.example.com:3128"
    assert proxy_of("git.example.com") is None


# -- Hosts that send something else


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda request: request.send(200, b"sign in", content_type="text/html; charset=utf-8"), "source.sign_in"),
        (lambda request: request.send(200, b"\xef\xbb\xbf\n<!DOCTYPE html>"), "source.sign_in"),
        (
            lambda request: request.send(200, b"\r\n" * 500 + b"<HTML lang=en>", content_type="text/csv"),
            "source.sign_in",
        ),
        (
            lambda request: request.send(200, b"<!-- a,b -->\n<!doctype html>", content_type="text/csv"),
            "source.sign_in",
        ),
        (lambda request: request.send(200, b"<meta http-equiv=refresh>"), "source.sign_in"),
        (
            lambda request: request.send(200, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n"),
            "source.pointer",
        ),
        (lambda request: request.send(401, b"no"), "source.denied"),
        (lambda request: request.send(403, b"<Error>expired</Error>"), "source.denied"),
        (lambda request: request.send(404), "source.not_found"),
        (lambda request: request.send(410), "source.not_found"),
        (lambda request: request.send(500), "source.status"),
        (lambda request: request.send(206, CSV), "source.status"),
        (lambda request: request.send(200, CSV, content_encoding="br"), "source.encoding"),
        (lambda request: request.send(200, CSV, content_encoding="gzip"), "source.broke_off"),
        (lambda request: request.send(200, gzip.compress(CSV)[:-4], content_encoding="gzip"), "source.broke_off"),
        (lambda request: request.send(200, CSV, content_length="9000"), "source.broke_off"),
        (lambda request: request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + CSV), "source.broke_off"),
        (lambda request: request.wfile.write(CHUNKED + b"9\r\nquestion,"), "source.broke_off"),
        (lambda request: request.wfile.write(b"220 mail.example.com ESMTP\r\n"), "source.broke_off"),
        (lambda request: request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "source.broke_off"),
        (lambda request: request.wfile.write(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 300_000), "source.broke_off"),
        (lambda request: request.connection.close(), "source.broke_off"),
    ],
)
def test_what_is_no_table_is_refused_and_why(server: Server, answer: Callable[[Handler], object], reason: str) -> None:
    server.answer = answer
    assert refused(fetcher(), remote(server, header=TOKEN)) == reason


def test_a_host_says_when_to_come_back(server: Server) -> None:
    pauses = []
    for asked in ("120", "Fri, 31 Dec 2100 23:59:59 GMT", "soon", "-5", "Sun, 29 Nov 2020 08:00:00 GMT", ""):
        server.answer = lambda request, asked=asked: request.send(503, retry_after=asked)  # type: ignore[misc]
        with pytest.raises(FetchError) as caught:
            fetcher().fetch(remote(server))
        pauses.append(caught.value.retry_after)
    assert pauses == [120.0, 6 * 3600.0, 0.0, 0.0, 0.0, 0.0]


def test_a_certificate_must_be_of_the_host_and_of_a_known_authority(server: Server) -> None:
    assert refused(fetcher(private_hosts=["wrong.test"]), remote(server, "wrong.test")) == "source.unreachable"
    with serving(Authority().context("sheet.test"), server.answer) as unknown:
        assert refused(fetcher(), remote(unknown)) == "source.unreachable"
    assert server.seen == []


def test_a_host_that_is_not_there_is_said(authority: Authority) -> None:
    with serving(authority.context(*NAMES), lambda _: None) as gone:
        source = remote(gone)
    assert refused(fetcher(), source) == "source.unreachable"


# -- What is written into kotae.toml


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://Docs.Example.com/a b?q=日本", "https://docs.example.com/a%20b?q=%E6%97%A5%E6%9C%AC"),
        ("https://例え.jp", "https://xn--r8jz45g.jp/"),
        ("https://x.example.com:443/a%20b#part", "https://x.example.com/a%20b"),
        ("https://[2a00:1450::1]:8443/", "https://[2a00:1450::1]:8443/"),
        ("https://１２７。0.0.1/", "https://127.0.0.1/"),
    ],
)
def test_an_address_is_asked_for_as_browsers_do(url: str, asked: str) -> None:
    assert Place.of(url).url == asked


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://a/s3cr3t",
        "https:///s3cr3t",
        "https://s3cr3t b/",
        "https://a\0/s3cr3t",
        "https://a%2f/s3cr3t",
        "https://u:s3cr3t@a/",
        "https://a:s3cr3t/",
        "s3cr3t",
    ],
)
def test_an_address_that_can_not_be_used_is_not_quoted(url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Place.of(url)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value)).replace("Place.of(url)", "")


def test_a_header_is_one_line() -> None:
    assert read_header(" PRIVATE-TOKEN:  abc:d ") == ("PRIVATE-TOKEN", "abc:d")
    for wrong in ("Bearer s3cr3t", "A: s3cr3t\r\nB: c", "A:", ": s3cr3t", "A b: s3cr3t", "A: 秘密"):
        with pytest.raises(ValueError, match="must be one header") as caught:
            read_header(wrong)
        assert "s3cr3t" not in str(caught.value)
