"""What the local Slack says of manifests and of blocks, as the real one does, and to whose tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.manifest import manifest
from bot.playground import LocalSlack
from tests.playground.helpers import JSON, Refusal, client_of, section

NAME = {
    "code": "invalid_name",
    "message": "The slash command has an invalid name",
    "pointer": "/features/slash_commands",
}


def ours(**changes: Any) -> JSON:
    return manifest(changes.pop("search", "/kb-search"), "/kb", **changes)


@pytest.fixture
def manager(slack: LocalSlack) -> WebClient:
    return client_of(slack, slack.config_token)


@pytest.mark.parametrize("agent", [False, True])
def test_our_manifests_are_taken(slack: LocalSlack, manager: WebClient, *, agent: bool) -> None:
    built = ours(agent=agent)
    assert manager.apps_manifest_validate(manifest=built)["errors"] == []
    created = manager.apps_manifest_create(manifest=built)
    assert (created["app_id"], created["team_domain"]) == (slack.workspace.app_id, slack.workspace.domain)
    assert slack.manifests == [built]


@pytest.mark.parametrize("name", ["/search", "/me", "/status", "search", "/KB", "/two words"])
def test_one_built_in_name_refuses_the_whole_manifest(
    slack: LocalSlack, manager: WebClient, refused: Refusal, name: str
) -> None:
    for method in (manager.apps_manifest_validate, manager.apps_manifest_create):
        body = refused(method, manifest=ours(search=name))
        assert (body["error"], body["errors"]) == ("invalid_manifest", [NAME])
    assert slack.manifests == []


def longer(built: JSON) -> None:
    built["display_information"]["name"] = "x" * 36


def twice(built: JSON) -> None:
    built["features"]["slash_commands"] *= 2


def scopeless(built: JSON) -> None:
    built["oauth_config"]["scopes"]["bot"].remove("commands")


def deaf(built: JSON) -> None:
    built["oauth_config"]["scopes"]["bot"].remove("mpim:history")


def assistant(built: JSON) -> None:
    built["settings"]["event_subscriptions"]["bot_events"].append("assistant_thread_started")


def unreachable(built: JSON) -> None:
    built["settings"]["socket_mode_enabled"] = False


def commandless(built: JSON) -> None:
    built["features"]["slash_commands"] = []


def misspelt(built: JSON) -> None:
    built["features"]["agent_veiw"] = {}


@pytest.mark.parametrize(
    ("spoil", "code", "message"),
    [
        (longer, "failed_constraint", "must be less than 36 characters"),
        (twice, "duplicate_name", "The slash command name is duplicated"),
        (scopeless, "requires_commands_bot_scope", "Slash Commands requires `commands` bot scope"),
        (deaf, "missing_bot_scope", "Event `message.mpim` requires `mpim:history` bot scope"),
        (assistant, "invalid_user_event_types", "Invalid bot event types `assistant_thread_started`"),
        (
            unreachable,
            "missing_request_url",
            "Event Subscription requires either Request URL or Socket Mode Enabled",
        ),
        (commandless, "failed_constraint", "no fewer than 1 items allowed"),
        (misspelt, "failed_constraint", "invalid additional property: agent_veiw"),
    ],
)
def test_what_else_is_wrong_is_said_with_its_place(
    manager: WebClient, refused: Refusal, spoil: Callable[[JSON], None], code: str, message: str
) -> None:
    built = ours(agent=True)
    spoil(built)
    first = refused(manager.apps_manifest_validate, manifest=built)["errors"][0]
    assert (first["code"], first["message"]) == (code, message)
    assert first["pointer"].startswith("/")


def test_each_method_takes_its_own_kind_of_token(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    for token in (slack.bot_token, slack.app_token):
        made = client_of(slack, token)
        assert refused(made.apps_manifest_validate, manifest=ours())["error"] == "not_allowed_token_type"
        assert refused(made.apps_manifest_create, manifest=ours())["error"] == "not_allowed_token_type"
    manager = client_of(slack, slack.config_token)
    assert refused(manager.blocks_validate, blocks=[section("x")])["error"] == "not_allowed_token_type"
    assert refused(manager.users_list)["error"] == "not_allowed_token_type"
    nobody = client_of(slack, "xoxe.xoxp-1-nobody")
    assert refused(nobody.apps_manifest_validate, manifest=ours())["error"] == "invalid_auth"
    assert refused(client.apps_manifest_create, manifest="{")["error"] == "not_allowed_token_type"
    assert refused(manager.apps_manifest_create, manifest="{")["error"] == "invalid_manifest"


def test_blocks_are_looked_at_without_being_sent(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    view = {"type": "home", "blocks": [section("x")]}
    client.blocks_validate(blocks=[section("x")])
    client.blocks_validate(message={"text": "x", "blocks": [section("x")]})
    client.blocks_validate(view=view)
    bad = {"type": "actions", "elements": []}
    for kind, payload, pointer in (
        ("blocks", [section("x"), bad], "/1/elements"),
        ("message", {"blocks": [bad]}, "/blocks/0/elements"),
        ("view", {**view, "blocks": [bad]}, "/blocks/0/elements"),
    ):
        body = refused(client.blocks_validate, **{kind: payload})
        assert body["error"] == f"invalid_{kind}"
        assert body["errors"] == [
            {"code": "failed_constraint", "message": "no fewer than 1 items allowed", "pointer": pointer}
        ]
    assert refused(client.blocks_validate)["error"] == "invalid_arguments"
    assert refused(client.blocks_validate, blocks=[section("x")], view=view)["error"] == "invalid_arguments"
    assert slack.bot_messages() == []
