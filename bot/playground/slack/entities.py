"""The entities of a workspace: people, channels, messages, files and views. Plain data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack.text import live_mentions, visible_text

Block = dict[str, Any]


@dataclass
class Person:
    """A member of this workspace, a guest, somebody of another organisation, or a bot."""

    id: str
    key: str
    real_name: str
    handle: str
    team_id: str
    locale: str = "en-US"
    tz: str = "Asia/Tokyo"
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    deleted: bool = False

    @property
    def email(self) -> str:
        """The mail address; blank for a bot."""
        return "" if self.is_bot else f"{self.handle}@example.com"


@dataclass
class Channel:
    """A public or private channel, or direct messages: of one person with the bot (`user`), or of several."""

    id: str
    name: str
    is_private: bool = False
    is_mpim: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    user: str = ""
    topic: str = ""
    members: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def is_im(self) -> bool:
        """Whether it is a direct message channel."""
        return bool(self.user)

    @property
    def kind(self) -> str:
        """The `channel_type` of events: channel, group, mpim or im."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"


@dataclass
class File:
    """An uploaded file; visible in `channels` once the upload is complete."""

    id: str
    name: str
    title: str
    data: bytes
    user: str
    created: int
    mimetype: str = "application/octet-stream"
    channels: list[str] = field(default_factory=list)
    complete: bool = True
    deleted: bool = False
    in_form: bool = False


@dataclass(eq=False)
class Message:
    """One message; the same object through edits, reactions and deletion.

    An ephemeral message has its only reader in `ephemeral_to` and is in no history.
    """

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str | None = None
    subtype: str = ""
    ephemeral_to: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    team: str = ""
    client_msg_id: str | None = None
    files: list[File] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    broadcast: bool = False
    edited_by: str | None = None
    edited_ts: str | None = None
    deleted: bool = False
    state: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def edited(self) -> bool:
        """Whether its text or blocks were changed after posting."""
        return self.edited_ts is not None

    @property
    def is_reply(self) -> bool:
        """Whether it is in a thread that another message started."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def in_channel(self) -> bool:
        """Whether the channel shows it outside threads: replies only when broadcast."""
        return not self.is_reply or self.broadcast

    @property
    def shown(self) -> str:
        """The visible text: that of the blocks if there are any, else `text`."""
        return visible_text(self.blocks) if self.blocks else self.text

    @property
    def live_mentions(self) -> list[str]:
        """The mentions in it that notify people, such as `<!channel>` or `<@U…>`."""
        return live_mentions({"text": self.text, "blocks": self.blocks, "attachments": self.attachments})


@dataclass(eq=False)
class View:
    """A modal or the home tab as one person sees it."""

    id: str
    user: str
    content: dict[str, Any]
    hash: str
    root_id: str
    previous_id: str | None = None
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """Either modal or home."""
        return str(self.content["type"])

    @property
    def blocks(self) -> list[Block]:
        """Its blocks; each has a block_id."""
        blocks: list[Block] = self.content["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        """The app's callback_id, or an empty string."""
        return str(self.content.get("callback_id", ""))

    @property
    def title(self) -> str:
        """The modal's title; empty for a home tab."""
        return str(self.content.get("title", {}).get("text", ""))

    @property
    def shown(self) -> str:
        """The visible text of its blocks."""
        return visible_text(self.blocks)


@dataclass
class UserGroup:
    """A user group such as @helpdesk."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
