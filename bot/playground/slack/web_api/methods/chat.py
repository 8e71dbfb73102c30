"""chat.* and reactions.*: posting, editing, deleting, linking, reacting."""

from __future__ import annotations

import re
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.block_kit.validation import (
    MOST_BLOCK_TEXT,
    MOST_TEXT,
    MOST_UPDATED_TEXT,
    check_attachments,
    check_message_blocks,
    check_text,
)
from bot.playground.slack.entities import Channel, Message
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext

JSON = dict[str, Any]


def content(context: MethodContext, args: Args) -> JSON:
    """Return the checked text, blocks and attachments of a call; only those that were given."""
    given: JSON = {}
    if "blocks" in args:
        given["blocks"] = check_message_blocks(args.json("blocks", "invalid_blocks_format") or [])
        context.backend.check_pictures(given["blocks"], "/blocks", "invalid_blocks")
    if "attachments" in args:
        given["attachments"] = check_attachments(args.json("attachments", "invalid_attachments") or [])
    if "text" in args:
        given["text"] = args.text("text")
    if "markdown_text" in args:
        given |= _markdown(args, given)
    return given


def _markdown(args: Args, given: JSON) -> JSON:
    if "text" in given or "blocks" in given:
        raise RefusedError("markdown_text_conflict")
    text = args.text("markdown_text")
    check_text(text, most=MOST_BLOCK_TEXT)
    return {"text": text, "blocks": [{"type": "markdown", "text": text}]}


def _new_content(context: MethodContext, args: Args) -> JSON:
    given = content(context, args)
    if not any(given.values()):
        raise RefusedError("no_text")
    text = given.setdefault("text", "")
    context.backend.check_advice(text)
    given["text"] = text[:MOST_TEXT]
    return given


def _metadata(args: Args) -> JSON | None:
    """Return the metadata of a call; None without any."""
    given = args.json("metadata", "invalid_metadata_format")
    if not given:
        return None
    if not isinstance(given, dict):
        raise RefusedError("invalid_metadata_format")
    if not isinstance(given.get("event_type"), str) or not isinstance(given.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_schema")
    return given


def _destination(context: MethodContext, args: Args) -> Channel:
    """Find where to post: a channel by id or name, or a person's direct messages by user id."""
    wanted = args.text("channel")
    person = context.workspace.people.get(wanted)
    if person is not None:
        return context.workspace.dm(person)
    channels = context.workspace.channels
    named = (each for each in channels.values() if each.name and each.name == wanted.removeprefix("#"))
    channel = channels.get(wanted) or next(named, None)
    if channel is None or not context.workspace.bot_sees(channel):
        raise RefusedError("channel_not_found")
    if not (channel.is_im or "chat:write.public" in context.backend.app.scopes):
        context.require_member(channel)
    if channel.is_archived:
        raise RefusedError("is_archived")
    return channel


def thread(context: MethodContext, channel: Channel, args: Args) -> str | None:
    """Return the thread to post into, if any."""
    ts = args.text("thread_ts")
    if not ts:
        return None
    if not re.fullmatch(r"\d+\.\d{6}", ts):
        raise RefusedError("invalid_thread_ts")
    return context.backend.thread(channel, ts)


def post_message(context: MethodContext, args: Args) -> JSON:
    """chat.postMessage."""
    channel = _destination(context, args)
    facts = _new_content(context, args)
    facts["thread_ts"] = thread(context, channel, args)
    facts["metadata"] = _metadata(args)
    if args.flag("reply_broadcast") and facts["thread_ts"]:
        facts |= {"broadcast": True, "subtype": "thread_broadcast"}
    message = context.backend.post(context.backend.bot_message(channel, facts.pop("text"), **facts))
    told = payloads.message(context.workspace, message)
    return {"channel": channel.id, "ts": message.ts, "message": told}


def post_ephemeral(context: MethodContext, args: Args) -> JSON:
    """chat.postEphemeral."""
    channel = _destination(context, args)
    if args.text("user") not in channel.members:
        raise RefusedError("user_not_in_channel")
    facts = _new_content(context, args)
    facts["thread_ts"] = thread(context, channel, args)
    message = context.backend.bot_message(channel, facts.pop("text"), **facts)
    message.ephemeral_to = args.text("user")
    context.backend.post_ephemeral(message)
    return {"message_ts": message.ts}


def _own_message(context: MethodContext, args: Args, error: str) -> Message:
    channel = context.channel(args)
    ts = args.text("ts")
    if context.workspace.ephemeral(channel, ts):
        raise RefusedError(error)
    message = context.workspace.message(channel, ts)
    if message is None or message.subtype == "tombstone":
        raise RefusedError("message_not_found")
    if message.bot_id != context.workspace.bot_id:
        raise RefusedError(error)
    if channel.is_archived:
        raise RefusedError("is_archived")
    return message


def update(context: MethodContext, args: Args) -> JSON:
    """chat.update: fields that aren't given stay as they were, blocks and metadata included."""
    message = _own_message(context, args, "cant_update_message")
    given = content(context, args)
    if "metadata" in args:
        given["metadata"] = _metadata(args)
    check_text(given.get("text", ""), most=MOST_UPDATED_TEXT)
    now = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments, **given}
    if not given or not any(now.values()):
        raise RefusedError("no_text")
    context.backend.change(message, context.workspace.bot.id, **given)
    told = payloads.message(context.workspace, message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": told}


def delete(context: MethodContext, args: Args) -> JSON:
    """chat.delete."""
    message = _own_message(context, args, "cant_delete_message")
    context.backend.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def permalink(context: MethodContext, args: Args) -> JSON:
    """chat.getPermalink."""
    channel = context.channel(args)
    message = context.workspace.message(channel, args.text("message_ts"))
    if message is None:
        raise RefusedError("message_not_found")
    in_thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.is_reply else ""
    return {"channel": channel.id, "permalink": payloads.permalink(context.workspace, message) + in_thread}


def _reacted(context: MethodContext, args: Args) -> tuple[Message, str]:
    channel = context.channel(args)
    context.require_member(channel)
    name = args.text("name").strip(":")
    if not re.fullmatch(r"[\w+\-']+(::skin-tone-[2-6])?", name):
        raise RefusedError("invalid_name")
    message = context.workspace.message(channel, args.text("timestamp"))
    if message is None:
        raise RefusedError("message_not_found")
    return message, name


def add_reaction(context: MethodContext, args: Args) -> JSON:
    """reactions.add."""
    message, name = _reacted(context, args)
    if context.workspace.bot.id in message.reactions.get(name, []):
        raise RefusedError("already_reacted")
    context.backend.react(context.workspace.bot, message, name, add=True)
    return {}


def remove_reaction(context: MethodContext, args: Args) -> JSON:
    """reactions.remove."""
    message, name = _reacted(context, args)
    if context.workspace.bot.id not in message.reactions.get(name, []):
        raise RefusedError("no_reaction")
    context.backend.react(context.workspace.bot, message, name, add=False)
    return {}


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write", 4),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write", 4),
    "chat.update": Method(update, "chat:write", 3),
    "chat.delete": Method(delete, "chat:write", 3),
    "chat.getPermalink": Method(permalink, "", 0),
    "reactions.add": Method(add_reaction, "reactions:write", 3),
    "reactions.remove": Method(remove_reaction, "reactions:write", 2),
}
