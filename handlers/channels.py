"""The rules of every channel: from the convention, then kotae.toml, then the settings that admins made in Slack."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from handlers import features
from handlers.channel_rules import HELPER, AutoReply, Channel, SettingName, Unproved, Waiting
from handlers.features import BY_CHANNEL, Feature
from handlers.store.audit import entry
from handlers.store.channel_settings import FOR_ALL, ChannelSetting, ChannelSettings
from handlers.store.database import Database
from handlers.store.seal import SettingRow
from indexes.messages import Translatable

UNPROVED = "unproved"
"""The key under which it is stored why unproved replies are posted."""


class Channels:
    """The rules of every channel, keyed by channel id: a rename changes nothing.

    `public` are the knowledge bases for guests and other organisations too, `named` those without which kotae.toml
    would be refused. `by_file` are the channels that kotae.toml gives a knowledge base to, those included that Slack
    lists no more.
    """

    def __init__(
        self,
        database: Database,
        *,
        default: Channel,
        public: frozenset[str] = frozenset(),
        named: frozenset[str] = frozenset(),
    ) -> None:
        self._settings = ChannelSettings(database)
        self._recovery = database.recovery
        self._default = default
        self._configured: Mapping[str, Channel] = {}
        self.waiting: tuple[Waiting, ...] = ()
        self.by_file: Mapping[str, frozenset[str]] = {}
        self.public = public
        self.named = named

    def configure(
        self,
        channels: Mapping[str, Channel],
        default: Channel | None = None,
        waiting: tuple[Waiting, ...] = (),
        by_file: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        """Replace the rules from the convention and kotae.toml, and the default for all other channels."""
        self.waiting = waiting
        self.by_file = by_file or {}
        self._configured = dict(channels)
        self._default = default or self._default

    def of(self, channel_id: str) -> Channel:
        """Return the rules of a channel; one without knowledge bases of its own has the shared ones."""
        return self._rules(channel_id, self._settings.of(channel_id))

    def _of_each(self, channel_ids: Collection[str]) -> list[Channel]:
        return [self._rules(id_, chosen) for id_, chosen in self._settings.of_each(channel_ids).items()]

    def last_known(self, channel_id: str) -> Channel:
        """Return the rules as they were last read; waits for the database only where they never were."""
        return self._rules(channel_id, self._settings.last_known(channel_id))

    def _rules(self, channel_id: str, chosen: Mapping[str, ChannelSetting]) -> Channel:
        rules = self._configured.get(channel_id) or replace(self._default, id=channel_id)
        if "auto_reply" in chosen:
            rules = replace(rules, auto_reply=AutoReply(chosen["auto_reply"].value))
        if "threshold" in chosen:
            rules = replace(rules, threshold=float(chosen["threshold"].value))
        if "promise" in chosen:
            rules = replace(rules, promise=float(chosen["promise"].value))
        if UNPROVED in chosen:
            rules = replace(rules, unproved=Unproved(chosen[UNPROVED].value))
        if "ask" in chosen:
            rules = replace(rules, ask=tuple(filter(HELPER.fullmatch, chosen["ask"].value.split())))
        if "knowledge_bases" in chosen:
            names = (*json.loads(chosen["knowledge_bases"].value), *self.shared)
            rules = replace(rules, knowledge_bases=tuple(dict.fromkeys(names)))
        if "features_off" in chosen:
            off = features.read(chosen["features_off"].value) & BY_CHANNEL
            rules = replace(rules, features_off=off | rules.features_off & features.FOR_ALL)
        if "features_off_for_all" in chosen:
            off = features.read(chosen["features_off_for_all"].value) & features.FOR_ALL
            rules = replace(rules, features_off=off | rules.features_off & BY_CHANNEL)
        held_back = self._recovery.waiting is not None
        return replace(rules, set_by={key: setting.by for key, setting in chosen.items()}, held_back=held_back)

    def offers(self, feature: Feature) -> bool:
        """Tell whether a feature that belongs to no channel is on."""
        return self.of(FOR_ALL).offers(feature)

    def configured(self) -> list[Channel]:
        """List the channels that have knowledge bases of their own or for which an admin set something, by name."""
        ids = dict.fromkeys([*self._configured, *self._settings.channels()])
        return sorted(self._of_each(ids), key=lambda channel: channel.name)

    def given(self) -> frozenset[str]:
        """List the knowledge bases that admins gave to channels in Slack."""
        chosen = self._settings.of_each(self._settings.channels()).values()
        given = [each["knowledge_bases"].value for each in chosen if "knowledge_bases" in each]
        return frozenset(name for names in given for name in json.loads(names))

    @property
    def shared(self) -> tuple[str, ...]:
        """The knowledge bases searched from every channel."""
        return self._default.knowledge_bases

    def names(self, channel_ids: frozenset[str]) -> tuple[str, ...]:
        """List the knowledge bases that somebody in these channels may see, the shared ones last."""
        every = [name for channel in self._of_each(sorted(channel_ids)) for name in channel.knowledge_bases]
        return tuple(dict.fromkeys([*(name for name in every if name not in self.shared), *self.shared]))

    def set(self, channel_id: str, key: SettingName, value: str, by: str, *done: Translatable) -> None:
        """Store one setting; see `set_all`."""
        self.set_all(channel_id, {key: value}, by, *done)

    def set_all(self, channel_id: str, values: Mapping[SettingName, str], by: str, *done: Translatable) -> None:
        """Store settings that an admin made, and the audit entries of what was `done`, all or nothing.

        They win over kotae.toml until they are changed again. A new auto-reply mode ends the permission to post
        unproved replies. Raises StoreError.
        """
        rows: list[SettingRow] = [
            (FOR_ALL if key == "features_off_for_all" else channel_id, key, value) for key, value in values.items()
        ]
        if "auto_reply" in values and self.of(channel_id).unproved is not Unproved.NOT_ALLOWED:
            rows.append((channel_id, UNPROVED, Unproved.NOT_ALLOWED.value))
        self._settings.set_all(rows, by, *(entry(by, channel_id, each) for each in done))

    def allow_unproved(self, channel_id: str, why: Unproved, by: str, *done: Translatable) -> None:
        """Store whether unproved replies are posted in a channel, and who decided it; raises StoreError."""
        rows = [(channel_id, UNPROVED, why.value)]
        self._settings.set_all(rows, by, *(entry(by, channel_id, each) for each in done))


def is_plausible(key: str, value: str) -> bool:
    """Tell whether the value of a stored setting can be read as `Channels.of` does."""
    read: Mapping[str, Callable[[str], object]] = {
        "auto_reply": AutoReply,
        "threshold": _share,
        "promise": _share,
        UNPROVED: Unproved,
        "knowledge_bases": _names,
    }
    try:
        read.get(key, str)(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _share(value: str) -> float:
    if not 0.0 <= float(value) <= 1.0:
        raise ValueError(value)
    return float(value)


def _names(value: str) -> list[str]:
    names = json.loads(value)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(value)
    return names
