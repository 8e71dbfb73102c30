"""conversations.* and users.conversations: channels, their members and messages."""

from __future__ import annotations

from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.entities import Channel, Message
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext

JSON = dict[str, Any]
TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
FAMILIES = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


def _scope_of(right: str, context: MethodContext, args: Args) -> str:
    channel = context.workspace.channels.get(args.text("channel"))
    return f"{FAMILIES[channel.kind] if channel else 'channels'}:{right}"


def read_scope(context: MethodContext, args: Args) -> str:
    """Return the scope for reading this channel's properties: channels:read, groups:read or im:read."""
    return _scope_of("read", context, args)


def history_scope(context: MethodContext, args: Args) -> str:
    """Return the scope for reading this channel's messages."""
    return _scope_of("history", context, args)


def _types(args: Args) -> list[str]:
    wanted = args.names("types") or ["public_channel"]
    if any(each not in TYPES for each in wanted):
        raise RefusedError("invalid_types")
    return [TYPES[each] for each in wanted]


def list_scope(context: MethodContext, args: Args) -> str:
    """Return the scope for listing channels of these types: the first missing one, or else the first."""
    scopes = [f"{FAMILIES[each]}:read" for each in _types(args)]
    return next((each for each in scopes if each not in context.backend.app.scopes), scopes[0])


def info(context: MethodContext, args: Args) -> JSON:
    """conversations.info."""
    channel = context.channel(args)
    with_members, with_locale = args.flag("include_num_members"), args.flag("include_locale")
    told = payloads.channel(context.workspace, channel, num_members=with_members, locale=with_locale)
    return {"channel": told}


def _listed(context: MethodContext, args: Args, channels: list[Channel]) -> list[JSON]:
    kinds, living_only = _types(args), args.flag("exclude_archived")
    seen = [each for each in channels if each.kind in kinds and not (living_only and each.is_archived)]
    return [payloads.channel(context.workspace, each, num_members=True) for each in seen]


def list_all(context: MethodContext, args: Args) -> JSON:
    """conversations.list: the channels visible to the bot."""
    seen = [each for each in context.workspace.channels.values() if context.workspace.bot_sees(each)]
    return context.page("channels", _listed(context, args, seen), args)


def of_user(context: MethodContext, args: Args) -> JSON:
    """users.conversations: the channels of a user (by default the bot) that are visible to the bot."""
    user = args.text("user", context.workspace.bot.id)
    if user not in context.workspace.people:
        raise RefusedError("user_not_found")
    theirs = [each for each in context.workspace.channels.values() if user in each.members]
    seen = [each for each in theirs if context.workspace.bot_sees(each)]
    return context.page("channels", _listed(context, args, seen), args)


def members(context: MethodContext, args: Args) -> JSON:
    """conversations.members."""
    channel = context.channel(args)
    page = context.page("members", [{"id": each} for each in channel.members], args)
    return {**page, "members": [each["id"] for each in page["members"]]}


def _within(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = args.text("oldest", "0"), args.text("latest", "9999999999")
    inclusive = args.flag("inclusive")

    def wanted(message: Message) -> bool:
        ts = float(message.ts)
        on_edge = inclusive and message.ts in (oldest, latest)
        return on_edge or float(oldest) < ts < float(latest)

    return [each for each in messages if wanted(each)]


def _told(context: MethodContext, messages: list[Message], args: Args) -> JSON:
    metadata = args.flag("include_all_metadata")
    told = [payloads.message(context.workspace, each, metadata=metadata) for each in messages]
    page = context.page("messages", told, args)
    return {**page, "has_more": bool(page["response_metadata"]["next_cursor"])}


def history(context: MethodContext, args: Args) -> JSON:
    """conversations.history: newest first, without replies in threads."""
    channel = context.channel(args)
    context.require_member(channel)
    return _told(context, _within(context.workspace.history(channel), args)[::-1], args)


def replies(context: MethodContext, args: Args) -> JSON:
    """conversations.replies: a thread, oldest first, beginning with its first message."""
    channel = context.channel(args)
    context.require_member(channel)
    message = context.workspace.message(channel, args.text("ts"))
    if message is None:
        raise RefusedError("thread_not_found")
    thread = context.workspace.thread(channel, message.thread_ts or message.ts)
    return _told(context, thread[:1] + _within(thread[1:], args), args)


def open_dm(context: MethodContext, args: Args) -> JSON:
    """conversations.open, for one person."""
    users = args.names("users")
    if "channel" in args:
        return {"channel": payloads.channel(context.workspace, context.channel(args))}
    if len(users) != 1:
        raise RefusedError("users_list_not_supplied" if not users else "not_enough_users")
    person = context.workspace.people.get(users[0])
    if person is None:
        raise RefusedError("user_not_found")
    if person.is_bot:
        raise RefusedError("cannot_dm_bot")
    channel = context.workspace.dm(person)
    told = payloads.channel(context.workspace, channel) if args.flag("return_im") else {"id": channel.id}
    return {"channel": told}


def join(context: MethodContext, args: Args) -> JSON:
    """conversations.join."""
    channel = context.channel(args)
    if channel.kind != "channel":
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("is_archived")
    context.backend.join(context.workspace.bot, channel)
    return {"channel": payloads.channel(context.workspace, channel)}


METHODS = {
    "conversations.info": Method(info, read_scope, 3),
    "conversations.list": Method(list_all, list_scope, 2),
    "conversations.members": Method(members, read_scope, 4),
    "conversations.history": Method(history, history_scope, 3),
    "conversations.replies": Method(replies, history_scope, 3),
    "conversations.open": Method(open_dm, "im:write", 3),
    "conversations.join": Method(join, "channels:join", 3),
    "users.conversations": Method(of_user, list_scope, 3),
}
