"""How often a method may be called."""

from __future__ import annotations

import time
from collections import defaultdict, deque


class RateLimits:
    """Slack's published limits per method and minute, and per channel and second for posting."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, most: int, seconds: float) -> int:
        """Seconds to wait before this call would be allowed; 0 when it is (and then it is counted)."""
        now = time.monotonic()
        times = self._times[key]
        while times and now - times[0] > seconds:
            times.popleft()
        if len(times) >= most:
            return max(1, round(seconds - (now - times[0])))
        times.append(now)
        return 0
