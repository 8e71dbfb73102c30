"""People's actions on messages, files, channels and commands. Runs on the event loop."""

from __future__ import annotations

import re
import uuid
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.backend import Backend
from bot.playground.slack.entities import Channel, Message, Person
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.interactions import Interaction, Interactions
from bot.playground.slack.workspace import new_file

JSON = dict[str, Any]
MOST_FILES = 10
LONGEST_NAME = 80


class UserActions:
    """Performs people's actions; raises NotPossibleError for what Slack's client doesn't allow."""

    def __init__(self, backend: Backend, interactions: Interactions, commands: tuple[str, ...]) -> None:
        self.backend = backend
        self.workspace = backend.workspace
        self.interactions = interactions
        self.commands = commands

    # -- Messages ------------------------------------------------------------------------------------------

    def say(
        self,
        person: Person,
        channel: Channel,
        text: str,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Message:
        """Post a message; `text` as Slack stores it (see Workspace.typed)."""
        return self.backend.post(self._message(person, channel, text, thread_ts, broadcast=broadcast))

    def _message(
        self, person: Person, channel: Channel, text: str, thread_ts: str | None, *, broadcast: bool = False
    ) -> Message:
        self._may_write(person, channel)
        broadcast = broadcast and thread_ts is not None
        return Message(
            channel.id,
            self.workspace.new_ts(),
            person.id,
            text,
            thread_ts=self._root(channel, thread_ts),
            broadcast=broadcast,
            subtype="thread_broadcast" if broadcast else "",
            client_msg_id=str(uuid.uuid4()),
            team=person.team_id,
        )

    def _root(self, channel: Channel, thread_ts: str | None) -> str | None:
        if thread_ts is None:
            return None
        parent = self.workspace.message(channel, thread_ts)
        if parent is None:
            raise NotPossibleError("there is no such message to reply to")
        return parent.thread_ts or parent.ts

    def _may_write(self, person: Person, channel: Channel) -> None:
        if person.deleted:
            raise NotPossibleError(f"{person.real_name} is deactivated")
        if channel.is_archived:
            raise NotPossibleError(f"#{channel.name} is archived")
        if person.id not in channel.members:
            raise NotPossibleError(f"{person.real_name} is not a member of #{channel.name}")

    def edit(self, message: Message, text: str) -> Message:
        """Edit a message as its author."""
        if message.deleted or message.subtype == "tombstone":
            raise NotPossibleError("the message was deleted")
        self.backend.change(message, message.user, text=text)
        return message

    def unfurl(self, message: Message, title: str) -> Message:
        """Add a link preview as Slack does: a message_changed with the same text."""
        attachment = {"id": 1, "title": title, "fallback": title, "from_url": "https://example.com/"}
        self.backend.change(message, None, attachments=[*message.attachments, attachment])
        return message

    def forward(
        self, person: Person, channel: Channel, original: Message, comment: str, *, thread_ts: str | None
    ) -> Message:
        """Share a message, as "Forward message" does: its words are in an attachment, the comment is the text."""
        message = self._message(person, channel, comment, thread_ts)
        message.attachments = [payloads.shared_message(self.workspace, original)]
        return self.backend.post(message)

    def show_linked(self, message: Message, original: Message) -> Message:
        """Show a message below the one that links to it, as Slack does a moment after posting: a message_changed."""
        shown = payloads.shared_message(self.workspace, original)
        del shown["is_share"]
        self.backend.change(message, None, attachments=[*message.attachments, shown])
        return message

    def other_bot(
        self, channel: Channel, text: str, name: str, thread_ts: str | None, blocks: list[JSON] | None = None
    ) -> Message:
        """Post a message by another app, or by a workflow: what was filled in a form is in `blocks`."""
        return self.backend.post(
            Message(
                channel.id,
                self.workspace.new_ts(),
                "",
                text,
                blocks=blocks or [],
                thread_ts=thread_ts,
                subtype="bot_message",
                bot_id="B0OTHERBOT",
                app_id="A0OTHERAPP",
                username=name,
                team=self.workspace.team_id,
            ),
        )

    def upload(
        self,
        person: Person,
        channel: Channel,
        filename: str,
        data: bytes,
        *,
        comment: str = "",
        thread_ts: str | None = None,
    ) -> Message:
        """Share a file, with an optional comment."""
        message = self._message(person, channel, comment, thread_ts)
        file = new_file(filename, person.id, data)
        self.workspace.files[file.id] = file
        message.files = [file]
        return self.backend.share_file(message)

    # -- Channels ------------------------------------------------------------------------------------------

    def create(self, person: Person, name: str, *, is_private: bool = False) -> Channel:
        """Make a channel with its creator as the only member; anybody who is no guest may."""
        self._may_name(name)
        if person.is_restricted or person.is_ultra_restricted:
            raise NotPossibleError(f"{person.real_name} is a guest")
        channel = self.workspace.add_channel(name, [person], is_private=is_private)
        self.backend.tell("channel", channel)
        return channel

    def rename(self, person: Person, channel: Channel, name: str) -> None:
        """Give a channel another name; its id stays. Members see a message about it."""
        self._may_name(name)
        before, channel.name = channel.name, name
        self.backend.tell("channel", channel)
        said = f'has renamed the channel from "{before}" to "{name}"'
        subtype = "group_name" if channel.is_private else "channel_name"
        ts = self.workspace.new_ts()
        self.backend.post(Message(channel.id, ts, person.id, said, subtype=subtype, team=person.team_id))
        facts = {"id": channel.id, "name": name, "created": 1_700_000_000}
        self.backend.emit({"type": "channel_rename", "channel": facts}, channel)

    def _may_name(self, name: str) -> None:
        """Names of channels are lower case, without spaces and periods, and each stands for one channel."""
        if not name or len(name) > LONGEST_NAME or name != name.lower() or re.search(r"[\s.]", name):
            raise NotPossibleError(f"{name!r} can't be the name of a channel")
        if any(each.name == name for each in self.workspace.channels.values()):
            raise NotPossibleError(f"#{name} is taken")

    def archive(self, channel: Channel) -> None:
        """Archive a channel."""
        channel.is_archived = True
        self.backend.tell("channel", channel)
        self.backend.emit({"type": "channel_archive", "channel": channel.id}, channel)

    # -- Commands -------------------------------------------------------------------------------------------

    def command(self, person: Person, channel: Channel, line: str, *, thread_ts: str | None = None) -> Interaction:
        """Type a slash command; unknown ones and those in threads fail without reaching the app."""
        name, _, text = line.partition(" ")
        self._may_write(person, channel)
        if name not in self.commands:
            return self._refused("command", person, channel, "invalid_command")
        if thread_ts is not None:
            return self._refused("command", person, channel, "not_supported_in_threads")
        return self.interactions.command(person, channel, name, self.backend.workspace.typed_command(text.strip()))

    def _refused(self, kind: str, person: Person, channel: Channel | None, error: str) -> Interaction:
        return Interaction(kind, person, channel, error=error, finished=True)
