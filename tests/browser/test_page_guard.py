"""Who may use the page: without a browser, as other sites, programs and names would try."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from bot.playground import LocalSlack
from bot.playground.page import Page

TOKEN = "X-Kotae-Token"
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def slack(page: Page) -> Iterator[LocalSlack]:
    with LocalSlack(page=page) as running:
        yield running


def ask(slack: LocalSlack, method: str, path: str, body: str = "", **headers: str) -> Answer:
    """Ask with exactly these headers; `Host` is right unless it is given."""
    host = slack.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": host, "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body.encode())
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def write(slack: LocalSlack, **headers: str) -> int:
    body = json.dumps({"as": "olivia", "channel": slack.channel("general").id, "text": "hello"})
    return ask(slack, "POST", "/page/actions/write", body, **headers)[0]


def test_only_the_token_of_this_run_lets_one_act(slack: LocalSlack, page: Page) -> None:
    assert write(slack) == 403
    assert write(slack, **{TOKEN: ""}) == 403
    assert write(slack, **{TOKEN: Page().guard.token}) == 403
    assert slack.history("general") == []
    assert write(slack, **{TOKEN: page.guard.token}) == 200
    assert [each.text for each in slack.history("general")] == ["hello"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1"},
    ],
)
def test_other_sites_and_other_names_are_refused_even_with_the_token(
    slack: LocalSlack, page: Page, headers: dict[str, str]
) -> None:
    assert write(slack, **{TOKEN: page.guard.token, **headers}) == 403
    assert slack.history("general") == []


@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/page/events", "/page/files/F0"])
def test_a_foreign_name_for_this_machine_gets_nothing(slack: LocalSlack, page: Page, path: str) -> None:
    assert ask(slack, "GET", path, **{"Host": "rebound.example", TOKEN: page.guard.token})[0] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/page/upload?channel=general&name=a.csv"),
        ("POST", "/page/attach?view=V0&block_id=b&name=a.csv"),
        ("POST", "/page/explain"),
        ("POST", "/page/afresh"),
        ("POST", "/page/actions/inject_fault"),
        ("GET", "/page/files/F0"),
    ],
)
def test_everything_that_acts_or_tells_wants_the_token(slack: LocalSlack, method: str, path: str) -> None:
    assert ask(slack, method, path, "{}")[0] == 403


def test_the_pages_files_run_nothing_from_elsewhere_and_are_never_framed(slack: LocalSlack, page: Page) -> None:
    status, headers, body = ask(slack, "GET", "/")
    policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
    assert status == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert page.guard.token.encode() not in body
    assert b"http" not in body.replace(b"http-equiv", b"")


@pytest.mark.parametrize(
    "path", ["/static/../site.py", "/static/%2e%2e/site.py", "/static//etc/passwd", "/static/nothing.js", "/static/js"]
)
def test_nothing_but_the_pages_files_is_served(slack: LocalSlack, path: str) -> None:
    assert ask(slack, "GET", path)[0] == 404


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null"])
def test_what_is_no_json_object_is_refused(slack: LocalSlack, page: Page, body: str) -> None:
    assert ask(slack, "POST", "/page/actions/write", body, **{TOKEN: page.guard.token})[0] == 400


async def hear(address: str, first: object, **headers: str) -> tuple[int | None, str]:
    """Open the stream of events as a page would; the code it was closed with, and the type of what came first."""
    async with ClientSession() as session, session.ws_connect(f"{address}/page/events", headers=headers) as socket:
        await socket.send_json(first)
        message = await socket.receive(timeout=5)
        return socket.close_code, message.json()["type"] if message.type == WSMsgType.TEXT else ""


def heard(slack: LocalSlack, first: object, **headers: str) -> tuple[int | None, str]:
    """As `hear`, in a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(hear(slack.base_url, first, **headers))).result()


def test_the_stream_is_closed_without_the_token(slack: LocalSlack, page: Page) -> None:
    assert heard(slack, {"token": "x"}) == (4403, "")
    assert heard(slack, []) == (4403, "")
    assert heard(slack, {"token": page.guard.token}) == (None, "snapshot")


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "rebound.example"}])
def test_the_stream_is_not_opened_for_other_sites_and_names(
    slack: LocalSlack, page: Page, headers: dict[str, str]
) -> None:
    with pytest.raises(WSServerHandshakeError, match="403"):
        heard(slack, {"token": page.guard.token}, **headers)


def test_an_uploaded_file_is_never_run_in_the_pages_name(slack: LocalSlack, page: Page) -> None:
    shared = slack.upload("alice", "general", "evil.html", b"<script>1</script>").files[0]
    status, headers, body = ask(slack, "GET", f"/page/files/{shared.id}", **{TOKEN: page.guard.token})
    assert (status, body) == (200, b"<script>1</script>")
    assert headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("act", "args", "reason"),
    [
        ("write", {"channel": "nowhere", "text": "x"}, "there is no channel called nowhere in this workspace"),
        ("write", {"channel": "random", "text": " "}, "there is nothing to send"),
        ("react", {"channel": "random", "ts": "1.000000", "name": "x"}, "the message was deleted"),
        ("submit", {"view": "V0", "typed": []}, "the view is closed"),
        ("inject_fault", {"fault": "fire"}, "there is no fault 'fire'"),
        ("write", {"text": "x"}, "channel"),
    ],
)
def test_what_is_not_possible_is_said_in_words(
    slack: LocalSlack, page: Page, act: str, args: dict[str, object], reason: str
) -> None:
    token = {TOKEN: page.guard.token}
    status, _, body = ask(slack, "POST", f"/page/actions/{act}", json.dumps({"as": "alice", **args}), **token)
    assert status == 409
    assert json.loads(body)["reason"].startswith(reason)


def test_nobody_changes_what_others_wrote(slack: LocalSlack, page: Page) -> None:
    message = slack.say("alice", "general", "mine")
    for act in ("edit", "delete"):
        args = {"as": "olivia", "channel": message.channel, "ts": message.ts, "text": "not yours"}
        assert ask(slack, "POST", f"/page/actions/{act}", json.dumps(args), **{TOKEN: page.guard.token})[0] == 409
    assert slack.history("general")[0].text == "mine"
