"""The replicas of one bot: who lives, by the database's clock, and what those leave behind who don't."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Row,
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

from handlers.store.claims import release
from handlers.store.database import STAYS, Database, metadata, session_name
from handlers.store.inbox import REDONE_SECONDS, Kept, inbox, kept_in

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

    def has_other_config(self, digest: str) -> bool:
        """Tell whether it lives and has read another kotae.toml; one of an earlier version doesn't tell."""
        return self.silent < DEAD_SECONDS and self.doing.get("config", digest) != digest


@dataclass(frozen=True)
class Estate:
    """What dead replicas leave: who they were, their unfinished payloads, and the claims that these held."""

    dead: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    claims: tuple[str, ...] = ()


class OneProcess:
    """Stands for the replicas where there is one process: it finds what the one before it left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_new = True

    def join(self, id_: str, home: str, host: str) -> bool:
        """Nobody is to be told."""
        del id_, home, host
        return True

    def beat(self, id_: str, doing: Mapping[str, Any] | None) -> bool:
        """Nobody is to be told."""
        del id_, doing
        return True

    def leave(self, id_: str) -> None:
        """Nobody is to be told."""

    def take_over(self, heir: str, *, silent: bool) -> Estate:
        """Return what the process before this one left, the first time."""
        del silent
        is_new, self._is_new = self._is_new, False
        return (self._database.change("take over", partial(_inherit, heir)) if is_new else None) or Estate()

    def all(self) -> list[Replica]:
        """List no others."""
        return []


class Replicas:
    """Stores who is there. Only for a database that is shared, see `replicas_of`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def join(self, id_: str, home: str, host: str) -> bool:
        """Store a replica that starts; whoever had its DATA_DIR before is dead. False if the database fails."""
        row = {"id": id_, "home": home, "host": host, "started": NOW, "seen": NOW, "doing": "{}"}
        work = partial(_join, home, row)
        return self._database.change("join the replicas", work) is not None

    def beat(self, id_: str, doing: Mapping[str, Any] | None) -> bool | None:
        """Say that a replica lives, and what it does if that is given; None if the database fails.

        False when it was thought dead meanwhile.
        """
        does = {} if doing is None else {"doing": json.dumps(doing)}
        alive = update(replicas).where(replicas.c.id == id_).values(seen=NOW, **does)
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


def replicas_of(database: Database) -> OneProcess | Replicas:
    """Return who else works with a database."""
    return Replicas(database) if database.is_shared else OneProcess(database)


def _inherit(heir: str, connection: Connection) -> Estate:
    mine = inbox.c.instance == heir
    connection.execute(update(inbox).where(mine).values(instance=heir))  # changes nothing: a write locks
    rows = connection.execute(select(inbox).where(mine).order_by(inbox.c.received)).all()
    return Estate((), tuple(kept_in(rows)), release(connection, _young(rows), [heir]))


def _young(rows: Iterable[Row[Any]]) -> list[str]:
    """Return the keys of what is not too old to be done: what is keeps its claims, and is not done by anybody."""
    oldest = time.time() - REDONE_SECONDS
    return [row.key for row in rows if row.received >= oldest]


def _join(home: str, row: Mapping[str, Any], connection: Connection) -> bool:
    connection.execute(update(replicas).where(replicas.c.home == home).values(seen=LEFT))
    connection.execute(insert(replicas).values(row))
    return True


def _take_over(heir: str, silent_since: ColumnElement[Any], connection: Connection) -> Estate:
    silent = and_(replicas.c.id != heir, replicas.c.seen < silent_since)
    locked = select(replicas.c.id).where(silent).with_for_update(skip_locked=True)
    dead = tuple(connection.execute(locked).scalars())
    if dead:
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
    return Estate(dead, tuple(kept_in(rows)), release(connection, _young(rows), {row.instance for row in rows}))


def _end_connections(dead: Sequence[str], connection: Connection) -> None:
    """End the connections of processes that hang: what they had begun is undone, and their locks are released."""
    names = [session_name(each.partition(".")[0]) for each in dead]
    theirs = and_(activity.c.application_name.in_(names), activity.c.usename == func.current_user())
    connection.execute(select(func.pg_terminate_backend(activity.c.pid)).where(theirs))
