"""How much each person may ask in a short time."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock
from typing import Protocol

BURST = 30
"""Questions at once: more than anybody types in half a minute, less than a script or a stuck key sends."""
NO_LIMIT = 1_000_000
"""Questions at once where nobody is to be kept waiting by one person, such as in the local workspace of one person."""
PER_SECOND = 1.0
"""Questions a second, in the long run: nobody reads an answer each second."""
QUESTION = 1.0
"""Tokens that a question, a command or a message to the bot takes."""
PRESS = 0.25
"""Tokens that a press or a form takes: somebody who works through a list of proposals presses faster than they type."""


class Taken(Enum):
    """Whether somebody may ask now."""

    YES = auto()
    FIRST_TOO_MANY = auto()
    """No, and they have not been told yet."""
    TOO_MANY = auto()
    """No, and they have been told since they last paused."""


@dataclass(frozen=True)
class Limit:
    """A bucket holds `burst` tokens and is refilled at `per_second`.

    A flood ends, so that the next one is told about again, once the bucket is half full.
    """

    burst: int = BURST
    per_second: float = PER_SECOND

    @property
    def pause(self) -> float:
        """Seconds without a request after which a flood has ended."""
        return self.burst / 2 / self.per_second


@dataclass
class Bucket:
    """The tokens that somebody had at a time, and whether they were told that there are too few."""

    tokens: float
    at: float
    told: bool = False

    def take(self, cost: float, now: float, limit: Limit) -> Taken:
        """Take so many tokens, if there are as many."""
        self.tokens, self.at = self.filled(now, limit), now
        self.told = self.told and self.tokens < limit.burst / 2
        if self.tokens >= cost:
            self.tokens -= cost
            return Taken.YES
        first, self.told = not self.told, True
        return Taken.FIRST_TOO_MANY if first else Taken.TOO_MANY

    def filled(self, now: float, limit: Limit) -> float:
        """Return the tokens that there are by now."""
        return min(self.tokens + max(now - self.at, 0.0) * limit.per_second, limit.burst)


class TokenBuckets:
    """A bucket for each person; a request takes what it costs."""

    def __init__(self, limit: Limit | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit or Limit()
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """People who asked lately."""
        return len(self._buckets)

    def take(self, person: str, cost: float = QUESTION) -> Taken:
        """Take so many tokens of somebody's, if there are as many."""
        with self._lock:
            now = self._clock()
            self._forget_full(now)
            bucket = self._buckets.setdefault(person, Bucket(self.limit.burst, now))
            self._buckets.move_to_end(person)
            return bucket.take(cost, now, self.limit)

    def _forget_full(self, now: float) -> None:
        """Forget the buckets that are full again; the first one was used longest ago."""
        while self._buckets and next(iter(self._buckets.values())).filled(now, self.limit) >= self.limit.burst:
            self._buckets.popitem(last=False)


class Buckets(Protocol):
    """Counts what people ask, whoever else counts with it. For several threads."""

    @property
    def limit(self) -> Limit:
        """How much one person may ask."""

    def take(self, person: str, cost: float = QUESTION) -> Taken:
        """Take so many tokens of somebody's, if there are as many."""
