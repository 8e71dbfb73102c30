"""Which CSV files there are and which channel searches them: the convention, kotae.toml and Slack's channel list."""

import difflib
import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.settings import ChannelSection, Settings, SettingsError
from handlers.channels import AutoReply, Channel, Channels
from indexes.builder import Source
from indexes.confidence import THRESHOLD

log = logging.getLogger(__name__)

SHARED = "_shared"
"""The knowledge base that is searched from every channel."""


class Directory:
    """Reads the knowledge folder and Slack's channel list, and tells `Channels` what follows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._first_names: dict[str, str] = {}
        self._seen: dict[str, None] = {}

    def sources(self) -> list[Source]:
        """List the CSV files by name: those in the knowledge folder, then those that kotae.toml names."""
        folder = self._settings.environment.knowledge_dir
        found = {path.stem: path for path in sorted(folder.glob("*.csv")) if self._is_knowledge(path)}
        for name, section in self._settings.config.knowledge_bases.items():
            if section.file:
                found[name] = folder / section.file
        return [Source(name, path) for name, path in found.items()]

    def _is_knowledge(self, path: Path) -> bool:
        """Tell it from the synonyms and from the files that editors and macOS leave beside the one they are for."""
        return path != self._settings.synonyms and not path.name.startswith((".", "~$"))

    def check(self) -> None:
        """Refuse a configuration that names files that are not there; raises SettingsError."""
        folder = self._settings.environment.knowledge_dir
        if not folder.is_dir():
            raise SettingsError(
                f"KNOWLEDGE_DIR = {folder}: there is no such folder. Create it and put a CSV with questions and answers"
                f" in it, named after a channel: {folder / 'it-help.csv'} serves #it-help."
            )
        names = {source.name for source in self.sources()}
        for name, section in self._settings.config.knowledge_bases.items():
            path = folder / (section.file or f"{name}.csv")
            if not path.is_file():
                raise self._wrong(f"knowledge_bases.{name}", str(path), "there is no such file", [])
        for channel, rules in self._settings.config.channels.items():
            for name in rules.knowledge_bases or ():
                if name not in names:
                    raise self._wrong(f"channels.{channel}.knowledge_bases", name, "no knowledge base", names)
        self._check_shadow()
        if self._settings.config.synonyms and not self._settings.synonyms.is_file():
            raise self._wrong("synonyms", str(self._settings.synonyms), "there is no such file", [])

    def _check_shadow(self) -> None:
        """Refuse shadow mode that nobody would be told of."""
        config = self._settings.config
        modes = {"auto_reply": config.auto_reply} | {
            f"channels.{name}.auto_reply": rules.auto_reply for name, rules in config.channels.items()
        }
        for key, mode in modes.items():
            if mode is AutoReply.SHADOW and not self._settings.environment.admin_users:
                raise SettingsError(
                    f"{self._settings.config_path.name}: {key} = 'shadow': nobody would be told. Name somebody in"
                    " ADMIN_USERS, or switch it on in the channel: whoever does so is told."
                )

    def look_up(self, client: WebClient) -> dict[str, str]:
        """Map the ids of Slack's channels to names; raises SettingsError when kotae.toml names one that isn't there."""
        slack = self._look_up(client)
        if missing := self._missing(slack):
            raise missing[0]
        return slack

    def apply(self, client: WebClient, channels: Channels) -> None:
        """Look Slack's channels up and put each one's rules in force; raises SettingsError for one that isn't there."""
        self._put_in_force(self.look_up(client), channels)

    def apply_again(self, client: WebClient, channels: Channels) -> None:
        """Take new channels and CSV files in while running: trouble is logged, and what was in force stays."""
        try:
            slack = self._look_up(client)
        except (SlackApiError, SlackClientError, OSError) as error:
            reason = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
            log.warning("Slack's channels can't be listed (%s); those known stay", reason)
            return
        for missing in self._missing(slack):
            log.warning("%s", missing)
        self._put_in_force(slack, channels)

    def _look_up(self, client: WebClient) -> dict[str, str]:
        """Map channel ids to names: to the first name seen, so that a rename changes nothing until the next start."""
        now = _channel_names(client)
        self._first_names = {**now, **self._first_names}
        return {id_: self._first_names[id_] for id_ in now}

    def _missing(self, slack: Mapping[str, str]) -> list[SettingsError]:
        digest = self._settings.config.digest_channel
        named = {f"channels.{key}": key for key in self._settings.config.channels}
        named |= {"digest_channel": digest} if digest else {}
        return [
            self._wrong(key, value, "no channel of that name or id is visible", slack.values())
            for key, value in named.items()
            if _id_of(value, slack) is None
        ]

    @property
    def digest_channel(self) -> str | None:
        """The id of the channel that kotae.toml wants the weekly digest in, once the channels were looked up."""
        wanted = self._settings.config.digest_channel
        return _id_of(wanted, self._first_names) if wanted else None

    def _put_in_force(self, slack: Mapping[str, str], channels: Channels) -> None:
        rules = {id_: self._channel(id_, name) for id_, name in slack.items()}
        found = {id_: channel for id_, channel in rules.items() if channel is not None}
        channels.configure(found, self.everywhere())
        self._warn_of_unserved(set(slack.values()))

    def everywhere(self) -> Channel:
        """The rules of a channel that nothing is said about."""
        shared = (SHARED,) if SHARED in self._names() else ()
        chosen = self._settings.config.threshold
        threshold = THRESHOLD if chosen is None else chosen
        return Channel("", "", shared, AutoReply.OFF, threshold, self._settings.config.ask)

    @property
    def public(self) -> frozenset[str]:
        """The knowledge bases that guests and other organisations may see."""
        return frozenset(name for name, section in self._settings.config.knowledge_bases.items() if section.public)

    def _channel(self, id_: str, name: str) -> Channel | None:
        """Combine the convention and kotae.toml for a channel; None when nothing is said about it."""
        config = self._settings.config
        section = config.channels.get(id_) or config.channels.get(name) or config.channels.get(f"#{name}")
        names = self._names()
        own = section.knowledge_bases if section and section.knowledge_bases is not None else (name,)
        if section is None and name not in names:
            return None
        section = section or ChannelSection()
        default = self.everywhere()
        return Channel(
            id_,
            name,
            tuple(dict.fromkeys([*(one for one in own if one in names), *default.knowledge_bases])),
            section.auto_reply or config.auto_reply,
            default.threshold if section.threshold is None else section.threshold,
            default.ask if section.ask is None else section.ask,
        )

    def _names(self) -> Collection[str]:
        """Name the knowledge bases there are and were: one whose file was deleted keeps answering."""
        self._seen.update(dict.fromkeys(source.name for source in self.sources()))
        return self._seen

    def _warn_of_unserved(self, channels: set[str]) -> None:
        named = {name for section in self._settings.config.channels.values() for name in section.knowledge_bases or ()}
        for source in self.sources():
            if source.name not in channels | named | {SHARED}:
                log.warning("%s serves no channel: there is no #%s that I can see", source.path.name, source.name)

    def _wrong(self, key: str, value: str, what: str, known: Iterable[str]) -> SettingsError:
        near = difflib.get_close_matches(value, list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(known)) or 'none'}"
        return SettingsError(f"{self._settings.config_path.name}: {key} = {value!r}: {what}{hint}")


def _id_of(channel: str, slack: Mapping[str, str]) -> str | None:
    """Find a channel by id or by name, with or without #."""
    ids = {name: id_ for id_, name in slack.items()}
    return channel if channel in slack else ids.get(channel.removeprefix("#"))


def _channel_names(client: WebClient) -> dict[str, str]:
    """Map id to name for every channel that the bot can see."""
    pages = client.conversations_list(types="public_channel,private_channel", exclude_archived=True, limit=999)
    return {channel["id"]: channel["name"] for page in pages for channel in page["channels"]}
