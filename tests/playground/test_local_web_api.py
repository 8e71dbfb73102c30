from __future__ import annotations

import json
import socket
import urllib.request
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground import DEFAULT_SCOPES, LocalSlack
from tests.playground.helpers import Refusal, client_of

JSON = dict[str, Any]


def raw(slack: LocalSlack, path: str, body: bytes | None = None, /, **headers: str) -> JSON:
    request = urllib.request.Request(slack.base_url + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(request) as response:
        answer: JSON = json.load(response)
        return answer


# -- Getting in ------------------------------------------------------------------------------------------


def test_auth_test_tells_who_the_bot_is(slack: LocalSlack, client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["team_id"]) == (slack.bot, slack.workspace.team_id)
    assert answer["bot_id"].startswith("B")
    assert answer.headers["x-oauth-scopes"] == ",".join(sorted(DEFAULT_SCOPES))


def test_a_token_is_required_and_checked(slack: LocalSlack, refused: Refusal) -> None:
    assert refused(client_of(slack, "xoxb-wrong").auth_test)["error"] == "invalid_auth"
    assert raw(slack, "/api/auth.test") == {"ok": False, "error": "not_authed"}


def test_each_method_wants_its_kind_of_token(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    app_client = client_of(slack, slack.app_token)
    assert refused(app_client.users_info, user=slack.bot)["error"] == "not_allowed_token_type"
    assert refused(client.apps_connections_open, app_token=slack.bot_token)["error"] == "not_allowed_token_type"
    assert client.apps_connections_open(app_token=slack.app_token)["url"].startswith("ws://127.0.0.1:")


def test_an_unknown_method_is_named(client: WebClient, refused: Refusal) -> None:
    assert refused(client.api_call, "chat.shout") == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.shout",
    }


def test_missing_scopes_are_named() -> None:
    with LocalSlack(scopes=["users:read"]) as slack:
        answer = raw(slack, "/api/chat.postMessage", b"{}", Authorization=f"Bearer {slack.bot_token}")
    assert answer == {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "users:read"}


@pytest.mark.parametrize(
    ("lost", "types", "needed"),
    [
        ("channels:read", "public_channel", "channels:read"),
        ("groups:read", "public_channel,private_channel", "groups:read"),
        ("im:read", "im", "im:read"),
    ],
)
def test_scopes_depend_on_the_kind_of_channel(lost: str, types: str, needed: str, refused: Refusal) -> None:
    with LocalSlack(scopes=set(DEFAULT_SCOPES) - {lost}) as slack:
        answer = refused(client_of(slack).conversations_list, types=types)
    assert (answer["error"], answer["needed"]) == ("missing_scope", needed)


def test_scopes_that_the_manifest_lacks_are_missed(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    hanako = slack.people["hanako"].id
    assert refused(client.conversations_open, users=hanako)["needed"] == "im:write"
    assert refused(client.conversations_join, channel=slack.channel("random").id)["needed"] == "channels:join"


def test_get_and_post_form_and_json_are_the_same(slack: LocalSlack) -> None:
    query = urlencode({"user": slack.bot, "token": slack.bot_token})
    bearer = f"Bearer {slack.bot_token}"
    answers = [
        raw(slack, f"/api/users.info?{query}"),
        raw(slack, "/api/users.info", query.encode()),
        raw(
            slack,
            "/api/users.info",
            json.dumps({"user": slack.bot}).encode(),
            Content_Type="application/json",
            Authorization=bearer,
        ),
        raw(slack, f"/api/users.info?{urlencode({'user': slack.bot})}", Authorization=bearer),
    ]
    assert all(answer["user"]["id"] == slack.bot for answer in answers)


def test_a_host_without_port_and_a_trailing_question_mark_are_tolerated(slack: LocalSlack) -> None:
    port = int(slack.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /api/api.test? HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b'{"ok": true, "args": {}}')


def test_calls_are_recorded_without_tokens(slack: LocalSlack, client: WebClient) -> None:
    client.users_info(user=slack.bot)
    raw(slack, f"/api/auth.test?{urlencode({'token': slack.bot_token})}")
    call, other = slack.calls
    assert (call.method, call.args, call.ok, call.error) == ("users.info", {"user": slack.bot}, True, "")
    assert call.response["user"]["id"] == slack.bot
    assert 0 <= call.seconds < 5
    assert (other.method, other.args) == ("auth.test", {})


# -- Paging ----------------------------------------------------------------------------------------------


def test_lists_come_in_pages(client: WebClient) -> None:
    pages = client.conversations_list(limit=2, types="public_channel")
    assert [[channel["name"] for channel in page["channels"]] for page in pages] == [
        ["general", "it-help"],
        ["hr-somu", "dev-faq"],
        ["random", "partner-it"],
    ]
    assert pages["response_metadata"]["next_cursor"] == ""


def test_the_server_may_give_less_than_the_limit() -> None:
    with LocalSlack(page_size=3) as small:
        page = client_of(small).users_list(limit=200)
        assert len(page["members"]) == 3
        assert page["response_metadata"]["next_cursor"]


def test_cursors_and_limits_are_checked(client: WebClient, refused: Refusal) -> None:
    assert refused(client.users_list, cursor="nonsense")["error"] == "invalid_cursor"
    assert client.users_list(limit=999)["members"]
    assert refused(client.users_list, limit=1000)["error"] == "invalid_limit"
    assert refused(client.users_list, limit="many")["error"] == "invalid_arguments"


# -- People ----------------------------------------------------------------------------------------------


def test_the_locale_comes_only_when_asked_for(slack: LocalSlack, client: WebClient) -> None:
    hanako = slack.people["hanako"].id
    assert "locale" not in client.users_info(user=hanako)["user"]
    assert client.users_info(user=hanako, include_locale=True)["user"]["locale"] == "ja-JP"


def test_mail_addresses_are_for_apps_with_the_scope(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    alice = slack.people["alice"]
    assert refused(client.users_lookupByEmail, email=alice.email)["error"] == "missing_scope"
    assert "email" not in client.users_info(user=alice.id)["user"]["profile"]
    with LocalSlack(scopes=(*DEFAULT_SCOPES, "users:read.email")) as other:
        may = WebClient(other.bot_token, base_url=other.api_url)
        found = may.users_lookupByEmail(email=alice.email.upper())["user"]
        assert (found["id"], found["profile"]["email"]) == (other.person("alice").id, alice.email)
        for nobodys in (other.person("gone").email, "x@example.com", ""):
            assert refused(may.users_lookupByEmail, email=nobodys)["error"] == "users_not_found"


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        ("alice", {"is_admin": False, "is_owner": False, "is_restricted": False, "deleted": False}),
        ("ichiro", {"is_admin": True, "is_owner": False}),
        ("olivia", {"is_admin": True, "is_owner": True}),
        ("guest", {"is_restricted": True, "is_ultra_restricted": True}),
        ("multi", {"is_restricted": True, "is_ultra_restricted": False}),
        ("external", {"is_stranger": False}),
        ("stranger", {"is_stranger": True}),
        ("gone", {"deleted": True}),
        ("bot", {"is_bot": True}),
    ],
)
def test_everybody_has_their_standing(slack: LocalSlack, client: WebClient, key: str, facts: JSON) -> None:
    user = client.users_info(user=slack.people[key].id)["user"]
    assert {name: user.get(name) for name in facts} == facts


def test_people_of_another_organisation_have_another_team(slack: LocalSlack, client: WebClient) -> None:
    teams = {key: client.users_info(user=person.id)["user"]["team_id"] for key, person in slack.people.items()}
    ours = {key for key, team in teams.items() if team == slack.workspace.team_id}
    assert set(teams) - ours == {"external", "partner", "stranger"}


def test_of_the_deactivated_little_is_told(slack: LocalSlack, client: WebClient) -> None:
    assert "is_admin" not in client.users_info(user=slack.people["gone"].id)["user"]


def test_an_unknown_user_is_not_found(client: WebClient, refused: Refusal) -> None:
    assert refused(client.users_info, user="U0NOBODY")["error"] == "user_not_found"
    assert refused(client.api_call, "users.info", json={"user": ["U0"]})["error"] == "invalid_arguments"


def test_user_groups_and_their_members(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    (group,) = client.usergroups_list()["usergroups"]
    assert (group["handle"], "users" in group) == ("helpdesk", False)
    members = [slack.people["ichiro"].id, slack.people["alice"].id]
    assert client.usergroups_users_list(usergroup=group["id"])["users"] == members
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == members
    assert refused(client.usergroups_users_list, usergroup="S0")["error"] == "no_such_subteam"


def test_bots_info_and_api_test(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    assert client.bots_info(bot=slack.workspace.bot_id)["bot"]["user_id"] == slack.bot
    assert refused(client.bots_info, bot="B0")["error"] == "bot_not_found"
    assert client.api_test(foo="bar")["args"]["foo"] == "bar"
    assert refused(client.api_test, error="my_error")["error"] == "my_error"


# -- Channels --------------------------------------------------------------------------------------------


def names(answer: Any) -> set[str]:
    return {channel["name"] for channel in answer["channels"]}


def test_private_channels_exist_only_for_members(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    keiri = slack.channel("keiri").id
    assert names(client.conversations_list(types="private_channel")) == set()
    for method in (client.conversations_info, client.conversations_members, client.conversations_history):
        assert refused(method, channel=keiri)["error"] == "channel_not_found"
    slack.invite_bot("keiri")
    assert names(client.conversations_list(types="private_channel")) == {"keiri"}
    assert client.conversations_info(channel=keiri)["channel"]["is_private"]


def test_channel_facts(slack: LocalSlack, client: WebClient) -> None:
    partner = client.conversations_info(channel=slack.channel("partner-it").id, include_num_members=True)["channel"]
    assert (partner["is_ext_shared"], partner["is_member"], partner["num_members"]) == (True, True, 7)
    random = client.conversations_info(channel=slack.channel("random").id)["channel"]
    assert (random["is_ext_shared"], random["is_member"], "num_members" in random) == (False, False, False)
    hanako = slack.people["hanako"]
    direct = client.conversations_info(channel=slack.channel(hanako).id)["channel"]
    assert (direct["is_im"], direct["user"]) == (True, hanako.id)


def test_archived_channels_can_be_left_out(slack: LocalSlack, client: WebClient) -> None:
    slack.archive("dev-faq")
    assert "dev-faq" in names(client.conversations_list())
    assert "dev-faq" not in names(client.conversations_list(exclude_archived=True))


def test_users_conversations_tells_only_what_the_bot_sees(
    slack: LocalSlack, client: WebClient, refused: Refusal
) -> None:
    types = "public_channel,private_channel"
    olivia = slack.people["olivia"].id
    everywhere = {"general", "it-help", "hr-somu", "dev-faq", "random", "partner-it"}
    assert names(client.users_conversations(user=olivia, types=types)) == everywhere
    slack.invite_bot("keiri")
    assert names(client.users_conversations(user=olivia, types=types)) == everywhere | {"keiri"}
    assert names(client.users_conversations(user=slack.people["guest"].id, types=types)) == {"general"}
    assert names(client.users_conversations(types=types)) == everywhere - {"random"} | {"keiri"}
    assert refused(client.users_conversations, user="U0")["error"] == "user_not_found"
    assert refused(client.users_conversations, types="secret_channel")["error"] == "invalid_types"


def test_members(slack: LocalSlack, client: WebClient) -> None:
    members = client.conversations_members(channel=slack.channel("partner-it").id)["members"]
    assert slack.people["external"].id in members
    assert slack.bot in members


def test_joining_and_opening_with_the_scopes_for_it(refused: Refusal) -> None:
    with LocalSlack(scopes=[*DEFAULT_SCOPES, "channels:join", "im:write"]) as slack:
        client = client_of(slack)
        random = slack.channel("random")
        client.conversations_join(channel=random.id)
        assert slack.bot in random.members
        alice = slack.people["alice"]
        assert client.conversations_open(users=alice.id)["channel"] == {"id": slack.channel(alice).id}
        assert client.conversations_open(users=alice.id, return_im=True)["channel"]["user"] == alice.id
        for users, error in [("U0", "user_not_found"), (slack.bot, "cannot_dm_bot"), ("", "users_list_not_supplied")]:
            assert refused(client.api_call, "conversations.open", params={"users": users})["error"] == error
        slack.invite_bot("keiri")
        private = refused(client.conversations_join, channel=slack.channel("keiri").id)
        assert private["error"] == "method_not_supported_for_channel_type"
        slack.archive("general")
        assert refused(client.conversations_join, channel=slack.channel("general").id)["error"] == "is_archived"


# -- Rate limits and faults ------------------------------------------------------------------------------


def test_posting_too_fast_is_refused_when_limits_are_on() -> None:
    with LocalSlack(rate_limits=True) as slack:
        client = client_of(slack)
        for _ in range(5):
            client.chat_postMessage(channel="it-help", text="x")
        with pytest.raises(SlackApiError) as refusal:
            client.chat_postMessage(channel="it-help", text="x")
        response = refusal.value.response
        assert (response.status_code, response["error"]) == (429, "ratelimited")
        assert int(response.headers["Retry-After"]) in range(1, 6)
        client.chat_postMessage(channel="general", text="another channel has its own limit")
        assert len(slack.bot_messages("it-help")) == 5


def test_rate_limited_on_demand(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    slack.faults.rate_limit("users.*", retry_after=7, times=2)
    for _ in range(2):
        assert refused(client.users_info, user=slack.bot)["error"] == "ratelimited"
    assert client.users_info(user=slack.bot)["ok"]
    assert [call.status for call in slack.calls] == [429, 429, 200]
    assert slack.refusals == slack.calls[:2]


def test_server_errors_slowness_and_error_codes_on_demand(
    slack: LocalSlack, client: WebClient, refused: Refusal
) -> None:
    slack.faults.server_error("users.info", status=502)
    slack.faults.error("users.info", "fatal_error")
    slack.faults.slow("auth.test", seconds=0.2)
    answer = refused(client.users_info, user=slack.bot)
    assert not answer["ok"]
    assert refused(client.users_info, user=slack.bot)["error"] == "fatal_error"
    assert client.users_info(user=slack.bot)["ok"]
    client.auth_test()
    assert [call.status for call in slack.calls] == [502, 200, 200, 200]
    assert slack.calls[-1].seconds >= 0.2


def test_a_dropped_response_has_happened_all_the_same(slack: LocalSlack, client: WebClient) -> None:
    slack.faults.drop_response("chat.postMessage")
    with pytest.raises(OSError, match=r"closed|reset"):
        client.chat_postMessage(channel=slack.channel("it-help").id, text="once")
    assert [message.text for message in slack.bot_messages("it-help")] == ["once"]
    assert slack.calls[-1].dropped


def test_a_response_may_break_off_halfway(slack: LocalSlack, client: WebClient) -> None:
    slack.faults.drop_response("chat.postMessage", halfway=True)
    with pytest.raises(IncompleteRead):
        client.chat_postMessage(channel=slack.channel("it-help").id, text="once")
    assert [message.text for message in slack.bot_messages("it-help")] == ["once"]
    assert slack.calls[-1].dropped


def test_a_response_may_be_dropped_before_anything_happened(slack: LocalSlack, client: WebClient) -> None:
    slack.faults.drop_response("chat.postMessage", applied=False)
    with pytest.raises(OSError, match=r"closed|reset"):
        client.chat_postMessage(channel=slack.channel("it-help").id, text="never")
    assert slack.bot_messages("it-help") == []
    assert slack.calls[-1].dropped


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_may_hide_that_the_call_was_performed(
    slack: LocalSlack, client: WebClient, refused: Refusal, status: int
) -> None:
    slack.faults.server_error("chat.postMessage", status=status, applied=True)
    assert not refused(client.chat_postMessage, channel=slack.channel("it-help").id, text="once")["ok"]
    assert [message.text for message in slack.bot_messages("it-help")] == ["once"]
    assert [call.status for call in slack.calls] == [status]


def test_a_stale_read_lacks_the_newest_message(slack: LocalSlack, client: WebClient) -> None:
    channel = slack.channel("it-help").id
    for text in ("older", "newest"):
        client.chat_postMessage(channel=channel, text=text)
    slack.faults.stale_read("conversations.history")
    read = [client.conversations_history(channel=channel)["messages"] for _ in range(2)]
    assert [[each["text"] for each in messages] for messages in read] == [["older"], ["newest", "older"]]


def test_frozen_http_answers_after_the_thaw_only(slack: LocalSlack) -> None:
    slack.faults.freeze(http=True)
    impatient = WebClient(token=slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        impatient.auth_test()
    slack.faults.thaw()
    assert impatient.auth_test()["ok"]


def test_faults_without_a_count_last_until_cleared(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    slack.faults.error("*", "internal_error", times=None)
    for _ in range(3):
        assert refused(client.auth_test)["error"] == "internal_error"
    slack.faults.clear()
    assert client.auth_test()["ok"]
