"""The replicas of one bot: who lives, by the database's clock, and what those leave behind who don't."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    String,
    Table,
    Text,
    and_,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    update,
)

from handlers.store.claims import seen
from handlers.store.database import STAYS, Database, metadata, session_name
from handlers.store.inbox import Kept, inbox, kept_in

DEAD_SECONDS = 6.0
"""How long a replica may be silent; it says every second that it lives."""

LEFT = 0.0
LEFT_BEFORE = 1.0
"""When a replica was seen that is known to have ended, and a time before which nobody else was."""

replicas = Table(
    "replicas",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("home", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("started", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("doing", Text, nullable=False),
    info={STAYS: True},
)
"""`home` is the name of a DATA_DIR, which one process at a time can have; `doing` is a JSON object."""

activity = table("pg_stat_activity", column("pid"), column("application_name"), column("usename"))
"""PostgreSQL's own list of connections."""
NOW = func.extract("epoch", func.clock_timestamp())
"""PostgreSQL's clock: those of the machines may differ."""


@dataclass(frozen=True)
class Replica:
    """A process of the bot; times in seconds since the epoch, `silent` in seconds since it said that it lives."""

    id: str
    host: str
    started: float
    silent: float
    doing: Mapping[str, Any]


@dataclass(frozen=True)
class Estate:
    """What dead replicas leave: who they were, their unfinished payloads, and the claims that these held."""

    dead: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    claims: tuple[str, ...] = ()


class Replicas:
    """Stores who is there. Only for a database that is shared."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def join(self, id_: str, home: str, host: str) -> bool:
        """Store a replica that starts; whoever had its DATA_DIR before is dead. False if the database fails."""
        row = {"id": id_, "home": home, "host": host, "started": NOW, "seen": NOW, "doing": "{}"}
        work = partial(_join, home, row)
        return self._database.change("join the replicas", work) is not None

    def beat(self, id_: str, doing: Mapping[str, Any]) -> bool | None:
        """Say that a replica lives; False when it was thought dead meanwhile, None if the database fails."""
        alive = update(replicas).where(replicas.c.id == id_).values(seen=NOW, doing=json.dumps(doing))
        return self._database.change("say that it lives", lambda connection: connection.execute(alive).rowcount > 0)

    def leave(self, id_: str) -> None:
        """Forget a replica that ends in order; what it did not finish is another's at once."""
        gone = update(replicas).where(replicas.c.id == id_).values(seen=LEFT)
        self._database.write("leave the replicas", gone)

    def take_over(self, heir: str, *, silent: bool) -> Estate:
        """Take the payloads of those that ended and, with `silent`, of those that say nothing any more.

        Their connections are ended, which may hold locks. It is one transaction, and each estate has one heir.
        """
        since = NOW - DEAD_SECONDS if silent else literal(LEFT_BEFORE)
        return self._database.change("take over", partial(_take_over, heir, since)) or Estate()

    def all(self) -> list[Replica]:
        """List the replicas that live or died just now, the oldest first."""
        silent = (NOW - replicas.c.seen).label("silent")
        wanted = (
            select(replicas, silent).where(replicas.c.seen > LEFT_BEFORE).order_by(replicas.c.started, replicas.c.id)
        )
        rows = self._database.read("list the replicas", wanted) or ()
        return [
            Replica(row.id, row.host, row.started, max(float(row.silent), 0.0), json.loads(row.doing)) for row in rows
        ]


def _join(home: str, row: Mapping[str, Any], connection: Connection) -> bool:
    connection.execute(update(replicas).where(replicas.c.home == home).values(seen=LEFT))
    connection.execute(insert(replicas).values(row))
    return True


def _take_over(heir: str, silent_since: ColumnElement[Any], connection: Connection) -> Estate:
    silent = and_(replicas.c.id != heir, replicas.c.seen < silent_since)
    locked = select(replicas.c.id).where(silent).with_for_update(skip_locked=True)
    dead = tuple(connection.execute(locked).scalars())
    _end_connections(dead, connection)
    connection.execute(delete(replicas).where(replicas.c.id.in_(dead)))
    # Payloads of an earlier version, which told nobody that it lived.
    nobodys = and_(inbox.c.instance.not_in(select(replicas.c.id)), inbox.c.received < NOW - DEAD_SECONDS)
    left = delete(inbox).where(or_(inbox.c.instance.in_(dead), nobodys)).returning(inbox)
    rows = sorted(connection.execute(left).all(), key=lambda row: float(row.received))
    if not rows:
        return Estate(dead)
    keys = [row.key for row in rows]
    connection.execute(delete(inbox).where(inbox.c.instance == heir, inbox.c.key.in_(keys)))
    connection.execute(insert(inbox), [{**row._mapping, "instance": heir} for row in rows])  # noqa: SLF001 - public
    released = connection.execute(delete(seen).where(seen.c.holder.in_(keys)).returning(seen.c.key))
    return Estate(dead, tuple(kept_in(rows)), tuple(released.scalars()))


def _end_connections(dead: Sequence[str], connection: Connection) -> None:
    """End the connections of processes that hang: what they had begun is undone, and their locks are released."""
    names = [session_name(each.partition(".")[0]) for each in dead]
    theirs = and_(activity.c.application_name.in_(names), activity.c.usename == func.current_user())
    connection.execute(select(func.pg_terminate_backend(activity.c.pid)).where(theirs))
