"""Checks of a database server, and of the replicas that share it."""

from collections.abc import Iterator
from time import ctime

from bot.doctor.finding import Finding
from bot.settings import Settings
from handlers.store.database import Database
from handlers.store.replicas import DEAD_SECONDS, Replicas
from handlers.store.server import NO_CREATE, SLOW_SECONDS, ServerState
from handlers.texts import ENGLISH


def on_server(server: ServerState | None) -> str:
    """Say on which server a database is, and how far away; blank for a file."""
    return f" on PostgreSQL {server.version}, {server.seconds * 1000:.1f} ms away" if server else ""


def server_findings(settings: Settings, server: ServerState, *, is_due: bool) -> Iterator[Finding]:
    """Tell what is wrong with a server, or will be."""
    for fault in server.faults:
        yield Finding("fail", f"State database: {ENGLISH.say(fault)}")
    if not server.may_create:
        yield Finding("fail" if is_due else "note", f"State database: {ENGLISH.say(NO_CREATE)}")
    if server.seconds > SLOW_SECONDS:
        yield Finding("note", f"State database: a round trip takes {server.seconds * 1000:.0f} ms: answers are late")
    yield from _pgvector(server, is_needed=settings.index_url is not None)


def _pgvector(server: ServerState, *, is_needed: bool) -> Iterator[Finding]:
    if is_needed and (fault := server.pgvector_fault):
        yield Finding("fail", f"INDEX_BACKEND = pgvector: {ENGLISH.say(fault)}")
    elif is_needed:
        made = f"pgvector {server.pgvector}" if server.pgvector else "pgvector is made at the first start"
        yield Finding("ok", f"INDEX_BACKEND = pgvector: {made}")
    elif not server.pgvector:
        there = server.available_pgvector
        mend = f"{there} is there: CREATE EXTENSION vector" if there else "it is not installed on the server"
        yield Finding("note", f"State database: no pgvector, which INDEX_BACKEND=pgvector needs; {mend}")


def replica_findings(settings: Settings, database: Database) -> Iterator[Finding]:
    """Compare this kotae.toml with what the running replicas were given."""
    running = [each for each in Replicas(database).all() if each.silent < DEAD_SECONDS] if database.is_shared else []
    differing = [each for each in running if each.has_other_config(settings.config.digest)]
    for each in differing:
        yield Finding(
            "note",
            f"Replicas: the one on {each.host}, running since {ctime(each.started)}, was given another kotae.toml than"
            f" this {settings.config_path.name}: give all the same, and restart them",
        )
    if running and not differing:
        yield Finding("ok", f"Replicas: {len(running)} running, all with this kotae.toml")
