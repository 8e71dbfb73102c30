"""Rate limits of Web API methods."""

from __future__ import annotations

import time
from collections import defaultdict, deque


class RateLimits:
    """Slack's published limits: calls per method and minute, posts per channel and second."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, most: int, seconds: float) -> int:
        """Count a call and return 0, or return the seconds to wait before one is allowed."""
        now = time.monotonic()
        times = self._times[key]
        while times and now - times[0] > seconds:
            times.popleft()
        if len(times) >= most:
            return max(1, round(seconds - (now - times[0])))
        times.append(now)
        return 0
