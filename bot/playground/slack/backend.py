"""The middle of the local Slack: what happens when something is posted, edited, deleted, joined or reacted to.

Everything here runs on the server's event loop, so nothing needs a lock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.app_config import AppSettings, Timing
from bot.playground.slack.block_kit.schema import complaint
from bot.playground.slack.block_kit.validation import slack_files
from bot.playground.slack.calls import Call
from bot.playground.slack.entities import Channel, File, Message, Person, View
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.faults import Faults
from bot.playground.slack.socket_mode.connection import Envelope
from bot.playground.slack.socket_mode.hub import Hub
from bot.playground.slack.workspace import Workspace, new_id

log = logging.getLogger(__name__)
JSON = dict[str, Any]
ADVISED_TEXT = 4_000
Listener = Callable[[str, Any], None]

EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_home_opened": "",
    "file_shared": "files:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "channel_rename": "channels:read",
    "channel_archive": "channels:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
}
MESSAGE_EVENTS = {"channel": "message.channels", "group": "message.groups", "mpim": "message.mpim", "im": "message.im"}


class Backend:
    """The workspace in motion: changes it, and tells the app (over Socket Mode) and listeners about it."""

    def __init__(self, workspace: Workspace, app: AppSettings, timing: Timing) -> None:
        self.workspace = workspace
        self.app = app
        self.timing = timing
        self.calls: list[Call] = []
        self.warnings: list[str] = []
        self.listeners: list[Listener] = []
        self.active_at = time.monotonic()
        self.faults = Faults()
        self.hub = Hub(timing, self.faults, self.tell)

    def tell(self, what: str, thing: Any) -> None:
        """Let listeners know: message, changed, deleted, view, channel, call, envelope, ack, note and so on."""
        self.active_at = time.monotonic()
        for listener in list(self.listeners):
            try:
                listener(what, thing)
            except Exception:
                log.exception("a listener failed on %s", what)

    def warn(self, text: str) -> None:
        """Note something that Slack tolerates but its documentation advises against."""
        self.warnings.append(text)
        self.tell("warning", text)

    # -- Events --------------------------------------------------------------------------------------------

    def emit(self, event: JSON, channel: Channel | None = None, subscription: str = "") -> Envelope | None:
        """Send an event if the app subscribed to it, has the scope, and is a member of the channel."""
        subscription = subscription or event["type"]
        scope = EVENT_SCOPES[subscription]
        if subscription not in self.app.events or (scope and scope not in self.app.scopes):
            return None
        if channel is not None and not self.workspace.in_channel(self.workspace.bot, channel):
            return None
        event.setdefault("event_ts", self.workspace.new_ts())
        shared = channel is not None and channel.is_ext_shared
        body = payloads.event_body(self.workspace, event, new_id("Ev"), shared=shared)
        return self.hub.deliver("events_api", body)

    def _message_event(self, channel: Channel, event: JSON) -> None:
        event = {"type": "message", "channel": channel.id, "channel_type": channel.kind, **event}
        self.emit(event, channel, MESSAGE_EVENTS[channel.kind])

    # -- Messages ------------------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Put a message into its channel and tell the app as Slack does."""
        channel = self.workspace.channels[message.channel]
        self._name_blocks(message)
        channel.messages.append(message)
        self.tell("message", message)
        told = payloads.message(self.workspace, message) | self._whereabouts(message, channel)
        if message.is_reply and message.broadcast:
            root = self.workspace.message(channel, message.thread_ts or "")
            told |= {"root": payloads.message(self.workspace, root) if root else {}}
        self._message_event(channel, told)
        if self._mentions_bot(message) and not channel.is_im:
            mention = {key: value for key, value in told.items() if key not in ("subtype", "root")}
            self.emit(mention | {"type": "app_mention", "channel": channel.id}, channel)
        return message

    def post_ephemeral(self, message: Message) -> Message:
        """Show a message to one person only; it enters no history and causes no event."""
        self._name_blocks(message)
        self.workspace.ephemerals.append(message)
        self.tell("message", message)
        return message

    def _mentions_bot(self, message: Message) -> bool:
        return f"<@{self.workspace.bot.id}" in message.text and message.user != self.workspace.bot.id

    def _whereabouts(self, message: Message, channel: Channel) -> JSON:
        """What only events carry: their own timestamp, and where people of other organisations are from."""
        facts: JSON = {"event_ts": message.ts}
        author = self.workspace.people.get(message.user)
        if channel.is_ext_shared and author is not None and author.team_id != self.workspace.team_id:
            profile = {"real_name": author.real_name, "name": author.handle, "team": author.team_id}
            facts |= {"user_team": author.team_id, "source_team": author.team_id, "user_profile": profile}
        return facts

    def _name_blocks(self, message: Message) -> None:
        message.blocks = named_blocks(message.blocks)

    def change(self, message: Message, by: str | None, **changes: Any) -> None:
        """Change fields of a message; `by` is who edited it, None for what Slack itself adds (unfurls)."""
        channel = self.workspace.channels[message.channel]
        before = payloads.message(self.workspace, message)
        for name, value in changes.items():
            setattr(message, name, value)
        self._name_blocks(message)
        if by is not None:
            message.edited_by, message.edited_ts = by, self.workspace.new_ts()
        self.tell("changed", message)
        if message.ephemeral_to is None:
            now = payloads.message(self.workspace, message)
            self._changed_event(channel, "message_changed", {"message": now, "previous_message": before})

    def delete(self, message: Message) -> None:
        """Delete a message. One with replies leaves a tombstone, and the app hears of a change only."""
        if message.ephemeral_to is not None:
            message.deleted = True
        elif not message.is_reply and self.workspace.replies(message):
            self._bury(message)
        else:
            self._remove(message)
            self._remove_empty_tombstone(message)
        self.tell("deleted", message)

    def _bury(self, message: Message) -> None:
        before = payloads.message(self.workspace, message)
        message.subtype, message.user, message.text = "tombstone", "USLACKBOT", "This message was deleted."
        message.blocks, message.files, message.reactions = [], [], {}
        message.client_msg_id = None
        now = payloads.message(self.workspace, message)
        channel = self.workspace.channels[message.channel]
        self._changed_event(channel, "message_changed", {"message": now, "previous_message": before})

    def _remove(self, message: Message) -> None:
        gone = {"deleted_ts": message.ts, "previous_message": payloads.message(self.workspace, message)}
        message.deleted = True
        self._changed_event(self.workspace.channels[message.channel], "message_deleted", gone)

    def _remove_empty_tombstone(self, reply: Message) -> None:
        """With its last reply, a tombstone goes too."""
        parent = self.workspace.message(self.workspace.channels[reply.channel], reply.thread_ts or "")
        if parent is not None and parent.subtype == "tombstone" and not self.workspace.replies(parent):
            self._remove(parent)
            self.tell("deleted", parent)

    def _changed_event(self, channel: Channel, subtype: str, facts: JSON) -> None:
        ts = self.workspace.new_ts()
        self._message_event(channel, {"subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts, **facts})

    def thread(self, channel: Channel, ts: str) -> str | None:
        """The thread that a message by the app with this `thread_ts` goes to.

        A reply's own timestamp leads to the thread that it is in. When the message has been deleted, Slack says
        nothing and posts into the channel itself (https://github.com/slack-go/slack/issues/1571).
        """
        parent = self.workspace.message(channel, ts)
        if parent is None:
            self.warn(f"thread_ts {ts} is of no message: Slack posts such a reply into the channel itself")
            return None
        if parent.is_reply:
            self.warn("thread_ts is the timestamp of a reply: use that of the thread's first message")
        return parent.thread_ts or ts

    def bot_message(self, channel: Channel, text: str, **facts: Any) -> Message:
        """A message by the app's bot, not yet posted."""
        ours = self.workspace
        facts.setdefault("team", ours.team_id)
        return Message(channel.id, ours.new_ts(), ours.bot.id, text, bot_id=ours.bot_id, app_id=ours.app_id, **facts)

    # -- Everything else -----------------------------------------------------------------------------------

    def join(self, person: Person, channel: Channel, inviter: Person | None = None) -> None:
        """Make somebody a member, with the message and the event that this causes."""
        if person.id in channel.members:
            return
        channel.members.append(person.id)
        self.tell("channel", channel)
        self.post(
            Message(
                channel.id,
                self.workspace.new_ts(),
                person.id,
                f"<@{person.id}> has joined the channel",
                subtype="channel_join",
                team=person.team_id,
            ),
        )
        event = {
            "type": "member_joined_channel",
            "user": person.id,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": person.team_id,
        }
        self.emit(event | ({"inviter": inviter.id} if inviter else {}), channel)

    def react(self, person: Person, message: Message, name: str, *, add: bool) -> None:
        """Add or remove a reaction."""
        users = message.reactions.setdefault(name, [])
        (users.append if add else users.remove)(person.id)
        if not users:
            del message.reactions[name]
        self.tell("changed", message)
        event = {
            "type": "reaction_added" if add else "reaction_removed",
            "user": person.id,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
        }
        self.emit(event, self.workspace.channels[message.channel])

    def share_file(self, message: Message) -> Message:
        """Post a message that carries files, with `file_shared` for each."""
        channel = self.workspace.channels[message.channel]
        message.subtype = "file_share"
        for each in message.files:
            if channel.id not in each.channels:
                each.channels.append(channel.id)
        self.post(message)
        for each in message.files:
            event = {
                "type": "file_shared",
                "file_id": each.id,
                "file": {"id": each.id},
                "user_id": each.user,
                "channel_id": channel.id,
            }
            self.emit(event, channel)
        return message

    def home_opened(self, person: Person, tab: str) -> None:
        """Somebody opened the app's home or messages tab."""
        view = self.workspace.home(person)
        event: JSON = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": self.workspace.dm(person).id,
            "tab": tab,
        }
        if view is not None and tab == "home":
            event["view"] = payloads.view(self.workspace, view)
        self.emit(event)

    def put_view(self, view: View) -> View:
        """Show a view, new or changed."""
        self.workspace.views[view.id] = view
        self.tell("view", view)
        return view

    def check_advice(self, text: str) -> None:
        """Note a text that is longer than Slack's documentation advises."""
        if len(text) > ADVISED_TEXT:
            self.warn(f"a text of {len(text)} characters: Slack advises at most {ADVISED_TEXT}")

    def check_files(self, blocks: Iterable[JSON], where: str, error: str) -> None:
        """Refuse blocks with a picture that Slack doesn't have, has no more, or would not show to the bot."""
        problems = [
            complaint("invalid slack file", pointer)
            for pointer, file_id in slack_files(list(blocks), where)
            if not self._can_be_shown(self.workspace.files.get(file_id))
        ]
        if problems:
            raise RefusedError(error, *problems)

    def _can_be_shown(self, file: File | None) -> bool:
        return file is not None and file.complete and not file.deleted and self.file_visible_to_bot(file)

    def file_visible_to_bot(self, file: File) -> bool:
        """Whether the bot may see a file: its own, given to it in a form, or shared where it is a member."""
        bot = self.workspace.bot
        shared = self.workspace.file_channels(file)
        return file.user == bot.id or file.in_form or any(self.workspace.in_channel(bot, each) for each in shared)


def named_blocks(blocks: Iterable[JSON]) -> list[JSON]:
    """Blocks with the ids that Slack makes up for those that have none."""
    named = []
    for index, given in enumerate(blocks):
        block = {**given, "block_id": given.get("block_id") or new_id("b")[:5] + str(index)}
        for key in ("accessory", "element"):
            if key in block:
                block[key] = _named(block[key])
        if block.get("type") in ("actions", "context_actions"):
            block["elements"] = [_named(each) for each in block["elements"]]
        named.append(block)
    return named


def _named(element: JSON) -> JSON:
    if element.get("type") == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": new_id("a")[:6]}
