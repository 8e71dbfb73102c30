"""Tokens of programs that ask over HTTP or MCP: named, for some knowledge bases or all, stored as digests."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Float, Row, String, Table, delete, insert, select

from handlers.readers import Reader
from handlers.store.audit import entry
from handlers.store.database import Database, metadata
from handlers.store.errors import StoreError
from handlers.texts import HandlerError
from indexes.messages import Translatable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}")
"""What a token may be called: what is stored with a question has room for 32 characters."""
BY = "kotae token"
"""Who made or revoked a token, in the audit log: somebody at the command line."""
DAY = 24 * 3600.0
ANONYMOUS = "anonymous"
"""Who asked, in what is stored of a question, when a program had no token."""
WITH_TOKEN = "token:"  # noqa: S105 - the beginning of a name
"""How it begins when it had one; the name follows."""
KEEP_EXPIRED_SECONDS = 90 * DAY
"""How long a token is listed after it expired."""
MAKING = "tokens"

_FORM = re.compile(r"kotae_([0-9a-f]{12})_[0-9a-f]{64}")
_NOBODYS = "0" * 64
"""No token's digest: a token that doesn't exist is compared, too, and takes as long to refuse as another."""

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("id", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("knowledge_bases", JSON(none_as_null=True), nullable=True),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=True),
)
"""`id` stands in the token itself; `knowledge_bases` is NULL for a token that sees all."""


class TokenError(HandlerError):
    """A token can't be made, or there is none of that name."""


class RefusedTokenError(TokenError):
    """A token is unknown, revoked or expired."""


@dataclass(frozen=True)
class Token:
    """What is known of a token; times are seconds since the epoch.

    `knowledge_bases` is None when it sees all, those included that come later; `expires` is None when it never does.
    """

    name: str
    id: str
    knowledge_bases: tuple[str, ...] | None
    created: float
    expires: float | None

    def has_expired(self, now: float) -> bool:
        """Tell whether it is too old to be used."""
        return self.expires is not None and now >= self.expires

    @property
    def expires_on(self) -> str:
        """The day on which it expires, in UTC; blank when it never does."""
        return "" if self.expires is None else time.strftime("%Y-%m-%d", time.gmtime(self.expires))


def asker(token: Token | None) -> str:
    """Return who asked, for what is stored of a question."""
    return ANONYMOUS if token is None else WITH_TOKEN + token.name


def token_name(user: str) -> str:
    """Return the name of the token with which a stored question was asked; blank for none."""
    return user.removeprefix(WITH_TOKEN) if user.startswith(WITH_TOKEN) else ""


def reader(token: Token | None, every: Iterable[str]) -> Reader:
    """Return who reads what a program is told: whoever holds its token or, without one, anybody.

    `every` are the names of all knowledge bases.
    """
    chosen = None if token is None else token.knowledge_bases
    return Reader(tuple(name for name in every if chosen is None or name in chosen), is_trusted=token is not None)


class Tokens:
    """Makes, checks and revokes tokens; raises StoreError while the database fails."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, knowledge_bases: Sequence[str] | None, days: int | None) -> str:
        """Make a token and return it; it is not stored, and can't be shown again. Raises TokenError for a taken name.

        Without `days` it never expires.
        """
        id_, now = secrets.token_hex(6), self._clock()
        plain = f"kotae_{id_}_{secrets.token_hex(32)}"
        expires = None if days is None else now + days * DAY
        values = {"name": name, "id": id_, "digest": _digest(plain), "created": now, "expires": expires}
        bases = None if knowledge_bases is None else list(knowledge_bases)
        token = Token(name, id_, None if bases is None else tuple(bases), now, expires)
        with self._database.transaction(Translatable("database.failed.token"), alone=MAKING) as connection:
            if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first():
                raise TokenError("token.taken", name=name)
            connection.execute(insert(tokens).values(**values, knowledge_bases=bases))
            connection.execute(entry(BY, "", _created(token)))
        return plain

    def revoke(self, name: str) -> None:
        """Delete a token: it is refused from now on, by every replica. Raises TokenError if there is none."""
        with self._database.transaction(Translatable("database.failed.revoking"), alone=MAKING) as connection:
            if not connection.execute(delete(tokens).where(tokens.c.name == name)).rowcount:
                raise TokenError("token.none", name=name)
            connection.execute(entry(BY, "", Translatable("audit.token_revoked", token=name)))

    def all(self) -> list[Token]:
        """List the tokens by name, the expired ones included."""
        return [_token(row) for row in self._read(select(tokens).order_by(tokens.c.name))]

    def named(self, name: str) -> Token | None:
        """Return the token of a name; None if it was revoked."""
        return next((_token(row) for row in self._read(select(tokens).where(tokens.c.name == name))), None)

    def check(self, plain: str) -> Token:
        """Return what is known of a token that somebody sent; raises RefusedTokenError."""
        form = _FORM.fullmatch(plain)
        found = self._read(select(tokens).where(tokens.c.id == form[1])) if form else ()
        is_theirs = hmac.compare_digest(found[0].digest if found else _NOBODYS, _digest(plain))
        if not (found and is_theirs):
            raise RefusedTokenError("token.refused")
        token = _token(found[0])
        if token.has_expired(self._clock()):
            raise RefusedTokenError("token.expired", day=token.expires_on)
        return token

    def purge(self, before: float) -> None:
        """Delete the tokens that expired before a time."""
        self._database.write("forget expired tokens", delete(tokens).where(tokens.c.expires < before))

    def _read(self, wanted: Any) -> Sequence[Row[Any]]:
        rows = self._database.read("check tokens", wanted)
        if rows is None:
            raise StoreError("token.unchecked")
        return rows


def _digest(plain: str) -> str:
    """Return the digest of a token: 256 random bits need no salt, and no slow hash."""
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()


def _created(token: Token) -> Translatable:
    """Return the audit entry of a new token."""
    everything = Translatable("token.every_base")
    bases = everything if token.knowledge_bases is None else tuple(token.knowledge_bases)
    until = token.expires_on or Translatable("token.never")
    return Translatable("audit.token_created", token=token.name, names=bases, until=until)


def _token(row: Row[Any]) -> Token:
    bases = None if row.knowledge_bases is None else tuple(row.knowledge_bases)
    return Token(row.name, row.id, bases, row.created, row.expires)
