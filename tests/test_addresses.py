"""Hosts and ports: how they are written, and which host a request names."""

import pytest

from bot.addresses import is_loopback, joined, named_host, split


@pytest.mark.parametrize(
    ("bind", "host", "port"),
    [("127.0.0.1:8321", "127.0.0.1", 8321), ("[::1]:0", "::1", 0), ("localhost:65535", "localhost", 65535)],
)
def test_an_address_is_split_and_joined(bind: str, host: str, port: int) -> None:
    assert split(bind) == (host, port)
    assert joined(host, port) == bind


@pytest.mark.parametrize(
    "bind", ["", ":8321", "8321", "localhost", "a:b", "a:-1", "a:65536", "a:" + "9" * 5000, "::1:80"]
)
def test_anything_else_is_no_address(bind: str) -> None:
    with pytest.raises(ValueError, match="must"):
        split(bind)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("127.0.0.1:8321", "127.0.0.1"),
        ("Kotae.Example.COM.:443", "kotae.example.com"),
        ("localhost", "localhost"),
        ("localhost:", "localhost"),
        ("[::1]:8321", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("evil.example:80@127.0.0.1", "evil.example:80@127.0.0.1"),
        ("127.0.0.1:80.evil.example", "127.0.0.1:80.evil.example"),
        ("", ""),
    ],
)
def test_the_host_that_a_header_names(header: str, host: str) -> None:
    assert named_host(header) == host


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_only_this_machine_reaches(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected
    assert not is_loopback("localhost.evil.example")
