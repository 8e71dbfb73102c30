"""What a time limit means on a busy machine: the time for which this process was kept from working does not count."""

import threading
import time
from functools import cache
from pathlib import Path

STEP_SECONDS = 0.1
TASKS = Path("/proc/self/task")


class Stalls:
    """Notes how long a thread of this process was ready to run while others had the processors, as Linux counts it.

    Who computes for too long, or waits for what is slow, gains nothing by it. On other systems nothing is ever lost.
    """

    def __init__(self) -> None:
        self._lost: list[tuple[float, float, float]] = []
        """When each step began, how long it took, and the longest time that one thread lost in it."""
        threading.Thread(target=self._watch, name="stalls", daemon=True).start()

    def during(self, start: float, seconds: float) -> float:
        """Return how many of the seconds after a time of the monotonic clock were lost."""
        lost = 0.0
        for at, took, length in reversed(self._lost):
            if at + took < start:
                break
            lost += length * max(min(at + took, start + seconds) - max(at, start), 0.0) / took
        return lost

    def _watch(self) -> None:
        before, at = _waited(), time.monotonic()
        while True:
            time.sleep(STEP_SECONDS)
            try:
                now, then = _waited(), time.monotonic()
            except OSError:  # a test lets this process open no file for a moment: the step is longer then
                continue
            lost = max((now[task] - before.get(task, 0.0) for task in now), default=0.0)
            if lost > 0.1 * STEP_SECONDS:
                self._lost.append((at, then - at, min(lost, then - at)))
            before, at = now, then


def _waited() -> dict[str, float]:
    """Return for how many seconds each thread has waited for a processor so far."""
    waited = {}
    for task in TASKS.iterdir() if TASKS.is_dir() else ():
        try:
            waited[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
        except OSError:  # it has ended
            continue
    return waited


@cache
def stalls() -> Stalls:
    """Return the watch of this process; it begins when it is first asked for."""
    return Stalls()
