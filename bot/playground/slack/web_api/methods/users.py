"""Methods on users, user groups, bots and the team, and apps.connections.open."""

from __future__ import annotations

from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.entities import Person
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext

JSON = dict[str, Any]
EMAIL_SCOPE = "users:read.email"


def api_test(context: MethodContext, args: Args) -> JSON:
    """api.test: returns its arguments."""
    del context
    if "error" in args:
        raise RefusedError(args.text("error"))
    return {"args": dict(args.values)}


def auth_test(context: MethodContext, args: Args) -> JSON:
    """auth.test."""
    del args
    ours = context.workspace
    return {
        "url": f"https://{ours.domain}.slack.com/",
        "team": ours.name,
        "user": ours.bot.handle,
        "team_id": ours.team_id,
        "user_id": ours.bot.id,
        "bot_id": ours.bot_id,
        "app_id": ours.app_id,
        "is_enterprise_install": False,
    }


def open_connection(context: MethodContext, args: Args) -> JSON:
    """apps.connections.open: a WebSocket URL for one connection."""
    del args
    base = context.workspace.base_url.replace("http://", "ws://")
    return {"url": f"{base}/link/?ticket={context.backend.hub.ticket()}&app_id={context.workspace.app_id}"}


def user_info(context: MethodContext, args: Args) -> JSON:
    """users.info."""
    return {"user": _told(context, context.person(args), args)}


def user_by_email(context: MethodContext, args: Args) -> JSON:
    """users.lookupByEmail: nobody who has left."""
    wanted = args.text("email").casefold()
    people = context.workspace.people.values()
    found = next((each for each in people if wanted and each.email.casefold() == wanted and not each.deleted), None)
    if found is None:
        raise RefusedError("users_not_found")
    return {"user": _told(context, found, args)}


def _told(context: MethodContext, person: Person, args: Args) -> JSON:
    """Return a user object; with the mail address only for an app that may see it."""
    told = payloads.person(context.workspace, person, locale=args.flag("include_locale"))
    if EMAIL_SCOPE in context.backend.app.scopes:
        told["profile"]["email"] = person.email
    return told


def user_list(context: MethodContext, args: Args) -> JSON:
    """users.list."""
    locale = args.flag("include_locale")
    people = context.workspace.people.values()
    told = [payloads.person(context.workspace, each, locale=locale) for each in people]
    return {**context.page("members", told, args, default=200), "cache_ts": 0}


def group_list(context: MethodContext, args: Args) -> JSON:
    """usergroups.list."""
    users = args.flag("include_users")
    workspace = context.workspace
    return {"usergroups": [payloads.group(workspace, each, users=users) for each in workspace.groups.values()]}


def group_users(context: MethodContext, args: Args) -> JSON:
    """usergroups.users.list."""
    group = context.workspace.groups.get(args.text("usergroup"))
    if group is None:
        raise RefusedError("no_such_subteam")
    return {"users": list(group.users)}


def bot_info(context: MethodContext, args: Args) -> JSON:
    """bots.info."""
    if args.text("bot", context.workspace.bot_id) != context.workspace.bot_id:
        raise RefusedError("bot_not_found")
    return {"bot": payloads.bot_profile(context.workspace)}


def team_info(context: MethodContext, args: Args) -> JSON:
    """team.info."""
    del args
    ours = context.workspace
    return {"team": {"id": ours.team_id, "name": ours.name, "domain": ours.domain, "icon": {}}}


def emoji_list(context: MethodContext, args: Args) -> JSON:
    """emoji.list: there are no custom emoji."""
    del context, args
    return {"emoji": {}}


METHODS = {
    "api.test": Method(api_test, tier=0, caller="none"),
    "auth.test": Method(auth_test, tier=0, caller="any"),
    "apps.connections.open": Method(open_connection, tier=0, caller="app"),
    "users.info": Method(user_info, "users:read", 4),
    "users.lookupByEmail": Method(user_by_email, EMAIL_SCOPE, 3),
    "users.list": Method(user_list, "users:read", 2),
    "usergroups.list": Method(group_list, "usergroups:read", 2),
    "usergroups.users.list": Method(group_users, "usergroups:read", 2),
    "bots.info": Method(bot_info, "users:read", 3),
    "team.info": Method(team_info, "team:read", 3),
    "emoji.list": Method(emoji_list, "emoji:read", 2),
}
