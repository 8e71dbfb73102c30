"""Work behind the listeners: a bounded pool of threads, so that acks never wait for searches, and locks."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

log = logging.getLogger(__name__)

Job = Callable[[], None]


class WorkQueue:
    """At most `workers` jobs at a time and `capacity` waiting; a further one is refused, for a polite "busy".

    Saying so may take as long as Slack does, so refusals are jobs too, in a lane of their own.
    """

    def __init__(self, workers: int = 16, capacity: int = 64, refusals: int = 32) -> None:
        self._work = _Lane(workers, capacity, "kotae-work")
        self._refusals = _Lane(1, refusals, "kotae-refusal")

    def put(self, job: Job) -> bool:
        """Accept a job, or return False when there is no place left or the queue is closed. Jobs must not raise."""
        return self._work.put(job)

    def put_refusal(self, job: Job) -> bool:
        """Accept what tells somebody that their job was not; False when so many wait for that, too."""
        return self._refusals.put(job)

    def __len__(self) -> int:
        """Jobs and refusals running or waiting."""
        return len(self._work) + len(self._refusals)

    def drain(self, seconds: float) -> bool:
        """Accept nothing more and finish what was accepted; tell whether all of it was done within `seconds`."""
        end = time.monotonic() + seconds
        lanes = (self._work, self._refusals)
        for lane in lanes:
            lane.close()
        late = [lane for lane in lanes if not lane.finish(max(end - time.monotonic(), 0.0))]
        return not late


class _Lane:
    """A bounded pool of threads and what waits for one of them."""

    def __init__(self, workers: int, capacity: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._places = threading.BoundedSemaphore(workers + capacity)
        self._pending: set[Future[None]] = set()
        self._lock = threading.Lock()

    def put(self, job: Job) -> bool:
        if not self._places.acquire(blocking=False):
            return False
        try:
            future = self._pool.submit(job)
        except RuntimeError:
            self._places.release()
            return False
        with self._lock:
            self._pending.add(future)
        future.add_done_callback(self._done)
        return True

    def __len__(self) -> int:
        return len(self._pending)

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    def finish(self, seconds: float) -> bool:
        with self._lock:
            pending = list(self._pending)
        unfinished = wait(pending, timeout=seconds).not_done
        for future in unfinished:
            future.cancel()
        return not unfinished

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._pending.discard(future)
        self._places.release()


class KeyedLocks:
    """A lock for each key, such as a message whose edits wait for its answer. Keys share a fixed number of locks."""

    def __init__(self, stripes: int = 64) -> None:
        self._locks = tuple(threading.Lock() for _ in range(stripes))

    def __call__(self, *key: str) -> threading.Lock:
        """Return the lock of a key, to be used in a ``with``."""
        return self._locks[hash(key) % len(self._locks)]
