"""The audit log: what admins did."""

import json
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Float, Insert, Integer, String, Table, Text, insert, select

from handlers.store.database import FORGOTTEN, Database, metadata
from handlers.texts import ENGLISH
from indexes.messages import Translatable, Value, as_data, from_data

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("user", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("action", String(64), nullable=False),
    Column("outcome", Text, nullable=False),
)


CLOCKS_DIFFER_SECONDS = 60.0
"""How far the clocks of two replicas may be apart."""
VOTES = "; votes: "
"""In rows of earlier versions, the text before the ids of those who confirmed an alias."""
PERSONAL = ("question", "votes")
"""Values of audit entries that tell what somebody asked, and who confirmed an alias."""


@dataclass(frozen=True)
class AuditEntry:
    """One admin action; `done` is said in each reader's language. `user` is blank for somebody who was forgotten."""

    at: float
    user: str
    channel: str
    done: Translatable


class AuditLog:
    """What admins did, newest first. Writing raises StoreError: nothing may be done without being logged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, user: str, channel: str, done: Translatable) -> None:
        """Write an admin action to the audit log; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.audit")) as connection:
            connection.execute(entry(user, channel, done))

    def knows(self, action: str, since: float, **values: Value) -> bool:
        """Tell whether an action is logged that was done since a time, by its key and some of its values."""
        wanted = select(audit.c.outcome).where(audit.c.action == action, audit.c.at >= since - CLOCKS_DIFFER_SECONDS)
        rows = self._database.read("look up what was done", wanted) or ()
        known = {name: as_data(value) for name, value in values.items()}
        return any(known.items() <= _values(row.outcome).items() for row in rows)

    def newest(self, limit: int = 50) -> list[AuditEntry]:
        """Return the last admin actions, newest first."""
        columns = (audit.c.at, audit.c.user, audit.c.channel, audit.c.action, audit.c.outcome)
        newest = select(*columns).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
        rows = self._database.read("read the audit log", newest) or ()
        return [
            AuditEntry(at, "" if user == FORGOTTEN else user, channel, _done(action, outcome))
            for at, user, channel, action, outcome in rows
        ]


def entry(user: str, channel: str, done: Translatable) -> Insert:
    """Return what writes an admin action to the audit log, in the transaction that does it."""
    outcome = json.dumps(as_data(done)["values"], ensure_ascii=False)
    return insert(audit).values(at=time.time(), user=user, channel=channel, action=done.key, outcome=outcome)


def quoted(action: str, outcome: str) -> str:
    """Return the question that a row of the audit log quotes; blank for none."""
    if action.startswith("audit.miss."):
        return str(_values(outcome).get("question", ""))
    return outcome if action.startswith("miss ") else ""


def impersonal(action: str, outcome: str) -> str:
    """Return the outcome of a row without the question that it quotes and those who confirmed an alias."""
    if action.startswith("audit."):
        return json.dumps({**_values(outcome), **dict.fromkeys(PERSONAL, "")}, ensure_ascii=False)
    return "" if action.startswith("miss ") else outcome.partition(VOTES)[0]


def _values(outcome: str) -> dict[str, Any]:
    try:
        values = json.loads(outcome)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _done(key: str, values: str) -> Translatable:
    """Read what was done; rows of earlier versions, which hold English sentences, are shown as they are."""
    try:
        done = Translatable(key, **{name: from_data(each) for name, each in json.loads(values).items()})
        ENGLISH.say(done)
    except (ValueError, AttributeError, KeyError, TypeError):
        return Translatable("audit.before", action=key, outcome=values)
    return done
