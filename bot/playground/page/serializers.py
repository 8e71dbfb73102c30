"""The workspace as one person sees it, as JSON for the page."""

from __future__ import annotations

from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.workspace import Workspace

JSON = dict[str, Any]
MOST_MESSAGES = 500
"""Messages per channel; older ones are not shown."""


def snapshot(workspace: Workspace, me: Person) -> JSON:
    """Everything this person sees now."""
    visible = [each for each in workspace.channels.values() if workspace.person_sees(me, each)]
    messages = [each for channel in visible for each in channel.messages[-MOST_MESSAGES:] if not each.deleted]
    private = [each for each in workspace.ephemerals if each.ephemeral_to == me.id and not each.deleted]
    mine = [each for each in workspace.views.values() if each.user == me.id and each.open]
    return {
        "me": me.id,
        "bot": workspace.bot.id,
        "name": workspace.name,
        "people": [person(workspace, each) for each in workspace.people.values()],
        "groups": [{"id": each.id, "handle": each.handle} for each in workspace.groups.values()],
        "channels": channels(workspace, me),
        "messages": [message(workspace, each) for each in [*messages, *private]],
        "views": [view(workspace, each) for each in mine],
    }


def person(workspace: Workspace, it: Person) -> JSON:
    """A person with their role and language."""
    return {
        "id": it.id,
        "key": it.key,
        "name": it.real_name,
        "handle": it.handle,
        "standing": standing(workspace, it),
        "language": "ja" if it.locale.startswith("ja") else "en",
    }


def standing(workspace: Workspace, it: Person) -> str:
    """One of bot, gone, external, owner, admin, guest, member."""
    roles = {
        "bot": it.is_bot,
        "gone": it.deleted,
        "external": it.team_id != workspace.team_id,
        "owner": it.is_owner,
        "admin": it.is_admin,
        "guest": it.is_restricted or it.is_ultra_restricted,
    }
    return next((name for name, holds in roles.items() if holds), "member")


def channels(workspace: Workspace, me: Person) -> list[JSON]:
    """The channels this person sees, and their direct messages with the bot."""
    workspace.dm(me)
    visible = [each for each in workspace.channels.values() if workspace.person_sees(me, each)]
    return [_channel(workspace, each, me) for each in visible]


def _channel(workspace: Workspace, it: Channel, me: Person) -> JSON:
    return {
        "id": it.id,
        "name": it.name or workspace.bot.real_name,
        "kind": it.kind,
        "topic": it.topic,
        "shared": it.is_ext_shared,
        "archived": it.is_archived,
        "member": me.id in it.members,
        "hasBot": workspace.bot.id in it.members,
        "members": len(it.members),
    }


def sees(workspace: Workspace, me: Person, it: Message | View) -> bool:
    """Whether this person may see a message or view."""
    if isinstance(it, View):
        return it.user == me.id
    if it.ephemeral_to is not None:
        return it.ephemeral_to == me.id
    return workspace.person_sees(me, workspace.channels[it.channel])


def told(workspace: Workspace, it: Message | View) -> JSON:
    """The event for a new or changed message or view."""
    if isinstance(it, View):
        return {"type": "view", "view": view(workspace, it)}
    if it.deleted:
        return {"type": "deleted", "deleted": {"channel": it.channel, "ts": it.ts}}
    return {"type": "message", "message": message(workspace, it)}


def message(workspace: Workspace, it: Message) -> JSON:
    """A message as the app receives it, with what only Slack's clients know."""
    return {
        **payloads.message(workspace, it),
        "channel": it.channel,
        "ephemeral": it.ephemeral_to is not None,
        "broadcast": it.broadcast,
        "state": it.state,
        "files": [payloads.file(workspace, each) for each in it.files],
    }


def view(workspace: Workspace, it: View) -> JSON:
    """A modal or home tab with the values typed into it, and its errors."""
    return {**payloads.view(workspace, it), "open": it.open, "errors": it.errors}
