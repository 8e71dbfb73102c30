"""Times the acks: from the arrival of an envelope until its ack was sent."""

import re
import threading
import time
from collections.abc import Callable

from slack_sdk.socket_mode.request import SocketModeRequest

from handlers.counters import Count, Counters

LATE_SECONDS = 3.0
"""How long Slack waits for an ack."""
FORGOTTEN_SECONDS = 60.0
"""After this long an envelope without an ack, such as one that the SDK didn't understand, gets none."""
DUE = 4
"""Envelopes that wait for their acks when nothing is wrong: fewer than these are acked within milliseconds."""
_ENVELOPE = re.compile(r'"envelope_id"\s*:\s*"([\w-]{1,64})"')


class AckClock:
    """Counts late acks and repeated deliveries, from any thread."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.monotonic) -> None:
        self._counters = counters
        self._clock = clock
        self._arrived: dict[str, float] = {}
        self._lock = threading.Condition()

    def arrived(self, message: str) -> None:
        """Note when a message came in; called on the thread that reads the socket."""
        if envelope := _ENVELOPE.search(message):
            now = self._clock()
            with self._lock:
                self._arrived[envelope[1]] = now
                while now - next(iter(self._arrived.values())) > FORGOTTEN_SECONDS:
                    del self._arrived[next(iter(self._arrived))]

    def acked(self, request: SocketModeRequest) -> None:
        """Note that an envelope was dealt with."""
        with self._lock:
            arrived = self._arrived.pop(request.envelope_id, None)
            self._lock.notify_all()
        if arrived is not None and self._clock() - arrived > LATE_SECONDS:
            self._counters.add(Count.LATE_ACKS)
        if request.retry_attempt:
            self._counters.add(Count.RETRIES)

    def wait_for_all(self) -> None:
        """Wait until every envelope that has arrived was dealt with, as long as Slack would wait for an ack."""
        with self._lock:
            self._lock.wait_for(lambda: not self._arrived, LATE_SECONDS)

    def are_due(self) -> bool:
        """Return whether so many envelopes wait for their acks that other work had better wait."""
        return len(self._arrived) > DUE
