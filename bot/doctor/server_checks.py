"""Checks of a database server, and of the replicas that share it."""

from collections.abc import Iterator

from bot.doctor.finding import Finding
from bot.settings import Settings
from bot.terminal import moment
from handlers.store.database import Database
from handlers.store.replicas import DEAD_SECONDS, Replicas
from handlers.store.server import NO_CREATE, SLOW_SECONDS, ServerState
from indexes.messages import Translatable

LATER = Translatable("doctor.pgvector_later")
NONE = Translatable("doctor.no_pgvector")


def opens(server: ServerState | None, due: tuple[str, str] | None) -> Translatable:
    """Say that a database opens, on which server and how far away, and that it is `due` for an upgrade."""
    if server is None:
        if due is None:
            return Translatable("doctor.database_opens")
        return Translatable("doctor.database_upgrade", current=due[0], newest=due[1])
    away = f"{server.seconds * 1000:.1f}"
    if due is None:
        return Translatable("doctor.database_server", version=server.version, milliseconds=away)
    return Translatable(
        "doctor.database_server_upgrade", version=server.version, milliseconds=away, current=due[0], newest=due[1]
    )


def server_findings(settings: Settings, server: ServerState, *, is_due: bool) -> Iterator[Finding]:
    """Tell what is wrong with a server, or will be."""
    for fault in server.faults:
        yield Finding("fail", Translatable("doctor.database", said=fault))
    if not server.may_create:
        yield Finding("fail" if is_due else "note", Translatable("doctor.database", said=NO_CREATE))
    if server.seconds > SLOW_SECONDS:
        yield Finding("note", Translatable("doctor.slow_server", milliseconds=round(server.seconds * 1000)))
    yield from _pgvector(server, is_needed=settings.index_url is not None)


def _pgvector(server: ServerState, *, is_needed: bool) -> Iterator[Finding]:
    if is_needed and (fault := server.pgvector_fault):
        yield Finding("fail", Translatable("doctor.pgvector_fault", why=fault))
    elif is_needed:
        made = Translatable("doctor.pgvector", version=server.pgvector) if server.pgvector else LATER
        yield Finding("ok", made)
    elif not server.pgvector:
        there = server.available_pgvector
        yield Finding("note", Translatable("doctor.pgvector_there", version=there) if there else NONE)


def replica_findings(settings: Settings, database: Database) -> Iterator[Finding]:
    """Compare this kotae.toml with what the running replicas were given."""
    running = [each for each in Replicas(database).all() if each.silent < DEAD_SECONDS] if database.is_shared else []
    differing = [each for each in running if each.has_other_config(settings.config.digest)]
    for each in differing:
        yield Finding(
            "note",
            Translatable(
                "doctor.replica_config",
                host=each.host,
                since=moment(each.started),
                config=settings.config_path.name,
            ),
        )
    if running and not differing:
        yield Finding("ok", Translatable("doctor.replicas", count=len(running)))
