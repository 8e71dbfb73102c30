"""Slack's JSON objects: messages, users, channels, files, views, and the bodies of envelopes."""

from __future__ import annotations

import copy
import time
from typing import Any

from bot.playground.slack.entities import Channel, File, Message, Person, UserGroup, View
from bot.playground.slack.workspace import Workspace

JSON = dict[str, Any]
TOKEN = "verification-token-of-the-playground"  # noqa: S105


def bot_profile(workspace: Workspace) -> JSON:
    """The bot_profile object in the bot's messages."""
    return {
        "id": workspace.bot_id,
        "app_id": workspace.app_id,
        "user_id": workspace.bot.id,
        "name": workspace.bot.real_name,
        "icons": {},
        "deleted": False,
        "updated": 0,
        "team_id": workspace.team_id,
    }


def message(workspace: Workspace, it: Message, *, metadata: bool = False) -> JSON:
    """A message object; without `metadata`, an app that declares no metadata gets no more than the type of it."""
    told: JSON = {"type": "message", "user": it.user, "text": it.text, "ts": it.ts, "team": it.team}
    if it.subtype == "tombstone":
        told |= {"subtype": "tombstone", "hidden": True}
    elif it.subtype:
        told["subtype"] = it.subtype
    optional = {
        "client_msg_id": it.client_msg_id,
        "thread_ts": it.thread_ts,
        "bot_id": it.bot_id,
        "app_id": it.app_id,
        "username": it.username,
        "blocks": it.blocks,
        "attachments": it.attachments,
        "metadata": it.metadata if metadata or not it.metadata else {**it.metadata, "event_payload": {}},
    }
    told |= {key: value for key, value in optional.items() if value}
    if it.bot_id == workspace.bot_id:
        told["bot_profile"] = bot_profile(workspace)
    if it.edited:
        told["edited"] = {"user": it.edited_by, "ts": it.edited_ts}
    if it.files:
        told["files"] = [file_in_message(workspace, each, it) for each in it.files]
        told["upload"] = False
    if it.reactions:
        told["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in it.reactions.items()
        ]
    return told | _thread_facts(workspace, it)


def permalink(workspace: Workspace, it: Message) -> str:
    """The address of a message."""
    return f"https://{workspace.domain}.slack.com/archives/{it.channel}/p{it.ts.replace('.', '')}"


def shared_message(workspace: Workspace, it: Message) -> JSON:
    """The attachment in which a forwarded message is; below a link to a message, it has no `is_share`."""
    author = workspace.people.get(it.user)
    name = author.real_name if author else it.username or ""
    when = time.strftime("%B %d", time.gmtime(float(it.ts)))
    blocks = it.blocks or [_rich_text(it.text)]
    inner = {"team": workspace.team_id, "channel": it.channel, "ts": it.ts, "message": {"blocks": blocks}}
    told: JSON = {
        "id": 1,
        "ts": it.ts,
        "channel_id": it.channel,
        "channel_team": workspace.team_id,
        "is_msg_unfurl": True,
        "is_share": True,
        "message_blocks": [inner],
        "fallback": f"[{when}] {name}: {it.text}" if it.text else "[no preview available]",
        "author_id": it.user,
        "author_name": name,
        "from_url": permalink(workspace, it),
        "original_url": permalink(workspace, it),
        "mrkdwn_in": ["text"],
        "footer": "Slack Conversation",
    }
    return told | ({"text": it.text} if it.text else {}) | ({"attachments": it.attachments} if it.attachments else {})


def _rich_text(text: str) -> JSON:
    """Text as Slack's composer makes it."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": "b1", "elements": [section]}


def _thread_facts(workspace: Workspace, it: Message) -> JSON:
    channel = workspace.channels[it.channel]
    if it.is_reply:
        parent = next((each for each in channel.messages if each.ts == it.thread_ts), None)
        return {"parent_user_id": parent.user} if parent else {}
    replies = workspace.replies(it)
    if not replies:
        return {}
    users = list(dict.fromkeys(each.user for each in replies))
    return {
        "thread_ts": it.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": users,
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def person(workspace: Workspace, it: Person, *, locale: bool = False) -> JSON:
    """A user object; with its locale only on request."""
    told: JSON = {
        "id": it.id,
        "team_id": it.team_id,
        "name": it.handle,
        "deleted": it.deleted,
        "real_name": it.real_name,
        "profile": {
            "real_name": it.real_name,
            "display_name": it.handle,
            "real_name_normalized": it.real_name,
            "display_name_normalized": it.handle,
            "team": it.team_id,
        },
        "is_bot": it.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    if it.is_bot:
        told["profile"] |= {"bot_id": workspace.bot_id, "api_app_id": workspace.app_id}
    if it.team_id != workspace.team_id:
        told["is_stranger"] = workspace.is_stranger(it)
    if not it.deleted:
        told |= {
            "tz": it.tz,
            "is_admin": it.is_admin,
            "is_owner": it.is_owner,
            "is_primary_owner": it.is_owner,
            "is_restricted": it.is_restricted,
            "is_ultra_restricted": it.is_ultra_restricted,
        }
    if locale:
        told["locale"] = it.locale
    return told


def channel(workspace: Workspace, it: Channel, *, num_members: bool = False, locale: bool = False) -> JSON:
    """A conversation object."""
    told: JSON = {
        "id": it.id,
        "created": 1_700_000_000,
        "is_archived": it.is_archived,
        "is_im": it.is_im,
        "is_channel": not it.is_im and not it.is_private,
        "is_group": it.is_private,
        "is_private": it.is_private or it.is_im,
        "is_mpim": it.is_mpim,
        "is_shared": it.is_ext_shared,
        "is_ext_shared": it.is_ext_shared,
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
    }
    if it.is_im:
        told |= {"user": it.user, "is_user_deleted": workspace.people[it.user].deleted}
    else:
        told |= {
            "name": it.name,
            "name_normalized": it.name,
            "is_general": it.name == "general",
            "is_member": workspace.bot.id in it.members,
            "topic": {"value": it.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }
    if num_members and not it.is_im:
        told["num_members"] = len(it.members)
    if locale:
        told["locale"] = "ja-JP"
    return told


def group(workspace: Workspace, it: UserGroup, *, users: bool = False) -> JSON:
    """A user group object."""
    told: JSON = {
        "id": it.id,
        "team_id": workspace.team_id,
        "is_usergroup": True,
        "name": it.name,
        "handle": it.handle,
        "date_delete": 0,
        "user_count": len(it.users),
    }
    return told | ({"users": list(it.users)} if users else {})


def file(workspace: Workspace, it: File) -> JSON:
    """A file object as files.info tells it."""
    shared = workspace.file_channels(it)
    path = f"{workspace.base_url}/files-pri/{workspace.team_id}-{it.id}"
    return {
        "id": it.id,
        "created": it.created,
        "timestamp": it.created,
        "name": it.name,
        "title": it.title,
        "mimetype": it.mimetype,
        "filetype": it.name.rpartition(".")[2].lower(),
        "user": it.user,
        "mode": "hosted",
        "size": len(it.data),
        "is_external": False,
        "is_public": any(not each.is_private and not each.is_im for each in shared),
        "file_access": "visible",
        "url_private": f"{path}/{it.id}",
        "url_private_download": f"{path}/download/{it.id}",
        "permalink": f"https://{workspace.domain}.slack.com/files/{it.user}/{it.id}",
        "channels": [each.id for each in shared if each.kind == "channel"],
        "groups": [each.id for each in shared if each.kind in ("group", "mpim")],
        "ims": [each.id for each in shared if each.kind == "im"],
    }


def file_in_message(workspace: Workspace, it: File, where: Message) -> JSON:
    """A file object in a message; in Slack Connect channels, a stub that refers to files.info."""
    if workspace.channels[where.channel].is_ext_shared:
        return {"id": it.id, "mode": "file_access", "file_access": "check_file_info"}
    return file(workspace, it)


def view(workspace: Workspace, it: View) -> JSON:
    """A view object."""
    content = it.content
    told: JSON = {
        "id": it.id,
        "team_id": workspace.team_id,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
        "hash": it.hash,
        "root_view_id": it.root_id,
        "previous_view_id": it.previous_id,
        "state": {"values": copy.deepcopy(it.state)},
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "title": {"type": "plain_text", "text": "View Title", "emoji": True},
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
    }
    return told | content


def event_body(workspace: Workspace, event: JSON, event_id: str, *, shared: bool) -> JSON:
    """The payload of an events_api envelope."""
    return {
        "token": TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            },
        ],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{event_id}",
    }


def actor(workspace: Workspace, it: Person) -> JSON:
    """The fields that all interactive payloads have: app, team and user."""
    return {
        "token": TOKEN,
        "api_app_id": workspace.app_id,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "user": {"id": it.id, "username": it.handle, "name": it.handle, "team_id": it.team_id},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def channel_name(it: Channel) -> str:
    """The channel_name of commands and actions, which is generic for private channels."""
    if it.is_im:
        return "directmessage"
    return "privategroup" if it.is_private else it.name
