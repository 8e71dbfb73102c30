"""What admins decided in Slack, and the log of what they did."""

import time
from dataclasses import dataclass

from sqlalchemy import Column, Float, Integer, String, Table, Text, delete, insert, select

from handlers.journal.database import Database, metadata
from indexes.messages import Translatable

ACTION_LENGTH = 64
"""Characters of an action, with the name of its knowledge base; a longer one is cut, since no database takes it."""

settings = Table(
    "settings",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("user", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("action", String(ACTION_LENGTH), nullable=False),
    Column("outcome", Text, nullable=False),
)


@dataclass(frozen=True)
class Setting:
    """A value an admin set in Slack."""

    value: str
    by: str


@dataclass(frozen=True)
class AuditEntry:
    """One admin action."""

    at: float
    user: str
    channel: str
    action: str
    outcome: str


class Decisions:
    """Settings of channels and the audit log. Writing raises JournalError: an admin must know what was not stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known_settings: dict[str, dict[str, Setting]] = {}

    def set(self, channel: str, key: str, value: str, by: str) -> None:
        """Store a setting for a channel; raises JournalError."""
        with self._database.insisting(Translatable("journal.failed.setting")) as connection:
            same = (settings.c.channel == channel, settings.c.key == key)
            connection.execute(delete(settings).where(*same))
            connection.execute(insert(settings).values(channel=channel, key=key, value=value, by=by, at=time.time()))
        self._known_settings[channel] = {**self._known_settings.get(channel, {}), key: Setting(value, by)}

    def settings(self, channel: str) -> dict[str, Setting]:
        """Return what admins set for a channel; what was last read, while the database can't be."""
        wanted = select(settings.c.key, settings.c.value, settings.c.by).where(settings.c.channel == channel)
        rows = self._database.read("read settings", wanted)
        if rows is not None:
            self._known_settings[channel] = {key: Setting(value, by) for key, value, by in rows}
        return self._known_settings.get(channel, {})

    def channels_set(self) -> list[str]:
        """List the channels for which admins set something."""
        rows = self._database.read("read settings", select(settings.c.channel).distinct())
        if rows is None:
            return [channel for channel, chosen in self._known_settings.items() if chosen]
        return [channel for (channel,) in rows]

    def record(self, user: str, channel: str, action: str, outcome: str) -> None:
        """Write an admin action to the audit log; raises JournalError."""
        values = {"user": user, "channel": channel, "action": action[:ACTION_LENGTH], "outcome": outcome}
        with self._database.insisting(Translatable("journal.failed.audit", action=action)) as connection:
            connection.execute(insert(audit).values(at=time.time(), **values))

    def audited(self, limit: int = 50) -> list[AuditEntry]:
        """Return the last admin actions, newest first."""
        columns = (audit.c.at, audit.c.user, audit.c.channel, audit.c.action, audit.c.outcome)
        newest = select(*columns).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
        return [AuditEntry(*row) for row in self._database.read("read the audit log", newest) or ()]
