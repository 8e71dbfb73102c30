"""Which channel each name stands for, by the channel's id, and what admins decided about it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Float, String, Table, select

from handlers.store.changes import DECISIONS, announce
from handlers.store.database import Database, metadata
from handlers.store.upsert import put
from indexes.messages import Translatable

channel_names = Table(
    "channel_names",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)


class BindingState(StrEnum):
    """The relation of a name and a channel that has, or had, it."""

    BOUND = "bound"
    WAITING = "waiting"
    """For an admin; none was asked yet."""
    ASKED = "asked"
    """For an admin; some were asked."""
    DECLINED = "declined"


@dataclass(frozen=True)
class Binding:
    """A name and a channel's id. An empty id says that the name was looked for: no later channel has it unasked.

    The name is a knowledge base's, or one in kotae.toml, which begins with #. `by` is the admin who decided.
    """

    name: str
    channel: str
    state: BindingState
    by: str = ""


class ChannelNames:
    """Stores bindings; while the database can't be read, what was last known counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Binding]:
        """List all bindings."""
        columns = (channel_names.c.name, channel_names.c.channel, channel_names.c.state, channel_names.c.by)
        rows = self._database.read("read which channels have which names", select(*columns))
        if rows is not None:
            found = [Binding(row.name, row.channel, BindingState(row.state), row.by) for row in rows]
            self._database.last_known[channel_names.name] = {(each.name, each.channel): each for each in found}
        return list(self._known.values())

    def remember(self, bindings: Sequence[Binding]) -> None:
        """Store bindings; while the database fails they count until the process ends."""
        if bindings:
            self._database.write("remember channels", put(channel_names, *map(_row, bindings)))
        self._keep(bindings)

    def decide(self, bindings: Sequence[Binding]) -> None:
        """Store what an admin decided; raises StoreError."""
        with self._database.transaction(Translatable("database.failed.choice")) as connection:
            connection.execute(put(channel_names, *map(_row, bindings)))
            announce(connection, DECISIONS)
        self._keep(bindings)

    @property
    def _known(self) -> dict[tuple[str, str], Binding]:
        return self._database.last_known.get(channel_names.name, {})

    def _keep(self, bindings: Sequence[Binding]) -> None:
        fresh = {(binding.name, binding.channel): binding for binding in bindings}
        self._database.last_known[channel_names.name] = {**self._known, **fresh}


def _row(binding: Binding) -> dict[str, object]:
    return {**vars(binding), "state": binding.state.value, "at": time.time()}
