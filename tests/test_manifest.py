"""The manifest against the rules of Slack's official JSON Schema and reference, as far as they can be written down."""

import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.manifest import EVENTS, REFUSAL, SCOPES, manifest, warnings
from bot.playground import DEFAULT_EVENTS, DEFAULT_SCOPES, LocalSlack
from bot.texts import ENGLISH

BOT_SCOPES = set(
    """
    app_mentions:read assistant:write bookmarks:read bookmarks:write calls:read calls:write canvases:read
    canvases:write channels:history channels:join channels:manage channels:read channels:write.invites
    channels:write.topic chat:write chat:write.customize chat:write.public commands conversations.connect:manage
    conversations.connect:read conversations.connect:write dnd:read emoji:read files:read files:write groups:history
    groups:read groups:write groups:write.invites groups:write.topic im:history im:read im:write incoming-webhook
    links.embed:write links:read links:write lists:read lists:write metadata.message:read mpim:history mpim:read
    mpim:write mpim:write.invites mpim:write.topic pins:read pins:write reactions:read reactions:write
    reminders:read reminders:write remote_files:read remote_files:share remote_files:write team.billing:read
    team.preferences:read team:read tokens.basic triggers:read triggers:write usergroups:read usergroups:write
    users.profile:read users:read users:read.email users:write workflow.steps:execute workflows.templates:read
    workflows.templates:write
    """.split()  # noqa: SIM905 - eleven lines, not sixty
)
NEEDED = {
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "member_joined_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
KEYS = {
    "": {"_metadata", "display_information", "features", "oauth_config", "settings"},
    "_metadata": {"major_version", "minor_version", "schema_version"},
    "display_information": {"name", "description", "background_color", "long_description"},
    "features": {"app_home", "bot_user", "shortcuts", "slash_commands", "unfurl_domains", "agent_view"},
    "features.app_home": {"home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"},
    "features.bot_user": {"display_name", "always_online"},
    "oauth_config": {"scopes", "redirect_urls", "token_management_enabled"},
    "settings": {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "incoming_webhooks",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
        "is_hosted",
        "function_runtime",
    },
}


@pytest.fixture
def built() -> dict[str, Any]:
    return manifest("/search", "/kb")


def at(built: dict[str, Any], path: str) -> Any:
    part: Any = built
    for key in filter(None, path.split(".")):
        part = part[key]
    return part


@pytest.mark.parametrize("path", KEYS)
def test_there_are_only_keys_that_slack_knows(built: dict[str, Any], path: str) -> None:
    assert set(at(built, path)) <= KEYS[path]


def test_texts_are_within_their_limits(built: dict[str, Any]) -> None:
    display = built["display_information"]
    assert 0 < len(display["name"]) <= 35
    assert 0 < len(display["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}", display["background_color"])
    assert 0 < len(built["features"]["bot_user"]["display_name"]) <= 80
    assert re.fullmatch(r"[a-zA-Z0-9\-_. ]+", built["features"]["bot_user"]["display_name"])


@pytest.mark.parametrize("names", [("/search", "/kb"), ("/" + "x" * 31, "/検索")])
def test_commands_are_within_their_limits(names: tuple[str, str]) -> None:
    commands = manifest(*names)["features"]["slash_commands"]
    assert [command["command"] for command in commands] == list(names)
    assert len(commands) <= 25
    for command in commands:
        assert set(command) <= {"command", "description", "usage_hint", "should_escape", "url"}
        assert len(command["command"]) <= 32
        assert 0 < len(command["description"]) <= 2000
        assert 0 < len(command["usage_hint"]) <= 1000
        assert command["should_escape"] is False
        assert "url" not in command


def test_the_shortcuts_are_within_their_limits(built: dict[str, Any]) -> None:
    shortcuts = built["features"]["shortcuts"]
    assert [(each["type"], each["callback_id"]) for each in shortcuts] == [
        ("global", "ask_kotae"),
        ("message", "save_to_kb"),
    ]
    for shortcut in shortcuts:
        assert set(shortcut) == {"name", "type", "callback_id", "description"}
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def test_scopes_exist_for_bots_and_occur_once(built: dict[str, Any]) -> None:
    scopes = built["oauth_config"]["scopes"]["bot"]
    assert scopes == list(SCOPES)
    assert len(set(scopes)) == len(scopes) <= 255
    assert set(scopes) <= BOT_SCOPES
    assert set(scopes) == set(DEFAULT_SCOPES)


def test_events_are_subscribed_once_and_have_their_scopes(built: dict[str, Any]) -> None:
    events = built["settings"]["event_subscriptions"]["bot_events"]
    assert events == list(EVENTS)
    assert len(set(events)) == len(events) <= 100
    assert set(events) == set(NEEDED) == set(DEFAULT_EVENTS)
    assert {NEEDED[event] for event in events} - {None} <= set(SCOPES)


def test_it_is_a_socket_mode_app_whose_home_and_messages_can_be_used(built: dict[str, Any]) -> None:
    assert built["settings"]["socket_mode_enabled"] is True
    assert built["settings"]["interactivity"] == {"is_enabled": True}
    assert "request_url" not in built["settings"]["event_subscriptions"]
    home = built["features"]["app_home"]
    assert home["home_tab_enabled"] is home["messages_tab_enabled"] is True
    assert home["messages_tab_read_only_enabled"] is False


def test_a_reserved_name_is_warned_of_with_the_way_out() -> None:
    [warning] = map(ENGLISH.say, warnings("/search", "/kb"))
    assert warning.startswith("/search is the name of a built-in Slack command")
    assert "--search-command /kb-search" in warning
    assert warnings("/kb-search", "/kb") == []
    [admin] = map(ENGLISH.say, warnings("/ask", "/status"))
    assert "ADMIN_COMMAND" in admin
    assert "--admin-command" in admin


def test_an_agent_is_asked_for_with_its_scope_and_no_event_of_the_earlier_assistants() -> None:
    plain, built = manifest("/search", "/kb"), manifest("/search", "/kb", agent=True)
    assert built["features"].keys() - plain["features"].keys() == {"agent_view"}
    scopes = built["oauth_config"]["scopes"]["bot"]
    assert set(scopes) - set(plain["oauth_config"]["scopes"]["bot"]) == {"assistant:write"}
    assert built["settings"] == plain["settings"]
    with LocalSlack(scopes=scopes, events=built["settings"]["event_subscriptions"]["bot_events"]):
        pass


def test_the_local_slack_takes_it_and_says_what_the_warning_and_both_readmes_quote() -> None:
    with LocalSlack() as slack:
        client = WebClient(token=slack.config_token, base_url=slack.api_url)
        client.apps_manifest_validate(manifest=manifest("/kb-search", "/kb"))
        with pytest.raises(SlackApiError) as refusal:
            client.apps_manifest_validate(manifest=manifest("/search", "/kb"))
    [problem] = refusal.value.response["errors"]
    assert problem["message"] == REFUSAL
    assert REFUSAL in ENGLISH.say(warnings("/search", "/kb")[0])
    for readme in ("README.md", "README.ja.md"):
        text = (Path(__file__).parents[1] / readme).read_text(encoding="utf-8")
        assert REFUSAL in text
        assert "kotae manifest --search-command /kb-search" in text
