"""How much each person may ask in a short time, whichever replica Slack hands their requests to."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import Boolean, Column, Connection, Float, String, Table, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from handlers.store.database import STAYS, Database, metadata
from handlers.token_buckets import QUESTION, Bucket, Buckets, Limit, Taken, TokenBuckets

WAIT_SECONDS = 0.5
"""How long a request waits for the database; some wait for it before their ack."""
AT_ONCE = 4

buckets = Table(
    "buckets",
    metadata,
    Column("person", String(32), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("told", Boolean, nullable=False),
    info={STAYS: True},
)
NOW = func.extract("epoch", func.clock_timestamp())


def buckets_of(database: Database, limit: Limit) -> Buckets:
    """Return the buckets of this process, or those that it shares with other replicas."""
    own = TokenBuckets(limit)
    return SharedBuckets(database, own) if database.is_shared else own


class SharedBuckets:
    """The buckets of all replicas; while the database is slow or fails, each replica counts with its `own`."""

    def __init__(self, database: Database, own: TokenBuckets) -> None:
        self._database = database
        self._own = own
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kotae-buckets")

    @property
    def limit(self) -> Limit:
        """How much one person may ask."""
        return self._own.limit

    def take(self, person: str, cost: float = QUESTION) -> Taken:
        """Take so many tokens of somebody's, if there are as many."""
        if self._database.trouble is None:
            taking = self._pool.submit(self._database.change, "count requests", partial(self._take, person, cost))
            try:
                taken = taking.result(WAIT_SECONDS)
            except TimeoutError:
                taking.cancel()  # unless it has begun: else more and more would wait for a database that hangs
                taken = None
            if taken is not None:
                return taken
        return self._own.take(person, cost)

    def _take(self, person: str, cost: float, connection: Connection) -> Taken:
        full = insert(buckets).values(person=person, tokens=self.limit.burst, at=NOW, told=False)
        same = {"person": full.excluded.person}  # changes nothing: it locks the row, and returns it
        locked = full.on_conflict_do_update(index_elements=[buckets.c.person], set_=same)
        row = connection.execute(locked.returning(buckets, NOW.label("now"))).one()
        bucket = Bucket(row.tokens, row.at, row.told)
        taken = bucket.take(cost, float(row.now), self.limit)
        values = {"tokens": bucket.tokens, "at": bucket.at, "told": bucket.told}
        connection.execute(update(buckets).where(buckets.c.person == person).values(values))
        return taken


def purge(database: Database, before: float) -> None:
    """Forget who has asked nothing since a time, in seconds since the epoch."""
    database.write("forget who asked long ago", delete(buckets).where(buckets.c.at < before))
