"""Programs that ask a real bot over HTTP: what they are told, what they may see, and what is refused."""

import json
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.api import guard
from bot.api.connection import HEAD_SECONDS, MOST_CONNECTIONS
from bot.api.server import CONNECTIONS
from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack
from bot.status import format_status, read_status, write_status
from handlers.audience import closed_to
from handlers.doors.caller import Caller, take_turn
from handlers.queue import LIMITS, Kind
from handlers.store.tokens import Tokens
from tests.conftest import ENGINE
from tests.encoders import hashing_manager
from tests.faults import doors
from tests.http_client import Answered, Client
from tests.slack.conftest import Start, asked_so_far, check_laws, starting, write_knowledge

BIND = "127.0.0.1:0"
OPEN = ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(public=True)})
VPN, ANSWER = "VPNにつながりません。", "ルーターを再起動"
SEARCH = {"query": VPN}
TOO_DEEP = "60000: " if sys.version_info >= (3, 14) else "JSON: it is not written in UTF-8, or nested too deep"
"""From Python 3.14, JSON is read as deep as the stack goes: what is wrong is then that it breaks off."""


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, empty_data: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[LocalSlack, Bot]]:
    """A Slack and a bot that is open to programs, for all tests that change nothing another one sees."""
    url = request.getfixturevalue("postgresql_server").make() if ENGINE == "postgresql" else None
    knowledge, manager = write_knowledge(tmp_path_factory.mktemp("api") / "knowledge"), hashing_manager()
    (knowledge / "keiri.csv").write_text(doors.ROWS, encoding="utf-8")
    with (
        LocalSlack(commands=("/search", "/kb")) as slack,
        starting(slack, knowledge, manager, empty_data, url) as start,
    ):
        slack.channel("keiri").members[:] = [slack.person(who).id for who in ("ichiro", "hanako", "bot")]
        yield slack, start(OPEN, api_bind=BIND, admin_users=(slack.person("ichiro").id,))
        check_laws(slack, [])
    manager.close()


@pytest.fixture
def slack_(both: tuple[LocalSlack, Bot]) -> LocalSlack:
    return both[0]


@pytest.fixture
def bot_(both: tuple[LocalSlack, Bot]) -> Bot:
    return both[1]


@pytest.fixture
def anybody(bot_: Bot) -> Client:
    """A program without a token."""
    return client(bot_)


@pytest.fixture
def token(bot_: Bot, request: pytest.FixtureRequest) -> Callable[..., Client]:
    """Makes a token for some knowledge bases, and the program that has it."""
    count = iter(range(99))

    def made(*names: str) -> Client:
        name = f"t{abs(hash(request.node.name)) % 10**9}-{next(count)}"
        return client(bot_, Tokens(bot_.services.database).create(name, names or None, 90))

    return made


def client(bot: Bot, token: str | None = None) -> Client:
    assert bot.api is not None
    return Client(bot.api.address, token)


# What is told


def test_a_program_is_told_the_same_rows_with_the_same_confidence_as_people(
    slack_: LocalSlack, bot_: Bot, token: Callable[..., Client]
) -> None:
    slack_.reply(slack_.command("hanako", "it-help", f"/search {VPN}"))
    answer = token("it-help", "_shared").search(VPN)
    in_slack, over_http = asked_so_far(bot_)[-2:]
    assert (in_slack.source, over_http.source) == ("search", "http")
    assert over_http.hits == in_slack.hits[:2], "rows, scores and confidences"
    assert (over_http.answered, over_http.threshold) == (in_slack.answered, in_slack.threshold)
    told = answer.json
    assert [round(hit.confidence, 6) for hit in in_slack.hits] == [hit["confidence"] for hit in told["hits"]]
    first = told["hits"][0]
    assert (first["rank"], first["knowledge_base"], first["record"]["id"]) == (1, "it-help", "vpn")
    assert first["record"]["answer"].startswith(ANSWER)
    assert told["certain"] is True
    assert (told["query"], told["encoder"], told["threshold"]) == (VPN, "lexical", 0.9)
    assert set(told["knowledge_bases"]) == {"it-help", "_shared"}
    assert (told["total"], told["returned"]) == (6, len(told["hits"]))


def test_more_hits_leave_the_confidence_of_the_first_as_it_was(token: Callable[..., Client]) -> None:
    asking = token()
    for query in (VPN, "パスワード", "How do I roll back?", "ERR-4012", "プリンター"):
        few, many = (asking.search(query, top_k=top_k).json["hits"] for top_k in (1, 50))
        assert few == many[:1]


def test_the_query_is_normalized_and_hits_are_limited(anybody: Client) -> None:
    assert anybody.search("ＶＰＮに　つながらない").json["normalized_query"] == "vpnに つながらない"
    every = anybody.search(VPN, top_k=50, min_k=50).json
    assert (every["total"], every["returned"]) == (5, 5), "if need be any row"
    assert anybody.search(VPN, top_k=1).ids == ["it-help/vpn"]
    assert anybody.search("zzz").json["hits"] == [], "a row that has nothing of the query is no hit"
    assert anybody.search("zzz", min_k=2).json["returned"] == 2
    sure = anybody.search(VPN, min_confidence=0.9).json
    assert [hit["confidence"] >= 0.9 for hit in sure["hits"]] == [True]
    assert anybody.search("VPN ルーター 印刷", min_confidence=1.0).json["returned"] == 0
    assert anybody.search(VPN, min_confidence=1.0, min_k=1).ids == ["it-help/vpn"]
    assert anybody.search(VPN, min_k=9, top_k=2).json["returned"] == 2, "never more than top_k"


def test_an_answer_leaves_at_once_on_a_connection_that_stays(anybody: Client) -> None:
    """A socket that waits for the other side's word before it sends the rest would take 40 ms, each time."""
    took = []
    with closing(HTTPConnection(anybody.address, timeout=30)) as connection:
        for _ in range(20):
            began = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            took.append(time.perf_counter() - began)
    assert min(took) < 0.02


# What may be seen


def test_without_a_token_what_is_public_is_open_and_with_one_what_it_says(
    anybody: Client, token: Callable[..., Client]
) -> None:
    def seen(asking: Client) -> list[str]:
        return [each["name"] for each in asking("GET", "/v1/knowledge-bases").json["knowledge_bases"]]

    assert seen(anybody) == ["it-help"]
    assert seen(token("dev-faq", "keiri")) == ["dev-faq", "keiri"]
    assert seen(token()) == ["_shared", "dev-faq", "it-help", "keiri"]
    assert anybody.search("How do I roll back a deployment?").ids[:1] != ["dev-faq/2"]
    assert anybody("GET", "/v1/knowledge-bases").json == {
        "knowledge_bases": [{"name": "it-help", "rows": 5, "public": True}]
    }
    narrow = token("dev-faq", "it-help").search("deployment", knowledge_bases=["DEV-FAQ"])
    assert narrow.json["knowledge_bases"] == ["dev-faq"]


def test_whether_there_is_another_knowledge_base_is_not_said(anybody: Client, token: Callable[..., Client]) -> None:
    for asking, opened in ((anybody, "it-help"), (token("dev-faq"), "dev-faq")):
        closed, absent = (asking.search(VPN, knowledge_bases=[name]) for name in ("keiri", "absent"))
        assert (closed.status, closed.code) == (404, "unknown_knowledge_base")
        assert closed.text.replace("keiri", "absent") == absent.text
        assert f"open are: {opened}." in closed.text


def test_a_token_that_is_not_valid_opens_nothing_not_even_what_is_public(
    bot_: Bot, anybody: Client, token: Callable[..., Client]
) -> None:
    good = token("it-help")
    assert good.search(VPN).status == 200
    for wrong in ("Bearer", "Bearer ", "Basic dTpw", "Bearer x", f"Token {good.token}", f"bearer {good.token}x", ""):
        answer = anybody("POST", "/v1/search", SEARCH, {"Authorization": wrong})
        assert (answer.status, answer.code) == (401, "invalid_token"), wrong
        assert answer.headers["www-authenticate"] == "Bearer"
    assert anybody("POST", "/v1/search", SEARCH, {"Authorization": f"bearer {good.token}"}).status == 200
    tokens = Tokens(bot_.services.database)
    tokens.revoke(tokens.check(str(good.token)).name)
    assert good.search(VPN).code == "invalid_token", "revoked, at once"


def test_300_hostile_requests_see_no_closed_row(bot_: Bot) -> None:
    assert doors.probe(bot_, doors.keys(bot_), random.Random(16), 300) == {}


# What is refused


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "x" * 1001}, "query"),
        ({"query": 7}, "query"),
        ({"query": "a", "top_k": 0}, "top_k"),
        ({"query": "a", "top_k": 51}, "top_k"),
        ({"query": "a", "min_k": -1}, "min_k"),
        ({"query": "a", "min_confidence": 1.01}, "min_confidence"),
        ({"query": "a", "min_confidence": "nan"}, "min_confidence"),
        ({"query": "a", "knowledge_bases": []}, "knowledge_bases"),
        ({"query": "a", "knowledge_bases": ["x" * 256]}, "knowledge_bases.0"),
        ({"query": "a", "knowledge_bases": ["x"] * 101}, "knowledge_bases"),
        ({"query": "a", "topk": 3}, "topk"),
        ([], ""),
        (b"{", ""),
        (b"", ""),
        (b"\xff", "JSON: it is not written in UTF-8"),
        (b"[" * 60_000, TOO_DEEP),
        (b'{"query": "VPN", "top_k": ' + b"9" * 5_000 + b"}", "JSON: it is not written in UTF-8, or nested too deep"),
    ],
)
def test_a_wrong_value_is_named(anybody: Client, body: object, place: str) -> None:
    answer = anybody("POST", "/v1/search", body)
    assert (answer.status, answer.code) == (422, "invalid"), answer.text
    assert answer.json["error"]["message"].startswith(place)
    assert "x" * 50 not in answer.text, "what was sent is not sent back"


def test_what_is_no_question_and_what_is_no_address(anybody: Client) -> None:
    answers = {
        "invalid": anybody.search("？！ 🔥"),
        "not_found": anybody("GET", "/v1/keiri"),
        "method_not_allowed": anybody("GET", "/v1/search"),
    }
    assert {code: answer.code for code, answer in answers.items()} == {code: code for code in answers}
    assert [answer.status for answer in answers.values()] == [422, 404, 405]
    assert answers["method_not_allowed"].headers["allow"] == "POST"
    text = anybody("POST", "/v1/search", b'{"query": "vpn"}', {"Content-Type": "text/plain"})
    assert text.status == 422, "a page of another site can send text, and JSON only if it is allowed to"


def test_head_is_get_without_the_body(anybody: Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/knowledge-bases"):
        whole, first = anybody("GET", path), anybody("HEAD", path)
        assert (first.status, first.text) == (whole.status, "")
        assert first.headers["content-type"] == whole.headers["content-type"]
    assert anybody("HEAD", "/v1/search").headers["allow"] == "POST"
    assert anybody("HEAD", "/v1/nothing").status == 404


def test_a_slash_at_the_end_is_no_other_address_and_costs_nobody_the_token(token: Callable[..., Client]) -> None:
    """Many clients leave the token out when they follow a redirect; and behind a proxy it would lead to plain HTTP."""
    asking = token("dev-faq")
    assert asking("POST", "/v1/search/", {"query": "deployment"}).json["knowledge_bases"] == ["dev-faq"]
    assert asking("GET", "/v1/knowledge-bases//").json["knowledge_bases"][0]["name"] == "dev-faq"
    assert [asking("GET", path).status for path in ("/healthz/", "/metrics/", "/openapi.json/", "/")] == [
        200,
        200,
        200,
        404,
    ]
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    assert asking("POST", "/mcp/", listing, accept).text == asking("POST", "/mcp", listing, accept).text
    assert Client(asking.address, "kotae_x")("POST", "/mcp/", listing, accept).status == 401


def test_errors_are_in_japanese_for_whoever_reads_that(anybody: Client) -> None:
    said = anybody("POST", "/v1/search", {"query": "!"}, {"Accept-Language": "ja,en;q=0.5"}).json["error"]
    assert said == {"code": "invalid", "message": "検索できる文字や数字が含まれていません。"}
    wrong = anybody("POST", "/v1/search", {}, {"Accept-Language": "ja"}).json["error"]["message"]
    assert wrong.startswith("値が正しくありません。query: ")


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Host", "kotae.example.com", "wrong_host"),
        ("Host", "127.0.0.1.example.com", "wrong_host"),
        ("Host", "", "wrong_host"),
        ("Origin", "https://evil.example", "wrong_origin"),
        ("Origin", "null", "wrong_origin"),
        ("Origin", "http://127.0.0.1:1", "wrong_origin"),
        ("Host", "LOCALHOST:8321", ""),
        ("Host", "[::1]:8321", ""),
        ("Host", "10.1.2.3", ""),
    ],
)
def test_pages_in_browsers_are_refused(anybody: Client, header: str, value: str, expected: str) -> None:
    for method, path, body in (
        ("POST", "/v1/search", SEARCH),
        ("GET", "/metrics", None),
        ("OPTIONS", "/v1/search", None),
    ):
        answer = anybody(method, path, body, {header: value})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        if expected:
            assert answer.code == expected
        else:
            assert answer.status in {200, 405}
    assert anybody("GET", "/healthz", None, {header: value}).text == '{"status":"ok"}', "of a probe any name is right"


def test_a_page_of_its_own_address_is_not_another_site(anybody: Client) -> None:
    headers = {"Host": "localhost:8321", "Origin": "http://localhost:8321"}
    assert anybody("POST", "/v1/search", SEARCH, headers).status == 200


def test_a_body_that_is_too_large_is_not_read(anybody: Client) -> None:
    large = anybody("POST", "/v1/search", b" " * (guard.MOST_BYTES + 1))
    assert (large.status, large.code, large.headers["connection"]) == (413, "too_large", "close")
    with closing(connected(anybody)) as sent:
        sent.sendall(head(f"Content-Length: {guard.MOST_BYTES + 1}"))
        assert b" 413 " in received(sent), "before any of it has come"
    with closing(connected(anybody)) as sent:
        sent.sendall(head("Transfer-Encoding: chunked"))
        for _ in range(9):
            sent.sendall(b"2000\r\n" + b" " * 0x2000 + b"\r\n")
        assert b" 413 " in received(sent)
    assert anybody.search(VPN).status == 200


def connected(anybody: Client) -> socket.socket:
    host, _, port = anybody.address.partition(":")
    return socket.create_connection((host, int(port)), timeout=guard.BODY_SECONDS + 20)


def head(*lines: str, host: str = "127.0.0.1") -> bytes:
    first = ("POST /v1/search HTTP/1.1", f"Host: {host}", "Content-Type: application/json", *lines)
    return "\r\n".join([*first, "", ""]).encode()


@pytest.mark.parametrize(
    "refused", [{"host": "evil.example"}, {"lines": ["Origin: null"]}, {"lines": ["Origin: https://evil.example"]}]
)
@pytest.mark.parametrize("framing", ["Content-Length: 60000", "Transfer-Encoding: chunked"])
def test_whoever_is_refused_can_not_go_on_sending(
    anybody: Client, refused: dict[str, Any], framing: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(connected(anybody)) as sent:
        began = time.monotonic()
        sent.sendall(head(framing, *refused.get("lines", ()), host=refused.get("host", "127.0.0.1")))
        told = sent.recv(65536)
        with suppress(ConnectionError):
            sent.sendall(b"zz\r\n")
        told += received(sent)
    assert b"\r\nconnection: close\r\n" in told
    assert time.monotonic() - began < guard.BODY_SECONDS / 2
    assert [each for each in caplog.records if each.name == "asyncio"] == []


def test_more_connections_than_are_served_are_told_so_and_even_more_are_cut(anybody: Client) -> None:
    with ExitStack() as opened:
        waiting = [opened.enter_context(closing(connected(anybody))) for _ in range(CONNECTIONS)]
        busy = anybody.search(VPN)
        assert (busy.status, busy.code, busy.headers["retry-after"]) == (503, "busy", "3")
        assert busy.headers["connection"] == "close"
        assert anybody("GET", "/healthz").status == 200, "or the bot would be restarted"
        waiting += [
            opened.enter_context(closing(connected(anybody))) for _ in range(MOST_CONNECTIONS - CONNECTIONS + 1)
        ]
        began = time.monotonic()
        assert received(waiting[-1]) == b""
        assert time.monotonic() - began < HEAD_SECONDS / 2, "not only since it says nothing"
        with pytest.raises(OSError):  # noqa: PT011 - reset while it connects, sends or reads
            anybody("GET", "/healthz")
    for _ in range(100):
        if anybody.search(VPN).status == 200:
            return
        time.sleep(0.05)
    raise AssertionError("there is no room again")


def received(sent: socket.socket) -> bytes:
    """Everything until the other side closes, or cuts, the connection."""
    found = b""
    try:
        while part := sent.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


@pytest.mark.long("waits until slow senders are cut off")
def test_whoever_sends_slowly_is_cut_off_and_nobody_waits_for_them(anybody: Client) -> None:
    began = time.monotonic()
    slow = {"nothing": b"", "half a head": head()[:40], "half a body": head("Content-Length: 99") + b'{"query"'}
    waiting = {what: [connected(anybody) for _ in range(20)] for what in slow}
    for what, connections in waiting.items():
        for each in connections:
            each.sendall(slow[what])
    for _ in range(20):
        asked = time.monotonic()
        assert anybody.search(VPN).status == 200
        assert time.monotonic() - asked < 5
    told = {what: {received(each)[:12] for each in connections} for what, connections in waiting.items()}
    assert told == {"nothing": {b""}, "half a head": {b""}, "half a body": {b"HTTP/1.1 408"}}
    assert time.monotonic() - began < guard.BODY_SECONDS + 15
    for connections in waiting.values():
        for each in connections:
            each.close()


@pytest.mark.parametrize("burst", [3])
def test_each_token_and_each_address_may_send_so_many(start: Start) -> None:
    bot = start(OPEN, api_bind=BIND)
    tokens = Tokens(bot.services.database)
    first, second = (client(bot, tokens.create(name, ["it-help"], None)) for name in ("first", "second"))
    before, refused = until_refused(first)
    assert before == {200}
    assert (refused.code, refused.headers["retry-after"]) == ("too_many_requests", "2")
    assert second.search(VPN).status == 200, "another token has its own"
    wrong = client(bot, "kotae_000000000000_" + "0" * 64)
    assert until_refused(wrong)[0] == {401}
    addresses = ({"X-Forwarded-For": f"203.0.113.{number}"} for number in range(99))
    statuses = [client(bot)("POST", "/v1/search", SEARCH, each).status for each in addresses]
    assert statuses.count(200) < 50, "wrong tokens count for the address, and nobody is believed who is no proxy"
    assert second.search(VPN).status == 200


def until_refused(asking: Client) -> tuple[set[int], Answered]:
    """The statuses before the first request that is one too many, some twelve with a token, and what that is told."""
    statuses: set[int] = set()
    for _ in range(50):
        reply = asking("POST", "/v1/search", SEARCH)
        if reply.status == 429:
            return statuses, reply
        statuses.add(reply.status)
    raise AssertionError(statuses)


def test_behind_a_proxy_the_address_is_the_one_that_it_tells(start: Start, burst: int) -> None:
    bot = start(OPEN, api_bind=BIND, api_proxies="127.0.0.1", api_hosts="kotae.example.com")
    headers = {"Host": "kotae.example.com", "X-Forwarded-For": "203.0.113.9", "Origin": "https://kotae.example.com"}
    assert burst
    assert client(bot)("POST", "/v1/search", SEARCH, headers).status == 200


def test_programs_leave_room_for_people_and_are_told_when_there_is_none(
    slack_: LocalSlack, bot_: Bot, anybody: Client
) -> None:
    release, limits = Event(), LIMITS[Kind.PROGRAM]
    jobs: list[Future[bool]] = []
    try:
        for number in range(limits.running + limits.waiting):
            slack_.wait_until(lambda: bot_.services.queue.waiting()[Kind.PROGRAM.value] < limits.waiting, what="room")
            jobs.append(take_turn(bot_.services, Caller(None, f"10.0.0.{number}"), lambda: release.wait(60)))
        busy = anybody.search(VPN)
        assert (busy.status, busy.code, busy.headers["retry-after"]) == (503, "busy", "3")
        asked = time.monotonic()
        replies = [slack_.reply(slack_.command("hanako", "it-help", f"/search {VPN}")) for _ in range(5)]
        assert time.monotonic() - asked < 10
        assert all(ANSWER in reply.shown for reply in replies)
    finally:
        release.set()
    assert all(job.result(60) for job in jobs)
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(lambda _: anybody.search(VPN), range(64))} <= {200, 503}
    assert anybody.search(VPN).status == 200


# What admins see


def test_a_miss_says_through_which_door_it_came_and_who_asked(start: Start, slack: LocalSlack) -> None:
    bot = start(OPEN, api_bind=BIND, admin_users=(slack.person("ichiro").id,))
    website = client(bot, Tokens(bot.services.database).create("website", ["it-help", "dev-faq"], 90))
    assert website.search("社員食堂は何時まで開いていますか？").json["certain"] is False
    assert client(bot).search("駐車場はどこですか？").json["certain"] is False
    assert website.search(VPN).json["certain"] is True
    assert website("POST", "/v1/unanswered", {"question": VPN, "reason": "ルーターがない"}).status == 204
    assert website("POST", "/v1/unanswered", {"question": "名刺の注文方法は？"}).status == 204
    assert website("POST", "/v1/unanswered", {"question": "?"}).code == "invalid"
    assert len(asked_so_far(bot)) == 4, "a report is about the search before it"
    listed = slack.reply(slack.command("ichiro", "it-help", "/kb misses")).shown
    lines = listed.splitlines()

    def about(question: str) -> str:
        at = next(number for number, line in enumerate(lines) if question in line)
        return "\n".join(lines[at : at + 4])

    assert "最後に聞いた人: website" in about("社員食堂")
    assert "HTTP 経由" in about("社員食堂")
    assert "トークンなしのプログラム" in about("駐車場")
    assert "役に立たなかったとの声あり" in about(VPN)
    assert "ルーターがない" in about(VPN)
    assert "名刺の注文" in listed
    assert "<@" not in listed.replace(f"<@{slack.bot}>", "")


def test_a_miss_about_a_private_channel_is_for_its_members(
    slack_: LocalSlack, bot_: Bot, token: Callable[..., Client]
) -> None:
    question = "監査の日のお弁当は誰が頼みますか？"
    assert token("keiri").search(question).json["certain"] is False
    absent = "zzz qqq?"
    assert token("keiri").search(absent).json["hits"] == []
    olivia, ichiro = slack_.person("olivia").id, slack_.person("ichiro").id
    assert ("keiri" in closed_to(bot_.services, olivia), "keiri" in closed_to(bot_.services, ichiro)) == (True, False)
    others = slack_.reply(slack_.command("olivia", "it-help", "/kb misses")).shown
    members = slack_.reply(slack_.command("ichiro", "it-help", "/kb misses")).shown
    assert [(each in others, each in members) for each in (question, absent)] == [(False, True)] * 2


def test_status_and_the_terminal_say_where_it_is_open(slack_: LocalSlack, bot_: Bot, anybody: Client) -> None:
    address = anybody.address
    status = slack_.reply(slack_.command("ichiro", "it-help", "/kb status")).shown
    assert f"プログラム向け HTTP: {address} で受付中" in status
    data = bot_.services.config.uploads_dir.parent
    not_yet = anybody("GET", "/readyz")
    assert (not_yet.status, not_yet.text) == (503, '{"status":"not ready"}'), "as `kotae status --probe ready` says"
    write_status(data, bot_.services)
    told = read_status(data)
    assert told is not None
    assert f"  HTTP for programs: open at {address}" in format_status(told).splitlines()
    ready = anybody("GET", "/readyz")
    assert (ready.status, ready.text) == (200, '{"status":"ready"}')


def test_metrics_name_knowledge_bases_to_those_who_may_see_them(anybody: Client, token: Callable[..., Client]) -> None:
    anybody.search(VPN)
    plain, named = anybody("GET", "/metrics"), token("dev-faq")("GET", "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    for name in ("it-help", "dev-faq", "keiri", "_shared"):
        assert name not in plain.text
    families = {each.name: each for each in text_string_to_metric_families(named.text)}
    assert {(each.labels["knowledge_base"], each.value) for each in families["kotae_rows"].samples} == {("dev-faq", 2)}
    asked = [each for each in families["kotae_http_requests"].samples if each.labels.get("path") == "/v1/search"]
    assert sum(each.value for each in asked if each.labels["status"] == "200") >= 1
    assert families["kotae_knowledge_bases"].samples[0].value == 4
    assert families["kotae_memory_bytes"].samples[0].value > 1e6


def test_the_openapi_document_describes_everything(anybody: Client) -> None:
    document = anybody("GET", "/openapi.json").json
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) == 6
    assert all(one["summary"] and one["description"] for one in operations)
    schemas: dict[str, Any] = document["components"]["schemas"]
    told = schemas["SearchRequest"]["properties"] | schemas["SearchAnswer"]["properties"]
    assert [name for name, each in told.items() if not each.get("description") and name != "hits"] == []
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {"401", "404", "422", "429", "503"} <= set(document["paths"]["/v1/search"]["post"]["responses"])
    assert json.dumps(document).count("HTTPValidationError") == 0, "errors have one form"


def test_questions_and_tokens_stay_out_of_the_log(
    anybody: Client, token: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asking = token()
    asking.search("とても秘密の質問")
    anybody("POST", "/v1/search", b"\xff")
    asking("GET", f"/v1/nothing?token={asking.token}")
    assert "doors.search" in caplog.text
    assert "秘密" not in caplog.text
    assert str(asking.token) not in caplog.text
