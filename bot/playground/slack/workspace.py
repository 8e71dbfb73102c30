"""The state of the workspace, and what is visible to whom. No I/O, no rules of the API."""

from __future__ import annotations

import hashlib
import itertools
import mimetypes
import secrets
import string
import time
from collections.abc import Collection, Iterable

from bot.playground.slack.entities import Channel, File, Message, Person, UserGroup, View
from bot.playground.slack.text import BROADCASTS, as_typed, escape

ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """Create an id like Slack's: the prefix for its kind and ten characters."""
    return prefix + "0" + "".join(secrets.choice(ALPHABET) for _ in range(9))


def new_file(name: str, user: str, data: bytes = b"", *, complete: bool = True) -> File:
    """Create a file."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(new_id("F"), name, name, data, user, int(time.time()), kind, complete=complete)


def lasting_id(prefix: str, *named: str) -> str:
    """Create an id that is the same whenever the same thing is named."""
    digest = hashlib.sha256("\0".join((prefix, *named)).encode()).digest()
    return prefix + "0" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:9])


class Workspace:
    """People, channels, groups, files and views of one team, and its bot.

    Where it is `lasting`, people and channels of the same names have the same ids in every workspace of this domain.
    """

    def __init__(
        self, name: str = "Kotae Try", domain: str = "kotae-try", bot_name: str = "Kotae", *, lasting: bool = False
    ) -> None:
        self._lasting = lasting
        self.team_id = lasting_id("T", domain) if lasting else new_id("T")
        self.name = name
        self.domain = domain
        self.base_url = ""
        self.app_id = new_id("A")
        self.bot_id = new_id("B")
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.files: dict[str, File] = {}
        self.views: dict[str, View] = {}
        self.ephemerals: list[Message] = []
        self.suggested_prompts: dict[str, list[dict[str, str]]] = {}
        self._last_ts = 0
        self._hashes = itertools.count(1)
        self.bot = self.add_person("bot", bot_name, bot_name.lower().replace(" ", "-"), is_bot=True)

    # -- Making things -------------------------------------------------------------------------------------

    def add_person(self, key: str, real_name: str, handle: str = "", **facts: str | bool) -> Person:
        """Add somebody; `facts` are fields of Person."""
        team = str(facts.pop("team_id", self.team_id))
        person = Person(self._id("U", key, self.people), key, real_name, handle or key, team, **facts)  # type: ignore[arg-type]
        self.people[person.id] = person
        return person

    def add_channel(self, name: str, members: Iterable[Person], **facts: str | bool) -> Channel:
        """Add a channel; `facts` are fields of Channel."""
        ids = [person.id for person in members]
        channel = Channel(self._id("C", name, self.channels), name, members=ids, **facts)  # type: ignore[arg-type]
        self.channels[channel.id] = channel
        return channel

    def add_group_dm(self, people: Iterable[Person]) -> Channel:
        """Add a group direct message of several people and the bot, named after them as Slack does."""
        members = [*people, self.bot]
        name = f"mpdm-{'--'.join(each.handle for each in members)}-1"
        return self.add_channel(name, members, is_private=True, is_mpim=True)

    def add_group(self, handle: str, name: str, users: Iterable[Person]) -> UserGroup:
        """Add a user group."""
        group = UserGroup(self._id("S", handle, self.groups), handle, name, [person.id for person in users])
        self.groups[group.id] = group
        return group

    def dm(self, person: Person) -> Channel:
        """Return this person's direct messages with the bot, opened if necessary."""
        for channel in self.channels.values():
            if channel.user == person.id:
                return channel
        channel = Channel(self._id("D", person.id, self.channels), "", user=person.id, members=[person.id, self.bot.id])
        self.channels[channel.id] = channel
        return channel

    def _id(self, prefix: str, name: str, taken: Collection[str]) -> str:
        lasting = lasting_id(prefix, self.domain, name) if self._lasting else ""
        return lasting if lasting and lasting not in taken else new_id(prefix)

    def new_ts(self) -> str:
        """Create a message timestamp later than all before."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_hash(self) -> str:
        """Create a hash for a new version of a view."""
        return f"{int(time.time())}.{next(self._hashes):08x}"

    # -- Finding things ------------------------------------------------------------------------------------

    def person(self, who: Person | str) -> Person:
        """Find a person by id, key ("alice"), handle or real name."""
        if isinstance(who, Person):
            return who
        for person in self.people.values():
            if who.removeprefix("@") in (person.id, person.key, person.handle, person.real_name):
                return person
        raise LookupError(f"there is nobody called {who} in this workspace")

    def channel(self, where: Channel | Person | str) -> Channel:
        """Find a channel by id or name (with or without #), or a person's direct messages with the bot."""
        if isinstance(where, Channel):
            return where
        if isinstance(where, Person):
            return self.dm(where)
        if where in self.channels:
            return self.channels[where]
        for channel in self.channels.values():
            if channel.name and channel.name == where.removeprefix("#"):
                return channel
        raise LookupError(f"there is no channel called {where} in this workspace")

    def message(self, channel: Channel, ts: str) -> Message | None:
        """Find a message by its timestamp, unless deleted."""
        found = (each for each in channel.messages if each.ts == ts and not each.deleted)
        return next(found, None)

    def ephemeral(self, channel: Channel, ts: str) -> Message | None:
        """Find an ephemeral message by its timestamp."""
        found = (each for each in self.ephemerals if each.ts == ts and each.channel == channel.id and not each.deleted)
        return next(found, None)

    def history(self, channel: Channel) -> list[Message]:
        """Messages of the channel outside threads, oldest first."""
        return [each for each in channel.messages if each.in_channel and not each.deleted]

    def thread(self, channel: Channel, ts: str) -> list[Message]:
        """The first message of a thread and its replies, oldest first."""
        return [each for each in channel.messages if ts in (each.ts, each.thread_ts) and not each.deleted]

    def replies(self, message: Message) -> list[Message]:
        """The replies to a message, oldest first."""
        thread = self.thread(self.channels[message.channel], message.ts)
        return [each for each in thread if each.ts != message.ts]

    def home(self, person: Person) -> View | None:
        """The view that the app published on this person's home tab."""
        return next((view for view in self.views.values() if view.type == "home" and view.user == person.id), None)

    def modals(self, person: Person) -> list[View]:
        """This person's open modals, the topmost last."""
        return [each for each in self.views.values() if each.open and each.type == "modal" and each.user == person.id]

    def file_channels(self, file: File) -> list[Channel]:
        """The channels where a file was shared."""
        return [self.channels[each] for each in file.channels]

    # -- Who sees what -------------------------------------------------------------------------------------

    def in_channel(self, person: Person, channel: Channel) -> bool:
        """Whether a person is a member of a channel."""
        return person.id in channel.members

    def bot_sees(self, channel: Channel) -> bool:
        """Whether the bot sees a channel: a public one, or one that it is a member of."""
        return self.in_channel(self.bot, channel) or not (channel.is_private or channel.is_im)

    def person_sees(self, person: Person, channel: Channel) -> bool:
        """Whether a person sees a channel: as a member of it, or a public one as a full member of the team."""
        outside = person.is_restricted or person.is_ultra_restricted or person.team_id != self.team_id
        return self.in_channel(person, channel) or not (outside or channel.is_private or channel.is_im)

    def is_stranger(self, person: Person) -> bool:
        """Whether a person is of another organisation and in no channel that the bot sees.

        For people of other organisations in channels that the app sees, Slack's `is_stranger` is false: only
        their `team_id` differs.
        """
        shared = (each for each in self.channels.values() if self.bot_sees(each) and person.id in each.members)
        return person.team_id != self.team_id and next(shared, None) is None

    def typed(self, text: str) -> str:
        """Return a typed message as Slack stores it."""
        return as_typed(text, self._mention)

    def typed_command(self, text: str) -> str:
        """Return the text of a typed command as Slack sends it: escaped, with names and links unresolved."""
        return escape(text)

    def _mention(self, sign: str, name: str) -> str | None:
        if sign == "#":
            found = (each for each in self.channels.values() if each.name == name)
            return next((f"#{each.id}|{each.name}" for each in found), None)
        if name in BROADCASTS:
            return f"!{name}"
        for group in self.groups.values():
            if group.handle == name:
                return f"!subteam^{group.id}"
        for person in self.people.values():
            if name.lower() in (person.id.lower(), person.key, person.handle, person.real_name.lower()):
                return f"@{person.id}"
        return None
