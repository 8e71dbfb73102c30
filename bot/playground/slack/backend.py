"""Changes to the workspace and their consequences: posting, editing, deleting, joining, reacting, sharing files.

Everything here runs on the server's event loop, so nothing needs a lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.block_kit.ids import with_ids
from bot.playground.slack.block_kit.images import unreachable
from bot.playground.slack.block_kit.schema import complaint
from bot.playground.slack.block_kit.validation import slack_files
from bot.playground.slack.entities import Channel, File, Message, Person, View
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.events import EventDispatcher

JSON = dict[str, Any]
ADVISED_TEXT = 4_000


class Backend(EventDispatcher):
    """Changes the workspace, and dispatches the events that follow."""

    # -- Messages ------------------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Add a message to its channel, and send the app the events that Slack would."""
        channel = self.workspace.channels[message.channel]
        self._name_blocks(message)
        channel.messages.append(message)
        self.tell("message", message)
        told = payloads.message(self.workspace, message) | self._event_fields(message, channel)
        if message.is_reply and message.broadcast:
            root = self.workspace.message(channel, message.thread_ts or "")
            told |= {"root": payloads.message(self.workspace, root) if root else {}}
        self.emit_message_event(channel, told)
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

    def _event_fields(self, message: Message, channel: Channel) -> JSON:
        """Fields that only events have: their timestamp, and the organisation of people from elsewhere."""
        facts: JSON = {"event_ts": message.ts}
        author = self.workspace.people.get(message.user)
        if channel.is_ext_shared and author is not None and author.team_id != self.workspace.team_id:
            profile = {"real_name": author.real_name, "name": author.handle, "team": author.team_id}
            facts |= {"user_team": author.team_id, "source_team": author.team_id, "user_profile": profile}
        return facts

    def _name_blocks(self, message: Message) -> None:
        message.blocks = with_ids(message.blocks)

    def change(self, message: Message, by: str | None, **changes: Any) -> None:
        """Change fields of a message; `by` is the id of the editor, None for Slack's own changes (unfurls)."""
        channel = self.workspace.channels[message.channel]
        before = payloads.message(self.workspace, message)
        if "blocks" in changes:  # named before they are in the message: whoever looks at it meanwhile needs their ids
            changes["blocks"] = with_ids(changes["blocks"])
        for name, value in changes.items():
            setattr(message, name, value)
        if by is not None:
            message.edited_by, message.edited_ts = by, self.workspace.new_ts()
        self.tell("changed", message)
        if message.ephemeral_to is None:
            now = payloads.message(self.workspace, message)
            self._changed_event(channel, "message_changed", {"message": now, "previous_message": before})

    def delete(self, message: Message) -> None:
        """Delete a message. One with replies becomes a tombstone, for which Slack sends message_changed."""
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
        """Remove a tombstone when its last reply is deleted."""
        parent = self.workspace.message(self.workspace.channels[reply.channel], reply.thread_ts or "")
        if parent is not None and parent.subtype == "tombstone" and not self.workspace.replies(parent):
            self._remove(parent)
            self.tell("deleted", parent)

    def _changed_event(self, channel: Channel, subtype: str, facts: JSON) -> None:
        ts = self.workspace.new_ts()
        self.emit_message_event(channel, {"subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts, **facts})

    def thread(self, channel: Channel, ts: str) -> str | None:
        """Return the thread that a message by the app with this `thread_ts` goes to.

        For a reply's timestamp it is the thread of the reply. When the message has been deleted, Slack silently
        posts into the channel instead (https://github.com/slack-go/slack/issues/1571).
        """
        parent = self.workspace.message(channel, ts)
        if parent is None:
            self.warn(f"thread_ts {ts} is of no message: Slack posts such a reply into the channel itself")
            return None
        if parent.is_reply:
            self.warn("thread_ts is the timestamp of a reply: use that of the thread's first message")
        return parent.thread_ts or ts

    def bot_message(self, channel: Channel, text: str, **facts: Any) -> Message:
        """Create a message by the app's bot, without posting it."""
        ours = self.workspace
        facts.setdefault("team", ours.team_id)
        return Message(channel.id, ours.new_ts(), ours.bot.id, text, bot_id=ours.bot_id, app_id=ours.app_id, **facts)

    # -- Everything else -----------------------------------------------------------------------------------

    def join(self, person: Person, channel: Channel, inviter: Person | None = None) -> None:
        """Make somebody a member; posts the join message and sends the event."""
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
        """Post a message with files, and send `file_shared` for each."""
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
        """Send app_home_opened for the home or messages tab."""
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
        """Warn of a text longer than Slack's documentation advises."""
        if len(text) > ADVISED_TEXT:
            self.warn(f"a text of {len(text)} characters: Slack advises at most {ADVISED_TEXT}")

    def check_pictures(self, blocks: Iterable[JSON], where: str, error: str) -> None:
        """Refuse blocks with a Slack file that is unknown, deleted, or not visible to the bot, or an unreachable image.

        Nothing is fetched: the address tells, see `unreachable`.
        """
        given = list(blocks)
        problems = [
            complaint("invalid slack file", pointer)
            for pointer, file_id in slack_files(given, where)
            if not self._can_be_shown(self.workspace.files.get(file_id))
        ]
        problems += [complaint("downloading image failed", pointer) for pointer in unreachable(given, where)]
        if problems:
            raise RefusedError(error, *problems)

    def _can_be_shown(self, file: File | None) -> bool:
        return file is not None and file.complete and not file.deleted and self.file_visible_to_bot(file)

    def file_visible_to_bot(self, file: File) -> bool:
        """Whether the bot may see a file: its own, attached to a form, or shared in a channel of the bot's."""
        bot = self.workspace.bot
        shared = self.workspace.file_channels(file)
        return file.user == bot.id or file.in_form or any(self.workspace.in_channel(bot, each) for each in shared)
