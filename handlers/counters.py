"""What happened since the start, in numbers: for `status`, and for whatever reads metrics."""

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from threading import Lock


class Count(Enum):
    """What is counted; the value is its name in the status file."""

    LATE_ACKS = "late_acks"
    """Payloads acked later than Slack waits for; it shows the person an error, or delivers the event again."""
    RETRIES = "retries"
    """Events that Slack delivered again."""
    DROPPED_MESSAGES = "dropped_messages"
    """Messages in channels, not addressed to the bot, that there was no room for. Nobody is told."""
    DROPPED_EVENTS = "dropped_events"
    """Other events that nobody is told about: somebody opened the Home tab, typed in a form, joined a channel."""
    BUSY = "busy"
    """Requests that there was no room for; the asker is told."""
    TOO_MANY = "too_many"
    """Requests of people who sent too many at once; they are told once."""
    UNTOLD = "untold"
    """Requests that there was no room for, while there was not even room to say so."""
    UNKEPT = "unkept"
    """Requests acked without being stored, since the database was slow or failed: a crash would have lost them."""
    REDONE = "redone"
    """Requests of before the start that were done after it."""
    EXPIRED = "expired"
    """Requests of before the start that were too old for that."""


class Counters:
    """Counts since the start, from any thread."""

    def __init__(self) -> None:
        self._counts: Counter[Count] = Counter()
        self._lock = Lock()

    def add(self, what: Count) -> None:
        """Count one more."""
        with self._lock:
            self._counts[what] += 1

    def __getitem__(self, what: Count) -> int:
        """Return how often something happened."""
        return self._counts[what]

    def all(self) -> Mapping[str, int]:
        """Return every count by its name, zeros included."""
        return {what.value: self._counts[what] for what in Count}
