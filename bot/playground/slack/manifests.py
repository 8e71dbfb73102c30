"""What Slack refuses about an app manifest, in its own words where these are known.

Schema: https://docs.slack.dev/reference/app-manifest. The texts about command names, unknown events and the missing
`commands` scope are what people got from `apps.manifest.validate`; those about other scopes are of their kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from bot.playground.slack.block_kit.schema import anything, choice, flag, items, shape, string
from bot.playground.slack.events import EVENT_SCOPES

JSON = dict[str, Any]
COMMANDS = "/features/slash_commands"
MARK = " [json-pointer:"

SLASH_COMMAND = shape(
    {"command": string(32), "description": string(2000)},
    {"usage_hint": string(1000), "should_escape": flag, "url": string(3000)},
)
SHORTCUT = shape(
    {"name": string(24), "type": choice("message", "global"), "callback_id": string(255), "description": string(150)}
)
PROMPT = shape({"title": string(150), "message": string(3000)})
FEATURES = shape(
    {},
    {
        "app_home": shape(
            {},
            dict.fromkeys(("home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"), flag),
        ),
        "bot_user": shape({"display_name": string(80)}, {"always_online": flag}),
        "shortcuts": items(SHORTCUT, 10),
        "slash_commands": items(SLASH_COMMAND, 50),
        "agent_view": shape({"agent_description": string(300)}, {"suggested_prompts": items(PROMPT, 4)}),
        "unfurl_domains": items(string(255), 5),
    },
)
SETTINGS = shape(
    {},
    {
        "event_subscriptions": shape({}, {"bot_events": items(string(100), 100), "request_url": string(3000)}),
        "interactivity": shape({"is_enabled": flag}, {"request_url": string(3000)}),
        **dict.fromkeys(("org_deploy_enabled", "socket_mode_enabled", "token_rotation_enabled"), flag),
    },
)
MANIFEST = shape(
    {
        "display_information": shape(
            {"name": string(35)},
            {
                "description": string(140),
                "long_description": string(4000, 174),
                "background_color": string(7, 4, r"#([0-9a-fA-F]{3}){1,2}"),
            },
        )
    },
    {
        "_metadata": anything,
        "features": FEATURES,
        "oauth_config": shape({}, {"scopes": shape({}, {"bot": items(string(100), 255)})}),
        "settings": SETTINGS,
    },
)


def problems(manifest: Any, reserved: Collection[str]) -> list[JSON]:
    """Everything that is wrong with a manifest: code, message and JSON pointer of each."""
    wrong = [_constraint(line) for line in MANIFEST(manifest, "")]
    return wrong or [*_command_problems(manifest, reserved), *_event_problems(manifest), *_address_problems(manifest)]


def _constraint(line: str) -> JSON:
    message, _, pointer = line.removesuffix("]").partition(MARK)
    return {"code": "failed_constraint", "message": message, "pointer": pointer}


def _command_problems(manifest: JSON, reserved: Collection[str]) -> Iterator[JSON]:
    commands = [each["command"] for each in manifest.get("features", {}).get("slash_commands", [])]
    for name in commands:
        if not name.startswith("/") or name.removeprefix("/") in reserved or name != "".join(name.lower().split()):
            yield {"code": "invalid_name", "message": "The slash command has an invalid name", "pointer": COMMANDS}
    if len(set(commands)) < len(commands):
        yield {"code": "duplicate_name", "message": "The slash command name is duplicated", "pointer": COMMANDS}
    if commands and "commands" not in _scopes(manifest):
        message = "Slash Commands requires `commands` bot scope"
        yield {"code": "requires_commands_bot_scope", "message": message, "pointer": COMMANDS}


def _event_problems(manifest: JSON) -> Iterator[JSON]:
    pointer = "/settings/event_subscriptions"
    for event in manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events", []):
        if event not in EVENT_SCOPES:
            message = f"Invalid bot event types `{event}`"
            yield {"code": "invalid_user_event_types", "message": message, "pointer": pointer}
        elif EVENT_SCOPES[event] and EVENT_SCOPES[event] not in _scopes(manifest):
            message = f"Event `{event}` requires `{EVENT_SCOPES[event]}` bot scope"
            yield {"code": "missing_bot_scope", "message": message, "pointer": pointer}


def _address_problems(manifest: JSON) -> Iterator[JSON]:
    """An app is reached at an address or over a socket."""
    settings = manifest.get("settings", {})
    if settings.get("socket_mode_enabled"):
        return
    for key, what in (("event_subscriptions", "Event Subscription"), ("interactivity", "Interactivity")):
        if key in settings and "request_url" not in settings[key]:
            message = f"{what} requires either Request URL or Socket Mode Enabled"
            yield {"code": "missing_request_url", "message": message, "pointer": f"/settings/{key}"}


def _scopes(manifest: JSON) -> list[str]:
    scopes: list[str] = manifest.get("oauth_config", {}).get("scopes", {}).get("bot", [])
    return scopes
