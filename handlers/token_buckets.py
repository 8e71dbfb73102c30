"""How much each person may ask in a short time."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

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


@dataclass
class _Bucket:
    tokens: float
    at: float
    told: bool = False


class TokenBuckets:
    """A bucket of `burst` tokens for each person, refilled at `per_second`; a request takes what it costs.

    A flood ends, so that the next one is told about again, once its bucket is half full. Not for several threads.
    """

    def __init__(
        self, burst: int = BURST, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    @property
    def pause(self) -> float:
        """Seconds without a request after which a flood has ended."""
        return self.burst / 2 / self._per_second

    def __len__(self) -> int:
        """People who asked lately."""
        return len(self._buckets)

    def take(self, person: str, cost: float = QUESTION) -> Taken:
        """Take so many tokens of somebody's, if there are as many."""
        bucket = self._refilled(person)
        if bucket.tokens >= cost:
            bucket.tokens -= cost
            return Taken.YES
        first, bucket.told = not bucket.told, True
        return Taken.FIRST_TOO_MANY if first else Taken.TOO_MANY

    def _refilled(self, person: str) -> _Bucket:
        now = self._clock()
        self._forget_full(now)
        bucket = self._buckets.setdefault(person, _Bucket(self.burst, now))
        bucket.tokens = self._tokens(bucket, now)
        bucket.at = now
        bucket.told = bucket.told and bucket.tokens < self.burst / 2
        self._buckets.move_to_end(person)
        return bucket

    def _forget_full(self, now: float) -> None:
        """Forget the buckets that are full again; the first one was used longest ago."""
        while self._buckets and self._tokens(next(iter(self._buckets.values())), now) >= self.burst:
            self._buckets.popitem(last=False)

    def _tokens(self, bucket: _Bucket, now: float) -> float:
        return min(bucket.tokens + (now - bucket.at) * self._per_second, self.burst)
