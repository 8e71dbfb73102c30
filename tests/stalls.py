"""What a time limit means on a busy machine: the time for which this process was kept from working does not count."""

import threading
import time
from functools import cache

STEP_SECONDS = 0.02


class Stalls:
    """Notes when a short sleep ends late although this process did not compute meanwhile: others had the processors.

    Who computes for too long, or waits for what is slow, gains nothing by it.
    """

    def __init__(self) -> None:
        self._lost: list[tuple[float, float]] = []
        threading.Thread(target=self._watch, name="stalls", daemon=True).start()

    def during(self, start: float, seconds: float) -> float:
        """Return how many of the seconds after a time of the monotonic clock were lost."""
        end = start + seconds
        lost = 0.0
        for at, length in reversed(self._lost):
            if at + length < start:
                break
            lost += max(min(at + length, end) - max(at, start), 0.0)
        return lost

    def _watch(self) -> None:
        while True:
            before, worked = time.monotonic(), time.process_time()
            time.sleep(STEP_SECONDS)
            lost = time.monotonic() - before - STEP_SECONDS - (time.process_time() - worked)
            if lost > STEP_SECONDS:
                self._lost.append((time.monotonic() - lost, lost))


@cache
def stalls() -> Stalls:
    """Return the watch of this process; it begins when it is first asked for."""
    return Stalls()
