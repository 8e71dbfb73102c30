"""Who asks through a door, and when it is their turn."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from handlers.doors.errors import NotNowError, TooManyError
from handlers.fair_turns import Source
from handlers.queue import Admission, Kind
from handlers.services import Services
from handlers.store.tokens import RefusedTokenError, Token, Tokens
from handlers.token_buckets import QUESTION

Value = TypeVar("Value")

WITH_TOKEN = QUESTION / 4
"""What a request with a token costs: such a program asks for many people, and somebody answers for it."""
PLACE = "programs"
"""Where all programs are: the queue takes places in turns, and people in turns within each."""


@dataclass(frozen=True)
class Caller:
    """A program that asks: by its token or, without one, by the address it calls from, which is not stored."""

    token: Token | None
    address: str = ""

    @property
    def key(self) -> str:
        """What requests are counted and take turns by, 32 characters at most."""
        if self.token:
            return f"token {self.token.id}"
        return f"address {hashlib.blake2b(self.address.encode(), digest_size=8).hexdigest()}"


def identify(services: Services, plain: str | None, address: str) -> Caller:
    """Return who sent a token, or none, and count the request.

    Raises RefusedTokenError for a token that is not valid: no token at all would be another matter. Raises TooManyError
    for too many requests, with valid tokens or not, and StoreError while tokens can't be checked.
    """
    try:
        caller = Caller(Tokens(services.database).check(plain) if plain is not None else None, address)
    except RefusedTokenError:
        _count(services, Caller(None, address))
        raise
    _count(services, caller)
    return caller


def _count(services: Services, caller: Caller) -> None:
    cost = WITH_TOKEN if caller.token else QUESTION
    if services.queue.may_ask(caller.key, cost) is not Admission.ACCEPTED:
        raise TooManyError("door.too_many", seconds=round(services.queue.pause))


def take_turn(services: Services, caller: Caller, job: Callable[[], Value]) -> Future[Value]:
    """Let a job wait for its turn; raises NotNowError when too many wait.

    It is not done if the future is cancelled before that. What the job raises, the future does.
    """
    future: Future[Value] = Future()
    source = Source(caller.key, PLACE)
    if services.queue.put(Kind.PROGRAM, source, partial(_do, future, job)) is not Admission.ACCEPTED:
        raise NotNowError("door.busy")
    return future


def _do(future: Future[Value], job: Callable[[], Value]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001 - raised where the future is waited for
        future.set_exception(error)
