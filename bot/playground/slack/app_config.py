"""The configuration of a local Slack: how the app is registered, and Slack's time limits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

DEFAULT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "groups:history",
    "im:history",
    "channels:read",
    "groups:read",
    "im:read",
    "mpim:history",
    "mpim:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "users:read",
    "usergroups:read",
)
DEFAULT_EVENTS = (
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "app_home_opened",
    "member_joined_channel",
)


def _token(prefix: str) -> str:
    return f"{prefix}-{secrets.randbelow(10**12):012d}-{secrets.token_hex(12)}"


@dataclass(frozen=True)
class AppSettings:
    """The app as registered with Slack: scopes, event subscriptions, commands, tokens."""

    scopes: frozenset[str] = frozenset(DEFAULT_SCOPES)
    events: frozenset[str] = frozenset(DEFAULT_EVENTS)
    commands: tuple[str, ...] = ("/search", "/kb")
    bot_token: str = field(default_factory=lambda: _token("xoxb"))
    app_token: str = field(default_factory=lambda: _token("xapp-1-A"))
    config_token: str = field(default_factory=lambda: _token("xoxe.xoxp-1"))
    reserved: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Timing:
    """Time limits in seconds. The defaults are Slack's own; tests shorten them."""

    ack: float = 3.0
    retry_delays: tuple[float, ...] = (1.0, 60.0, 300.0)
    trigger: float = 3.0
    response_url: float = 1800.0
    response_url_uses: int = 5
    ping: float = 10.0
    refresh_grace: float = 10.0
