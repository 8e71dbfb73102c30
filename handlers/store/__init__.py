"""The state database: what is remembered across restarts.

SQLAlchemy Core on SQLite (WAL), or on the PostgreSQL server that DATABASE_URL names, which several replicas of the bot
may share: only `engines` and what it chooses from know which. Times are seconds since the epoch, UTC. Each module has
its tables and a class that reads and writes them: it keeps nothing, so a handler makes one where it needs it, as in
`Questions(services.database).get(id)`. Tables of one feature are in that feature's own `store`; `handlers.schema` knows
them all.
"""
