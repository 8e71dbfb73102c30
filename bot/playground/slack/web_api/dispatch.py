"""Dispatches calls to the functions of methods, after checks of token, scope and rate."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.playground.slack.backend import Backend
from bot.playground.slack.entities import Channel, Person
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.rate_limits import RateLimits

JSON = dict[str, Any]
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
POSTS_PER_SECOND = 1
POSTS_AT_ONCE = 5
MOST_PER_PAGE = 999


@dataclass(frozen=True)
class Method:
    """A Web API method. `scope` may depend on the arguments; tier 0 has no rate limit."""

    perform: Callable[[MethodContext, Args], JSON]
    scope: str | Callable[[MethodContext, Args], str] = ""
    tier: int = 3
    caller: Literal["bot", "app", "config", "any", "none"] = "bot"


class MethodContext:
    """What methods use: the backend, interactions, and common look-ups."""

    def __init__(self, backend: Backend, interactions: Interactions, page_size: int) -> None:
        self.backend = backend
        self.workspace = backend.workspace
        self.interactions = interactions
        self.views = interactions.views
        self.page_size = page_size

    def channel(self, args: Args, name: str = "channel") -> Channel:
        """Find a channel by id, among those visible to the bot."""
        channel = self.workspace.channels.get(args.text(name))
        if channel is None or not self.workspace.bot_sees(channel):
            raise RefusedError("channel_not_found")
        return channel

    def person(self, args: Args, name: str = "user") -> Person:
        """Find a person by id."""
        person = self.workspace.people.get(args.text(name))
        if person is None:
            raise RefusedError("user_not_found")
        return person

    def require_member(self, channel: Channel) -> None:
        """Refuse unless the bot is a member of the channel."""
        if not self.workspace.in_channel(self.workspace.bot, channel):
            raise RefusedError("not_in_channel")

    def page(self, key: str, things: Sequence[JSON], args: Args, default: int = 100) -> JSON:
        """Return one page of a list: at most `limit` items, and at most the server's page size."""
        start = _offset(args.text("cursor"))
        limit = args.number("limit", default)
        if not 0 < limit <= MOST_PER_PAGE:
            raise RefusedError("invalid_limit")
        end = start + min(limit, self.page_size)
        cursor = b64encode(f"next:{end}".encode()).decode() if end < len(things) else ""
        return {key: list(things[start:end]), "response_metadata": {"next_cursor": cursor}}


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(number)
    except ValueError:
        pass
    raise RefusedError("invalid_cursor")


class WebApi:
    """Checks token, scope and rate, then calls the method."""

    def __init__(self, context: MethodContext, methods: Mapping[str, Method], *, rate_limits: bool = False) -> None:
        self.context = context
        self.methods = methods
        self.limits = RateLimits() if rate_limits else None

    def perform(self, name: str, token: str, args: Args) -> tuple[int, dict[str, str], JSON]:
        """Perform a call; return status, headers and body."""
        method = self.methods.get(name)
        if method is None:
            return 200, {}, {"ok": False, "error": "unknown_method", "req_method": name}
        try:
            headers = self._allowed(method, token, args)
            if wait := self._too_fast(name, method, args):
                return 429, {"Retry-After": str(wait)}, {"ok": False, "error": "ratelimited"}
            return 200, headers, {"ok": True, **method.perform(self.context, args)}
        except RefusedError as refused:
            return 200, {}, refusal(refused)

    def _allowed(self, method: Method, token: str, args: Args) -> dict[str, str]:
        if method.caller == "none":
            return {}
        app = self.context.backend.app
        kind = {app.bot_token: "bot", app.app_token: "app", app.config_token: "config"}.get(token)
        if kind is None:
            raise RefusedError("invalid_auth" if token else "not_authed")
        if method.caller not in ("any", kind):
            raise RefusedError("not_allowed_token_type")
        if kind == "config":
            return {}
        needed = method.scope if isinstance(method.scope, str) else method.scope(self.context, args)
        provided = ",".join(sorted(app.scopes))
        if needed and needed not in app.scopes:
            raise RefusedError("missing_scope", needed=needed, provided=provided)
        return {"x-oauth-scopes": provided, "x-accepted-oauth-scopes": needed}

    def _too_fast(self, name: str, method: Method, args: Args) -> int:
        if self.limits is None or method.tier == 0:
            return 0
        if name == "chat.postMessage":
            return self.limits.wait(f"{name} {args.text('channel')}", POSTS_AT_ONCE, POSTS_AT_ONCE / POSTS_PER_SECOND)
        return self.limits.wait(name, TIERS[method.tier], 60.0)


def refusal(refused: RefusedError) -> JSON:
    """Return the body of an error response."""
    body: JSON = {"ok": False, "error": refused.error, **refused.extra}
    if refused.details:
        body["errors"] = list(refused.details)
        body["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in refused.details]}
    return body
