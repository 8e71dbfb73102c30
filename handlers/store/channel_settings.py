"""What admins set for channels in Slack."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, Float, Insert, String, Table, Text, select

from handlers.store.database import Database, metadata
from handlers.store.errors import StoreError
from handlers.store.seal import Seal, SettingRow, digest_of
from handlers.store.sqlite import connect
from handlers.store.upsert import put
from indexes.atomic_file import is_missing
from indexes.messages import Translatable, reason

FOR_ALL = "*"
"""Stands for all channels where a channel's id is expected; its settings have keys of their own."""
MOST = 10_000
"""Channels that are asked for one by one: of more, all settings are read. SQLite takes 32,766 values at once."""

settings = Table(
    "settings",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)


_WANTED = select(settings.c.channel, settings.c.key, settings.c.value)


@dataclass(frozen=True)
class ChannelSetting:
    """A value that an admin set in Slack."""

    value: str
    by: str


class ChannelSettings:
    """The settings of channels; what was last known, while the database can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seal = Seal(database.file)

    def seal(self) -> None:
        """Seal the settings as they are; raises OSError."""
        rows = self._database.read("read settings", _WANTED)
        if rows is not None:
            self._seal.put(digest_of((channel, key, value) for channel, key, value in rows))

    def set(self, channel: str, key: str, value: str, by: str) -> None:
        """Store a setting for a channel; raises StoreError."""
        self.set_all([(channel, key, value)], by)

    def set_all(self, rows: Sequence[SettingRow], by: str, *done: Insert) -> None:
        """Store settings, and with them the audit entries of what was `done`, all or nothing; raises StoreError."""
        failure = Translatable("database.failed.setting")
        try:
            with self._database.sealing:
                with self._database.transaction(failure) as connection:
                    before = digest_of(_rows(connection))
                    connection.execute(put(settings, *(_row(*row, by) for row in rows)))
                    for each in done:
                        connection.execute(each)
                    after = digest_of(_rows(connection))
                    self._seal.put(before, after)
                self._seal.put(after)
        except OSError as error:
            raise StoreError("database.not_written", failure=failure, reason=reason(error)) from error
        for channel, key, value in rows:
            self._keep(channel, {**self._known.get(channel, {}), key: ChannelSetting(value, by)})

    def of(self, channel: str) -> dict[str, ChannelSetting]:
        """Return what admins set for a channel or for all of them, by key."""
        return self.of_each([channel])[channel]

    def of_each(self, channels: Collection[str]) -> dict[str, dict[str, ChannelSetting]]:
        """Return the same for several channels, which takes one query, too."""
        if not channels:
            return {}
        wanted = select(settings.c.channel, settings.c.key, settings.c.value, settings.c.by)
        if len(channels) <= MOST:
            wanted = wanted.where(settings.c.channel.in_([*channels, FOR_ALL]))
        rows = self._database.read("read settings", wanted)
        if rows is not None:
            chosen: dict[str, dict[str, ChannelSetting]] = {}
            for where, key, value, by in rows:
                chosen.setdefault(where, {})[key] = ChannelSetting(value, by)
            for channel in channels:
                self._keep(channel, {**chosen.get(FOR_ALL, {}), **chosen.get(channel, {})})
        return {channel: self._known.get(channel, {}) for channel in channels}

    def last_known(self, channel: str) -> dict[str, ChannelSetting]:
        """Return the same as it was last read; asks the database only if it never was."""
        return self._known[channel] if channel in self._known else self.of(channel)

    def channels(self) -> list[str]:
        """List the channels for which admins set something."""
        wanted = select(settings.c.channel).where(settings.c.channel != FOR_ALL).distinct()
        rows = self._database.read("read settings", wanted)
        if rows is None:
            known = self._known.copy()  # other threads add to it
            return [channel for channel, chosen in known.items() if chosen and channel != FOR_ALL]
        return [channel for (channel,) in rows]

    @property
    def _known(self) -> dict[str, dict[str, ChannelSetting]]:
        return self._database.last_known.setdefault(settings.name, {})

    def _keep(self, channel: str, chosen: dict[str, ChannelSetting]) -> None:
        self._known[channel] = chosen


def _row(channel: str, key: str, value: str, by: str) -> dict[str, object]:
    return {"channel": channel, "key": key, "value": value, "by": by, "at": time.time()}


def _rows(connection: Connection) -> list[SettingRow]:
    return [(channel, key, value) for channel, key, value in connection.execute(_WANTED)]


def settings_in(file: Path) -> list[SettingRow]:
    """Return the settings in a SQLite file that no connection is open to."""
    if is_missing(file):
        return []
    with closing(connect(file)) as connection:
        has_some = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'settings'").fetchone()
        return connection.execute("SELECT channel, key, value FROM settings").fetchall() if has_some else []
