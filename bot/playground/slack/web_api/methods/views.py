"""views.* and assistant.threads.*: modals, the home tab, and an agent's suggested prompts."""

from __future__ import annotations

from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.block_kit.validation import check_view
from bot.playground.slack.entities import View
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import Method, MethodContext

JSON = dict[str, Any]
MOST_PROMPTS = 4


def _told(context: MethodContext, view: View) -> JSON:
    return {"view": payloads.view(context.workspace, view)}


def open_view(context: MethodContext, args: Args) -> JSON:
    """views.open."""
    content = check_view(args.json("view"))
    interaction = context.interactions.take_trigger(args.text("trigger_id"))
    view = context.views.open(interaction.person, content)
    interaction.views.append(view)
    return _told(context, view)


def push_view(context: MethodContext, args: Args) -> JSON:
    """views.push."""
    content = check_view(args.json("view"))
    interaction = context.interactions.take_trigger(args.text("trigger_id"))
    view = context.views.push(interaction.person, content, interaction.view)
    interaction.views.append(view)
    return _told(context, view)


def update_view(context: MethodContext, args: Args) -> JSON:
    """views.update."""
    ids = args.text("view_id"), args.text("external_id")
    return _told(context, context.views.update(*ids, args.json("view"), args.text("hash")))


def publish_view(context: MethodContext, args: Args) -> JSON:
    """views.publish."""
    person = context.person(args, "user_id")
    return _told(context, context.views.publish(person, args.json("view"), args.text("hash")))


def suggest_prompts(context: MethodContext, args: Args) -> JSON:
    """assistant.threads.setSuggestedPrompts: with a thread_ts it is accepted without effect for an agent app."""
    channel = context.channel(args, "channel_id")
    prompts = args.json("prompts")
    if not isinstance(prompts, list) or not 0 < len(prompts) <= MOST_PROMPTS:
        raise RefusedError("invalid_arguments", "prompts must be a list of 1 to 4")
    if any(not (isinstance(each, dict) and each.get("title") and each.get("message")) for each in prompts):
        raise RefusedError("invalid_arguments", "each prompt must have a title and a message")
    if "thread_ts" in args:
        context.backend.warn("thread_ts in setSuggestedPrompts: for an agent app the call silently fails")
        return {}
    context.workspace.suggested_prompts[channel.id] = prompts
    return {}


def set_status(context: MethodContext, args: Args) -> JSON:
    """assistant.threads.setStatus: the status shown below the thread; an empty one removes it."""
    channel = context.channel(args, "channel_id")
    told = {"channel": channel.id, "thread_ts": args.text("thread_ts"), "status": args.text("status")}
    context.backend.tell("status", told)
    return {}


def set_title(context: MethodContext, args: Args) -> JSON:
    """assistant.threads.setTitle: accepted without effect."""
    context.channel(args, "channel_id")
    return {}


METHODS = {
    "views.open": Method(open_view, "", 4),
    "views.push": Method(push_view, "", 4),
    "views.update": Method(update_view, "", 4),
    "views.publish": Method(publish_view, "", 4),
    "assistant.threads.setSuggestedPrompts": Method(suggest_prompts, "assistant:write", 3),
    "assistant.threads.setStatus": Method(set_status, "chat:write", 3),
    "assistant.threads.setTitle": Method(set_title, "assistant:write", 3),
}
