"""Times, percentiles, memory, and how noisy the machine is meanwhile."""

import math
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

_LOOPS = 400_000
_ROUNDS = 15


@dataclass(frozen=True)
class Spread:
    """Percentiles of some durations, in milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        return cls(*(percentile(seconds, share) * 1000 for share in (0.50, 0.95, 0.99)))


@dataclass(frozen=True)
class Noise:
    """What a fixed piece of work took, again and again: `spread` is (p90 - p10) / median."""

    median_ms: float
    spread: float
    load: float

    def __str__(self) -> str:
        return f"±{self.spread / 2:.0%} (fixed loop {self.median_ms:.0f} ms, load {self.load:.1f})"

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed; the nearest rank."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def noise() -> Noise:
    """Do the same arithmetic many times over."""
    took = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        total = 0
        for number in range(_LOOPS):
            total += number & 7
        took.append((time.perf_counter() - started) * 1000)
    median = statistics.median(took)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Noise(median, (percentile(took, 0.9) - percentile(took, 0.1)) / median, load)


def megabytes(pid: int | None = None) -> float:
    """Return the resident memory of a process, by default this one."""
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def anonymous_megabytes(pid: int | None = None) -> float:
    """Return the resident memory that is no file's, which the system can't take back; where unknown, all of it."""
    memory = psutil.Process(pid).memory_info()
    return float((memory.rss - getattr(memory, "shared", 0)) / 1e6)
