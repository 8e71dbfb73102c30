"""Requests to `/mcp` that no agent would send: any method, id, depth, type, size and version, many at once."""

import asyncio
import gc
import gzip
import json
import logging
import random
import string
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

from bot.api.guard import MOST_BYTES
from tests.http_client import Client

AT_ONCE = 16
FINISH_SECONDS = 10.0
ANSWERS = {200, 202, 400, 401, 403, 404, 405, 406, 413, 415, 421, 422, 429, 503}
"""Whatever is sent, the answer is one of these statuses."""
METHODS = (
    *("tools/call", "tools/call", "tools/call", "tools/list", "initialize", "server/discover", "ping"),
    *("subscriptions/listen", "resources/read", "resources/subscribe", "prompts/get", "completion/complete"),
    *("sampling/createMessage", "elicitation/create", "roots/list", "logging/setLevel", "tasks/get", "rpc.discover"),
    *("notifications/initialized", "notifications/cancelled", "notifications/progress", "__init__", "../x", "\0", ""),
)
VERSIONS = ("2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "9999-01-01", "x", "", "2" * 9000)
ACCEPTED = "application/json, text/event-stream"
SENSIBLE = 0.5
"""The share of requests in which the token alone is wrong."""
QUESTIONS = ("What is the door code?", "監査はいつですか？", "VPN", "?")
NAMES = ("keiri", "closed", "../keiri", "it-help")
META = "io.modelcontextprotocol/"

Request = tuple[str, bytes | None, dict[str, str]]
"""Method, body, headers."""


def probe(
    address: str, tokens: Sequence[str | None], secrets: Sequence[str], chance: random.Random, count: int
) -> Counter[str]:
    """Send so many requests with tokens that open no secret; return what leaked, failed or went on, by how."""
    found, before = Counter[str](), _unfinished()
    requests = [(chance.choice(tokens), _request(chance)) for _ in range(count)]

    def send(asked: tuple[str | None, Request]) -> str:
        token, (method, body, headers) = asked
        try:
            answer = Client(address, token)(method, "/mcp", body, headers)
        except (HTTPException, OSError) as error:
            return f"no answer: {type(error).__name__}"
        told = answer.text + str(answer.headers)
        if any(secret in told for secret in secrets):
            return "a secret"
        return "" if answer.status in ANSWERS else f"an answer with {answer.status}"

    with _logged() as lines, ThreadPoolExecutor(AT_ONCE) as together:
        for trouble, (_, request) in zip(together.map(send, requests), requests, strict=True):
            found.update([f"{trouble} to {_short(request)}"] if trouble else [])
    found.update(f"an error in the log: {line}" for line in lines)
    until = time.monotonic() + FINISH_SECONDS
    while (left := _unfinished() - before) > 0 and time.monotonic() < until:
        time.sleep(0.1)
    found.update(["work that goes on after the answers"] * max(left, 0))
    return found


def _unfinished() -> int:
    """Count the tasks of this process that are not done."""
    return sum(type(each) is asyncio.Task and not each.done() for each in gc.get_objects())


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Yield the errors that are logged meanwhile: what is sent wrongly is none."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name}: {record.getMessage()[:100]}")

    handler = Keeping(logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def _short(request: Request) -> str:
    method, body, headers = request
    return f"{method} {(body or b'')[:120]!r} {sorted(headers)}"


def _request(chance: random.Random) -> Request:
    return _sensible(chance) if chance.random() < SENSIBLE else _senseless(chance)


def _sensible(chance: random.Random) -> Request:
    """Return a search that would be answered if the token were right."""
    names = {"knowledge_bases": [chance.choice(NAMES)]} if chance.random() < 0.5 else {}
    arguments = {"query": chance.choice(QUESTIONS), "top_k": chance.choice([1, 3, 50]), **names}
    params = {"name": "search_knowledge", "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return "POST", json.dumps(message).encode(), {"Accept": ACCEPTED, "MCP-Protocol-Version": "2025-06-18"}


def _senseless(chance: random.Random) -> Request:
    """Return a request in which anything may be wrong."""
    others = ("GET", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH")
    return chance.choice(others) if chance.random() < 0.1 else "POST", _body(chance), _headers(chance)


def _headers(chance: random.Random) -> dict[str, str]:
    always = {
        "Accept": ACCEPTED if chance.random() < 0.8 else chance.choice(["", "*/*", "text/event-stream", "a" * 9000])
    }
    odd = {
        "Content-Type": chance.choice(["text/plain", "application/json; charset=utf-7", "multipart/form-data", ""]),
        "Content-Encoding": chance.choice(["gzip", "br", "identity"]),
        "Mcp-Session-Id": chance.choice(["0" * 32, "../../etc", "x" * 9000, "\x7f"]),
        "Mcp-Method": chance.choice(METHODS[:-2]),
        "Mcp-Name": chance.choice(["search_knowledge", "drop_tables", "=?utf-8?B?!!?="]),
        "Mcp-Param-Query": "x",
        "Last-Event-ID": "0",
        "Expect": "100-continue",
        "Connection": chance.choice(["Upgrade", "close", "keep-alive"]),
        "Upgrade": "websocket",
    }
    version = {"MCP-Protocol-Version": chance.choice(VERSIONS)} if chance.random() < 0.7 else {}
    return {**always, **version, **{name: value for name, value in odd.items() if chance.random() < 0.06}}


def _body(chance: random.Random) -> bytes | None:
    """Return a message, several, or something that is none."""
    message = json.dumps(_message(chance)).encode()
    kinds = chance.random()
    if kinds < 0.7:
        return message
    broken = (
        None,
        b"",
        b"\xff\xfe" + message,
        message.decode().encode("utf-16"),
        gzip.compress(message),
        message[: chance.randrange(len(message) + 1)],
        message + message,
        b"[" + b",".join([message] * chance.randrange(9)) + b"]",
        b"[" * chance.choice([10, 1_000, 60_000]),
        b'{"a":' * chance.choice([10, 1_000, 10_000]),
        message.replace(b'"id"', b'"id": 1, "id"'),
        message.replace(b"}", b', "n": NaN, "i": -Infinity, "e": 1e999}', 1),
        message.replace(b'"id": ', b'"id": ' + b"9" * 10_000, 1),
        message + b" " * MOST_BYTES,
        b"null",
        b'"\\ud800"',
    )
    return chance.choice(broken)


def _message(chance: random.Random) -> dict[str, object]:
    whole: dict[str, object] = {
        "jsonrpc": "2.0" if chance.random() < 0.9 else chance.choice(["1.0", 2, None, [], "2.0\0"]),
        "id": chance.randrange(1000) if chance.random() < 0.7 else _odd(chance),
        "method": chance.choice(METHODS) if chance.random() < 0.9 else _odd(chance),
        "params": _params(chance) if chance.random() < 0.8 else _odd(chance),
    }
    left_out = chance.choice(sorted(whole)) if chance.random() < 0.1 else ""
    more = {"result": {}, "error": {"code": "x"}} if chance.random() < 0.05 else {}
    return {name: value for name, value in {**whole, **more}.items() if name != left_out}


def _params(chance: random.Random) -> dict[str, object]:
    arguments: dict[str, object] = {
        "query": chance.choice([*QUESTIONS, _odd(chance)]),
        "knowledge_bases": chance.choice([None, [chance.choice(NAMES)], [chance.choice(NAMES)], _odd(chance)]),
        "top_k": chance.choice([1, 3, 50, 10**30, _odd(chance)]),
        "min_confidence": chance.choice([0, 1, -1, _odd(chance)]),
        "note": chance.choice(["", "x" * 10_000, _odd(chance)]),
    }
    kept = {name: value for name, value in arguments.items() if name == "query" or chance.random() < 0.3}
    meta = {
        f"{META}protocolVersion": chance.choice([*VERSIONS, _odd(chance)]),
        f"{META}clientCapabilities": chance.choice([{}, _odd(chance)]),
        f"{META}clientInfo": chance.choice([{"name": "x", "version": "1"}, _odd(chance)]),
        "progressToken": _odd(chance),
    }
    return {
        "name": chance.choice(["search_knowledge", "search_knowledge", "report_unanswered", "drop", _odd(chance)]),
        "arguments": kept if chance.random() < 0.9 else _odd(chance),
        "protocolVersion": chance.choice([*VERSIONS, _odd(chance)]),
        **(
            {"_meta": {name: value for name, value in meta.items() if chance.random() < 0.8}}
            if chance.random() < 0.7
            else {}
        ),
        **({"cursor": _odd(chance), "uri": _odd(chance)} if chance.random() < 0.1 else {}),
    }


def _odd(chance: random.Random) -> object:
    """Return a value of any type; few are of any use anywhere."""
    deep: object = "bottom"
    for _ in range(chance.choice([1, 30, 120])):
        deep = [deep] if chance.random() < 0.5 else {"a": deep}
    words = "".join(chance.choices(string.printable, k=chance.randrange(40)))
    return chance.choice(
        [
            None,
            True,
            0,
            -1,
            1.5,
            10**30,
            -(2**63),
            "",
            "0",
            "\ud800",
            "\0",
            "x" * 9_000,
            [],
            {},
            [[]],
            deep,
            words,
            "keiri",
        ]
    )
