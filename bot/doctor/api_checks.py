"""Checks of HTTP for programs: whether it can be opened, to whom, and which tokens are about to expire."""

import socket
import time
from collections.abc import Iterator
from importlib.util import find_spec

from bot.addresses import is_loopback, split
from bot.doctor.finding import Finding
from bot.doctor.local_checks import existing_database
from bot.extras import install
from bot.settings import Settings
from bot.status import read_status
from handlers.store.errors import StoreError
from handlers.store.tokens import Token, Tokens
from indexes.messages import Translatable, reason

DAY = 24 * 3600.0
SOON_DAYS = 14
PACKAGES = ("fastapi", "mcp", "prometheus_client", "uvicorn")


def check_api(settings: Settings) -> Iterator[Finding]:
    """Check API_BIND and the tokens."""
    bind = settings.environment.api_bind
    if not bind:
        yield Finding("ok", Translatable("doctor.http_closed"))
        return
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        yield Finding(
            "fail",
            Translatable("doctor.http_lacks", bind=bind, missing=tuple(missing), command=install("api")),
        )
        return
    yield _address(settings, bind)
    if not is_loopback(split(bind)[0]):
        yield Finding(
            "note",
            Translatable("doctor.http_reachable", bind=bind),
        )
    yield from _tokens(settings)


def _address(settings: Settings, bind: str) -> Finding:
    """Say whether the address is open, or could be."""
    status = read_status(settings.environment.data_dir) or {}
    if address := status.get("process", {}).get("http"):
        return Finding("ok", Translatable("doctor.http_open", address=str(address)))
    host, port = split(bind)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        return Finding("fail", Translatable("doctor.http_refused", bind=bind, why=reason(error)))
    return Finding("ok", Translatable("doctor.http_opens", bind=bind))


def _tokens(settings: Settings) -> Iterator[Finding]:
    database = existing_database(settings)
    if database is None:
        return
    try:
        tokens = Tokens(database).all()
    except StoreError:
        return  # which the check of the database says
    finally:
        database.close()
    names = tuple(token.name for token in tokens)
    yield Finding("ok", Translatable("doctor.tokens", names=names) if names else Translatable("doctor.no_tokens"))
    yield from (Finding("note", _ending(token)) for token in tokens if _ends_soon(token))


def _ends_soon(token: Token) -> bool:
    return token.has_expired(time.time() + SOON_DAYS * DAY)


def _ending(token: Token) -> Translatable:
    day = str(token.expires_on)
    if token.has_expired(time.time()):
        return Translatable("doctor.token_expired", name=token.name, day=day)
    return Translatable("doctor.token_expires", name=token.name, day=day)
