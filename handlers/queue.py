"""Work behind the listeners: bounded and fair, so that acks never wait for searches, nor anybody for a crowd."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from handlers.counters import Count, Counters
from handlers.fair_turns import FairTurns, Job, Limits, Source
from handlers.token_buckets import QUESTION, Buckets, Taken, TokenBuckets

log = logging.getLogger(__name__)

WORKERS = 16
"""Jobs at a time: most of a job is waiting for Slack or the model."""
TELLERS = 4
"""Threads that only tell people that their request was not taken: Slack may be slow, and all workers busy."""
HOLD_SECONDS = 0.5
"""How long a free worker waits at most for acks that are due: those come first, but not for ever."""
LOOK_SECONDS = 0.01
"""How often it looks whether they still are."""


class Kind(Enum):
    """What a job is for, the most urgent first; the value is its name in the status file."""

    NOTICE = "notices"
    """Telling somebody that their request was not taken."""
    ASKED = "asked"
    """Somebody addressed the bot and waits: a command, mention, direct message, press or form."""
    PROGRAM = "programs"
    """A program asks over HTTP or MCP: after people, and a quarter of the workers at most."""
    EVENT = "events"
    """Somebody opened the Home tab, types in a form, joined a channel; or the bot's own work."""
    MESSAGE = "messages"
    """A message that is not addressed to the bot, an edit or a deletion."""


class Admission(Enum):
    """What becomes of a job."""

    ACCEPTED = auto()
    BUSY = auto()
    """There is no room for it."""
    FIRST_TOO_MANY = auto()
    """Its sender has sent too many, and has not been told yet."""
    TOO_MANY = auto()
    """Its sender has sent too many, and was told."""


LIMITS = {
    Kind.NOTICE: Limits(1024, 1024, 16, TELLERS, TELLERS, 1),
    # 16 workers do 512 jobs of some 0.3 s in 10 s: who would wait longer is better told to come back.
    Kind.ASKED: Limits(512, 256, 32, WORKERS, WORKERS * 3 // 4, WORKERS // 4),
    Kind.PROGRAM: Limits(64, 64, 16, WORKERS // 4, WORKERS // 4, 2),
    Kind.EVENT: Limits(128, 128, 8, WORKERS // 4, WORKERS // 4, 2),
    # Half of the workers stay free for those who ask, however slow Slack is with what nobody asked for.
    Kind.MESSAGE: Limits(512, 256, 64, WORKERS // 2, WORKERS // 4, WORKERS // 4),
}
"""How much of each kind may wait and run: in all, in one place, of one person (over all places)."""
REFUSED = {
    Kind.NOTICE: Count.UNTOLD,
    Kind.ASKED: Count.BUSY,
    Kind.PROGRAM: Count.BUSY,
    Kind.EVENT: Count.DROPPED_EVENTS,
    Kind.MESSAGE: Count.DROPPED_MESSAGES,
}
"""As what a job is counted that there is no room for."""
ADMISSIONS = {
    Taken.YES: Admission.ACCEPTED,
    Taken.FIRST_TOO_MANY: Admission.FIRST_TOO_MANY,
    Taken.TOO_MANY: Admission.TOO_MANY,
}


class WorkQueue:
    """Runs jobs in threads: what was asked before what was not, and of each kind one place and person after the other.

    While `acks_are_due`, free workers wait a moment: they would take the processor from the acks.
    """

    def __init__(
        self,
        counters: Counters,
        acks_are_due: Callable[[], bool] = lambda: False,
        workers: int = WORKERS,
        limits: Mapping[Kind, Limits] = LIMITS,
        buckets: Buckets | None = None,
    ) -> None:
        self._counters = counters
        self._buckets = TokenBuckets() if buckets is None else buckets
        turns = {kind: FairTurns(limits[kind]) for kind in Kind}
        notices = {Kind.NOTICE: turns.pop(Kind.NOTICE)}
        self._crews = (_Crew(workers, turns, "kotae-work", acks_are_due), _Crew(TELLERS, notices, "kotae-notice"))

    @property
    def pause(self) -> float:
        """Seconds after which somebody who sent too many may begin anew."""
        return self._buckets.limit.pause

    def may_ask(self, person: str, cost: float = QUESTION) -> Admission:
        """Count a request of somebody's, in tokens; not accepted when they have sent too many lately."""
        admission = ADMISSIONS[self._buckets.take(person, cost)]
        if admission is not Admission.ACCEPTED:
            self._counters.add(Count.TOO_MANY)
        return admission

    def put(self, kind: Kind, source: Source, job: Job) -> Admission:
        """Accept a job unless there is no room or the queue is closed, which is counted. Jobs must not raise."""
        if self._crew(kind).put(kind, source, job):
            return Admission.ACCEPTED
        self._counters.add(REFUSED[kind])
        return Admission.BUSY

    def waiting(self) -> Mapping[str, int]:
        """Return how many jobs of each kind wait."""
        return {kind.value: len(self._crew(kind).kinds[kind]) for kind in Kind}

    def has_waiting(self, kind: Kind, source: Source) -> bool:
        """Return whether a job of this kind, place and person waits."""
        return self._crew(kind).has_waiting(kind, source)

    def __len__(self) -> int:
        """Jobs and notices running or waiting."""
        return sum(map(len, self._crews))

    def drain(self, seconds: float) -> bool:
        """Accept nothing more and finish what was accepted; tell whether all of it was done within `seconds`."""
        end = time.monotonic() + seconds
        for crew in self._crews:
            crew.close()
        late = [crew for crew in self._crews if not crew.finish(max(end - time.monotonic(), 0.0))]
        return not late

    def _crew(self, kind: Kind) -> "_Crew":
        return next(crew for crew in self._crews if kind in crew.kinds)


class _Crew:
    """Threads, and the kinds of jobs that wait for one of them, the most urgent first."""

    def __init__(
        self,
        workers: int,
        kinds: Mapping[Kind, FairTurns],
        name: str,
        acks_are_due: Callable[[], bool] = lambda: False,
    ) -> None:
        self.kinds = kinds
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._acks_are_due = acks_are_due
        self._busy = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, kind: Kind, source: Source, job: Job) -> bool:
        with self._changed:
            if self._closed or not self.kinds[kind].put(source, job):
                return False
            if self._busy < self._workers:
                self._busy += 1
                self._pool.submit(self._work)
        return True

    def has_waiting(self, kind: Kind, source: Source) -> bool:
        with self._changed:
            return self.kinds[kind].has_waiting(source)

    def __len__(self) -> int:
        return sum(len(turns) + turns.running for turns in self.kinds.values())

    def close(self) -> None:
        with self._changed:
            self._closed = True

    def finish(self, seconds: float) -> bool:
        """Wait until all jobs are done; give up those that still wait after `seconds`."""
        with self._changed:
            finished = self._changed.wait_for(lambda: not len(self), seconds)
            for turns in self.kinds.values():
                turns.clear()
        self._pool.shutdown(wait=False)
        return finished

    def _work(self) -> None:
        """Do one job after the other, as long as there are any that may run."""
        while taken := self._next():
            turns, source, job = taken
            try:
                job()
            except Exception:
                log.exception("A job raised; jobs must not")
            with self._changed:
                turns.finished(source)
                self._changed.notify_all()

    def _next(self) -> tuple[FairTurns, Source, Job] | None:
        self._let_acks_pass()
        with self._changed:
            for turns in self.kinds.values():
                if taken := turns.take():
                    return turns, *taken
            self._busy -= 1
            return None

    def _let_acks_pass(self) -> None:
        until = time.monotonic() + HOLD_SECONDS
        while self._acks_are_due() and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)


class KeyedLocks:
    """A lock for each key, such as a message whose edits wait for its answer. Keys share a fixed number of locks."""

    def __init__(self, stripes: int = 64) -> None:
        self._locks = tuple(threading.Lock() for _ in range(stripes))

    def __call__(self, *key: str) -> threading.Lock:
        """Return the lock of a key, to be used in a ``with``."""
        return self._locks[hash(key) % len(self._locks)]
