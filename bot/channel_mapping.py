"""Which CSV files there are and which channel searches them: the convention, kotae.toml and Slack's channel list."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from slack_sdk import WebClient

from bot.channel_bindings import BaseName, SlackChannel, bound_to, has_answered, new_bindings, new_section_bindings
from bot.channel_sections import SHARED, ChannelSections, section_name
from bot.knowledge_folder import KnowledgeFolder, wrong
from bot.settings import Settings, SettingsError
from handlers.channel_rules import Channel, Waiting
from handlers.channels import Channels
from handlers.slack.trouble import CALL_ERRORS, error_code
from handlers.store.channel_names import Binding, BindingState, ChannelNames
from handlers.store.database import Database
from indexes.messages import Translatable
from indexes.names import folded, same_name
from indexes.records import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preview:
    """How many channels are visible, the rules of those that have some, and those that wait for an admin."""

    visible: int
    rules: Mapping[str, Channel]
    waiting: tuple[Waiting, ...]


class ChannelMapping:
    """Reads the knowledge folder and Slack's channel list, and gives `Channels` its rules.

    `database` remembers which channel a name means and which files there were; without one, nothing is remembered.
    """

    def __init__(self, settings: Settings, database: Database | None = None) -> None:
        self._settings = settings
        self._database = database
        self._folder = KnowledgeFolder(settings, database)
        self._sections = ChannelSections(settings.config)
        self._visible: Mapping[str, SlackChannel] = {}
        self._bindings: Sequence[Binding] = ()
        self._lock = Lock()

    def sources(self) -> list[Source]:
        """List the CSV files by name; see `KnowledgeFolder.sources`."""
        return self._folder.sources()

    def check(self) -> None:
        """Raise SettingsError for a configuration that names missing files."""
        self._folder.check()

    def preview(self, client: WebClient) -> Preview:
        """Return what `apply` would do; nothing is stored. Raises SettingsError as `apply` does."""
        visible = _list_channels(client)
        self._bindings = self._stored_bindings()
        if missing := self._missing(visible):
            raise missing[0]
        self._bindings = [*self._bindings, *self._new_bindings(visible, self._bindings, frozenset())]
        return Preview(len(visible), self._rules(visible), self._waiting(visible, self._bindings))

    def apply(self, client: WebClient, channels: Channels) -> None:
        """List Slack's channels and set the rules of each; raises SettingsError when kotae.toml names a missing one."""
        visible = _list_channels(client)
        with self._lock:
            self._bindings = self._stored_bindings()
            if missing := self._missing(visible):
                raise missing[0]
            self._apply(visible, channels)

    def refresh(self, client: WebClient, channels: Channels) -> None:
        """Do the same while running: errors are logged, and the rules before stay."""
        visible = self._visible
        try:
            visible = _list_channels(client)
        except CALL_ERRORS as error:
            log.warning("Slack's channels can't be listed (%s); keeping the known ones", error_code(error))
        with self._lock:
            self._bindings = self._stored_bindings()
            for missing in self._missing(visible):
                log.warning("%s", missing)
            self._apply(visible, channels)

    def _stored_bindings(self) -> Sequence[Binding]:
        return ChannelNames(self._database).all() if self._database else self._bindings

    def _missing(self, visible: Mapping[str, SlackChannel]) -> list[SettingsError]:
        digest = self._settings.config.digest_channel
        named = {f"channels.{key}": key for key in self._settings.config.channels}
        named |= {"digest_channel": digest} if digest else {}
        names = [channel.name for channel in visible.values()]
        return [
            self._wrong(key, value, Translatable("wrong.no_channel"), names)
            for key, value in named.items()
            if same_name(value.removeprefix("#"), names) is None and self._id_of(value, visible) is None
        ]

    @property
    def digest_channel(self) -> str | None:
        """The id of the channel for the weekly digest, once the channels are listed; None without one."""
        wanted = self._settings.config.digest_channel
        return self._id_of(wanted, self._visible) if wanted else None

    def _id_of(self, channel: str, visible: Mapping[str, SlackChannel]) -> str | None:
        """Return the id of a channel in kotae.toml: it is given by id, or by the name it had when first read."""
        if channel in visible:
            return channel
        return next((id_ for id_ in visible if section_name(channel) in bound_to(id_, self._bindings)), None)

    def _apply(self, visible: Mapping[str, SlackChannel], channels: Channels) -> None:
        self._folder.refresh()
        self._bind_names(visible, channels.given())
        self._visible = visible
        rules = self._rules(visible)
        waiting = self._waiting(visible, self._bindings)
        channels.configure(
            rules, self.default_rules(), waiting, self._sections.channels_by_base(self._bases(), self._bindings)
        )
        self._warn_of_unserved(rules.values(), waiting)

    def _rules(self, visible: Mapping[str, SlackChannel]) -> dict[str, Channel]:
        bases = self._bases()
        rules = {
            id_: self._sections.rules(id_, channel.name, bound_to(id_, self._bindings), bases)
            for id_, channel in visible.items()
        }
        return {id_: channel for id_, channel in rules.items() if channel is not None}

    def _bind_names(self, visible: Mapping[str, SlackChannel], given: Collection[str]) -> None:
        fresh = self._new_bindings(visible, self._bindings, given)
        if self._database:
            ChannelNames(self._database).remember(fresh)
        self._bindings = [*self._bindings, *fresh]

    def _new_bindings(
        self, visible: Mapping[str, SlackChannel], known: Sequence[Binding], given: Collection[str]
    ) -> list[Binding]:
        """Return the bindings to store for the names of knowledge bases and of channels in kotae.toml."""
        fresh: list[Binding] = []
        data_dir, claimed = self._settings.environment.data_dir, self._sections.claimed(self._bases())
        for source in self.sources():
            if source.name in claimed:
                has_row = any(binding.name == source.name for binding in known)
                fresh += [] if has_row else [Binding(source.name, "", BindingState.BOUND)]
            elif source.name != SHARED:
                wanted = BaseName(source.name, has_answered(data_dir, source.folder), source.name in given)
                fresh += new_bindings(wanted, visible, known)
        for name in self._sections.names:
            if name.removeprefix("#") not in visible:
                fresh += new_section_bindings(name, visible, known)
        return fresh

    def _waiting(self, visible: Mapping[str, SlackChannel], known: Iterable[Binding]) -> tuple[Waiting, ...]:
        """List the channels that wait for an admin because they have a name by which they would be served."""
        bases = self._bases()
        wanted = {
            name: (name,) for name in bases - self._sections.claimed(bases) - {SHARED}
        } | self._sections.bases_by_channel()
        claims: dict[tuple[str, str], list[str]] = {}
        for binding in known:
            name = binding.name.removeprefix("#")
            undecided = binding.state in {BindingState.WAITING, BindingState.ASKED} and binding.name in wanted
            if undecided and binding.channel in visible and visible[binding.channel].folded == folded(name):
                claims.setdefault((name, binding.channel), []).append(binding.name)
        return tuple(
            Waiting(name, id_, tuple(names), tuple(dict.fromkeys(base for one in names for base in wanted[one])))
            for (name, id_), names in claims.items()
        )

    def default_rules(self) -> Channel:
        """Return the rules of a channel without rules of its own."""
        return self._sections.default_rules(self._bases())

    @property
    def public(self) -> frozenset[str]:
        """The knowledge bases that guests and other organisations may see."""
        return self._sections.public(self._bases())

    @property
    def named(self) -> frozenset[str]:
        """The knowledge bases that kotae.toml names; `check` refuses it when their files are missing."""
        return self._sections.named(self._bases())

    def _bases(self) -> frozenset[str]:
        """Return the names of all knowledge bases, with those whose file is missing."""
        return frozenset(source.name for source in self.sources())

    def _warn_of_unserved(self, served: Collection[Channel], waiting: Collection[Waiting]) -> None:
        for each in waiting:
            log.warning("#%s (%s) has a name that would be served, and waits for an admin", each.name, each.channel)
        bases = {name for channel in served for name in channel.knowledge_bases}
        bases |= {name for each in waiting for name in each.knowledge_bases}
        for source in self.sources():
            if source.name not in bases | {SHARED}:
                log.warning("%s serves no channel: there is no #%s that I can see", source.path.name, source.name)

    def _wrong(self, key: str, value: str, what: Translatable, known: Iterable[str]) -> SettingsError:
        return wrong(self._settings, key, value, what, known)


def _list_channels(client: WebClient) -> dict[str, SlackChannel]:
    """Return every channel that the bot can see, by id."""
    pages = client.conversations_list(types="public_channel,private_channel", exclude_archived=True, limit=999)
    return {
        channel["id"]: SlackChannel(channel["name"], bool(channel.get("is_member")))
        for page in pages
        for channel in page["channels"]
    }
