"""What admins set for channels in Slack."""

import time
from dataclasses import dataclass

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from handlers.store.database import Database, metadata
from indexes.messages import Translatable

settings = Table(
    "settings",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)


@dataclass(frozen=True)
class ChannelSetting:
    """A value that an admin set in Slack."""

    value: str
    by: str


class ChannelSettings:
    """The settings of channels; what was last known, while the database can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, channel: str, key: str, value: str, by: str) -> None:
        """Store a setting for a channel; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.setting")) as connection:
            same = (settings.c.channel == channel, settings.c.key == key)
            connection.execute(delete(settings).where(*same))
            connection.execute(insert(settings).values(channel=channel, key=key, value=value, by=by, at=time.time()))
        self._keep(channel, {**self._known.get(channel, {}), key: ChannelSetting(value, by)})

    def of(self, channel: str) -> dict[str, ChannelSetting]:
        """Return what admins set for a channel, by key."""
        wanted = select(settings.c.key, settings.c.value, settings.c.by).where(settings.c.channel == channel)
        rows = self._database.read("read settings", wanted)
        if rows is not None:
            self._keep(channel, {key: ChannelSetting(value, by) for key, value, by in rows})
        return self._known.get(channel, {})

    def channels(self) -> list[str]:
        """List the channels for which admins set something."""
        rows = self._database.read("read settings", select(settings.c.channel).distinct())
        if rows is None:
            return [channel for channel, chosen in self._known.items() if chosen]
        return [channel for (channel,) in rows]

    @property
    def _known(self) -> dict[str, dict[str, ChannelSetting]]:
        return self._database.last_known.setdefault(settings.name, {})

    def _keep(self, channel: str, chosen: dict[str, ChannelSetting]) -> None:
        self._known[channel] = chosen
