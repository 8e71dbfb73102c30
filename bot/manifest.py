"""The Slack app manifest, generated so that the command names are the configured ones."""

from typing import Any

from indexes.messages import Translatable

RESERVED_COMMANDS = frozenset(
    [
        *("apps", "archive", "away", "call", "caller", "collapse", "dm", "dnd", "expand", "feed", "feedback", "invite"),
        *("join", "kick", "leave", "me", "msg", "mute", "open", "prefs", "pro", "remind", "remove", "rename", "search"),
        *("shortcuts", "shrug", "star", "status", "topic", "who"),
    ]
)
"""Slack's built-in commands, and names that were reported as refused."""

REFUSAL = "The slash command has an invalid name"
"""Slack's words for that."""

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "mpim:history",
    "mpim:read",
    "usergroups:read",
    "users:read",
)
GROUP_SCOPES = ("mpim:history", "mpim:read")
"""Scopes that an app from an earlier manifest lacks; only group direct messages need them."""
EVENTS = (
    "app_home_opened",
    "app_mention",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)

DESCRIPTION = "Answers from your team's own knowledge bases · チームのナレッジから回答します"
AGENT_SCOPE = "assistant:write"


def manifest(search_command: str, admin_command: str, *, agent: bool = False) -> dict[str, Any]:
    """Build the manifest to paste under "Create New App > From a manifest" (JSON).

    `agent` makes the direct messages an agent's, with suggested questions; that needs a paid plan. Such an app hears of
    a conversation by `app_home_opened`: the `assistant_thread_*` events belong to the earlier `assistant_view`.
    """
    built = _manifest(search_command, admin_command)
    if agent:
        built["features"]["agent_view"] = {"agent_description": DESCRIPTION}
        built["oauth_config"]["scopes"]["bot"].append(AGENT_SCOPE)
    return built


def _manifest(search_command: str, admin_command: str) -> dict[str, Any]:
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Kotae",
            "description": DESCRIPTION,
            "background_color": "#264653",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Kotae", "always_online": True},
            "shortcuts": [
                {
                    "name": "Ask Kotae",
                    "type": "global",
                    "callback_id": "ask_kotae",
                    "description": "Answers while you type · 入力しながら答えを探す",
                },
                {
                    "name": "Save to knowledge base",
                    "type": "message",
                    "callback_id": "save_to_kb",
                    "description": "Keep this answer · この回答をナレッジに保存する",
                },
            ],
            "slash_commands": [
                {
                    "command": search_command,
                    "description": "Ask the team's knowledge · ナレッジに質問する",
                    "usage_hint": "your question · 質問",
                    "should_escape": False,
                },
                {
                    "command": admin_command,
                    "description": "Manage knowledge bases · ナレッジベースの管理",
                    "usage_hint": "reload | status | settings | stats | misses | add | quiet | help",
                    "should_escape": False,
                },
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }


def warnings(search_command: str, admin_command: str) -> list[Translatable]:
    """Warn of command names that Slack may refuse, and say what to do."""
    ways = ((search_command, "search", "/kb-search"), (admin_command, "admin", "/kb"))
    return [
        Translatable(
            "manifest.reserved",
            command=command,
            refusal=REFUSAL,
            which=which,
            key=f"{which.upper()}_COMMAND",
            other=other,
        )
        for command, which, other in ways
        if command.removeprefix("/") in RESERVED_COMMANDS
    ]
